import assert from 'node:assert/strict'
import { atpChargeRules } from '../../src/records/atp-charge.ts'
import { atpDischargeRules } from '../../src/records/atp-discharge.ts'
import { atpMintRules } from '../../src/records/atp-mint.ts'
import { atpSlashRules } from '../../src/records/atp-slash.ts'
import { atpSweepRules } from '../../src/records/atp-sweep.ts'
import { atpTransferRules } from '../../src/records/atp-transfer.ts'
import { attestRules } from '../../src/records/attest.ts'
import { defaultLaw, type Law } from '../../src/records/law.ts'
import type { EntityType } from '../../src/records/names.ts'
import type { OpenedEntry, RecordRules } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { bookValue, spendable } from '../../src/state/account.ts'
import { genesisCeilings, updateCeilings } from '../../src/state/ceilings.ts'
import { conservation, imbalance } from '../../src/state/conservation.ts'
import { advanceDecay, genesisDecay } from '../../src/state/decay.ts'
import { touchedKeys } from '../../src/state/decide.ts'
import { type AccountState, type LctState, readState, stateKeys, stateValue } from '../../src/state/model.ts'
import { present } from '../../src/state/present.ts'
import { openFlow } from '../../src/state/velocity.ts'
import { Draft } from '../../src/state/view.ts'
import { DAY_MS, type EpochMs, type KeyText, type LctId } from '../../src/units.ts'
import { type EntryOverrides, SOCIETY, sha256, T0, testEntry, testHash, testKey, testLct } from './entries.ts'

const kinds = {
  'atp.mint': atpMintRules,
  'atp.charge': atpChargeRules,
  'atp.transfer': atpTransferRules,
  'atp.discharge': atpDischargeRules,
  'atp.slash': atpSlashRules,
  'atp.sweep': atpSweepRules,
  attest: attestRules,
}
type Kind = keyof typeof kinds
type BodyOf<K extends Kind> = (typeof kinds)[K] extends RecordRules<K, infer Body> ? Body : never

export const SOCIETY_KEY = testKey(1)
export const EVIDENCE = testHash('evidence')

export interface LedgerOptions {
  readonly intervalMs?: number
  readonly time?: EpochMs
  readonly law?: Partial<Law>
}

/** The state of one society with only the kinds of the ledger on top, and the decay table moved as the shared rules do. */
export class Ledger {
  readonly state = new Draft({ get: () => undefined })
  readonly #intervalMs: number
  #seq = 1
  time: EpochMs

  constructor({ intervalMs = DAY_MS, time = T0, law = {} }: LedgerOptions = {}) {
    this.#intervalMs = intervalMs
    this.time = time
    const first: Law = { ...defaultLaw({ witness_key: testKey(2), finality: [], birth: [] }), ...law }
    this.state.set(stateKeys.charter, { interval_ms: intervalMs, slug: 'commons' })
    this.state.set(stateKeys.law, stateValue(first))
    this.state.set(stateKeys.keys, stateValue({ next: testHash('next'), society: SOCIETY_KEY }))
    this.state.set(stateKeys.ceilings, stateValue(genesisCeilings(time, first)))
    this.state.set(stateKeys.decay, stateValue(genesisDecay(time, intervalMs, first.decay)))
    this.state.set(stateKeys.pool, { minted: '0', pool: '0', slashed: '0' })
    this.state.set(stateKeys.flow, stateValue(openFlow(time)))
  }

  /** Registers an LCT born with test key `number`. */
  enrol(number: number, type: EntityType = 'human', overrides: Partial<LctState> = {}, society = SOCIETY): LctId {
    const lct = testLct(number, type, society)
    this.state.set(stateKeys.lct(lct), stateValue({ key: testKey(number), status: 'active', type, ...overrides }))
    return lct
  }

  change(lct: LctId, overrides: Partial<LctState>): void {
    this.state.set(stateKeys.lct(lct), stateValue({ ...present(readState.lct(this.state, lct)), ...overrides }))
  }

  /** A law.update at the present time, as far as the ledger feels it. */
  legislate(law: Partial<Law>): void {
    const changed = { ...present(readState.law(this.state)), ...law }
    this.#advance(this.state)
    this.state.set(stateKeys.law, stateValue(changed))
    const ceilings = updateCeilings(present(readState.ceilings(this.state)), this.time, changed)
    this.state.set(stateKeys.ceilings, stateValue(ceilings))
  }

