import type { Clock } from '../../src/ports.ts'

export interface Deadline {
  readonly signal: AbortSignal
  /** Must be called when the work is over: timers and listeners go. */
  clear(): void
}

/** A signal that aborts after `ms` of the injected clock, or with any of the given signals. */
export function deadline(clock: Clock, ms: number, ...signals: readonly (AbortSignal | undefined)[]): Deadline {
  const controller = new AbortController()
  const abort = () => controller.abort()
  const cancel = clock.after(ms, abort)
  for (const signal of signals) {
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort)
  }
  return {
    signal: controller.signal,
    clear() {
      cancel()
      for (const signal of signals) signal?.removeEventListener('abort', abort)
    },
  }
}

/** Rejects with the signal's reason as soon as it aborts; `promise` goes on unobserved. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}
