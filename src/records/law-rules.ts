import { canonicalBytes } from '../canonical.ts'
import { LAW_BYTES_MAX, WITNESSES_MAX } from '../limits.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { stateValue } from '../state/model.ts'
import { DAY_MS, type EpochMs, HOUR_MS, type KeyText } from '../units.ts'
import { type Law, PROTOCOL } from './law.ts'
import { isSorted, isSortedSet } from './lists.ts'

/** The decay table has one factor for each living origin: an unbounded age would let a hostile law exhaust every replica. */
const AGE_INTERVALS_MAX = 10_000

/** What a law must fulfil wherever it comes into force: in a charter, a law.update, or a foreign one that is recognised. */

const INTERVAL_MS_MIN = HOUR_MS
const INTERVAL_MS_MAX = 30 * DAY_MS
/** The whole of an account per 30 days. */
const BASE_PPM_MAX = 1_000_000

/** Goes before all other rules: under a later protocol they may have changed. */
export function refuseProtocol(law: Law): Rejection | undefined {
  return law.protocol > PROTOCOL ? rejection('UNKNOWN_PROTOCOL', String(law.protocol)) : undefined
}

/** Two conflicting finals need 2q − n lying witnesses, so 2q ≤ n would need none. */
export function refuseQuorum(law: Law, societyKey: KeyText): Rejection | undefined {
  const { quorum, witnesses } = law.finality
  const n = witnesses.length
  if (n > WITNESSES_MAX) return rejection('LAW_QUORUM', `${n} witnesses`)
  if (new Set(witnesses).size !== n) return rejection('LAW_QUORUM', 'a witness more than once')
  if (witnesses.includes(societyKey) || witnesses.includes(law.witness_key)) {
    return rejection('LAW_QUORUM', 'a key of the society among its witnesses')
  }
  if (n === 0 ? quorum !== 0 : quorum > n || 2 * quorum <= n) return rejection('LAW_QUORUM', `${quorum} of ${n}`)
  return undefined
}

/** `intervalMs`: the charter's constant, where it is known. */
export function refuseValues(law: Law, intervalMs?: EpochMs): Rejection | undefined {
  const { base_ppm, grace_ms, max_age_ms } = law.decay
  if (base_ppm > BASE_PPM_MAX) return rejection('LAW_VALUES', 'decay.base_ppm')
  if (grace_ms > max_age_ms) return rejection('LAW_VALUES', 'decay.grace_ms')
  if (intervalMs !== undefined && max_age_ms < intervalMs) return rejection('LAW_VALUES', 'decay.max_age_ms')
  if (intervalMs !== undefined && max_age_ms > AGE_INTERVALS_MAX * intervalMs)
    return rejection('LAW_VALUES', 'decay.max_age_ms')
  if (!isSortedSet(law.birth.witnesses)) return rejection('LAW_VALUES', 'birth.witnesses')
  if (!isSorted(law.finality.witnesses)) return rejection('LAW_VALUES', 'finality.witnesses')
  if (!isSortedSet(law.roles.producer)) return rejection('LAW_VALUES', 'roles.producer')
  if (!isSortedSet(law.roles.treasury)) return rejection('LAW_VALUES', 'roles.treasury')
  return canonicalBytes(stateValue(law)).length > LAW_BYTES_MAX ? rejection('LAW_VALUES', 'too large') : undefined
}

export function refuseInterval(intervalMs: EpochMs): Rejection | undefined {
  return intervalMs < INTERVAL_MS_MIN || intervalMs > INTERVAL_MS_MAX
    ? rejection('LAW_VALUES', 'interval_ms')
    : undefined
}

/** Every key that a law names. */
export function keysOfLaw(law: Law): readonly KeyText[] {
  return [
    law.witness_key,
    ...law.finality.witnesses,
    ...law.birth.witnesses,
    ...law.roles.producer,
    ...law.roles.treasury,
  ]
}