  /** Refuses or applies; also proves that the kind foretold every key that it reads. */
  apply(entry: OpenedEntry): Code | undefined {
    const rules = kinds[entry.record.kind as Kind] as unknown as RecordRules
    const signers = entry.sigs.map(sig => sig.by)
    const foretold = new Set(touchedKeys(entry))
    const draft = new Draft({
      get: key => {
        assert.ok(foretold.has(key), `${entry.record.kind} reads ${key} and does not say so`)
        return this.state.get(key)
      },
    })
    this.#advance(draft)
    const refused =
      rules.check(entry.record, signers) ?? rules.decide(draft, entry, { sha256, verifySignature: () => false })
    if (refused === undefined) {
      assert.equal(imbalance(this.state, draft.changes), 0n)
      this.state.absorb(draft)
    }
    return refused?.code
  }

  do<K extends Kind>(kind: K, author: string, body: BodyOf<K>, overrides: EntryOverrides = {}): Code | undefined {
    this.#seq += 1
    return this.apply(testEntry(kind, author, body, { seq: this.#seq, time: this.time, ...overrides }))
  }

  mint(amount: number, overrides?: EntryOverrides): Code | undefined {
    return this.do('atp.mint', SOCIETY, { amount }, overrides)
  }
  charge(to: LctId, amount: number, overrides?: EntryOverrides): Code | undefined {
    return this.do('atp.charge', SOCIETY, { amount, evidence: EVIDENCE, to }, overrides)
  }
  transfer(from: LctId, to: LctId, amount: number, overrides?: EntryOverrides): Code | undefined {
    return this.do('atp.transfer', from, { amount, from, to }, { signers: [this.keyOf(from)], ...overrides })
  }
  discharge(from: LctId, amount: number, overrides?: EntryOverrides): Code | undefined {
    const body = { amount, evidence: EVIDENCE, from }
    return this.do('atp.discharge', from, body, { signers: [this.keyOf(from)], ...overrides })
  }
  slash(amount: number, account?: LctId, overrides?: EntryOverrides): Code | undefined {
    const body = account === undefined ? { amount, evidence: EVIDENCE } : { account, amount, evidence: EVIDENCE }
    return this.do('atp.slash', SOCIETY, body, overrides)
  }
  sweep(...accounts: readonly LctId[]): Code | undefined {
    return this.do('atp.sweep', SOCIETY, { accounts: [...accounts] })
  }

  keyOf(lct: LctId): KeyText {
    return readState.lct(this.state, lct)?.key ?? SOCIETY_KEY
  }
  account(lct: LctId): AccountState | undefined {
    return readState.account(this.state, lct)
  }
  /** What is held, without its history; undefined when it is nothing. */
  holding(lct: LctId): Pick<AccountState, 'book' | 'lots'> | undefined {
    const { book, lots } = this.account(lct) ?? { book: '0', lots: [] }
    return lots.length === 0 ? undefined : { book, lots }
  }
  /** Book value at the present time, looked at without touching. */
  value(lct: LctId): bigint {
    const draft = new Draft(this.state)
    this.#advance(draft)
    return bookValue(this.account(lct), present(readState.decay(draft)))
  }
  spendable(lct: LctId): number {
    const draft = new Draft(this.state)
    this.#advance(draft)
    return spendable(this.account(lct), present(readState.decay(draft)))
  }
  get pool(): bigint {
    return BigInt(present(readState.pool(this.state)).pool)
  }
  accounts(): AccountState[] {
    const pairs = [...this.state.changes].filter(([key, value]) => key.startsWith('account/') && value !== undefined)
    return pairs.map(([, value]) => value as unknown as AccountState)
  }
  assertConserved(): void {
    assert.equal(conservation(present(readState.pool(this.state)), this.accounts()), 0n)
  }

  #advance(draft: Draft): void {
    const decay = present(readState.decay(draft))
    const law = present(readState.law(draft))
    draft.set(stateKeys.decay, stateValue(advanceDecay(decay, this.time, this.#intervalMs, law.decay)))
  }
}
