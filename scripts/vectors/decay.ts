import { type Account, bookOf, bookValue, takeOldest, touch } from '../../src/state/account.ts'
import { advanceDecay, genesisDecay } from '../../src/state/decay.ts'
import type { DecayRates, DecayState } from '../../src/state/model.ts'
import { openFlow } from '../../src/state/velocity.ts'
import { DAY_MS, type EpochMs, HOUR_MS, MONTH_MS } from '../../src/units.ts'
import { T0 } from '../../test/support/entries.ts'
import type { VectorCase, VectorFiles } from './file.ts'

const DEFAULT: DecayRates = { base_ppm: 50_000, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS }
const NONE: DecayRates = { base_ppm: 0, grace_ms: 0, max_age_ms: 365 * DAY_MS }
const ALL: DecayRates = { base_ppm: 1_000_000, grace_ms: 0, max_age_ms: 365 * DAY_MS }
const ODD: DecayRates = { base_ppm: 123_457, grace_ms: 3 * DAY_MS + 1, max_age_ms: 40 * DAY_MS }
const SHORT: DecayRates = { base_ppm: 200_000, grace_ms: 2 * DAY_MS, max_age_ms: 10 * DAY_MS }

/** An entry that came at this time, with the law in force before it. */
interface Step {
  readonly time: EpochMs
  readonly rates: DecayRates
}
const days = (rates: DecayRates, ...at: readonly number[]): Step[] =>
  at.map(day => ({ time: T0 + day * DAY_MS, rates }))

const tables: readonly [id: string, comment: string, interval: number, genesis: DecayRates, steps: readonly Step[]][] =
  [
    [
      'same-interval',
      'the last millisecond of the first interval changes nothing',
      DAY_MS,
      DEFAULT,
      [{ time: T0 + DAY_MS - 1, rates: DEFAULT }],
    ],
    ['default', 'the default law, day by day over its grace', DAY_MS, DEFAULT, days(DEFAULT, 1, 2, 6, 7, 8, 9)],
    ['default-month', 'thirty days at once are the same as one by one', DAY_MS, DEFAULT, days(DEFAULT, 30)],
    [
      'default-end',
      'the last interval in which something is left, and the one after it',
      DAY_MS,
      DEFAULT,
      days(DEFAULT, 364, 365),
    ],
    ['default-silent', 'no entry for four years', DAY_MS, DEFAULT, days(DEFAULT, 1_461)],
    ['none', 'a law without decay still ends at the maximal age', DAY_MS, NONE, days(NONE, 1, 364, 365)],
    ['all', 'everything in 30 days', DAY_MS, ALL, days(ALL, 1, 2, 30)],
    ['all-month', 'everything in one interval of 30 days', MONTH_MS, ALL, [{ time: T0 + MONTH_MS, rates: ALL }]],
    [
      'odd',
      'a rate, a grace and an interval that divide nothing',
      7 * HOUR_MS + 1,
      ODD,
      [3, 9, 11, 40].map(day => ({ time: T0 + day * DAY_MS, rates: ODD })),
    ],
    [
      'hours',
      'an interval of an hour',
      HOUR_MS,
      SHORT,
      [1, 2, 24, 48, 49].map(hour => ({ time: T0 + hour * HOUR_MS, rates: SHORT })),
    ],
    [
      'law-changes',
      'the step out of an interval follows the law before its first entry',
      DAY_MS,
      DEFAULT,
      [...days(DEFAULT, 8), { time: T0 + 8 * DAY_MS + 1, rates: ALL }, ...days(ALL, 9, 10), ...days(NONE, 12)],
    ],
    [
      'age-falls',
      'a law with a lower maximal age empties what is older',
      DAY_MS,
      DEFAULT,
      [...days(DEFAULT, 20), ...days(SHORT, 21)],
    ],
  ]

function run(interval: number, genesis: DecayRates, steps: readonly Step[]): DecayState[] {
  let decay = genesisDecay(T0, interval, genesis)
  return steps.map(step => {
    decay = advanceDecay(decay, step.time, interval, step.rates)
    return decay
  })
}

function tableCases(): VectorCase[] {
  return tables.map(([id, comment, interval_ms, rates, steps]) => {
    const states = run(interval_ms, rates, steps)
    const table = states.map(({ k, origin, factors }) => ({
      k,
      origin,
      count: factors.length,
      factors: picked(factors),
    }))
    return { id, comment, tags: ['table'], interval_ms, genesis: { time: T0, rates }, steps, expect: table }
  })
}

/** Ends and middle of long tables: [age in intervals, factor]. */
function picked(factors: readonly number[]): (readonly [age: number, factor: number])[] {
  const last = factors.length - 1
  const ages = [...new Set([0, 1, 2, 6, 7, 8, 30, Math.floor(last / 2), last - 1, last])]
  return ages
    .filter(age => age >= 0 && age <= last)
    .sort((a, b) => a - b)
    .map(age => [age, factors[last - age] ?? 0])
}

const K0 = T0 / DAY_MS
const account = (book: bigint, ...lots: readonly (readonly [number, number])[]): Account => ({
  book: book.toString(),
  flow: openFlow(T0),
  lots,
})
const fresh = (...lots: readonly (readonly [number, number])[]): Account =>
  account(
    lots.reduce((sum, [, principal]) => sum + bookOf(principal), 0n),
    ...lots,
  )

const payments: readonly [id: string, comment: string, day: number, before: Account, amount: number][] = [
  ['whole', 'on the day of the charge a unit is a millionth', 0, fresh([K0, 1_000]), 400],
  ['all-of-a-lot', 'a lot is gone when nothing of it is left', 0, fresh([K0, 1_000]), 1_000],
  ['rounded', 'a millionth costs two units when each is worth less', 1, fresh([K0, 1_000]), 1],
  [
    'oldest-first',
    'the oldest lot first, then part of the next',
    30,
    fresh([K0, 100], [K0 + 10, 100], [K0 + 29, 100]),
    150,
  ],
  ['exact', 'the whole balance in whole millionths', 30, fresh([K0, 1_000_000_000]), 961_239_119],
  ['above', 'a millionth more than that', 30, fresh([K0, 1_000_000_000]), 961_239_120],
  ['expired', 'a lot of which nothing is left is dropped', 365, fresh([K0, 500], [K0 + 300, 500]), 10],
  ['large', 'all the supply there can be', 7, fresh([K0, Number.MAX_SAFE_INTEGER]), 8_000_000_000_000_000],
]

function paymentCases(): VectorCase[] {
  return payments.map(([id, comment, day, before, amount]) => {
    const decay = advanceDecay(genesisDecay(T0, DAY_MS, DEFAULT), T0 + day * DAY_MS, DAY_MS, DEFAULT)
    const touched = touch(before, decay, T0 + day * DAY_MS)
    const taken = takeOldest(touched.account, decay, amount)
    const found =
      taken === undefined
        ? { code: 'BALANCE_INSUFFICIENT' }
        : { expect: { lots: taken.lots, taken: taken.taken.toString(), left: taken.account ?? null } }
    return {
      id: `pay-${id}`,
      comment,
      tags: ['payment'],
      interval_ms: DAY_MS,
      genesis: { time: T0, rates: DEFAULT },
      time: T0 + day * DAY_MS,
      account: before,
      amount,
      loss: touched.loss.toString(),
      value: bookValue(before, decay).toString(),
      ...found,
    }
  })
}

export function decayVectors(): VectorFiles {
  const about = 'Decay: factors by origin in units of 10^-15, book values, and what a payment takes'
  return { 'decay.json': { about, cases: [...tableCases(), ...paymentCases()] } }
}
