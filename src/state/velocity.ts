import { type EpochMs, type MicroAtp, MONTH_MS } from '../units.ts'
import type { FlowState, FlowWindow } from './model.ts'

/**
 * How fast money moves: what left (transfers and discharges) against what was held on average, per window of 30 days.
 * Measured and reported, never charged (docs/state.md, Velocity).
 */

const NONE: FlowWindow = { held: '0', out: '0' }

export function openFlow(time: EpochMs): FlowState {
  return { ...NONE, since: time, window: windowAt(time) }
}

/**
 * The flow at `time`, when `holding` micro-ATP were held on average since `flow.since`. The same object when no time passed.
 * Windows that ended are closed: the newest of them is kept.
 */
export function advanceFlow(flow: FlowState, time: EpochMs, holding: bigint): FlowState {
  if (time <= flow.since) return flow
  const window = windowAt(time)
  if (window === flow.window) return { ...flow, held: add(flow.held, holding * BigInt(time - flow.since)), since: time }
  const last =
    window === flow.window + 1
      ? { held: add(flow.held, holding * BigInt(window * MONTH_MS - flow.since)), out: flow.out }
      : { held: (holding * BigInt(MONTH_MS)).toString(), out: '0' }
  return { held: (holding * BigInt(time - window * MONTH_MS)).toString(), last, out: '0', since: time, window }
}

export function addOutflow(flow: FlowState, amount: MicroAtp): FlowState {
  return amount === 0 ? flow : { ...flow, out: add(flow.out, BigInt(amount)) }
}

/** Whether nothing left in this window and the one before: what is held without ever moving has a velocity of 0 anyway. */
export function isIdle(flow: FlowState): boolean {
  return flow.out === '0' && (flow.last === undefined || flow.last.out === '0')
}

/** One window as it is reported. */
export interface Velocity {
  /** floor(time / 30 d) */
  readonly window: number
  /** Part of the window that has passed, 0 to 1. */
  readonly elapsed: number
  /** What left, micro-ATP; can exceed 2^53. */
  readonly out: bigint
  /** Average over that part, micro-ATP rounded down. */
  readonly held: bigint
  /** out ÷ held for 30 days, so that a window that has just begun compares with a whole one; undefined when nothing was held. */
  readonly perMonth: number | undefined
}

/** This window and the one before, at `time`, if `holding` micro-ATP were held on average since `flow.since`. */
export function velocities(
  flow: FlowState,
  time: EpochMs,
  holding: bigint,
): { readonly now: Velocity; readonly last: Velocity } {
  const at = advanceFlow(flow, time, holding)
  const passed = at.since - at.window * MONTH_MS
  return {
    now: velocityOf(at.window, at, passed),
    last: velocityOf(at.window - 1, at.last ?? NONE, MONTH_MS),
  }
}

function velocityOf(window: number, { held, out }: FlowWindow, passedMs: number): Velocity {
  const integral = BigInt(held)
  const average = passedMs === 0 ? 0n : integral / BigInt(passedMs)
  // Outflow over average holdings, then for 30 days: out·MONTH / integral.
  const perMonth = integral === 0n ? undefined : Number((BigInt(out) * BigInt(MONTH_MS) * 1_000_000n) / integral) / 1e6
  return { window, elapsed: passedMs / MONTH_MS, out: BigInt(out), held: average, perMonth }
}

function windowAt(time: EpochMs): number {
  return Math.floor(time / MONTH_MS)
}

function add(text: string, more: bigint): string {
  return (BigInt(text) + more).toString()
}
