import type { EpochMs, LctId, MicroAtp } from '../units.ts'
import { type Account, BOOK_ONE, bookOf, credit, type Lot, receive, takeOldest, touch } from './account.ts'
import { type PoolState, readState, stateKeys, stateValue } from './model.ts'
import { present } from './present.ts'
import { addOutflow, advanceFlow } from './velocity.ts'
import type { Draft } from './view.ts'

/** Postings on a draft. Every debit and credit first moves what decayed to the pool. */

/** What exists, as ADP or ATP, in micro-ATP. */
export function supplyOf(pool: PoolState): bigint {
  return BigInt(pool.minted) - BigInt(pool.slashed)
}

/** What is on accounts, in units of 10^-15 micro-ATP, as far as decay is in the books. */
export function circulating(pool: PoolState): bigint {
  return supplyOf(pool) * BOOK_ONE - BigInt(pool.pool)
}

/** Brings one account up to date: all that a sweep does. */
export function settle(draft: Draft, lct: LctId, time: EpochMs): Account {
  const before = readState.account(draft, lct)
  const { account, loss } = touch(before, present(readState.decay(draft)), time)
  // Without a loss the history of holdings can wait for the next touch, unless there is none worth keeping any more.
  const isGone = before !== undefined && account === undefined
  if (loss === 0n && !isGone) return account
  advanceSocietyFlow(draft, time)
  store(draft, lct, account)
  addToPool(draft, loss)
  return account
}

/** Takes `amount` off an account, oldest first; undefined when it holds less. `spent`: by its holder, so it counts as outflow. */
export function debit(
  draft: Draft,
  lct: LctId,
  time: EpochMs,
  amount: MicroAtp,
  { spent }: { readonly spent: boolean },
): { readonly lots: readonly Lot[]; readonly taken: bigint } | undefined {
  const outflow = spent ? amount : 0
  const result = takeOldest(settle(draft, lct, time), present(readState.decay(draft)), amount, outflow)
  if (result === undefined) return undefined
  advanceSocietyFlow(draft, time, outflow)
  store(draft, lct, result.account)
  return { lots: result.lots, taken: result.taken }
}

/** Gives lots that were debited elsewhere to an account; their age survives. */
export function creditLots(draft: Draft, lct: LctId, time: EpochMs, lots: readonly Lot[]): void {
  store(draft, lct, receive(settle(draft, lct, time), present(readState.decay(draft)), time, lots))
}

/** ADP of the pool becomes new ATP of an account; false when the pool holds less. */
export function chargeFromPool(draft: Draft, lct: LctId, time: EpochMs, amount: MicroAtp): boolean {
  const account = settle(draft, lct, time)
  advanceSocietyFlow(draft, time)
  if (!takeFromPool(draft, bookOf(amount))) return false
  store(draft, lct, credit(account, present(readState.decay(draft)), time, amount))
  return true
}

/** Before what is on accounts changes: until now it was as the books say. */
function advanceSocietyFlow(draft: Draft, time: EpochMs, outflow: MicroAtp = 0): void {
  const before = present(readState.flow(draft))
  const holding = time > before.since ? circulating(poolOf(draft)) / BOOK_ONE : 0n
  const flow = addOutflow(advanceFlow(before, time, holding), outflow)
  if (flow !== before) draft.replace(stateKeys.flow, stateValue(flow))
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

function store(draft: Draft, lct: LctId, account: Account): void {
  draft.set(stateKeys.account(lct), account === undefined ? undefined : stateValue(account))
}
