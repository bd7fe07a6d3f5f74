import type { Random } from '../../src/ports.ts'

/** Integers from a seed (mulberry32), the same in every run. */
export interface SeededRandom extends Random {
  /** From 0 to `below` − 1. */
  integer(below: number): number
}

export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  return {
    integer: below => next() % below,
    bytes: length => Uint8Array.from({ length }, () => next() & 0xff),
  }
}
