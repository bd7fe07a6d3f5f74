import { logOf } from '../ingest/open.ts'
import { PROTOCOL } from '../records/law.ts'
import { rulesOf } from '../records/registry.ts'
import type { DecideContext, OpenedEntry } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { EpochMs, SocietyId } from '../units.ts'
import { advanceDecay } from './decay.ts'
import { readState, stateKeys, stateValue } from './model.ts'
import { advanceSnapshots } from './snapshots.ts'
import { Draft, type StateView } from './view.ts'

/**
 * The state machine of one society: what an entry changes, or why it is void. Pure and total: no clock, no I/O, no other log.
 * Shared rules first, in this order of precedence: kind, society, place, protocol, freshness, time, replay, author; then the kind's own.
 * UNKNOWN_KIND and UNKNOWN_PROTOCOL are not verdicts on the entry: the replica stops until it is updated.
 */
export function decide(view: StateView, society: SocietyId, entry: OpenedEntry, context: DecideContext): Result<Draft> {
  const draft = new Draft(view)
  const { record } = entry
  const rules = rulesOf(record.kind)
  if (rules === undefined) return fail(rejection('UNKNOWN_KIND', record.kind))
  if (logOf(entry, context.sha256) !== society) return fail(rejection('WRONG_SOCIETY'))
  const isCharter = record.kind === 'charter'
  if (isCharter !== (entry.seq === 0) || (isCharter && readState.charter(draft) !== undefined))
    return fail(rejection('CHARTER_TWICE'))
  const bad = isCharter ? refuseStale(entry, rules.freshnessMs) : shared(draft, society, entry, rules.freshnessMs)
  if (bad !== undefined) return fail(bad)
  const refused = rules.decide(draft, entry, context)
  if (refused !== undefined) return fail(refused)
  if (isCharter) draft.create(stateKeys.time, entry.time)
  else draft.replace(stateKeys.time, entry.time)
  if (!isCharter) draft.set(stateKeys.lane(record.author, record.lane), record.n)
  advanceSnapshots(draft, entry.seq + 1)
  return ok(draft)
}

/** State keys that any entry of this kind may read: one multi-get for a whole group. */
export function touchedKeys(entry: OpenedEntry): readonly string[] {
  const { record } = entry
  const own =
    rulesOf(record.kind)?.touches(
      record,
      entry.sigs.map(sig => sig.by),
    ) ?? []
  return [...SHARED_KEYS, stateKeys.lane(record.author, record.lane), stateKeys.lct(record.author), ...own]
}
const SHARED_KEYS = [
  stateKeys.charter,
  stateKeys.law,
  stateKeys.keys,
  stateKeys.time,
  stateKeys.decay,
  stateKeys.pool,
  stateKeys.flow,
  stateKeys.snapshots,
]

/** Rules of every entry but the charter. Also brings the decay table to the entry's interval. */
function shared(draft: Draft, society: SocietyId, entry: OpenedEntry, freshnessMs: EpochMs): Rejection | undefined {
  const { record } = entry
  const time = readState.time(draft)
  const charter = readState.charter(draft)
  const law = readState.law(draft)
  const decay = readState.decay(draft)
  if (time === undefined || charter === undefined || law === undefined || decay === undefined)
    return rejection('CHARTER_TWICE', 'no charter')
  if (law.protocol > PROTOCOL) return rejection('UNKNOWN_PROTOCOL', String(law.protocol))
  const stale = refuseStale(entry, freshnessMs)
  if (stale !== undefined) return stale
  if (entry.time < time) return rejection('ENTRY_TIME_BACKWARDS')
  const last = readState.lane(draft, record.author, record.lane)
  if (last !== undefined && record.n <= last) return rejection('REPLAYED', `n ${record.n}, last ${last}`)
  const bad = authorOf(draft, society, entry)
  if (bad !== undefined) return bad
  const now = advanceDecay(decay, entry.time, charter.interval_ms, law.decay)
  if (now !== decay) draft.replace(stateKeys.decay, stateValue(now))
  return undefined
}

function refuseStale({ record, time }: OpenedEntry, freshnessMs: EpochMs): Rejection | undefined {
  return Math.abs(record.time - time) > freshnessMs ? rejection('STALE', `${record.time - time} ms apart`) : undefined
}

/** The author exists here, is active, and signed with a key in force. Exact signer sets are the kinds' own rules. */
function authorOf(draft: Draft, society: SocietyId, entry: OpenedEntry): Rejection | undefined {
  const { record, sigs } = entry
  const signed = (key: string | undefined) => key !== undefined && sigs.some(sig => sig.by === key)
  if (record.author === society) {
    // A law.update that changes the society key is signed by the new one; its own rules hold it against the committed hash.
    const next = record.kind === 'law.update' ? (record.body as { society_key?: string }).society_key : undefined
    return signed(next ?? readState.keys(draft)?.society)
      ? undefined
      : rejection('SIGNER_WRONG', 'not the society key in force')
  }
  const lct = readState.lct(draft, record.author)
  if (lct === undefined) return rejection('AUTHOR_UNKNOWN')
  if (lct.status !== 'active') return rejection('AUTHOR_INACTIVE', lct.status)
  const overlap = lct.overlap !== undefined && entry.time < lct.overlap.until ? lct.overlap.key : undefined
  return signed(lct.key) || signed(overlap) ? undefined : rejection('SIGNER_WRONG', "not the author's key in force")
}
