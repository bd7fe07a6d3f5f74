import type { EpochMs, MicroAtp } from '../units.ts'
import { FACTOR_ONE, factorAt } from './decay.ts'
import type { AccountState, DecayState, FlowState } from './model.ts'
import { addOutflow, advanceFlow, isIdle, openFlow } from './velocity.ts'

/**
 * One account: principals by origin and their book value (docs/protocol.md, Decay). An empty account is undefined, as it is
 * absent from the state. Everything but `bookValue`, `spendable` and `touch` wants an account that was touched at this time.
 */
export type Account = AccountState | undefined
/** Principal that came into being in interval `origin`. */
export type Lot = AccountState['lots'][number]

/** Units of book value and pool in one micro-ATP. */
export const BOOK_ONE = BigInt(FACTOR_ONE)

export function bookOf(amount: MicroAtp): bigint {
  return BigInt(amount) * BOOK_ONE
}

/** What the lots are worth in the table's interval, in units of 10^-15 micro-ATP. */
export function bookValue(account: Account, decay: DecayState): bigint {
  return account === undefined ? 0n : worthOf(account.lots, decay)
}

/** What can be paid, in whole micro-ATP. */
export function spendable(account: Account, decay: DecayState): MicroAtp {
  return Number(bookValue(account, decay) / BOOK_ONE)
}

/** Brings book value and flow up to date at `time`; `loss` is what decayed since the last touch. */
export function touch(
  account: Account,
  decay: DecayState,
  time: EpochMs,
): { readonly account: Account; readonly loss: bigint } {
  if (account === undefined) return { account, loss: 0n }
  const before = BigInt(account.book)
  const book = worthOf(account.lots, decay)
  const flow = advanceFlow(account.flow, time, meanHolding(before, book))
  if (book === before)
    return { account: flow === account.flow ? account : accountOf(account.lots, book, flow), loss: 0n }
  const lots = account.lots.filter(([origin]) => factorAt(decay, origin) > 0n)
  return { account: accountOf(lots, book, flow), loss: before - book }
}

/** Whole micro-ATP held on average between two book values: what decays falls nearly evenly. */
export function meanHolding(before: bigint, now: bigint): bigint {
  return (before + now) / (2n * BOOK_ONE)
}

/** Adds newly charged principal: its origin is the table's interval. */
export function credit(account: Account, decay: DecayState, time: EpochMs, principal: MicroAtp): Account {
  return receive(account, decay, time, [[decay.k, principal]])
}

/** Adds lots as they are: age survives. `time`: when an account without a history begins. */
export function receive(account: Account, decay: DecayState, time: EpochMs, lots: readonly Lot[]): Account {
  const book = BigInt(account?.book ?? '0') + worthOf(lots, decay)
  return accountOf(merge(account?.lots ?? [], lots), book, account?.flow ?? openFlow(time))
}

export interface Taken {
  /** What is left. */
  readonly account: Account
  readonly lots: readonly Lot[]
  /** Book value of `lots`: at least the amount, beyond it by less than one unit of the last lot. */
  readonly taken: bigint
}

/**
 * Takes the oldest lots for `amount`, of the last one as few units as suffice; undefined when the account holds less.
 * `outflow`: how much of it the holder spent; nothing when it is taken away.
 */
export function takeOldest(
  account: Account,
  decay: DecayState,
  amount: MicroAtp,
  outflow: MicroAtp = amount,
): Taken | undefined {
  if (account === undefined) return undefined
  const taken: Lot[] = []
  let rest = bookOf(amount)
  for (const [index, [origin, principal]] of account.lots.entries()) {
    const factor = factorAt(decay, origin)
    const value = BigInt(principal) * factor
    if (value < rest) {
      taken.push([origin, principal])
      rest -= value
      continue
    }
    const units = Number((rest + factor - 1n) / factor)
    taken.push([origin, units])
    const after = account.lots.slice(index + 1)
    const left: readonly Lot[] = units === principal ? after : [[origin, principal - units], ...after]
    const total = worthOf(taken, decay)
    const flow = addOutflow(account.flow, outflow)
    return { account: accountOf(left, BigInt(account.book) - total, flow), lots: taken, taken: total }
  }
  return undefined
}

function worthOf(lots: readonly Lot[], decay: DecayState): bigint {
  let sum = 0n
  for (const [origin, principal] of lots) sum += BigInt(principal) * factorAt(decay, origin)
  return sum
}

function accountOf(lots: readonly Lot[], book: bigint, flow: FlowState): Account {
  return lots.length === 0 && isIdle(flow) ? undefined : { book: book.toString(), flow, lots }
}

/** Both lists are oldest first; so is the result, equal origins added. Sums stay below 2^53: no origin ever holds more than the supply. */
function merge(left: readonly Lot[], right: readonly Lot[]): readonly Lot[] {
  const merged: Lot[] = []
  let [l, r] = [0, 0]
  for (;;) {
    const [a, b] = [left[l], right[r]]
    if (a === undefined) return merged.concat(right.slice(r))
    if (b === undefined) return merged.concat(left.slice(l))
    merged.push(a[0] < b[0] ? a : b[0] < a[0] ? b : [a[0], a[1] + b[1]])
    if (a[0] <= b[0]) l++
    if (b[0] <= a[0]) r++
  }
}
