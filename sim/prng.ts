/** xoshiro128**: integers only, so that a seed gives the same run on every machine. */
export class Prng {
  #a: number
  #b: number
  #c: number
  #d: number

  /** `seed`: 32 bits. */
  constructor(seed: number) {
    let state = seed >>> 0
    // splitmix32 spreads a small seed over the whole state.
    const next = () => {
      state = (state + 0x9e3779b9) >>> 0
      let z = state
      z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
      return (z ^ (z >>> 16)) >>> 0
    }
    this.#a = next()
    this.#b = next()
    this.#c = next()
    this.#d = next()
  }

  /** 0 … 2^32 − 1 */
  uint32(): number {
    const result = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9) >>> 0
    const t = this.#b << 9
    this.#c ^= this.#a
    this.#d ^= this.#b
    this.#b ^= this.#c
    this.#a ^= this.#d
    this.#c ^= t
    this.#d = rotate(this.#d, 11)
    return result
  }

  /** 0 … below − 1, without bias. `below` ≤ 2^32. */
  below(below: number): number {
    const limit = 2 ** 32 - (2 ** 32 % below)
    for (;;) {
      const value = this.uint32()
      if (value < limit) return value % below
    }
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)]
    if (item === undefined) throw new RangeError('nothing to pick from')
    return item
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256))
  }
}

function rotate(value: number, bits: number): number {
  return ((value << bits) | (value >>> (32 - bits))) >>> 0
}
