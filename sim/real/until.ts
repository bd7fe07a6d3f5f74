import { setTimeout as delay } from 'node:timers/promises'

const STEP_MS = 50

/** Waits for a condition of the real world; says what it was when it never comes. */
export async function until(
  what: string,
  signal: AbortSignal,
  condition: () => Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const end = performance.now() + timeoutMs
  while (!(await condition())) {
    signal.throwIfAborted()
    if (performance.now() > end) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`)
    await delay(STEP_MS, undefined, { signal })
  }
}
