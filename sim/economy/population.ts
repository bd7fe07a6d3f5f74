import { FACTOR_ONE } from '../../src/state/decay.ts'
import { MICRO, type MicroAtp, MONTH_MS } from '../../src/units.ts'
import { Prng } from '../prng.ts'

/** What an account holds, by the age of its lots. */
export interface Holding {
  /** Ages in intervals; principals in micro-ATP, above 0. */
  readonly lots: readonly (readonly [age: number, principal: MicroAtp])[]
  /** What it paid out in its last whole window of 30 days ÷ what it held on average, where a ledger has measured it. */
  readonly velocity?: number
}

/** Where every law that is tried begins. */
export interface Population {
  readonly interval_ms: number
  /** By age in intervals: what is left of one unit, in units of 10^-15. Ages beyond the end: nothing. */
  readonly factors: readonly number[]
  readonly holdings: readonly Holding[]
}

/** Pareto's smallest holding. With the shape 4/3 the mean is four times as much: 1 000 ATP. */
const SMALLEST = 250 * MICRO
/** Lots of an account at the start, and their ages: each of the months of a year is as likely. */
const LOTS = 3
const MONTHS = 12

/**
 * `count` accounts whose holdings follow a Pareto distribution of shape 4/3 (Gini 0.6): account by account the quantile
 * (i + ½) ÷ count in an order that is drawn, so that every seed has the same rich and poor. Money is up to eleven months old, and nothing of it
 * has decayed yet: all laws begin with the same value.
 */
export function syntheticPopulation(count: number, interval_ms: number, seed: number): Population {
  const prng = new Prng(seed)
  const factors = Array.from({ length: ageOf(MONTHS - 1, interval_ms) + 1 }, () => FACTOR_ONE)
  const holdings = shuffled(count, prng).map(rank => {
    const amount = paretoHolding((rank + 0.5) / count)
    const ages = Array.from({ length: LOTS }, () => ageOf(prng.below(MONTHS), interval_ms))
    return { lots: inLots(amount, ages) }
  })
  return { interval_ms, factors, holdings }
}

/** u^(−3/4) by square roots, which every machine rounds alike; powers they do not. */
function paretoHolding(u: number): MicroAtp {
  const root = Math.sqrt(u)
  return Math.floor(SMALLEST / (root * Math.sqrt(root)))
}

function ageOf(months: number, interval_ms: number): number {
  return Math.floor((months * MONTH_MS) / interval_ms)
}

/** Equal parts, the remainder in the first; lots of one age are one. */
function inLots(amount: MicroAtp, ages: readonly number[]): Holding['lots'] {
  const part = Math.floor(amount / ages.length)
  const lots = new Map<number, number>()
  for (const [index, age] of ages.entries())
    lots.set(age, (lots.get(age) ?? 0) + (index === 0 ? amount - part * (ages.length - 1) : part))
  return [...lots]
}

/** 0 … count − 1 in an order that is drawn (Fisher and Yates). */
function shuffled(count: number, prng: Prng): number[] {
  const order = Array.from({ length: count }, (_, index) => index)
  for (let last = count - 1; last > 0; last--) {
    const other = prng.below(last + 1)
    const moved = order[last] as number
    order[last] = order[other] as number
    order[other] = moved
  }
  return order
}
