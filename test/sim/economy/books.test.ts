import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Books } from '../../../sim/economy/books.ts'
import type { Population } from '../../../sim/economy/population.ts'
import { Tally } from '../../../sim/economy/tally.ts'
import { FACTOR_ONE } from '../../../src/state/decay.ts'
import { DAY_MS, MICRO } from '../../../src/units.ts'
import { decayLaw, interval } from '../../support/decay-laws.ts'

const NONE = { base_ppm: 0, grace_ms: 0, max_age_ms: 365 * DAY_MS }
const MODERATE = { base_ppm: 50_000, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS }

/** Accounts with one lot each, of today. */
function fresh(...amounts: readonly number[]): Population {
  const holdings = amounts.map(amount => ({ lots: [[0, amount]] as const }))
  return { interval_ms: DAY_MS, factors: [FACTOR_ONE], holdings }
}

describe('books in virtual time', () => {
  it('measure two accounts as computed by hand', () => {
    const books = new Books(fresh(100 * MICRO, 100 * MICRO, 0), NONE)
    const tally = new Tally(0.5)
    books.advance(15 * DAY_MS)
    assert.equal(books.settle(0), 100 * MICRO)
    books.pay(0, 50 * MICRO)
    books.earn(1)
    books.advance(30 * DAY_MS)
    books.sweep()
    tally.close(books)
    // 75, 125 and 0 ATP were held on average: 50 ÷ 75 is above the minimum, 0 ÷ 125 below, the third is not counted; 50 ÷ 200 in
    // all. Gini 2 · 125 ÷ (3 · 200).
    const month = { velocity: 0.25, gini: 0.416667, decayed: '0', decayed_share: 0, expired: '0', below_minimum: 0.5 }
    assert.deepEqual(tally.months, [month])
    books.advance(60 * DAY_MS)
    books.sweep()
    tally.close(books)
    // Now 50, 150 and 0, and nothing moved; both months together are 50 ÷ 400, and three of four times somebody was slow.
    assert.deepEqual(tally.months[1], { ...month, velocity: 0, gini: 0.5, below_minimum: 1 })
    assert.deepEqual(tally.measures, { ...month, velocity: 0.125, gini: 0.5, below_minimum: 0.75 })
  })

  it('lose what the ledger loses, and charge it again in equal parts', () => {
    const books = new Books(fresh(1_000_000_000 * MICRO, 0, 0), MODERATE)
    books.advance(30 * DAY_MS)
    books.sweep()
    assert.deepEqual(books.balances(), [961_239_119_621_443, 0, 0])
    // 10^9 ATP less 961 239 119.621443…: the fraction of a micro-ATP is in the pool, too.
    const decayed = 38_760_880_378_557n
    assert.equal(books.takeDecayed().all / 10n ** 15n, decayed)
    assert.equal(books.takeDecayed().all, 0n)
    // Two parts of whole micro-ATP; one is left over.
    books.charge([1, 2])
    assert.deepEqual(books.balances(), [961_239_119_621_443, Number(decayed / 2n), Number(decayed / 2n)])
    assert.equal(books.difference(), 0n)
    // New money: for seven days it loses a tenth.
    books.advance(31 * DAY_MS)
    assert.equal(books.settle(1), Math.floor((Number(decayed / 2n) * 59_990) / 60_000))
  })

  it('end what reaches its maximal age, and say what it was worth', () => {
    const books = new Books(fresh(12 * MICRO, 30 * MICRO), { ...NONE, max_age_ms: 10 * DAY_MS })
    books.advance(9 * DAY_MS)
    books.sweep()
    assert.deepEqual(books.takeDecayed(), { all: 0n, expired: 0n })
    books.advance(10 * DAY_MS)
    books.sweep()
    const all = 42n * 10n ** 21n
    assert.deepEqual(books.takeDecayed(), { all, expired: all })
    assert.deepEqual([books.balances(), books.difference(), books.lotsDifference()], [[0, 0], 0n, 0n])
  })

  it('begin with the ages and the past decay of a ledger', () => {
    const half = FACTOR_ONE / 2
    // Age 2 is worth half, age 3 nothing any more; the newest lot is worth all of it.
    const population = {
      interval_ms: DAY_MS,
      factors: [FACTOR_ONE, FACTOR_ONE, half],
      holdings: [
        {
          lots: [
            [0, 1],
            [3, 5],
            [2, 3],
          ],
        },
        { lots: [] },
      ],
    } as const satisfies Population
    const books = new Books(population, { ...NONE, max_age_ms: 3 * DAY_MS })
    assert.deepEqual(books.balances(), [2, 0])
    assert.equal(books.held(), 2_500_000_000_000_000n)
    assert.deepEqual([books.difference(), books.lotsDifference()], [0n, 0n])
    books.advance(DAY_MS)
    assert.equal(books.settle(0), 1)
    assert.equal(books.takeDecayed().expired, 1_500_000_000_000_000n)
  })

  it('divide what is paid to the last unit, the oldest first', () => {
    const books = new Books(fresh(1_000_003, 7, 0, 0), MODERATE)
    books.advance(20 * DAY_MS)
    for (const payer of [0, 1]) books.pay(payer, books.settle(payer))
    assert.notEqual(books.difference(), 0n, 'what is on its way is on no account')
    books.earn(2, 600_000)
    books.earn(3, 9_000_000)
    books.earn(2)
    assert.equal(books.difference(), 0n)
    books.sweep()
    const [left, , first, second] = books.balances()
    assert.ok(first !== undefined && second !== undefined)
    assert.deepEqual([left, first], [0, 600_000])
    assert.throws(() => books.pay(2, first + 1), /holds less/)
  })

  it('balance after whatever happens', () => {
    const act = fc.record({
      days: fc.constantFrom(0, 0, 1, 3, 29, 70),
      payer: fc.nat(4),
      payee: fc.nat(4),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      charge: fc.boolean(),
    })
    const world = interval.chain(interval_ms =>
      fc.record({ interval_ms: fc.constant(interval_ms), law: decayLaw(interval_ms), acts: fc.array(act) }),
    )
    fc.assert(
      fc.property(world, ({ acts, interval_ms, law }) => {
        const { holdings } = fresh(5, 10 ** 6, 10 ** 15, 0, 3)
        const books = new Books({ interval_ms, factors: [FACTOR_ONE], holdings }, law)
        let day = 0
        for (const { charge, days, part, payee, payer } of acts) {
          day += days
          books.advance(day * DAY_MS)
          const amount = Math.floor(books.settle(payer) * part)
          if (amount > 0) books.pay(payer, amount)
          books.earn(payee)
          if (charge) books.charge([payer, payee])
          assert.equal(books.difference(), 0n)
        }
        books.sweep()
        assert.deepEqual([books.difference(), books.lotsDifference()], [0n, 0n])
      }),
    )
  })
})
