import { DAY_MS, type EpochMs, type MicroAtp } from '../units.ts'
import { BOOK_ONE, type Lot } from './account.ts'
import { FACTOR_ONE, factorAt, stepBy } from './decay.ts'
import type { DecayRates, DecayState } from './model.ts'

/**
 * What lots will be worth if nothing is booked any more and the law in force stays. Only the factors of the lots asked about
 * are carried along, one step per interval; the result is that of projectDecay for all origins, to the last unit.
 */

/** How units lose value from the state's table on: out of its own interval by the rates in the table, later by the law in force. */
export class DecayCourse {
  /** The table's interval: the earliest of which anything can be said. */
  readonly k: number
  readonly #decay: DecayState
  readonly #intervalMs: number
  readonly #outOfLast: (factor: number, age: number) => number
  readonly #later: (factor: number, age: number) => number
  /** By age, of a unit that lives under the law in force alone: most lots go this way, so each step of it is made once. */
  readonly #lawful = [FACTOR_ONE]

  /** `rates`: of the law in force now. */
  constructor(decay: DecayState, intervalMs: number, rates: DecayRates) {
    this.k = decay.k
    this.#decay = decay
    this.#intervalMs = intervalMs
    this.#outOfLast = stepBy(decay.rates, intervalMs)
    this.#later = stepBy(rates, intervalMs)
  }

  /** The interval of a time; the table's own for earlier ones, as a clock set back brings nothing back. */
  intervalAt(time: EpochMs): number {
    return Math.max(this.k, Math.floor(time / this.#intervalMs))
  }

  startOf(k: number): EpochMs {
    return k * this.#intervalMs
  }

  /** D(origin, k) of the table's own interval. */
  factor(origin: number): number {
    return Number(factorAt(this.#decay, origin))
  }

  /** D(origin, k + 1) from D(origin, k). */
  step(factor: number, origin: number, k: number): number {
    const age = k - origin
    if (k === this.k) return this.#outOfLast(factor, age)
    return factor === this.#lawfulAt(age) ? this.#lawfulAt(age + 1) : this.#later(factor, age)
  }

  #lawfulAt(age: number): number {
    const path = this.#lawful
    for (let last = path.length - 1; last < age; last++) path.push(this.#later(path[last] as number, last))
    return path[age] as number
  }
}

/** Lots on their way through time, from the table's interval forwards. */
export class LotWalk {
  readonly #course: DecayCourse
  readonly #lots: readonly Lot[]
  readonly #factors: number[]
  /** Lots before this one have nothing left: the oldest go first. */
  #living = 0
  #k: number

  /** `lots`: oldest first, as an account has them. */
  constructor(course: DecayCourse, lots: readonly Lot[]) {
    this.#course = course
    this.#lots = lots
    this.#factors = lots.map(([origin]) => course.factor(origin))
    this.#k = course.k
    this.#buryOldest()
  }

  get k(): number {
    return this.#k
  }

  /** Goes to interval `k`; nothing when it lies behind. */
  to(k: number): this {
    while (this.#k < k && this.#living < this.#lots.length) this.#step()
    this.#k = Math.max(this.#k, k)
    return this
  }

  /** Of the lot at this place of the list. */
  valueOf(index: number): MicroAtp {
    return Number(this.#worthOf(index) / BOOK_ONE)
  }

  /** What could be paid in this interval: the sum before it is rounded down. */
  spendable(): MicroAtp {
    let sum = 0n
    for (let i = this.#living; i < this.#lots.length; i++) sum += this.#worthOf(i)
    return Number(sum / BOOK_ONE)
  }

  #step(): void {
    for (let i = this.#living; i < this.#lots.length; i++)
      this.#factors[i] = this.#course.step(this.#factors[i] as number, (this.#lots[i] as Lot)[0], this.#k)
    this.#k += 1
    this.#buryOldest()
  }

  #buryOldest(): void {
    while (this.#factors[this.#living] === 0) this.#living += 1
  }

  #worthOf(index: number): bigint {
    const lot = this.#lots[index]
    return lot === undefined ? 0n : BigInt(lot[1]) * BigInt(this.#factors[index] ?? 0)
  }
}

export interface DecayStep {
  /** Start of the interval. */
  readonly time: EpochMs
  readonly spendable: MicroAtp
}

/** What the lots are worth after each of the next `count` boundaries of intervals. */
export function nextSteps(course: DecayCourse, lots: readonly Lot[], from: EpochMs, count: number): DecayStep[] {
  const walk = new LotWalk(course, lots)
  const k = course.intervalAt(from)
  return Array.from({ length: count }, (_, i) => {
    const spendable = walk.to(k + 1 + i).spendable()
    return { time: course.startOf(walk.k), spendable }
  })
}

/** The first boundary at which nothing is left of an origin; undefined when that is so already at `from`. */
export function diesAt(course: DecayCourse, origin: number, from: EpochMs): EpochMs | undefined {
  const start = course.intervalAt(from)
  let k = course.k
  // Ends: the law has a maximal age.
  for (let left = course.factor(origin); left > 0; k++) left = course.step(left, origin, k)
  return k > start ? course.startOf(k) : undefined
}

export interface DayPoint {
  readonly day: number
  readonly spendable: MicroAtp
}

/** One point for each day from 0, which is `from` itself, to `days`. Made as they are taken, so that a server can breathe. */
export function* projectDays(
  course: DecayCourse,
  lots: readonly Lot[],
  from: EpochMs,
  days: number,
): Generator<DayPoint, void> {
  const walk = new LotWalk(course, lots)
  for (let day = 0; day <= days; day++)
    yield { day, spendable: walk.to(course.intervalAt(from + day * DAY_MS)).spendable() }
}
