import assert from 'node:assert/strict'
import type { FlowState } from '../../src/state/model.ts'
import { type EpochMs, MONTH_MS } from '../../src/units.ts'

/** The first moment of a window of 30 days, and of a day. */
export const W0: EpochMs = 682 * MONTH_MS

/** Integral and outflow by window, by the plainest arithmetic. */
export class Windows {
  readonly #held = new Map<number, bigint>()
  readonly #out = new Map<number, bigint>()

  hold(from: EpochMs, to: EpochMs, holding: bigint): void {
    for (let window = Math.floor(from / MONTH_MS); window * MONTH_MS < to; window++) {
      const ms = Math.min(to, (window + 1) * MONTH_MS) - Math.max(from, window * MONTH_MS)
      this.#held.set(window, (this.#held.get(window) ?? 0n) + holding * BigInt(ms))
    }
  }

  spend(at: EpochMs, units: bigint): void {
    const window = Math.floor(at / MONTH_MS)
    this.#out.set(window, (this.#out.get(window) ?? 0n) + units)
  }

  assertFlow({ held, last, out, window }: FlowState): void {
    assert.equal(BigInt(held), this.#held.get(window) ?? 0n)
    assert.equal(BigInt(out), this.#out.get(window) ?? 0n)
    assert.equal(BigInt(last?.held ?? 0), this.#held.get(window - 1) ?? 0n)
    assert.equal(BigInt(last?.out ?? 0), this.#out.get(window - 1) ?? 0n)
  }
}
