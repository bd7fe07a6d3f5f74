import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DECAY_PRESETS } from '../../src/records/law.ts'
import { FACTOR_ONE, factorAt, genesisDecay, projectDecay } from '../../src/state/decay.ts'
import type { DecayRates } from '../../src/state/model.ts'
import { DAY_MS, HOUR_MS, MONTH_MS } from '../../src/units.ts'
import { decayLaw, interval } from '../support/decay-laws.ts'
import { T0 } from '../support/entries.ts'

/** Decay as school arithmetic has it: exact fractions and no rounding at all. */
interface Fraction {
  readonly over: bigint
  readonly under: bigint
}
const ONE = BigInt(FACTOR_ONE)
const MILLION = 1_000_000n

/** What one interval leaves at this rate. */
function kept(ppm: number, intervalMs: number): Fraction {
  const under = MILLION * BigInt(MONTH_MS)
  return { over: under - BigInt(ppm) * BigInt(intervalMs), under }
}
const tenthOf = (ppm: number) => (ppm - (ppm % 10)) / 10

/** (1 − g·I/30 d)^(intervals in grace) · (1 − b·I/30 d)^(intervals after), and nothing from the maximal age on. */
function left(age: number, { base_ppm, grace_ms, max_age_ms }: DecayRates, intervalMs: number): Fraction {
  if (age > 0 && age * intervalMs >= max_age_ms) return { over: 0n, under: 1n }
  const inGrace = BigInt(Math.min(age, Math.ceil(grace_ms / intervalMs)))
  const [grace, full] = [kept(tenthOf(base_ppm), intervalMs), kept(base_ppm, intervalMs)]
  const after = BigInt(age) - inGrace
  return { over: grace.over ** inGrace * full.over ** after, under: grace.under ** BigInt(age) }
}

/** exact − factor/10^15, in units of 10^-15 rounded up: 0n or more when the table is not above. */
function shortOf({ over, under }: Fraction, factor: bigint): bigint {
  const difference = over * ONE - factor * under
  return difference < 0n ? -1n : (difference + under - 1n) / under
}

function check(age: number, rates: DecayRates, intervalMs: number, factor: bigint): void {
  const short = shortOf(left(age, rates, intervalMs), factor)
  assert.ok(short >= 0n, `above at ${age}`)
  // Each step rounds down by less than one unit, and what is lost shrinks with the rest: 10^-9 would be a million units.
  assert.ok(short <= BigInt(age), `${short} units of 10^-15 below at ${age}`)
}

const year = (base_ppm: number): DecayRates => ({ base_ppm, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS })

describe('the decay table and exact fractions', () => {
  for (const [name, base_ppm] of Object.entries(DECAY_PRESETS)) {
    it(`agree to 10^-9 for every age from 0 to 365 days of the preset ${name}, and the table is never above`, () => {
      const rates = year(base_ppm)
      const start = genesisDecay(T0, DAY_MS, rates)
      for (let age = 0; age <= 365; age++) {
        const factor = factorAt(projectDecay(start, start.k + age, DAY_MS, rates), start.k)
        check(age, rates, DAY_MS, factor)
        const { over, under } = left(age, rates, DAY_MS)
        assert.ok((over * ONE - factor * under) * 10n ** 9n <= over * ONE, `of itself, too, at ${age}`)
        assert.equal(factor === 0n, age === 365)
      }
    })
  }

  it('agree for every age of an hourly interval over a year', () => {
    const rates = year(DECAY_PRESETS.moderate)
    const start = genesisDecay(T0, HOUR_MS, rates)
    const { factors, k, origin } = projectDecay(start, start.k + 8_759, HOUR_MS, rates)
    assert.equal(origin, start.k)
    // 5 % of 720 hours is 1/14 400 for each, and a tenth of that in grace.
    let [over, under] = [1n, 1n]
    for (let age = 0; age < 8_760; age++) {
      const factor = BigInt(factors[k - origin - age] ?? 0)
      const short = shortOf({ over, under }, factor)
      assert.ok(short >= 0n && short <= BigInt(age), `${short} at ${age}`)
      const full = age >= 7 * 24
      over *= full ? 14_399n : 143_999n
      under *= full ? 14_400n : 144_000n
    }
  })

  it('agree for any law, any interval and any age', () => {
    const drawn = interval.chain(intervalMs =>
      fc.tuple(fc.constant(intervalMs), decayLaw(intervalMs, 1_000), fc.integer({ min: 0, max: 1_001 })),
    )
    fc.assert(
      fc.property(drawn, ([intervalMs, rates, age]) => {
        const start = genesisDecay(T0, intervalMs, rates)
        const decay = projectDecay(start, start.k + age, intervalMs, rates)
        check(age, rates, intervalMs, factorAt(decay, start.k))
      }),
      { numRuns: 300, verbose: 1 },
    )
  })

  it('agree when the law changes on the way', () => {
    const drawn = interval.chain(intervalMs =>
      fc.tuple(
        fc.constant(intervalMs),
        decayLaw(intervalMs),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), decayLaw(intervalMs)), { minLength: 1, maxLength: 5 }),
      ),
    )
    fc.assert(
      fc.property(drawn, ([intervalMs, charter, moves]) => {
        let decay = genesisDecay(T0, intervalMs, charter)
        const origin = decay.k
        let exact: Fraction = { over: 1n, under: 1n }
        // The step out of an interval follows the law before its first entry, all later ones the law before the next entry.
        let ruling = charter
        for (const [intervals, now] of moves) {
          for (let i = 0; i < intervals; i++) {
            const rates = i === 0 ? ruling : now
            exact = times(exact, oneStep(decay.k + i - origin, rates, intervalMs))
          }
          decay = projectDecay(decay, decay.k + intervals, intervalMs, now)
          ruling = now
        }
        const short = shortOf(exact, factorAt(decay, origin))
        assert.ok(short >= 0n && short <= BigInt(decay.k - origin), `${short}`)
      }),
      { numRuns: 300, verbose: 1 },
    )
  })

  it('make 961 239 119.62 of 10^9 ATP in 30 days', () => {
    const { over, under } = left(30, year(50_000), DAY_MS)
    const cents = (over * 10n ** 11n * 2n + under) / (2n * under)
    assert.equal(cents, 96_123_911_962n)
    assert.equal(over * 600n ** 30n * 10n ** 7n, 599n ** 23n * 5_999n ** 7n * under, '(1 − 1/6000)^7 · (1 − 1/600)^23')
  })
})

function oneStep(age: number, { base_ppm, grace_ms, max_age_ms }: DecayRates, intervalMs: number): Fraction {
  if ((age + 1) * intervalMs >= max_age_ms) return { over: 0n, under: 1n }
  return kept(age * intervalMs < grace_ms ? tenthOf(base_ppm) : base_ppm, intervalMs)
}

function times(a: Fraction, b: Fraction): Fraction {
  return { over: a.over * b.over, under: a.under * b.under }
}
