import { canonicalBytes, decodeCanonical, type Json } from '../canonical.ts'
import { toBase64url } from '../encoding.ts'
import { openEntry } from '../ingest/open.ts'
import { type Bundle, type BundleVerdict, verifyBundle } from '../log/bundle.ts'
import { homeOf } from '../records/names.ts'
import { isTransient, type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { stateKeys } from '../state/model.ts'
import type { RecordId } from '../units.ts'
import { makeBundle } from './evidence.ts'
import type { Federation } from './federation.ts'
import type { NoticeReply, PeerInfo } from './net.ts'
import { HALT_CODES } from './own-start.ts'
import { type Payment, paymentOf } from './payments.ts'
import { finalForUs } from './relations.ts'
import type { SocietyLog } from './society-log.ts'
import { isBlocked, nodeOf } from './speakers.ts'

/** A payment across societies is told to the payee's home: by a proof that needs no log there, only witnesses that it accepts. */

/**
 * Proves a final payment to the node of the payee's home. Codes: NOT_FOUND, BAD_REQUEST (no payment to another society),
 * NOT_FINAL, PEER_UNREACHABLE, PEER_SILENT, PEER_GARBAGE, and those with which it refuses.
 */
export async function sendNotice(node: Federation, record: RecordId): Promise<Result<NoticeReply>> {
  const found = await paymentAt(node, record)
  if (!found.ok) return found
  const { log, payment } = found.value
  const peer = nodeOf(node, homeOf(payment.to))
  if (peer === undefined) return fail(rejection('PEER_UNREACHABLE', homeOf(payment.to)))
  const { sha256 } = node.ports.context
  const bundle = await makeBundle(log, payment.seq, sha256)
  if (!bundle.ok) return bundle
  const first = await ask(node, peer, payment, bundle.value)
  if (!first.ok || first.value.status === 'final') return first
  // A bundle holds no more cosignatures than it needs: there may be enough of those that count there.
  const other = await makeBundle(log, payment.seq, sha256, first.value.accepts)
  return other.ok ? ask(node, peer, payment, other.value) : first
}

async function paymentAt(
  node: Federation,
  record: RecordId,
): Promise<Result<{ readonly log: SocietyLog; readonly payment: Payment }>> {
  for (const log of node.logs.values()) {
    const seq = await log.replica.seqOf(record)
    if (seq === undefined) continue
    const [bytes] = await log.replica.entries(seq, 1)
    const opened = bytes === undefined ? undefined : openEntry(bytes, node.ports.context.sha256)
    const payment = opened?.ok === true ? paymentOf(log.society, opened.value) : undefined
    return payment === undefined || homeOf(payment.to) === log.society
      ? fail(rejection('BAD_REQUEST', 'no payment to another society'))
      : ok({ log, payment })
  }
  return fail(rejection('NOT_FOUND', record))
}

async function ask(
  node: Federation,
  { peer }: PeerInfo,
  { record, to }: Payment,
  bundle: Uint8Array,
): Promise<Result<NoticeReply>> {
  const reply = await node.ports.net.request(peer, 'notice', bundle)
  if (!reply.ok) return reply
  return reply.value.record === record && reply.value.lct === to
    ? reply
    : fail(rejection('PEER_GARBAGE', 'about something else'))
}

/** What a bundle says before anything of it is verified. */
interface Claim {
  readonly payment: Payment
  readonly bundle: Bundle
}

/**
 * Takes the proof of a payment to a member of the own society, from whoever brings it. Codes in this order: PEER_DENIED,
 * PEER_GARBAGE (no payment from another society), PEER_BLOCKED, LCT_FOREIGN, STARTING or LCT_UNKNOWN, those of the bundle,
 * CHECKPOINT_FORK (the log held here says something else), FROZEN, VOID_ENTRY, RESUMING, PEER_TOO_MUCH.
 */
export async function serveNotice(node: Federation, peer: PeerInfo, bytes: Uint8Array): Promise<Result<NoticeReply>> {
  if (isBlocked(node, peer)) return fail(rejection('PEER_DENIED'))
  const claim = readClaim(node, bytes)
  if (claim === undefined) return fail(rejection('PEER_GARBAGE', 'not the proof of a payment'))
  const { bundle, payment } = claim
  const refused = await refusePayee(node, payment)
  if (refused !== undefined) return fail(refused)
  const { sha256, verifySignature } = node.ports.context
  const verdict = verifyBundle(bytes, { verify: verifySignature, sha256 })
  if (!verdict.ok) return verdict
  const log = node.logs.get(payment.society)
  const held = log === undefined ? ok(false) : await compare(log, payment, bundle.note)
  if (!held.ok) return held

  const accepted = node.acceptedKeys()
  const reply = (status: NoticeReply['status']): Result<NoticeReply> => {
    const accepts = verdict.value.witnesses.filter(key => accepted.has(key))
    return ok({ accepts, lct: payment.to, record: payment.record, status })
  }
  if (log !== undefined && held.value && payment.seq < finalForUs(node, payment.society)) {
    await node.payments.settle(log)
    return reply('final')
  }
  if (verdict.value.signed.filter(key => accepted.has(key)).length < verdict.value.quorum)
    return reply('not-final-for-us')
  const kept = await node.payments.keep(provenBy(verdict.value, claim))
  return kept.ok ? reply('final') : kept
}

function readClaim(node: Federation, bytes: Uint8Array): Claim | undefined {
  const decoded = decodeCanonical(bytes)
  const bundle = (decoded.ok ? decoded.value : undefined) as unknown as Bundle | undefined
  if (typeof bundle?.entry !== 'object' || bundle.entry === null) return undefined
  const opened = openEntry(canonicalBytes(bundle.entry as Json), node.ports.context.sha256)
  const payment = opened.ok ? paymentOf(bundle.society, opened.value) : undefined
  return payment === undefined || homeOf(payment.to) === bundle.society ? undefined : { bundle, payment }
}

/** Before anything is verified, which costs more. */
async function refusePayee(node: Federation, { society, to }: Payment): Promise<Rejection | undefined> {
  if (node.policies.get(society).block) return rejection('PEER_BLOCKED')
  const own = node.own?.log
  if (own === undefined || homeOf(to) !== own.society) return rejection('LCT_FOREIGN')
  const [state] = await own.replica.states([stateKeys.lct(to)])
  if (state !== undefined) return undefined
  // After a restore it may be in entries that are not here yet.
  const barred = node.sequencerBarrier()
  return barred !== undefined && isTransient(barred.code) ? barred : rejection('LCT_UNKNOWN')
}

/** Whether the log held here has that entry; its note is news of the log as any other. */
async function compare(log: SocietyLog, { record, seq }: Payment, note: string): Promise<Result<boolean>> {
  await log.follower.onNote(note)
  const { halt, tip } = log.replica
  if (tip.size > seq) {
    const isHere = (await log.replica.seqOf(record)) === seq
    return isHere ? ok(true) : fail(rejection('CHECKPOINT_FORK'))
  }
  // It stopped below: whoever signs what follows is not with us.
  if (halt !== undefined && halt.mode !== 'update-needed') return fail(rejection(HALT_CODES[halt.mode]))
  return ok(false)
}

function provenBy({ quorum, signed }: BundleVerdict, { bundle, payment }: Claim) {
  const { entry, note, proof = [] } = bundle
  const bytes = canonicalBytes(entry as Json)
  return { payment, entry: toBase64url(bytes), note, proof, quorum, signed }
}
