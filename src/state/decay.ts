import { type EpochMs, MONTH_MS } from '../units.ts'
import type { DecayRates, DecayState } from './model.ts'

/**
 * The decay table (docs/protocol.md, Decay): D(o, k) is what is left in interval k of one unit that came into being in
 * interval o, as a number of 10^-15. It depends on time and law alone, so value never depends on how often somebody looked.
 */
export const FACTOR_ONE = 1_000_000_000_000_000
/** Denominator of a step: rates are ppm per 30 days. */
const PPM_MONTH = 1_000_000n * BigInt(MONTH_MS)

export function genesisDecay(time: EpochMs, intervalMs: number, rates: DecayRates): DecayState {
  const k = Math.floor(time / intervalMs)
  return { k, factors: [FACTOR_ONE], origin: k, rates: ratesOf(rates) }
}

/** The table at an entry of `time`; the same object while the interval is the same. `ratesNow`: the law in force before that entry. */
export function advanceDecay(decay: DecayState, time: EpochMs, intervalMs: number, ratesNow: DecayRates): DecayState {
  return projectDecay(decay, Math.floor(time / intervalMs), intervalMs, ratesNow)
}

/**
 * The table in interval `toK` if the next entry came there. The step out of interval k follows the law before that interval's
 * first entry; there were no entries in later ones, so all further steps follow `ratesNow`.
 *
 * Whoever is older has no more left (its rate is never below a younger one's), so the walk goes from the newest origin back
 * and ends at the first 0; and origins after k share one path, because only their age tells them apart.
 */
export function projectDecay(decay: DecayState, toK: number, intervalMs: number, ratesNow: DecayRates): DecayState {
  if (toK <= decay.k) return decay
  const outOfLast = stepBy(decay.rates, intervalMs)
  const later = stepBy(ratesNow, intervalMs)
  const newestFirst: number[] = []
  let left = FACTOR_ONE
  for (let age = 0; left > 0 && age < toK - decay.k; age++) {
    newestFirst.push(left)
    left = later(left, age)
  }
  const reachesLast = newestFirst.length === toK - decay.k
  for (let origin = decay.k; reachesLast && origin >= decay.origin; origin--) {
    left = outOfLast(decay.factors[origin - decay.origin] ?? 0, decay.k - origin)
    for (let age = decay.k - origin + 1; left > 0 && age < toK - origin; age++) left = later(left, age)
    if (left === 0) break
    newestFirst.push(left)
  }
  return {
    k: toK,
    factors: newestFirst.reverse(),
    origin: toK - newestFirst.length + 1,
    rates: ratesOf(ratesNow),
  }
}

/** D(origin, k); 0n for origins of which nothing is left. */
export function factorAt(decay: DecayState, origin: number): bigint {
  return BigInt(decay.factors[origin - decay.origin] ?? 0)
}

/** One interval later, for an origin that is `age` intervals old before the step. */
export function stepBy(rates: DecayRates, intervalMs: number): (factor: number, age: number) => number {
  const grace = keeping(Math.floor(rates.base_ppm / 10), intervalMs)
  const full = keeping(rates.base_ppm, intervalMs)
  return (factor, age) => {
    if ((age + 1) * intervalMs >= rates.max_age_ms) return 0
    return age * intervalMs < rates.grace_ms ? grace(factor) : full(factor)
  }
}

/**
 * floor(D·(Q − r·I)/Q), which is D − ceil(D·p/q) with p/q = r·I/Q in lowest terms. Usual rates have p = 1 (5 % and 24 h: 1/600),
 * where all stays below 2^53 and needs no bigint: five times faster, and a year of hours is 19 million steps.
 */
function keeping(ppm: number, intervalMs: number): (factor: number) => number {
  const lost = BigInt(ppm) * BigInt(intervalMs)
  const common = gcd(lost, PPM_MONTH)
  const [p, q] = [Number(lost / common), Number(PPM_MONTH / common)]
  if (p * FACTOR_ONE > Number.MAX_SAFE_INTEGER)
    return factor => Number((BigInt(factor) * (PPM_MONTH - lost)) / PPM_MONTH)
  return factor => {
    const over = (factor * p) % q
    return factor - (factor * p - over) / q - (over > 0 ? 1 : 0)
  }
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b)
}

function ratesOf({ base_ppm, grace_ms, max_age_ms }: DecayRates): DecayRates {
  return { base_ppm, grace_ms, max_age_ms }
}
