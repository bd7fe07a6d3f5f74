import type { Json } from '../canonical.ts'
import { canonicalBytes } from '../canonical.ts'
import { signedMessage, signedMessageOf } from '../crypto.ts'
import { toBase64url } from '../encoding.ts'
import { openSubmission } from '../ingest/open.ts'
import { diagnoseSignature, verifyAll } from '../ingest/verify.ts'
import { formatNote, parseNote } from '../log/note.ts'
import { homeOf } from '../records/names.ts'
import { type Standing, standingBytes } from '../records/standing.ts'
import type { AnyRecord, Sig, VerifiedRecord } from '../records/types.ts'
import { type Code, isTransient, type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { LctState } from '../state/model.ts'
import { stateKeys } from '../state/model.ts'
import type { RecordId, Seq } from '../units.ts'
import { judgeConsent } from './consent.ts'
import type { Federation } from './federation.ts'
import { linksBetween, noteForRange } from './log-key.ts'
import {
  type EntriesReply,
  type PeerInfo,
  RANGE_BYTES_MAX,
  RANGE_ENTRIES_MAX,
  type Receipt,
  type Requests,
} from './net.ts'
import { isBlocked } from './speakers.ts'

/** Answers to peers' requests. Every one is checked against policy first. */

function blocked(node: Federation, peer: PeerInfo): Rejection | undefined {
  return isBlocked(node, peer) ? rejection('PEER_DENIED') : undefined
}

export async function serveEntries(
  node: Federation,
  peer: PeerInfo,
  request: Requests['entries']['request'],
): Promise<Result<EntriesReply>> {
  const denied = blocked(node, peer)
  if (denied !== undefined) return fail(denied)
  const held = node.held(request.society)
  if (!held.ok) return held
  const { replica, notes } = held.value
  const note = await noteForRange(replica, notes, request.from)
  if (note === undefined || request.from > note.checkpoint.size) return fail(rejection('CHECKPOINT_AHEAD'))
  const { size } = note.checkpoint
  const entries = await replica.entries(
    request.from,
    Math.min(request.limit, RANGE_ENTRIES_MAX, size - request.from),
    RANGE_BYTES_MAX,
  )
  const end = request.from + entries.length
  const root = await replica.rootAt(end)
  const proof = await replica.consistency(end, size)
  if (root === undefined || proof === undefined) return fail(rejection('INTERNAL'))
  const keys = await linksBetween(replica, end, size)
  return ok({
    entries,
    note: formatNote(note),
    root: toBase64url(root),
    proof: proof.map(toBase64url),
    ...(keys.length === 0 ? {} : { keys }),
  })
}

export async function serveCosign(
  node: Federation,
  peer: PeerInfo,
  request: Requests['cosign']['request'],
): Promise<Result<{ readonly line: string }>> {
  const denied = blocked(node, peer)
  if (denied !== undefined) return fail(denied)
  const parsed = parseNote(request.note)
  if (!parsed.ok) return parsed
  const society = parsed.value.checkpoint.origin.split('/')[1] ?? ''
  if (!node.policies.get(society).witness) return fail(rejection('NOT_CONSENTED'))
  const held = node.held(society)
  if (!held.ok) return fail(rejection('NOT_CONSENTED'))
  if (held.value.replica.inForce !== undefined && !held.value.namesUs)
    return fail(rejection('NOT_CONSENTED', 'the law does not name this witness'))
  const line = await held.value.witness.cosign(request.note)
  if (!line.ok) return line
  return ok({ line: line.value })
}

export async function serveCountersign(
  node: Federation,
  peer: PeerInfo,
  request: Requests['countersign']['request'],
): Promise<Result<Sig>> {
  const denied = blocked(node, peer)
  if (denied !== undefined) return fail(denied)
  const record = request.record as unknown as AnyRecord
  const refused =
    record.kind === 'resume'
      ? await node.resumes.witness.judge(record, peer)
      : await judgeConsent(node, record, peer.witnessKey)
  if (refused !== undefined) return fail(refused)
  const { witnessSigner } = node.ports
  const signature = await witnessSigner.sign(signedMessage('record', canonicalBytes(request.record)))
  return ok({ by: witnessSigner.key, sig: toBase64url(signature) })
}

export async function serveStanding(
  node: Federation,
  peer: PeerInfo,
  request: Requests['standing']['request'],
): Promise<Result<Standing>> {
  const denied = blocked(node, peer) ?? node.sequencerBarrier()
  if (denied !== undefined) return fail(denied)
  const own = node.own
  if (own === undefined || homeOf(request.lct) !== own.log.society) return fail(rejection('NOT_SEQUENCER'))
  const signer = node.societySigner()
  if (!signer.ok) return signer
  const [state] = await own.log.replica.states([stateKeys.lct(request.lct)])
  if (state === undefined) return fail(rejection('LCT_UNKNOWN'))
  const { key, status } = state as unknown as LctState
  const claims = {
    key,
    lct: request.lct,
    size: own.log.replica.tip.size,
    society: own.log.society,
    status,
    time: node.ports.clock.now(),
  }
  return ok({ ...claims, sig: toBase64url(await signer.value.sign(standingBytes(claims))) })
}

export async function serveSubmit(node: Federation, peer: PeerInfo, submission: Uint8Array): Promise<Result<Receipt>> {
  const denied = blocked(node, peer)
  if (denied !== undefined) return fail(denied)
  const opened = await openVerified(node, submission)
  if (!opened.ok) return opened
  // A receipt for what is here already is a signature too.
  const barred = node.sequencerBarrier()
  if (barred !== undefined && isTransient(barred.code)) return fail(barred)
  const sequenced = await sequence(node, opened.value)
  if (sequenced.ok) return makeReceipt(node, opened.value.id, { size: sequenced.value + 1 })
  // A receipt is a statement that lasts: what may pass in a moment is answered without one.
  const lasts = sequenced.error.code !== 'NOT_SEQUENCER' && !isTransient(sequenced.error.code)
  return !lasts ? sequenced : makeReceipt(node, opened.value.id, { code: sequenced.error.code })
}

/** Decodes a submission and proves its signatures. */
export async function openVerified(node: Federation, submission: Uint8Array): Promise<Result<VerifiedRecord>> {
  const { context, verifier } = node.ports
  const opened = openSubmission(submission, context.sha256)
  if (!opened.ok) return opened
  const [verified] = await verifyAll([opened.value], verifier, context.sha256)
  if (verified?.ok !== false) return verified ?? fail(rejection('INTERNAL'))
  return fail(diagnoseSignature(opened.value, context.verifySignature, context.sha256) ?? verified.error)
}

/** Through the own log's sequencer. */
export async function sequence(node: Federation, record: VerifiedRecord): Promise<Result<Seq>> {
  const own = node.own
  if (own === undefined || record.record.society !== own.log.society) return fail(rejection('NOT_SEQUENCER'))
  return own.sequencer.submit(record)
}

async function makeReceipt(
  node: Federation,
  id: RecordId,
  outcome: { readonly code?: Code; readonly size?: Seq },
): Promise<Result<Receipt>> {
  const signer = node.societySigner()
  if (!signer.ok) return signer
  const claims = { by: signer.value.key, id, society: node.ownSociety, time: node.ports.clock.now(), ...outcome }
  const sig = await signer.value.sign(signedMessageOf('receipt', claims as unknown as Json))
  return ok({ ...claims, sig: toBase64url(sig) })
}

export function receiptMessage(receipt: Receipt): Uint8Array {
  const { sig: _sig, ...claims } = receipt
  return signedMessageOf('receipt', claims as unknown as Json)
}
