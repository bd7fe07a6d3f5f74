import { canonicalBytes, type Json } from '../canonical.ts'
import { openEntry } from '../ingest/open.ts'
import type { Store } from '../ports.ts'
import type { DecideContext, OpenedEntry } from '../records/types.ts'
import { rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { keyPart, rangeOf, storeKey } from '../store/ledger.ts'
import type { EpochMs, HashText, KeyText, LctId, MicroAtp, RecordId, Seq, SocietyId } from '../units.ts'
import type { Federation } from './federation.ts'
import { finalForUs } from './relations.ts'
import { Serial } from './serial.ts'
import { decodeState } from './session.ts'
import type { SocietyLog } from './society-log.ts'

/** Payments in the logs of other societies: what members of the own society were paid there, and what any LCT was. */

/**
 * Proofs that are kept of the logs of one society, and of all: up to 12 KiB each. They come from outside, if only with the
 * word of accepted witnesses; whoever pays more often than this is followed.
 */
export const PROVEN_OF_SOCIETY_MAX = 1_000
export const PROVEN_MAX = 10_000
/** Payments told in one go. */
const STEP = 1_000

/** An atp.transfer to an LCT that is at home elsewhere. */
export interface Payment {
  /** In whose log, and in whose ATP. */
  readonly society: SocietyId
  readonly seq: Seq
  readonly record: RecordId
  readonly from: LctId
  readonly to: LctId
  readonly amount: MicroAtp
  readonly memo?: HashText
  /** Of the entry. */
  readonly time: EpochMs
}

/** A payment that came with its proof, which is kept: entry, note and inclusion as records carry foreign entries. */
export interface ProvenPayment {
  readonly payment: Payment
  readonly entry: string
  readonly note: string
  readonly proof: readonly HashText[]
  readonly quorum: number
  /** Whose cosignatures are on the note. */
  readonly signed: readonly KeyText[]
}

export interface ListedPayment extends Payment {
  readonly final: boolean
  /** By witnesses that this node accepts now. */
  readonly final_for_us: boolean
}

export interface PaymentFilter {
  readonly to: LctId
  readonly from?: LctId
  readonly society?: SocietyId
  /** Entry times below this. */
  readonly before?: EpochMs
  readonly limit: number
}

export interface PaymentEvents {
  /** Final for this node for the first time; the payee is a member of the own society. */
  received(payment: Payment): void
}

export function paymentOf(society: SocietyId, { id, record, seq, time }: OpenedEntry): Payment | undefined {
  if (record.kind !== 'atp.transfer') return undefined
  const { amount, from, memo, to } = record.body as unknown as Pick<Payment, 'amount' | 'from' | 'memo' | 'to'>
  return { society, seq, record: id, from, to, amount, time, ...(memo === undefined ? {} : { memo }) }
}

export class Payments {
  readonly #node: Federation
  readonly #store: Store
  readonly #context: DecideContext
  readonly #events: PaymentEvents
  readonly #serial = new Serial()
  /** Below this the payments of a log were told. */
  readonly #told = new Map<SocietyId, Seq>()
  /** How many proofs are kept, by the society whose log they are of; undefined until it is counted. */
  #proven: Map<SocietyId, number> | undefined

  constructor(node: Federation, events: PaymentEvents) {
    this.#node = node
    this.#store = node.ports.store
    this.#context = node.ports.context
    this.#events = events
  }

  /** Waits for what was begun. */
  idle(): Promise<void> {
    return this.#serial.idle()
  }

  /** Tells the payments of a log to members of the own society that became final for this node since. */
  settle(log: SocietyLog): Promise<void> {
    return this.#serial.run(() => this.#settle(log))
  }

  async #settle(log: SocietyLog): Promise<void> {
    const { society } = log
    const own = this.#node.ownSociety
    if (own === '' || society === own) return
    const final = finalForUs(this.#node, society)
    let from = await this.#toldBelow(society)
    while (from < final) {
      const range = { ...rangeOf.paymentsInto(own, society, from, final), limit: STEP }
      const seqs: Seq[] = []
      for await (const [key] of this.#store.range(range)) seqs.push(keyPart.number(key))
      from = seqs.length < STEP ? final : (seqs.at(-1) ?? from) + 1
      this.#told.set(society, from)
      if (seqs.length === 0) return
      // First written, then told: a crash between the two costs an event, never makes a second one.
      await this.#store.batch([{ type: 'put', key: storeKey.told(society), value: canonicalBytes(from) }], {
        sync: false,
      })
      for (const seq of seqs) await this.#tell(log, seq)
    }
  }

  async #tell(log: SocietyLog, seq: Seq): Promise<void> {
    const payment = await this.#read(log, seq)
    if (payment === undefined) return
    const [kept] = await this.#store.getMany([keyOf(payment)])
    // What a notice proved was told then.
    if (recordOf(kept) !== payment.record) this.#events.received(payment)
  }

  async #toldBelow(society: SocietyId): Promise<Seq> {
    const known = this.#told.get(society)
    if (known !== undefined) return known
    const [stored] = await this.#store.getMany([storeKey.told(society)])
    const told = Number(decodeState(stored) ?? 0)
    this.#told.set(society, told)
    return told
  }

  /** A log went back to `size`: what takes the place of what was given up is news again. */
  rewound(log: SocietyLog, size: Seq): Promise<void> {
    return this.#serial.run(async () => {
      if ((await this.#toldBelow(log.society)) <= size) return
      this.#told.set(log.society, size)
      await this.#store.batch([{ type: 'put', key: storeKey.told(log.society), value: canonicalBytes(size) }], {
        sync: false,
      })
    })
  }

  /**
   * Keeps a payment that was proved to be final for this node, and tells it unless it was told already. PEER_TOO_MUCH when
   * there is no room for more of that society.
   */
  keep(proven: ProvenPayment): Promise<Result<void>> {
    return this.#serial.run(async () => {
      const { payment } = proven
      const { seq, society } = payment
      const key = keyOf(payment)
      const [known] = await this.#store.getMany([key])
      if (recordOf(known) === payment.record) return ok(undefined)
      const counts = await this.#counts()
      const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
      const count = counts.get(society) ?? 0
      if (known === undefined && (count >= PROVEN_OF_SOCIETY_MAX || all >= PROVEN_MAX))
        return fail(rejection('PEER_TOO_MUCH', `${count} proofs of payments in ${society}, ${all} in all`))
      await this.#store.batch([{ type: 'put', key, value: canonicalBytes(proven as unknown as Json) }], { sync: true })
      if (known === undefined) counts.set(society, count + 1)
      if (seq >= (await this.#toldBelow(society))) this.#events.received(payment)
      return ok(undefined)
    })
  }

  async #counts(): Promise<Map<SocietyId, number>> {
    if (this.#proven !== undefined) return this.#proven
    const counts = new Map<SocietyId, number>()
    for await (const [key] of this.#store.range(rangeOf.received())) {
      const { society } = keyPart.payment(key)
      counts.set(society, (counts.get(society) ?? 0) + 1)
    }
    this.#proven = counts
    return counts
  }

  /**
   * Payments to an LCT from other societies' logs, newest first: of logs held here, and those that were proved to this node.
   * An answer never ends between payments of one moment, so it may hold some more than `limit`.
   */
  async list(filter: PaymentFilter): Promise<readonly ListedPayment[]> {
    const { from, limit, society } = filter
    const listed: ListedPayment[] = []
    for await (const payment of this.#all(filter)) {
      if (from !== undefined && payment.from !== from) continue
      if (society !== undefined && payment.society !== society) continue
      if (listed.length >= limit && payment.time !== listed.at(-1)?.time) break
      listed.push(payment)
    }
    return listed
  }

  async *#all({ before, to }: PaymentFilter): AsyncGenerator<ListedPayment> {
    const newestFirst = { reverse: true }
    const held = new Cursor(this.#store.range({ ...rangeOf.paymentsTo(to, before), ...newestFirst }))
    const proven = new Cursor(this.#store.range({ ...rangeOf.receivedBy(to, before), ...newestFirst }))
    try {
      await held.next()
      await proven.next()
      while (held.key !== undefined || proven.key !== undefined) {
        const [a, b] = [placeOf(held), placeOf(proven)]
        const indexed = a >= b ? await this.#listHeld(held.key ?? '') : undefined
        const kept = b >= a ? await this.#listProven(proven.value) : undefined
        if (a >= b) await held.next()
        if (b >= a) await proven.next()
        if (indexed !== undefined && indexed.record === kept?.record)
          yield { ...indexed, final_for_us: indexed.final_for_us || kept.final_for_us }
        else for (const one of [indexed, kept]) if (one !== undefined) yield one
      }
    } finally {
      await held.close()
      await proven.close()
    }
  }

  async #listHeld(key: string): Promise<ListedPayment | undefined> {
    const { seq, society } = keyPart.payment(key)
    const log = this.#node.logs.get(society)
    const payment = log === undefined ? undefined : await this.#read(log, seq)
    if (log === undefined || payment === undefined) return undefined
    return { ...payment, final: seq < log.notes.final, final_for_us: seq < finalForUs(this.#node, society) }
  }

  async #listProven(value: Uint8Array | undefined): Promise<ListedPayment | undefined> {
    const stored = decodeState(value) as unknown as ProvenPayment | undefined
    if (stored === undefined) return undefined
    const { payment, quorum, signed } = stored
    const log = this.#node.logs.get(payment.society)
    // The copy that is here says something else there: then this proof is one of two histories.
    const isDenied =
      log !== undefined &&
      log.replica.tip.size > payment.seq &&
      (await log.replica.seqOf(payment.record)) !== payment.seq
    const accepted = this.#node.acceptedKeys()
    const isBlocked = this.#node.policies.get(payment.society).block
    const known = signed.filter(key => accepted.has(key)).length
    return { ...payment, final: !isDenied, final_for_us: !isDenied && !isBlocked && known >= quorum }
  }

  async #read(log: SocietyLog, seq: Seq): Promise<Payment | undefined> {
    const [bytes] = await log.replica.entries(seq, 1)
    const opened = bytes === undefined ? undefined : openEntry(bytes, this.#context.sha256)
    return opened?.ok === true ? paymentOf(log.society, opened.value) : undefined
  }
}

function keyOf({ seq, society, time, to }: Payment): string {
  return storeKey.received(to, time, society, seq)
}

function recordOf(stored: Uint8Array | undefined): RecordId | undefined {
  return (decodeState(stored) as unknown as ProvenPayment | undefined)?.payment.record
}

/** The place that the cursor is at; below all places when it is at the end. */
function placeOf({ key }: Cursor): string {
  return key === undefined ? '' : keyPart.payment(key).place
}

/** One of several ranges that are read side by side. */
class Cursor {
  readonly #pairs: AsyncIterator<readonly [key: string, value: Uint8Array]>
  key: string | undefined
  value: Uint8Array | undefined

  constructor(range: AsyncIterable<readonly [key: string, value: Uint8Array]>) {
    this.#pairs = range[Symbol.asyncIterator]()
  }

  async next(): Promise<void> {
    const next = await this.#pairs.next()
    ;[this.key, this.value] = next.done === true ? [undefined, undefined] : next.value
  }

  async close(): Promise<void> {
    await this.#pairs.return?.()
  }
}
