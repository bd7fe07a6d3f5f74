import { fromBase64url, toBase64url } from '../encoding.ts'
import { sameHash } from '../log/merkle.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { KeyText, Seq } from '../units.ts'
import type { Federation } from './federation.ts'
import { type PeerId, RANGE_ENTRIES_MAX } from './net.ts'
import { peerPrefix } from './resume-follow.ts'
import type { ResumeAt } from './resume-state.ts'
import type { SocietyLog } from './society-log.ts'

/**
 * The usual fork: a restored backup wrote on, and the witnesses hold what it had forgotten. What can be kept is then their
 * history and not the one of the log's own node, which has to go over to it before it can be resumed.
 */

const FETCH_TIMEOUT_MS = 15_000

/** A history of the own log that somebody else holds. */
export interface OtherHistory extends ResumeAt {
  /** Entries that both histories share, the final ones among them; what is here above them would be given up. */
  readonly common: Seq
  readonly here: Seq
  readonly final: Seq
}

interface Found {
  readonly log: SocietyLog
  readonly peer: PeerId
  readonly history: OtherHistory
}

/** What the own node would go over to. Codes: NOT_SEQUENCER, RESUME_SOUND, PEER_UNREACHABLE, RESUME_SIZE, RESUME_FINAL, and the peer's. */
export async function otherHistory(node: Federation, witness: KeyText, size?: Seq): Promise<Result<OtherHistory>> {
  const found = await find(node, witness, size)
  return found.ok ? ok(found.value.history) : found
}

/** Goes over: what is here above the final entries is given up, and the other history is fetched up to its size. Then it can be resumed. */
export async function adoptHistory(node: Federation, witness: KeyText, at: ResumeAt): Promise<Result<OtherHistory>> {
  const found = await find(node, witness, at.size)
  if (!found.ok) return found
  const { history, log, peer } = found.value
  if (history.root !== at.root || history.epoch !== at.epoch) return fail(rejection('RESUME_ROOT', history.root))
  const { epoch, final, root, size } = history
  await log.rewind({ epoch, root, size, to: Math.max(1, Math.min(final, size)) })
  const refused = await fetchUpTo(node, log, peer, history)
  return refused === undefined ? ok(history) : fail(refused)
}

async function find(node: Federation, witness: KeyText, size: Seq | undefined): Promise<Result<Found>> {
  const log = node.own?.log
  if (log === undefined) return fail(rejection('NOT_SEQUENCER'))
  const { halt, tip } = log.replica
  if (halt?.mode !== 'frozen' && halt?.mode !== 'resuming') return fail(rejection('RESUME_SOUND'))
  const peer = node.ports.net.peers().find(({ witnessKey }) => witnessKey === witness)?.peer
  if (peer === undefined) return fail(rejection('PEER_UNREACHABLE', witness))
  const newest = await peerPrefix(node.ports, log, peer, size ?? 1)
  if (!newest.ok) return newest
  const kept = size ?? newest.value.note.size
  const { final } = log.notes
  if (kept < 1 || kept > newest.value.note.size)
    return fail(rejection('RESUME_SIZE', `1 to ${newest.value.note.size} can be kept`))
  const theirs = await peerPrefix(node.ports, log, peer, kept)
  if (!theirs.ok) return theirs
  const common = await commonSize(node, log, peer, Math.min(tip.size, kept))
  if (!common.ok) return common
  if (kept < final || common.value < final)
    return fail(rejection('RESUME_FINAL', `${final} entries are final, ${Math.min(common.value, kept)} are shared`))
  const root = toBase64url(theirs.value.root)
  const at = { society: log.society, epoch: log.replica.epoch + 1, size: kept, root }
  return ok({ log, peer, history: { ...at, common: common.value, here: tip.size, final } })
}

/** The largest size, at most `max`, at which both trees have one root: if they have at some size, they have at every smaller one. */
async function commonSize(node: Federation, log: SocietyLog, peer: PeerId, max: Seq): Promise<Result<Seq>> {
  let [low, high] = [0, max]
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const own = await log.replica.rootAt(middle)
    const theirs = await peerPrefix(node.ports, log, peer, middle)
    if (!theirs.ok) return theirs
    if (own !== undefined && sameHash(own, theirs.value.root)) low = middle
    else high = middle - 1
  }
  return ok(low)
}

async function fetchUpTo(
  node: Federation,
  log: SocietyLog,
  peer: PeerId,
  { epoch, final, root, size }: OtherHistory,
): Promise<Rejection | undefined> {
  while (log.replica.tip.size < size) {
    const from = log.replica.tip.size
    const request = { society: log.society, from, limit: Math.min(RANGE_ENTRIES_MAX, size - from) }
    const reply = await node.ports.net.request(peer, 'entries', request, { timeoutMs: FETCH_TIMEOUT_MS })
    if (!reply.ok) return reply.error
    if (reply.value.entries.length > request.limit) return rejection('PEER_GARBAGE', 'more than was asked for')
    const applied = await log.follower.onRange(from, reply.value, { ofSpentEpoch: true })
    if (!applied.ok) return applied.error
    if (!applied.value) return rejection('PEER_GARBAGE', 'no entries')
  }
  const reached = log.replica.tip.root
  if (sameHash(reached, fromBase64url(root, 32) as Uint8Array)) return undefined
  // The peer changed its mind in between; what it sent is none of what it showed.
  await log.rewind({ epoch, root, size, to: Math.max(1, Math.min(final, size)) })
  return rejection('PROOF_INVALID', 'not the history that was shown')
}
