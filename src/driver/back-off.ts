import type { Rejection } from '../rejection.ts'

/** Why something waits, and how long until it is tried again: twice as long each time, until it worked. */
export class BackOff {
  readonly #firstMs: number
  readonly #lastMs: number
  #why: Rejection | undefined
  #delayMs = 0

  constructor({ firstMs, lastMs }: { readonly firstMs: number; readonly lastMs: number }) {
    this.#firstMs = firstMs
    this.#lastMs = lastMs
  }

  get why(): Rejection | undefined {
    return this.#why
  }

  /** 0: nothing has to be tried again. */
  get delayMs(): number {
    return this.#delayMs
  }

  failed(why: Rejection): void {
    this.#why = why
    this.#delayMs = this.#delayMs === 0 ? this.#firstMs : Math.min(this.#delayMs * 2, this.#lastMs)
  }

  /** What was in the way is gone; whether it works now is not known yet. */
  lifted(): void {
    this.#delayMs = this.#firstMs
  }

  worked(): void {
    this.#why = undefined
    this.#delayMs = 0
  }
}
