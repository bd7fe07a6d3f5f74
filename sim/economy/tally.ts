import { BOOK_ONE } from '../../src/state/account.ts'
import { formatAtp } from '../../src/units.ts'
import type { Books } from './books.ts'
import { Circulation, gini, ratio } from './measures.ts'

/** Amounts as decimal ATP; ratios rounded to a millionth. */
export interface Measures {
  /** What was paid out in 30 days ÷ what was held on average. */
  readonly velocity: number
  /** Of what accounts held on average in the (last) month. */
  readonly gini: number
  /** Income of the pool in a month, and as a part of what was held on average. */
  readonly decayed: string
  readonly decayed_share: number
  /** Of it, what reached its maximal age. */
  readonly expired: string
  /** Part of the accounts that held anything and had a velocity below the minimum. */
  readonly below_minimum: number
}

/** Sums of one month, or of several. */
interface Sums {
  readonly circulation: Circulation
  decayed: bigint
  expired: bigint
  counted: bigint
  below: bigint
}

/** What is counted at the end of each month. */
export class Tally {
  readonly #minimum: number
  readonly #months: Measures[] = []
  readonly #all = noSums()

  /** `minimum`: the velocity below which an account is counted. */
  constructor(minimum: number) {
    this.#minimum = minimum
  }

  /** At the first moment of the next month, after a sweep. */
  close(books: Books): void {
    const { all, expired } = books.takeDecayed()
    const month = { ...noSums(), decayed: all, expired }
    const holdings: number[] = []
    for (const flow of books.flows()) {
      const own = new Circulation()
      if (flow?.last !== undefined)
        for (const each of [own, month.circulation, this.#all.circulation]) each.add(flow.last)
      holdings.push(Number(own.held))
      if (own.velocity === undefined) continue
      month.counted++
      if (own.velocity < this.#minimum) month.below++
    }
    this.#all.decayed += all
    this.#all.expired += expired
    this.#all.counted += month.counted
    this.#all.below += month.below
    this.#months.push(measuresOf(month, 1, gini(holdings)))
  }

  get months(): readonly Measures[] {
    return this.#months
  }

  /** Of an average month. */
  get measures(): Measures {
    return measuresOf(this.#all, this.#months.length, this.#months.at(-1)?.gini ?? 0)
  }
}

function noSums(): Sums {
  return { circulation: new Circulation(), decayed: 0n, expired: 0n, counted: 0n, below: 0n }
}

function measuresOf({ below, circulation, counted, decayed, expired }: Sums, months: number, gini: number): Measures {
  return {
    velocity: circulation.velocity ?? 0,
    gini,
    decayed: atpOf(decayed / BigInt(months)),
    decayed_share: ratio(decayed, circulation.held * BOOK_ONE) ?? 0,
    expired: atpOf(expired / BigInt(months)),
    below_minimum: ratio(below, counted) ?? 0,
  }
}

/** Units of 10^-15 micro-ATP as ATP, rounded down. */
export function atpOf(units: bigint): string {
  return formatAtp(units / BOOK_ONE)
}
