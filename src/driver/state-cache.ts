import type { Json } from '../canonical.ts'

/** Newest state values of one log, decoded, bounded: memory does not grow with the number of entities. */
export class StateCache {
  readonly #values = new Map<string, Json | undefined>()
  readonly #max: number

  constructor(max = 65_536) {
    this.#max = max
  }

  has(key: string): boolean {
    return this.#values.has(key)
  }

  get(key: string): Json | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: Json | undefined): void {
    // Map order is insertion order: re-inserting on write keeps what changes, and what is only read ages out.
    this.#values.delete(key)
    this.#values.set(key, value)
  }

  clear(): void {
    this.#values.clear()
  }

  /** Drops the oldest down to the bound; between groups only, so that nothing vanishes under a decision. */
  trim(): void {
    if (this.#values.size <= this.#max) return
    let surplus = this.#values.size - this.#max
    for (const key of this.#values.keys()) {
      if (surplus-- <= 0) return
      this.#values.delete(key)
    }
  }
}
