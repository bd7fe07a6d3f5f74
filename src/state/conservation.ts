import type { Json } from '../canonical.ts'
import { circulating } from './books.ts'
import { type AccountState, type PoolState, stateKeys } from './model.ts'
import type { StateView } from './view.ts'

/**
 * The law of the books (docs/state.md, Accounts): (minted − slashed)·10^15 = ΣB + pool, to the last unit, after every entry.
 * A difference is never the log's fault: this software, or the disk under it, made or lost something.
 */

/** (minted − slashed)·10^15 − ΣB − pool over all accounts: 0n, or something was lost (above 0n) or made. */
export function conservation(pool: PoolState, accounts: Iterable<Pick<AccountState, 'book'>>): bigint {
  let difference = circulating(pool)
  for (const account of accounts) difference -= BigInt(account.book)
  return difference
}

/** What one entry made (above 0n) or lost, in units of 10^-15 micro-ATP: only the keys that it changed can tell. */
export function imbalance(before: StateView, changes: ReadonlyMap<string, Json | undefined>): bigint {
  let difference = 0n
  for (const [key, value] of changes) {
    if (key === stateKeys.pool) difference += promised(value) - promised(before.get(key))
    else if (key.startsWith(ACCOUNTS)) difference += bookIn(before.get(key)) - bookIn(value)
  }
  // Promised is what accounts must hold: when it grows by less than they do, something was made.
  return -difference
}
const ACCOUNTS = stateKeys.account('')

/** What must be on accounts. */
function promised(pool: Json | undefined): bigint {
  return pool === undefined ? 0n : circulating(pool as unknown as PoolState)
}

function bookIn(account: Json | undefined): bigint {
  return account === undefined ? 0n : BigInt((account as unknown as AccountState).book)
}
