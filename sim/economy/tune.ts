import { setImmediate } from 'node:timers/promises'
import type { DecayRates } from '../../src/state/model.ts'
import { DAY_MS, MONTH_MS } from '../../src/units.ts'
import { Prng } from '../prng.ts'
import { Behaviour, drawAgents, type MarketDay } from './behaviour.ts'
import { Books } from './books.ts'
import { gini } from './measures.ts'
import type { Population } from './population.ts'
import { atpOf, type Measures, Tally } from './tally.ts'

export interface LawOnTrial {
  readonly name: string
  readonly rates: DecayRates
}

export interface Trial {
  readonly population: Population
  readonly months: number
  /** 32 bits. */
  readonly seed: number
  /** Of an account in 30 days; what is below it is counted. */
  readonly minimumVelocity: number
  /** By how many percent accounts spend more for each percent that holding costs in 30 days. */
  readonly elasticity: number
  /** Part of the accounts without a measured velocity, 0 to 1. */
  readonly hoarders: number
}

/** Of an average month; `gini` and `money`, which is what is on accounts, at the end. */
export interface LawResult extends Measures {
  readonly name: string
  readonly law: DecayRates & { readonly interval_ms: number }
  readonly money: string
  readonly by_month: readonly Measures[]
}

const MONTH_DAYS = MONTH_MS / DAY_MS

/** One law on a population, day by day in virtual time. Other work goes on once a day. */
export async function tryLaw({ name, rates }: LawOnTrial, trial: Trial): Promise<LawResult> {
  const { elasticity, hoarders, months, population, seed } = trial
  const prng = new Prng(seed)
  const books = new Books(population, rates)
  const agents = drawAgents(
    population.holdings.map(({ velocity }) => velocity),
    hoarders,
    prng,
  )
  const workers = [...agents.keys()].filter(index => agents[index]?.works)
  const behaviour = new Behaviour(agents, books.balances(), { elasticity, prng, rates })
  const tally = new Tally(trial.minimumVelocity)
  for (let day = 0; day < months * MONTH_DAYS; day++) {
    trade(books, behaviour.on(day))
    mustBalance(books.difference(), day)
    books.advance((day + 1) * DAY_MS)
    if ((day + 1) % MONTH_DAYS === 0) {
      books.sweep()
      mustBalance(books.difference(), day + 1)
      mustBalance(books.lotsDifference(), day + 1)
      tally.close(books)
      books.charge(workers)
    }
    await setImmediate()
  }
  const law = { ...rates, interval_ms: population.interval_ms }
  return { name, law, ...tally.measures, money: atpOf(books.held()), by_month: tally.months }
}

/** Gini and money of a population before anything happens: the same under every law. */
export function startOf(population: Population): { readonly gini: number; readonly money: string } {
  const books = new Books(population, { base_ppm: 0, grace_ms: 0, max_age_ms: 0 })
  return { gini: gini(books.balances()), money: atpOf(books.held()) }
}

/** What is paid on a day is divided among those that are paid on it, to the last unit. */
function trade(books: Books, { payees, payers }: MarketDay): void {
  const last = payees.at(-1)
  if (last === undefined) return
  let paid = 0
  for (const { index, share } of payers) {
    const amount = Math.floor(books.settle(index) * share)
    if (amount > 0) books.pay(index, amount)
    paid += amount
  }
  for (const { index, share } of payees.slice(0, -1)) {
    const amount = Math.floor(paid * share)
    if (amount > 0) books.earn(index, amount)
  }
  books.earn(last.index)
}

function mustBalance(difference: bigint, day: number): void {
  if (difference !== 0n) throw new Error(`on day ${day} the books are off by ${difference} of 10^-15 micro-ATP`)
}
