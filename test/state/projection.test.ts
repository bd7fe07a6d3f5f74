import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Account, type Lot, spendable } from '../../src/state/account.ts'
import { factorAt, genesisDecay, projectDecay } from '../../src/state/decay.ts'
import type { DecayRates, DecayState } from '../../src/state/model.ts'
import { DecayCourse, diesAt, LotWalk, nextSteps, projectDays } from '../../src/state/projection.ts'
import { DAY_MS, HOUR_MS, MICRO, MONTH_MS } from '../../src/units.ts'
import { T0 } from '../support/entries.ts'

const LAW: DecayRates = { base_ppm: 50_000, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS }
const K0 = T0 / DAY_MS
const accountOf = (lots: readonly Lot[]) => ({ book: '0', lots }) as unknown as Account

const rates = fc.record({
  base_ppm: fc.oneof(fc.constantFrom(0, 9, 10_000, 50_000, 1_000_000), fc.integer({ min: 0, max: 1_000_000 })),
  grace_ms: fc.integer({ min: 0, max: 20 * DAY_MS }),
  max_age_ms: fc.integer({ min: 1, max: 60 * DAY_MS }),
})

interface Holding {
  readonly decay: DecayState
  readonly intervalMs: number
  readonly law: DecayRates
  readonly lots: readonly Lot[]
  /** From the start of the table's interval; negative: a clock set back. */
  readonly from: number
}

/** A log that has lived under several laws, an account whose lots are of any of its intervals, and a moment to look. */
const holding: fc.Arbitrary<Holding> = fc
  .record({
    intervalMs: fc.constantFrom(HOUR_MS * 7, DAY_MS, DAY_MS + 1, MONTH_MS),
    charter: rates,
    moves: fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), rates), { maxLength: 4 }),
    law: rates,
    lots: fc.array(fc.tuple(fc.integer({ min: 0, max: 130 }), fc.integer({ min: 1, max: 2 ** 50 })), { maxLength: 8 }),
    wait: fc.integer({ min: -3 * DAY_MS, max: 70 * DAY_MS }),
  })
  .map(({ charter, intervalMs, law, lots, moves, wait }) => {
    let decay = genesisDecay(T0, intervalMs, charter)
    const first = decay.k
    for (const [intervals, now] of moves) decay = projectDecay(decay, decay.k + intervals, intervalMs, now)
    const principals = new Map(lots.map(([age, principal]) => [Math.max(first, decay.k - age), principal]))
    return {
      decay,
      intervalMs,
      law,
      lots: [...principals].sort(([a], [b]) => a - b),
      from: decay.k * intervalMs + wait,
    }
  })

/** The same from the whole table, which is what decides about payments. */
function tableAt({ decay, intervalMs, law }: Holding, time: number): DecayState {
  return projectDecay(decay, Math.max(decay.k, Math.floor(time / intervalMs)), intervalMs, law)
}

function worthAt(held: Holding, time: number): number {
  return spendable(accountOf(held.lots), tableAt(held, time))
}

const courseOf = ({ decay, intervalMs, law }: Holding) => new DecayCourse(decay, intervalMs, law)

