import { canonicalBytes, type Json } from '../canonical.ts'
import type { Code } from '../rejection.ts'
import type { EpochMs, LctId, MicroAtp } from '../units.ts'
import { decodeState } from './session.ts'
import type { SweepPage } from './sweep-page.ts'

/** What sweeps came to. `decayed`: units of 10^-15 micro-ATP, decimal text. */
interface SweepCounts {
  /** Accounts looked at. */
  readonly accounts: number
  /** Accounts named in entries. */
  readonly swept: number
  readonly entries: number
  readonly decayed: string
}

/** Once through all accounts. */
export interface SweepCycle extends SweepCounts {
  /** From 1. */
  readonly number: number
  /** Of decay, in which it began. */
  readonly interval: number
  /** Least unbooked loss of an account that is swept. */
  readonly minimum: MicroAtp
  /** False: an operator asked for it. */
  readonly scheduled: boolean
  readonly began: EpochMs
  /** Milliseconds of work and waiting, without the time in which the node was down. */
  readonly spent: number
  /** The newest account that is done; absent at the start. */
  readonly after?: LctId
}
export interface EndedCycle extends SweepCycle {
  readonly ended: EpochMs
}

/** What the store keeps of the sweeps of one society. Cycles and counts outlive the process. */
export interface SweepHistory {
  /** The newest interval whose losses are in the books, and since when. */
  readonly done?: { readonly interval: number; readonly time: EpochMs }
  /** In work. */
  readonly cycle?: SweepCycle
  readonly last?: EndedCycle
  readonly error?: { readonly code: Code; readonly time: EpochMs }
  /** Of cycles that ended, and of the one in work. */
  readonly totals: SweepCounts & { readonly cycles: number; readonly errors: number }
}

const NONE: SweepCounts = { accounts: 0, swept: 0, entries: 0, decayed: '0' }
const EMPTY: SweepHistory = { totals: { ...NONE, cycles: 0, errors: 0 } }

/** As stored; nothing stored: before the first sweep. */
export function readHistory(bytes: Uint8Array | undefined): SweepHistory {
  return bytes === undefined ? EMPTY : (decodeState(bytes) as unknown as SweepHistory)
}

export function historyBytes(history: SweepHistory): Uint8Array {
  return canonicalBytes(history as unknown as Json)
}

export function newCycle(
  { totals }: SweepHistory,
  how: Pick<SweepCycle, 'interval' | 'minimum' | 'scheduled' | 'began'>,
): SweepCycle {
  return { ...NONE, ...how, number: totals.cycles + 1, spent: 0 }
}

/** A page more of the cycle in work is done. */
export function withPage(history: SweepHistory, cycle: SweepCycle, page: SweepPage): SweepHistory {
  const { after: _done, ...rest } = cycle
  const cursor = page.next === undefined ? {} : { after: page.next }
  return {
    ...history,
    cycle: { ...rest, ...add(cycle, page), ...cursor },
    totals: { ...history.totals, ...add(history.totals, page) },
  }
}

/** The cycle in work is over. `isWhole`: it left nothing out that the schedule would have taken. */
export function ended(history: SweepHistory, cycle: EndedCycle, isWhole: boolean): SweepHistory {
  const { cycle: _over, done, totals, ...rest } = history
  const interval = Math.max(done?.interval ?? 0, cycle.interval)
  const now = isWhole ? { interval, time: cycle.ended } : done
  return {
    ...rest,
    ...(now === undefined ? {} : { done: now }),
    last: cycle,
    totals: { ...totals, cycles: totals.cycles + 1 },
  }
}

export function failed(history: SweepHistory, code: Code, time: EpochMs): SweepHistory {
  const { totals } = history
  return { ...history, error: { code, time }, totals: { ...totals, errors: totals.errors + 1 } }
}

function add(counts: SweepCounts, { accounts, due, loss }: SweepPage): SweepCounts {
  return {
    accounts: counts.accounts + accounts,
    swept: counts.swept + due.length,
    entries: counts.entries + (due.length > 0 ? 1 : 0),
    decayed: (BigInt(counts.decayed) + loss).toString(),
  }
}
