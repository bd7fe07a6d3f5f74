import assert from 'node:assert/strict'
import type { Law } from '../../src/records/law.ts'
import type { Code } from '../../src/rejection.ts'
import { bookValue, type Lot } from '../../src/state/account.ts'
import { advanceDecay } from '../../src/state/decay.ts'
import { type AccountState, readState } from '../../src/state/model.ts'
import { present } from '../../src/state/present.ts'
import { DAY_MS, type EpochMs, type LctId } from '../../src/units.ts'
import { federation } from './federation.ts'
import { hashText, type Identity, identity } from './identity.ts'
import type { Draftable, TestSociety } from './society.ts'

export interface Holder {
  readonly key: Identity
  readonly lct: LctId
}

/** A real log, signed and decided entry by entry, with members who hold ATP. The charter is dated so that days begin with `time`. */
export class EconomyScene {
  readonly log: TestSociety
  readonly peers: readonly TestSociety[]
  readonly ada: Holder
  readonly bob: Holder
  readonly eve: Holder
  /** Of the next entry; a test moves it. */
  time: EpochMs

  constructor(law: Partial<Law> = {}) {
    const begin = 20_454 * DAY_MS
    const ceilings = { charge: Number.MAX_SAFE_INTEGER, mint: Number.MAX_SAFE_INTEGER }
    const change = (base: Law, index: number): Law => (index === 0 ? { ...base, ceilings, ...law } : base)
    const [log, ...peers] = federation({ law: change, time: begin - DAY_MS })
    assert.ok(log)
    this.log = log
    this.peers = peers
    this.ada = this.#born('ada')
    this.bob = this.#born('bob')
    this.eve = this.#born('eve')
    this.time = begin
  }

  #born(name: string): Holder {
    const { log } = this
    log.append(
      log.birth(
        name,
        'human',
        this.peers.map(({ witness }) => witness),
      ),
    )
    const key = identity(`${log.slug} ${name}`)
    return { key, lct: log.lctOf(key, 'human') }
  }

  /** A member of another society, introduced here. */
  guest(name: string): Holder {
    const [home] = this.peers
    assert.ok(home)
    home.clock = this.time - 1_000
    home.append(home.birth(name, 'human', home.witnesses))
    const key = identity(`${home.slug} ${name}`)
    const lct = home.lctOf(key, 'human')
    this.good({ kind: 'introduce', body: home.introduction(lct) })
    return { key, lct }
  }

  /** Appends it when it is good; the code when it is not. */
  do(input: Draftable): Code | undefined {
    const entry = { entryTime: this.time, ...input }
    const code = this.log.refusal(entry)
    if (code === undefined) this.log.append(entry)
    return code
  }

  /** Appends what must be good. */
  good(input: Draftable): void {
    this.log.append({ entryTime: this.time, ...input })
  }

  mint(amount: number): void {
    this.good({ kind: 'atp.mint', body: { amount } })
  }
  charge(to: Holder, amount: number): void {
    this.good({ kind: 'atp.charge', body: { amount, evidence: hashText('work'), to: to.lct } })
  }
  sweep(...holders: readonly Holder[]): void {
    this.good({ kind: 'atp.sweep', body: { accounts: holders.map(({ lct }) => lct).sort() } })
  }
  pay(from: Holder, to: Holder, amount: number): Code | undefined {
    return this.do(payment(from, to, amount))
  }

  /** In units of 10^-15 micro-ATP, looked at now. */
  value(holder: Holder): bigint {
    const decay = advanceDecay(present(readState.decay(this.log)), this.time, DAY_MS, this.log.law.decay)
    return bookValue(this.account(holder), decay)
  }
  spendable(holder: Holder): number {
    return Number(this.value(holder) / 10n ** 15n)
  }
  account({ lct }: Holder): AccountState | undefined {
    return readState.account(this.log, lct)
  }
  /** [age in days, principal], oldest first. */
  lots(holder: Holder): (readonly [age: number, principal: number])[] {
    const today = Math.floor(this.time / DAY_MS)
    return (this.account(holder)?.lots ?? []).map(([origin, principal]: Lot) => [today - origin, principal])
  }
  get pool(): bigint {
    return BigInt(present(readState.pool(this.log)).pool)
  }
}

export function payment(from: Holder, to: Holder, amount: number): Draftable {
  return { kind: 'atp.transfer', author: from.lct, signers: [from.key], body: { amount, from: from.lct, to: to.lct } }
}