describe('projection', () => {
  const course = new DecayCourse(genesisDecay(T0, DAY_MS, LAW), DAY_MS, LAW)
  const milliard: readonly Lot[] = [[K0, 1_000_000_000 * MICRO]]

  for (const [days, left] of [
    [0, 1_000_000_000_000_000],
    [7, 998_833_916_504_653],
    [30, 961_239_119_621_443],
    [364, 550_645_997_627_357],
    [365, 0],
    [3_650, 0],
  ] as const) {
    it(`leaves ${left} micro-ATP of 10^9 ATP after ${days} days of the default law`, () => {
      const points = [...projectDays(course, milliard, T0, days)]
      assert.equal(points.length, days + 1)
      assert.deepEqual(points.at(-1), { day: days, spendable: left })
      assert.deepEqual(
        points.map(({ day }) => day),
        points.map((_, index) => index),
      )
    })
  }

  it('names the boundaries of the next steps, from the middle of an interval too', () => {
    const expected = [
      { time: T0 + DAY_MS, spendable: 999_833_333_333_333 },
      { time: T0 + 2 * DAY_MS, spendable: 999_666_694_444_444 },
    ]
    assert.deepEqual(nextSteps(course, milliard, T0, 2), expected)
    assert.deepEqual(nextSteps(course, milliard, T0 + DAY_MS - 1, 2), expected)
    assert.deepEqual(nextSteps(course, milliard, T0 + DAY_MS, 1), expected.slice(1))
  })

  it('says when a lot dies: at its maximal age, or when the rate has eaten it', () => {
    assert.equal(diesAt(course, K0, T0), T0 + 365 * DAY_MS)
    assert.equal(diesAt(course, K0, T0 + 365 * DAY_MS - 1), T0 + 365 * DAY_MS)
    const all = { base_ppm: 1_000_000, grace_ms: 0, max_age_ms: 365 * DAY_MS }
    const months = new DecayCourse(genesisDecay(0, MONTH_MS, all), MONTH_MS, all)
    assert.equal(diesAt(months, 0, 0), MONTH_MS)
  })

  it('has no time of death for what is dead already, or never was', () => {
    assert.equal(diesAt(course, K0, T0 + 365 * DAY_MS), undefined)
    assert.equal(diesAt(course, K0 - 1, T0), undefined)
  })

  it('makes the step out of the interval of the last entry by the law before it, all later ones by the law in force', () => {
    const steeper = { ...LAW, base_ppm: 200_000, max_age_ms: 3 * DAY_MS }
    const changed = new DecayCourse(genesisDecay(T0, DAY_MS, LAW), DAY_MS, steeper)
    assert.deepEqual(
      nextSteps(changed, [[K0, MICRO]], T0, 3).map(step => step.spendable),
      [999_833, 999_166, 0],
    )
    assert.equal(diesAt(changed, K0, T0), T0 + 3 * DAY_MS)
  })

  it('sums before it rounds, as a payment does', () => {
    const lots: readonly Lot[] = [
      [K0 - 2, 1],
      [K0 - 1, 1],
      [K0, 1],
    ]
    const decay = projectDecay(genesisDecay(T0 - 2 * DAY_MS, DAY_MS, LAW), K0, DAY_MS, LAW)
    const walk = new LotWalk(new DecayCourse(decay, DAY_MS, LAW), lots)
    assert.deepEqual([walk.valueOf(0), walk.valueOf(1), walk.valueOf(2)], [0, 0, 1])
    assert.equal(walk.spendable(), 2)
    assert.equal(walk.valueOf(3), 0)
  })

  it('has nothing to say of an empty account', () => {
    assert.deepEqual(nextSteps(course, [], T0, 1), [{ time: T0 + DAY_MS, spendable: 0 }])
    assert.deepEqual(
      [...projectDays(course, [], T0, 1)],
      [
        { day: 0, spendable: 0 },
        { day: 1, spendable: 0 },
      ],
    )
  })

  it('equals what could be spent at each moment, for any law, history and lots', () => {
    fc.assert(
      fc.property(holding, fc.integer({ min: 0, max: 90 }), (held, days) => {
        const points = [...projectDays(courseOf(held), held.lots, held.from, days)]
        const expected = points.map((_, day) => worthAt(held, held.from + day * DAY_MS))
        assert.deepEqual(
          points.map(({ spendable }) => spendable),
          expected,
        )
        for (const [index, value] of expected.entries()) assert.ok(value <= (expected[index - 1] ?? value))
        const walk = new LotWalk(courseOf(held), held.lots).to(courseOf(held).intervalAt(held.from))
        const now = tableAt(held, held.from)
        for (const [index, lot] of held.lots.entries())
          assert.equal(walk.valueOf(index), spendable(accountOf([lot]), now))
      }),
    )
  })

  it('puts each step where the value changes, and nowhere else', () => {
    fc.assert(
      fc.property(holding, held => {
        let before = held.from
        for (const { time, spendable: after } of nextSteps(courseOf(held), held.lots, held.from, 3)) {
          assert.ok(time > before)
          assert.equal(worthAt(held, time - 1), worthAt(held, before))
          assert.equal(worthAt(held, time), after)
          before = time
        }
      }),
    )
  })

  it('has something of a lot until it dies and nothing from then on; the oldest dies first', () => {
    fc.assert(
      fc.property(holding, held => {
        let before = 0
        for (const [origin] of held.lots) {
          const dies = diesAt(courseOf(held), origin, held.from)
          if (dies === undefined) {
            assert.equal(factorAt(tableAt(held, held.from), origin), 0n)
            continue
          }
          assert.ok(dies > held.from && dies >= before)
          assert.ok(factorAt(tableAt(held, dies - 1), origin) > 0n)
          assert.equal(factorAt(tableAt(held, dies), origin), 0n)
          before = dies
        }
        if (before > 0) assert.equal(worthAt(held, before), 0)
      }),
    )
  })

  it('is quick for a year of lots over ten years', () => {
    const lots = Array.from({ length: 365 }, (_, age): Lot => [K0 + age, MICRO])
    const decay = projectDecay(genesisDecay(T0, DAY_MS, LAW), K0 + 364, DAY_MS, LAW)
    const start = process.hrtime.bigint()
    const points = [...projectDays(new DecayCourse(decay, DAY_MS, LAW), lots, T0 + 364 * DAY_MS, 3_650)]
    assert.equal(points.at(-1)?.spendable, 0)
    assert.ok(process.hrtime.bigint() - start < 1_000_000_000n)
  })
})
