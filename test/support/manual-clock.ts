import type { Clock } from '../../src/ports.ts'
import type { EpochMs } from '../../src/units.ts'

/** A clock that moves only when the test moves it. */
export interface ManualClock extends Clock {
  /** Moves on and runs what became due, in order. */
  advance(ms: number): void
  /** Delays of the timers that are set and not cancelled, from now, sorted. */
  pending(): readonly number[]
}

export function manualClock(start: EpochMs = 1_700_000_000_000): ManualClock {
  let now = start
  const timers = new Set<{ at: EpochMs; task: () => void }>()
  const next = (end: EpochMs) => [...timers].filter(timer => timer.at <= end).sort((a, b) => a.at - b.at)[0]
  return {
    now: () => now,
    after(delayMs, task) {
      const timer = { at: now + delayMs, task }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(ms) {
      const end = now + ms
      for (let timer = next(end); timer !== undefined; timer = next(end)) {
        timers.delete(timer)
        now = timer.at
        timer.task()
      }
      now = end
    },
    pending: () => [...timers].map(timer => timer.at - now).sort((a, b) => a - b),
  }
}
