import assert from 'node:assert/strict'
import fc from 'fast-check'
import { advanceDecay, FACTOR_ONE, factorAt, genesisDecay, projectDecay } from '../../src/state/decay.ts'
import type { DecayRates, DecayState } from '../../src/state/model.ts'
import { DAY_MS, HOUR_MS, MONTH_MS } from '../../src/units.ts'
import { T0 } from '../support/entries.ts'

const LAW: DecayRates = { base_ppm: 50_000, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS }
const K0 = T0 / DAY_MS
const genesis = () => genesisDecay(T0, DAY_MS, LAW)

/** The rule as the page states it, one origin and one step at a time. */
function step(factor: bigint, age: number, rates: DecayRates, intervalMs: number): bigint {
  if ((age + 1) * intervalMs >= rates.max_age_ms) return 0n
  const rate = age * intervalMs < rates.grace_ms ? Math.floor(rates.base_ppm / 10) : rates.base_ppm
  const q = 1_000_000n * BigInt(MONTH_MS)
  return (factor * (q - BigInt(rate) * BigInt(intervalMs))) / q
}

const rates = fc.record({
  base_ppm: fc.oneof(fc.constantFrom(0, 9, 10_000, 50_000, 1_000_000), fc.integer({ min: 0, max: 1_000_000 })),
  grace_ms: fc.integer({ min: 0, max: 20 * DAY_MS }),
  max_age_ms: fc.integer({ min: 1, max: 60 * DAY_MS }),
})
const interval = fc.constantFrom(HOUR_MS * 7, DAY_MS, DAY_MS + 1, MONTH_MS)

describe('decay table', () => {
  it('starts with one whole unit', () => {
    assert.deepEqual(genesis(), { k: K0, factors: [FACTOR_ONE], origin: K0, rates: LAW })
    assert.equal(genesisDecay(T0 + DAY_MS - 1, DAY_MS, LAW).k, K0)
  })

  it('is the same object while the interval is the same', () => {
    const decay = genesis()
    assert.equal(advanceDecay(decay, T0 + DAY_MS - 1, DAY_MS, LAW), decay)
    assert.equal(projectDecay(decay, K0, DAY_MS, LAW), decay)
  })

  for (const [days, left] of [
    [0, 1_000_000_000_000_000n],
    [1, 999_833_333_333_333n],
    [7, 998_833_916_504_653n],
    [8, 997_169_193_310_478n],
    [30, 961_239_119_621_443n],
    [364, 550_645_997_627_357n],
    [365, 0n],
    [366, 0n],
  ] as const) {
    it(`leaves ${left} of 10^15 after ${days} days of the default law`, () => {
      assert.equal(factorAt(advanceDecay(genesis(), T0 + days * DAY_MS, DAY_MS, LAW), K0), left)
    })
  }

  it('drops what nothing is left of and keeps a fresh unit for each interval', () => {
    const decay = advanceDecay(genesis(), T0 + 400 * DAY_MS, DAY_MS, LAW)
    assert.equal(decay.k, K0 + 400)
    assert.equal(decay.origin, K0 + 400 - 364)
    assert.equal(decay.factors.length, 365)
    assert.equal(decay.factors.at(-1), FACTOR_ONE)
    assert.equal(factorAt(decay, decay.origin - 1), 0n)
    assert.equal(factorAt(decay, decay.origin), 550_645_997_627_357n)
  })

  it('lets a law that changes in the middle of an interval rule from the next interval on', () => {
    const steeper = { ...LAW, base_ppm: 200_000 }
    // Day 10 has an entry before the law.update of that day, so the step from day 10 to 11 still follows the old law.
    const day10 = advanceDecay(genesis(), T0 + 10 * DAY_MS, DAY_MS, LAW)
    assert.equal(factorAt(advanceDecay(day10, T0 + 20 * DAY_MS, DAY_MS, steeper), K0), 934_223_210_725_061n)
    // Where the law.update is the first entry of day 10, its interval was still judged by the law before it: the same.
    const first = advanceDecay(genesis(), T0 + 10 * DAY_MS + 5, DAY_MS, LAW)
    assert.equal(factorAt(advanceDecay(first, T0 + 20 * DAY_MS, DAY_MS, steeper), K0), 934_223_210_725_061n)
    // With the law.update on day 9 and nothing on day 10, day 10 is the new law's.
    const day9 = advanceDecay(genesis(), T0 + 9 * DAY_MS, DAY_MS, LAW)
    assert.equal(factorAt(advanceDecay(day9, T0 + 20 * DAY_MS, DAY_MS, steeper), K0), 929_544_296_481_028n)
  })

  it('judges the charter interval by the law of the charter', () => {
    const none = { ...LAW, base_ppm: 0 }
    const decay = advanceDecay(genesis(), T0 + 2 * DAY_MS, DAY_MS, none)
    assert.equal(factorAt(decay, K0), 999_833_333_333_333n)
    assert.equal(factorAt(decay, K0 + 1), 1_000_000_000_000_000n)
  })

  it('never revives what an earlier law ended', () => {
    const short = { ...LAW, max_age_ms: 3 * DAY_MS }
    const ended = advanceDecay(genesisDecay(T0, DAY_MS, short), T0 + 3 * DAY_MS, DAY_MS, short)
    assert.equal(factorAt(ended, K0), 0n)
    assert.equal(factorAt(advanceDecay(ended, T0 + 5 * DAY_MS, DAY_MS, LAW), K0), 0n)
  })

  it('is quick over ten thousand intervals', () => {
    const start = process.hrtime.bigint()
    const jumped = advanceDecay(genesisDecay(T0, HOUR_MS, LAW), T0 + 10_000 * HOUR_MS, HOUR_MS, LAW)
    assert.equal(jumped.factors.length, 8_760)
    assert.ok(process.hrtime.bigint() - start < 1_000_000_000n)
  })

  it('follows the rule as the page states it, for any law and any jumps', () => {
    const jumps = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), rates), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(interval, rates, jumps, (intervalMs, charter, moves) => {
        let decay = genesisDecay(T0, intervalMs, charter)
        const expected = new Map<number, bigint>([[decay.k, BigInt(FACTOR_ONE)]])
        for (const [intervals, now] of moves) {
          const outOfLast = decay.rates
          const from = decay.k
          decay = projectDecay(decay, from + intervals, intervalMs, now)
          for (let k = from; k < from + intervals; k++) {
            for (const [o, left] of expected)
              expected.set(o, step(left, k - o, k === from ? outOfLast : now, intervalMs))
            expected.set(k + 1, BigInt(FACTOR_ONE))
          }
        }
        for (const [o, left] of expected) assert.equal(factorAt(decay, o), left)
        assert.ok(decay.factors.every(left => left > 0 && Number.isSafeInteger(left)))
        assert.equal(decay.origin + decay.factors.length - 1, decay.k)
      }),
    )
  })

  it('gives one table for one jump and for many small ones', () => {
    fc.assert(
      fc.property(
        interval,
        rates,
        fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 12 }),
        (intervalMs, law, jumps) => {
          const start: DecayState = genesisDecay(T0, intervalMs, law)
          const to = jumps.reduce((sum, jump) => sum + jump, start.k)
          const stepwise = jumps.reduce((decay, jump) => projectDecay(decay, decay.k + jump, intervalMs, law), start)
          assert.deepEqual(stepwise, projectDecay(start, to, intervalMs, law))
        },
      ),
    )
  })
})
