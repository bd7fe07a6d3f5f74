import { type Account, BOOK_ONE, bookOf, credit, receive, takeOldest, touch } from '../../src/state/account.ts'
import { conservation } from '../../src/state/conservation.ts'
import { advanceDecay, factorAt } from '../../src/state/decay.ts'
import type { DecayRates, DecayState, FlowState, PoolState } from '../../src/state/model.ts'
import { type EpochMs, type MicroAtp, MONTH_MS } from '../../src/units.ts'
import type { Population } from './population.ts'

/** Where virtual time begins: at the start of a window of 30 days, so late that no lot is from before the epoch. */
const START = 2_000 * MONTH_MS

/** What decayed, in units of 10^-15 micro-ATP. */
export interface Decayed {
  readonly all: bigint
  /** Of it, what reached its maximal age, as it was worth at the step before. */
  readonly expired: bigint
}

/** Accounts and pool in virtual time. Lots, decay and flow are those of the ledger (src/state/): nothing here has a rule of its own. */
export class Books {
  readonly #interval: number
  readonly #rates: DecayRates
  readonly #accounts: Account[]
  readonly #minted: bigint
  /** Principal by origin: payments never change it. */
  readonly #issued = new Map<number, bigint>()
  #time: EpochMs = START
  #decay: DecayState
  #pool: bigint
  /** Between payers and payees; nothing at the end of a day, or the books do not balance. */
  #paid: Account
  #decayed = 0n
  #expired = 0n

  /** The law under trial decides from the first step on; what decayed before stays as it is. */
  constructor({ factors, holdings, interval_ms }: Population, rates: DecayRates) {
    const k = Math.floor(START / interval_ms)
    this.#interval = interval_ms
    this.#rates = rates
    this.#decay = { k, factors: factors.toReversed(), origin: k - factors.length + 1, rates }
    this.#accounts = holdings.map(({ lots }) => {
      const oldestFirst = lots.map(([age, principal]) => [k - age, principal] as const).sort(([a], [b]) => a - b)
      for (const [origin, principal] of oldestFirst) this.#issue(origin, principal)
      return receive(undefined, this.#decay, START, oldestFirst)
    })
    const held = this.held()
    // A law mints whole micro-ATP: what is missing to the next one waits in the pool.
    this.#minted = (held + BOOK_ONE - 1n) / BOOK_ONE
    this.#pool = this.#minted * BOOK_ONE - held
  }

  get size(): number {
    return this.#accounts.length
  }

  /** To `elapsedMs` after the start. */
  advance(elapsedMs: number): void {
    const before = this.#decay
    this.#time = START + elapsedMs
    this.#decay = advanceDecay(before, this.#time, this.#interval, this.#rates)
    for (const [origin, principal] of this.#issued) {
      if (origin >= this.#decay.origin) continue
      this.#issued.delete(origin)
      const aged = (this.#decay.k - origin) * this.#interval >= this.#rates.max_age_ms
      if (aged) this.#expired += principal * factorAt(before, origin)
    }
  }

  /** Brings an account up to date; what can be paid from it now. */
  settle(index: number): MicroAtp {
    const { account, loss } = touch(this.#accounts[index], this.#decay, this.#time)
    this.#accounts[index] = account
    this.#pool += loss
    this.#decayed += loss
    return account === undefined ? 0 : Number(BigInt(account.book) / BOOK_ONE)
  }

  /** Into the hands of those that are paid on the same day. The payer is settled, and holds the amount. */
  pay(payer: number, amount: MicroAtp): void {
    const taken = takeOldest(this.#accounts[payer], this.#decay, amount)
    if (taken === undefined) throw new Error(`account ${payer} holds less than ${amount}`)
    this.#accounts[payer] = taken.account
    this.#paid = receive(this.#paid, this.#decay, this.#time, taken.lots)
  }

  /** Of what was paid today, the oldest first; all that is left when it is less, or without an amount. */
  earn(payee: number, amount?: MicroAtp): void {
    if (this.#paid === undefined) return
    const taken = amount === undefined ? undefined : takeOldest(this.#paid, this.#decay, amount, 0)
    const { lots } = taken ?? this.#paid
    this.#paid = taken?.account
    this.settle(payee)
    this.#accounts[payee] = receive(this.#accounts[payee], this.#decay, this.#time, lots)
  }

  /** The whole micro-ATP of the pool become new ATP, in equal parts; what cannot be divided waits for the next time. */
  charge(indices: readonly number[]): void {
    if (indices.length === 0) return
    const part = Number(this.#pool / BOOK_ONE / BigInt(indices.length))
    if (part === 0) return
    for (const index of indices) {
      this.settle(index)
      this.#pool -= bookOf(part)
      this.#issue(this.#decay.k, part)
      this.#accounts[index] = credit(this.#accounts[index], this.#decay, this.#time, part)
    }
  }

  /** Settles all accounts. */
  sweep(): void {
    for (const index of this.#accounts.keys()) this.settle(index)
  }

  /** What decayed since it was asked for the last time, as far as it is in the books. */
  takeDecayed(): Decayed {
    const decayed = { all: this.#decayed, expired: this.#expired }
    this.#decayed = 0n
    this.#expired = 0n
    return decayed
  }

  /** On accounts, in units of 10^-15 micro-ATP, as far as decay is in the books. */
  held(): bigint {
    let sum = 0n
    for (const account of this.#accounts) sum += BigInt(account?.book ?? '0')
    return sum
  }

  /** Of settled accounts, in whole micro-ATP. */
  balances(): MicroAtp[] {
    return this.#accounts.map(account => Number(BigInt(account?.book ?? '0') / BOOK_ONE))
  }

  /** Of settled accounts; undefined where nothing is held, and nothing left lately. */
  flows(): (FlowState | undefined)[] {
    return this.#accounts.map(account => account?.flow)
  }

  /** (minted − slashed)·10^15 − ΣB − pool, by the ledger's own check: 0n. */
  difference(): bigint {
    const pool: PoolState = { minted: this.#minted.toString(), pool: this.#pool.toString(), slashed: '0' }
    return conservation(
      pool,
      this.#accounts.filter(account => account !== undefined),
    )
  }

  /** After a sweep: what all lots that were ever issued are worth by the table, less what accounts say. 0n. */
  lotsDifference(): bigint {
    let worth = 0n
    for (const [origin, principal] of this.#issued) worth += principal * factorAt(this.#decay, origin)
    return worth - this.held()
  }

  #issue(origin: number, principal: MicroAtp): void {
    this.#issued.set(origin, (this.#issued.get(origin) ?? 0n) + BigInt(principal))
  }
}
