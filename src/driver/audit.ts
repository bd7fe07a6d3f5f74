import { decodeCanonical, type Json } from '../canonical.ts'
import type { StoreReader } from '../ports.ts'
import { accountFault, isUnits, poolFault } from '../state/account-faults.ts'
import { circulating } from '../state/books.ts'
import { type AccountState, type DecayState, type PoolState, stateKeys } from '../state/model.ts'
import { keyPart, rangeOf, storeKey } from '../store/ledger.ts'
import type { EpochMs, HashText, LctId, Seq, SocietyId } from '../units.ts'
import { readResume } from './rewind.ts'
import { decodeState } from './session.ts'

/** The books of one log held against what they must be. Reads a snapshot, so that all of it is of one moment. */

/** Shown to people: who has more of them needs no longer list. */
export const FINDINGS_MAX = 20
/** Accounts between two pauses: 5 to 10 ms with ten lots each, so long others wait for the event loop. */
const PAGE = 256
const NO_JSON = 'not canonical JSON'

/** Waits for everybody else; throws when the rest is of no use any more. */
export type Pause = () => Promise<void>

export interface Fault {
  /** State key. */
  readonly key: string
  readonly why: string
}

export interface Audited {
  readonly society: SocietyId
  /** Of the log, at the moment that was audited. */
  readonly size: Seq
  readonly root: HashText
  readonly accounts: number
  /** What accounts and pool hold beyond the supply, in units of 10^-15 micro-ATP: above 0n something was made, below lost. */
  readonly difference: bigint
  /** Values that cannot be right by themselves: how many, and the first of them. */
  readonly faulty: number
  readonly faults: readonly Fault[]
}

/** The books of a log: every account by itself, and all of them against the pool. Undefined when there are none to be audited now. */
export async function auditBooks(reader: StoreReader, society: SocietyId, pause: Pause): Promise<Audited | undefined> {
  const [tip] = await reader.getMany([storeKey.tip(society)])
  // While a log goes back its state is being made again.
  if (tip === undefined || (await readResume(reader, society))?.phase === 'back') return undefined
  const { root, size } = decodeState(tip) as { root: HashText; size: Seq }
  const keys = [stateKeys.pool, stateKeys.decay, stateKeys.time].map(key => storeKey.state(society, key))
  const [pool, decay, time] = (await reader.getMany(keys)).map(decodeLoosely)
  const books = new Books(decay as unknown as DecayState, Number(time))
  if (decay === undefined || time === undefined) {
    const lost = { key: decay === undefined ? stateKeys.decay : stateKeys.time, why: NO_JSON }
    return { society, size, root, accounts: 0, difference: 0n, faulty: 1, faults: [lost] }
  }
  books.fault(stateKeys.pool, poolFault(pool))
  let page: (readonly [lct: LctId, value: Uint8Array])[] = []
  const endPage = async () => {
    const registered = await reader.getMany(page.map(([lct]) => storeKey.state(society, stateKeys.lct(lct))))
    for (const [index, [lct, value]] of page.entries()) books.add(lct, value, registered[index] !== undefined)
    page = []
    await pause()
  }
  for await (const [key, value] of reader.range(rangeOf.accounts(society))) {
    page.push([keyPart.state(society, key).slice(stateKeys.account('').length), value])
    if (page.length === PAGE) await endPage()
  }
  await endPage()
  const { accounts, faults, faulty, sum } = books
  const difference = poolFault(pool) === undefined ? sum - circulating(pool as unknown as PoolState) : 0n
  return { society, size, root, accounts, difference, faulty, faults }
}

/** What was read so far. */
class Books {
  readonly faults: Fault[] = []
  faulty = 0
  accounts = 0
  sum = 0n
  readonly #decay: DecayState
  readonly #time: EpochMs

  constructor(decay: DecayState, time: EpochMs) {
    this.#decay = decay
    this.#time = time
  }

  add(lct: LctId, bytes: Uint8Array, isRegistered: boolean): void {
    const key = stateKeys.account(lct)
    const value = decodeLoosely(bytes)
    this.accounts++
    const why = value === undefined ? NO_JSON : accountFault(value, this.#decay, this.#time)
    this.fault(key, why ?? (isRegistered ? undefined : 'of an LCT that is not registered'))
    const { book } = (value ?? {}) as unknown as Partial<AccountState>
    if (isUnits(book)) this.sum += BigInt(book)
  }

  fault(key: string, why: string | undefined): void {
    if (why === undefined) return
    this.faulty++
    if (this.faults.length < FINDINGS_MAX) this.faults.push({ key, why })
  }
}

/** Of a damaged disk too: what is no JSON any more is a finding, and ends nothing. */
function decodeLoosely(bytes: Uint8Array | undefined): Json | undefined {
  const decoded = bytes === undefined ? undefined : decodeCanonical(bytes)
  return decoded?.ok === true ? decoded.value : undefined
}
