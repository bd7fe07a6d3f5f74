import type { LctId, MicroAtp } from '../units.ts'
import { type Account, bookOf, credit, type Lot, receive, takeOldest, touch } from './account.ts'
import { type AccountState, type PoolState, readState, stateKeys, stateValue } from './model.ts'
import { present } from './present.ts'
import type { Draft } from './view.ts'

/** Postings on a draft. Every debit and credit first moves what decayed to the pool. */

/** What exists, as ADP or ATP, in micro-ATP. */
export function supplyOf(pool: PoolState): bigint {
  return BigInt(pool.minted) - BigInt(pool.slashed)
}

/** Brings one account up to date: all that a sweep does. */
export function settle(draft: Draft, lct: LctId): Account {
  const before = readState.account(draft, lct)
  const { account, loss } = touch(before, present(readState.decay(draft)))
  if (loss === 0n) return account
  store(draft, lct, account)
  addToPool(draft, loss)
  return account
}

/** Takes `amount` off an account, oldest first; undefined when it holds less. */
export function debit(
  draft: Draft,
  lct: LctId,
  amount: MicroAtp,
): { readonly lots: readonly Lot[]; readonly taken: bigint } | undefined {
  const result = takeOldest(settle(draft, lct), present(readState.decay(draft)), amount)
  if (result === undefined) return undefined
  store(draft, lct, result.account)
  return { lots: result.lots, taken: result.taken }
}

/** Gives lots that were debited elsewhere to an account; their age survives. */
export function creditLots(draft: Draft, lct: LctId, lots: readonly Lot[]): void {
  store(draft, lct, receive(settle(draft, lct), present(readState.decay(draft)), lots))
}

/** ADP of the pool becomes new ATP of an account; false when the pool holds less. */
export function chargeFromPool(draft: Draft, lct: LctId, amount: MicroAtp): boolean {
  const account = settle(draft, lct)
  if (!takeFromPool(draft, bookOf(amount))) return false
  store(draft, lct, credit(account, present(readState.decay(draft)), amount))
  return true
}

/** Units of 10^-15 micro-ATP become ADP. */
export function addToPool(draft: Draft, units: bigint): void {
  const pool = poolOf(draft)
  draft.replace(stateKeys.pool, stateValue({ ...pool, pool: (BigInt(pool.pool) + units).toString() }))
}

/** False when the pool holds less. */
export function takeFromPool(draft: Draft, units: bigint): boolean {
  if (BigInt(poolOf(draft).pool) < units) return false
  addToPool(draft, -units)
  return true
}

/** New ADP. */
export function mintToPool(draft: Draft, amount: MicroAtp): void {
  const pool = poolOf(draft)
  draft.replace(stateKeys.pool, stateValue({ ...pool, minted: (BigInt(pool.minted) + BigInt(amount)).toString() }))
  addToPool(draft, bookOf(amount))
}

/** Counts what was destroyed; the caller took it from an account or the pool. */
export function countSlashed(draft: Draft, amount: MicroAtp): void {
  const pool = poolOf(draft)
  draft.replace(stateKeys.pool, stateValue({ ...pool, slashed: (BigInt(pool.slashed) + BigInt(amount)).toString() }))
}

export function poolOf(draft: Draft): PoolState {
  return present(readState.pool(draft))
}

/** (minted − slashed)·10^15 − ΣB − pool over all accounts: 0n after every entry, or the software is wrong. */
export function conservation(pool: PoolState, accounts: Iterable<AccountState>): bigint {
  let difference = supplyOf(pool) * bookOf(1) - BigInt(pool.pool)
  for (const account of accounts) difference -= BigInt(account.book)
  return difference
}

function store(draft: Draft, lct: LctId, account: Account): void {
  draft.set(stateKeys.account(lct), account === undefined ? undefined : stateValue(account))
}
