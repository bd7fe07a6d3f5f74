import type { Json } from '../canonical.ts'
import { type EpochMs, MONTH_MS } from '../units.ts'
import { BOOK_ONE } from './account.ts'
import { factorAt } from './decay.ts'
import type { AccountState, DecayState, FlowState, PoolState } from './model.ts'

/**
 * What a stored value of the books can never be, whatever the log says. `decide` writes no such thing, so whoever finds
 * one looks at a damaged disk or at an error of this software.
 */

/** Why this cannot be an account of a log whose last entry was at `time`; undefined: by itself it may be one. */
export function accountFault(value: Json, decay: DecayState, time: EpochMs): string | undefined {
  const { book, flow, lots } = value as unknown as Partial<AccountState>
  if (!isUnits(book)) return 'book is no decimal text'
  if (!Array.isArray(lots)) return 'lots are no list'
  let newest = Number.NEGATIVE_INFINITY
  let principals = 0n
  let worth = 0n
  for (const lot of lots) {
    const [origin, principal] = Array.isArray(lot) ? (lot as unknown[]) : []
    if (!isInteger(origin) || !isInteger(principal) || principal < 1) return 'a lot that is no pair of integers'
    if (origin <= newest) return 'lots are not ascending by origin'
    if (origin > decay.k) return `a lot of interval ${origin}, which has not come`
    newest = origin
    principals += BigInt(principal)
    worth += BigInt(principal) * factorAt(decay, origin)
  }
  // What decayed since the last touch is still in the book; nothing is ever worth more than it was made.
  if (BigInt(book) < worth) return 'book is below what the lots are worth'
  if (BigInt(book) > principals * BOOK_ONE) return 'book is above what the lots can be worth'
  return isFlow(flow, time) ? undefined : 'flow is of no window up to now'
}

/** Why this cannot be the supply and pool of a log. */
export function poolFault(value: Json | undefined): string | undefined {
  const { minted, pool, slashed } = (value ?? {}) as unknown as Partial<PoolState>
  if (!isUnits(minted) || !isUnits(pool) || !isUnits(slashed)) return 'not three decimal texts'
  return BigInt(slashed) > BigInt(minted) ? 'more was slashed than minted' : undefined
}

function isFlow(flow: FlowState | undefined, time: EpochMs): boolean {
  if (!isUnits(flow?.held) || !isUnits(flow.out) || !isInteger(flow.since)) return false
  const { last } = flow
  if (last !== undefined && !(isUnits(last.held) && isUnits(last.out))) return false
  return flow.since <= time && flow.window === Math.floor(flow.since / MONTH_MS)
}

/** A whole number that is 0 or more, as the books write it. */
export function isUnits(value: unknown): value is string {
  return typeof value === 'string' && /^(?:0|[1-9]\d*)$/.test(value)
}

function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value)
}
