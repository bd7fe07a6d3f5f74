import type { Seq } from '../units.ts'

/** Early groups of one log wait here for the entries before them. Bounded: what does not fit is fetched by range later. */
export const GAP_BYTES_PER_LOG = 8 * 1024 * 1024
export const GAP_BYTES_TOTAL = 64 * 1024 * 1024

/** Copies of one position with different bytes; more of them only come from a forger. */
const COPIES_MAX = 4

/** Bytes waiting over all logs of a node. */
export class GapBudget {
  #used = 0
  readonly #max: number
  constructor(max: number = GAP_BYTES_TOTAL) {
    this.#max = max
  }
  take(bytes: number): boolean {
    if (this.#used + bytes > this.#max) return false
    this.#used += bytes
    return true
  }
  give(bytes: number): void {
    this.#used -= bytes
  }
}

interface Waiting<T> {
  readonly first: Seq
  readonly end: Seq
  readonly bytes: number
  readonly item: T
}

/** Keeps early groups in the order of their first entry; only groups whose checkpoint and records hold their signatures may enter. */
export class GapBuffer<T> {
  readonly #budget: GapBudget
  readonly #max: number
  #waiting: Waiting<T>[] = []
  #bytes = 0

  constructor(budget: GapBudget, max: number = GAP_BYTES_PER_LOG) {
    this.#budget = budget
    this.#max = max
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The lowest position that waits, for the upper end of a range fetch. */
  get lowest(): Seq | undefined {
    return this.#waiting[0]?.first
  }

  /** False when there is no room: the range fetch will bring it. */
  add(first: Seq, end: Seq, bytes: number, item: T): boolean {
    // Several copies may wait: which of them the log signed shows only when the entries before them are here.
    if (this.#waiting.filter(waiting => waiting.first === first && waiting.end === end).length >= COPIES_MAX)
      return false
    if (this.#bytes + bytes > this.#max || !this.#budget.take(bytes)) return false
    this.#bytes += bytes
    this.#waiting.push({ first, end, bytes, item })
    this.#waiting.sort((a, b) => a.first - b.first)
    return true
  }

  /** The next group that starts at or before `expected` and reaches beyond it; drops what has become old. */
  take(expected: Seq): T | undefined {
    for (;;) {
      const next = this.#waiting[0]
      if (next === undefined || next.first > expected) return undefined
      this.#waiting.shift()
      this.#release(next)
      if (next.end > expected) return next.item
    }
  }

  clear(): void {
    for (const waiting of this.#waiting) this.#release(waiting)
    this.#waiting = []
  }

  #release(waiting: Waiting<T>): void {
    this.#bytes -= waiting.bytes
    this.#budget.give(waiting.bytes)
  }
}
