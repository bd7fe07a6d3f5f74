import type { FlowWindow } from '../../src/state/model.ts'
import { MONTH_MS } from '../../src/units.ts'

/** Measures of an economy: exact sums, rounded once to a millionth. */

const MILLION = 1_000_000n

/** Rounded half up to six places; undefined for a denominator of 0. Neither is negative. */
export function ratio(numerator: bigint, denominator: bigint): number | undefined {
  if (denominator === 0n) return undefined
  return Number((2n * numerator * MILLION + denominator) / (2n * denominator)) / 1e6
}

/**
 * How unevenly something is held, empty accounts included: 0 when all hold the same, (n − 1) ÷ n when one of n holds all.
 * Σ (2i − n − 1)·x_i ÷ (n · Σ x_i), with i = 1 … n from the smallest to the largest. 0 when nothing is held.
 */
export function gini(amounts: readonly number[]): number {
  const sorted = Float64Array.from(amounts).sort()
  let weighted = 0n
  let sum = 0n
  for (const [index, amount] of sorted.entries()) {
    weighted += BigInt(2 * index + 1 - sorted.length) * BigInt(amount)
    sum += BigInt(amount)
  }
  return ratio(weighted, BigInt(sorted.length) * sum) ?? 0
}

/** What left and what was held, of one account or of many. */
export class Circulation {
  #out = 0n
  #held = 0n

  add({ held, out }: FlowWindow): void {
    this.#out += BigInt(out)
    this.#held += BigInt(held)
  }

  /** What left in 30 days ÷ what was held on average; undefined when nothing was held. */
  get velocity(): number | undefined {
    return ratio(this.#out * BigInt(MONTH_MS), this.#held)
  }

  /** Of one window, what was held on average; of several windows or accounts, their sum. Micro-ATP, rounded down. */
  get held(): bigint {
    return this.#held / BigInt(MONTH_MS)
  }
}
