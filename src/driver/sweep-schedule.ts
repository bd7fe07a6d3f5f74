import { type EpochMs, SECOND_MS } from '../units.ts'

/** Nodes cross a boundary of intervals together; their cycles need not begin in one second. */
const DELAY_MS_MAX = 180 * SECOND_MS

export interface SweepSchedule {
  /** Of decay. */
  readonly intervalMs: number
  /** When this process started: a cycle that was missed until then begins at once. */
  readonly started: EpochMs
  /** How much of the longest delay this node waits behind a boundary, 0 to below 1. */
  readonly delayPart: number
}

/**
 * When the next cycle begins, if none is in work: in the interval of `now` unless that, or a later one, is done. A clock that was
 * set back has to reach the interval after the newest that is done.
 */
export function dueAt(
  { delayPart, intervalMs, started }: SweepSchedule,
  done: number | undefined,
  now: EpochMs,
): EpochMs {
  const interval = Math.max(Math.floor(now / intervalMs), (done ?? -1) + 1)
  const boundary = interval * intervalMs
  return started >= boundary ? boundary : boundary + Math.floor(delayPart * DELAY_MS_MAX)
}
