import type { Clock } from '../../src/ports.ts'
import type { EpochMs } from '../../src/units.ts'
import { GENESIS_MS } from './society.ts'

interface Timer {
  readonly at: EpochMs
  readonly task: () => void
}

/** A clock that moves only when the test moves it, and that lets everything that a timer started come to rest before the next. */
export class VirtualClock implements Clock {
  #now: EpochMs
  /** In the order in which they were set. */
  readonly #timers = new Set<Timer>()

  constructor(start: EpochMs = GENESIS_MS) {
    this.#now = start
  }

  now(): EpochMs {
    return this.#now
  }

  after(delayMs: number, task: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delayMs), task }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** A clock that is wrong by `skewMs` and otherwise moves with this one. */
  skewed(skewMs: number): Clock {
    return { now: () => this.#now + skewMs, after: (delayMs, task) => this.after(delayMs, task) }
  }

  /** Moves on and runs what becomes due, in order of time and of setting. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    while (await this.#step(end)) {}
    this.#now = end
  }

  /** Moves on until the condition holds; throws with the description when it does not within `limitMs`. */
  async until(description: string, condition: () => boolean, limitMs = 60_000): Promise<void> {
    const end = this.#now + limitMs
    await settle()
    while (!condition()) {
      if (!(await this.#step(end))) throw new Error(`not within ${limitMs} virtual ms: ${description}`)
    }
  }

  /** Moves on until the promise ends. */
  async run<T>(promise: Promise<T>, limitMs?: number): Promise<T> {
    let ended = false
    const end = () => {
      ended = true
    }
    promise.then(end, end)
    await this.until('a promise ends', () => ended, limitMs)
    return promise
  }

  /** Runs the next timer; false when none is due by `end`. */
  async #step(end: EpochMs): Promise<boolean> {
    let next: Timer | undefined
    for (const timer of this.#timers) if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer
    if (next === undefined) return false
    this.#timers.delete(next)
    this.#now = Math.max(this.#now, next.at)
    next.task()
    await settle()
    return true
  }
}

/** All microtasks, however long their chains: nothing in these tests waits for the outside world. */
function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
