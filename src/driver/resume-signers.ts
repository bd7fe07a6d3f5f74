import { keyBytes, toBase64url } from '../encoding.ts'
import { logOf, openEntry } from '../ingest/open.ts'
import { verifyAll } from '../ingest/verify.ts'
import type { WitnessSet } from '../log/finality.ts'
import type { Law } from '../records/law.ts'
import type { OpenedEntry } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { HashText, KeyText, Seq } from '../units.ts'
import { type PeerId, RANGE_ENTRIES_MAX } from './net.ts'
import type { Replica } from './replica.ts'
import type { ResumePorts } from './resume-follow.ts'
import type { SocietyLog } from './society-log.ts'

/** Who had to sign a resume, looked at before anything is given up for it. */

const ASK_TIMEOUT_MS = 15_000

interface Force {
  readonly key: KeyText
  /** Hash of the key that may follow. */
  readonly next: HashText
  readonly set: WitnessSet
}

/**
 * SIGNER_WRONG unless the society key and exactly q witnesses in force at the resume signed it. What is in force follows from
 * what is held here up to `to`, and from the changes of the law that the peer shows between there and the resume: each
 * is signed by the society, so nobody else can bring this node to go back. That they are entries of the log, and all
 * other rules, is decided when they are applied.
 */
export async function refuseSigners(
  ports: ResumePorts,
  log: SocietyLog,
  peer: PeerId,
  { sigs, seq }: OpenedEntry,
  to: Seq,
): Promise<Rejection | undefined> {
  let force = forceAt(log.replica, to, ports)
  for (let from = to; force !== undefined && from < seq; ) {
    const entries = await fetchRange(ports, log, peer, from, seq)
    if (!entries.ok) return entries.error
    const updates = entries.value.filter(({ record }) => record.kind === 'law.update')
    for (const update of await verifyAll(updates, ports.verifier, ports.context.sha256))
      if (update.ok) force = afterUpdate(force, update.value, ports)
    from += entries.value.length
  }
  if (force === undefined) return rejection('SIGNER_WRONG', 'nothing is known of the keys')
  const { key, set } = force
  const countersigned = sigs.filter(({ by }) => set.witnesses.includes(by)).length
  const isExact = countersigned === set.quorum && sigs.length === set.quorum + 1 && sigs.some(({ by }) => by === key)
  return isExact ? undefined : rejection('SIGNER_WRONG', `${countersigned} of ${set.quorum} witnesses`)
}

function forceAt(replica: Replica, size: Seq, { context }: ResumePorts): Force | undefined {
  const key = replica.logKeyAt(size)
  const keys = replica.inForce?.keys
  if (key === undefined || keys === undefined) return undefined
  // What was committed to as next shows in the change that revealed it.
  const revealed = keyBytes(replica.keyChanges().find(change => change.seq >= size)?.key ?? '')
  return {
    key,
    next: revealed === undefined ? keys.next : toBase64url(context.sha256(revealed)),
    set: replica.setAt(size),
  }
}

function afterUpdate(force: Force, { record, sigs }: OpenedEntry, { context }: ResumePorts): Force {
  const body = record.body as unknown as { law: Law; society_key?: KeyText; next?: HashText }
  const key = body.society_key ?? force.key
  const isCommitted = key === force.key || toBase64url(context.sha256(keyBytes(key) ?? new Uint8Array())) === force.next
  if (!isCommitted || !sigs.some(({ by }) => by === key)) return force
  const { quorum, witnesses } = body.law.finality
  return { key, next: body.next ?? force.next, set: { quorum, witnesses } }
}

/** Entries from `from` on, one at least, none at `end` or above. */
async function fetchRange(
  { context, net }: ResumePorts,
  log: SocietyLog,
  peer: PeerId,
  from: Seq,
  end: Seq,
): Promise<Result<readonly OpenedEntry[]>> {
  const request = { society: log.society, from, limit: Math.min(RANGE_ENTRIES_MAX, end - from) }
  const reply = await net.request(peer, 'entries', request, { timeoutMs: ASK_TIMEOUT_MS })
  if (!reply.ok) return reply
  const entries: OpenedEntry[] = []
  for (const bytes of reply.value.entries.slice(0, request.limit)) {
    const opened = openEntry(bytes, context.sha256)
    if (!opened.ok) return opened
    if (opened.value.seq !== from + entries.length || logOf(opened.value, context.sha256) !== log.society)
      return fail(rejection('ENTRY_OUT_OF_ORDER'))
    entries.push(opened.value)
  }
  return entries.length === 0 ? fail(rejection('PEER_GARBAGE', 'no entry')) : ok(entries)
}
