import type { Federation } from '../src/driver/federation.ts'
import type { Receipt } from '../src/driver/net.ts'
import { finalForUs } from '../src/driver/relations.ts'
import { openVerified, receiptMessage, sequence } from '../src/driver/serve.ts'
import type { SocietyLog } from '../src/driver/society-log.ts'
import { nodeOf } from '../src/driver/speakers.ts'
import { fromBase64url, keyBytes } from '../src/encoding.ts'
import { rulesOf } from '../src/records/registry.ts'
import type { AnyRecord, VerifiedRecord } from '../src/records/types.ts'
import { type Code, rejection } from '../src/rejection.ts'
import { fail, ok, type Result } from '../src/result.ts'
import { stateKeys } from '../src/state/model.ts'
import type { RecordId, Seq, SocietyId } from '../src/units.ts'
import type { RecordView } from './service.ts'

/** Records that came through this node lately and are in no log yet; older ones are forgotten first. */
const REMEMBERED_MAX = 50_000
const SUBMIT_TIMEOUT_MS = 60_000

interface Remembered {
  readonly record: AnyRecord
  readonly society: SocietyId
  state: 'pending' | 'refused'
  code?: Code
  receipt?: Receipt
  /** Size of the log when its lane or freshness was first seen to be passed: once that is final, the record is dead. */
  passedAt?: Seq
}

/** Where a record stands: on its way, refused, in a log, final, or dead. */
export class RecordDesk {
  readonly #node: Federation
  readonly #remembered = new Map<RecordId, Remembered>()

  constructor(node: Federation) {
    this.#node = node
  }

  /** Takes a submission: for the own log to the sequencer, for another one to its node. */
  async submit(submission: Uint8Array): Promise<Result<RecordView>> {
    const opened = await openVerified(this.#node, submission)
    if (!opened.ok) return opened
    const { record, id } = opened.value
    if (record.society === this.#node.ownSociety) return this.#sequence(opened.value)
    const peer = nodeOf(this.#node, record.society)
    if (peer === undefined)
      return fail(rejection(this.#node.logs.has(record.society) ? 'PEER_UNREACHABLE' : 'NOT_SEQUENCER', record.society))
    const remembered = this.#remember(id, record)
    const reply = await this.#node.ports.net.request(peer.peer, 'submit', submission, { timeoutMs: SUBMIT_TIMEOUT_MS })
    if (!reply.ok) {
      remembered.state = 'refused'
      remembered.code = reply.error.code
      return reply
    }
    if (!this.#isGenuine(reply.value, id, record.society)) return fail(rejection('PEER_GARBAGE', 'receipt'))
    remembered.receipt = reply.value
    if (reply.value.code !== undefined) {
      remembered.state = 'refused'
      remembered.code = reply.value.code
      return fail(rejection(reply.value.code, `refused by ${record.society}`))
    }
    return ok(await this.view(id))
  }

  async #sequence(opened: VerifiedRecord): Promise<Result<RecordView>> {
    const remembered = this.#remember(opened.id, opened.record)
    const sequenced = await sequence(this.#node, opened)
    if (sequenced.ok) {
      this.#remembered.delete(opened.id)
      const log = this.#node.own?.log
      return ok(log === undefined ? await this.view(opened.id) : this.#sequenced(opened.id, log, sequenced.value))
    }
    remembered.state = 'refused'
    remembered.code = sequenced.error.code
    return sequenced
  }

  #remember(id: RecordId, record: AnyRecord): Remembered {
    const entry: Remembered = { record, society: record.society, state: 'pending' }
    this.#remembered.delete(id)
    this.#remembered.set(id, entry)
    if (this.#remembered.size > REMEMBERED_MAX) {
      const oldest = this.#remembered.keys().next().value
      if (oldest !== undefined) this.#remembered.delete(oldest)
    }
    return entry
  }

  #isGenuine(receipt: Receipt, id: RecordId, society: SocietyId): boolean {
    const log = this.#node.logs.get(society)
    const key = keyBytes(receipt.by)
    const signature = fromBase64url(receipt.sig, 64)
    if (receipt.id !== id || receipt.society !== society || key === undefined || signature === undefined) return false
    if (log !== undefined && !log.speaks(receipt.by)) return false
    return this.#node.ports.context.verifySignature(key, signature, receiptMessage(receipt))
  }

  async view(id: RecordId): Promise<RecordView> {
    for (const log of this.#node.logs.values()) {
      const seq = await log.replica.seqOf(id)
      if (seq !== undefined) return this.#sequenced(id, log, seq)
    }
    const remembered = this.#remembered.get(id)
    if (remembered === undefined) return { id, status: 'unknown' }
    const facts = {
      id,
      society: remembered.society,
      ...(remembered.receipt === undefined ? {} : { receipt: remembered.receipt }),
    }
    if (await this.#isDead(remembered)) return { ...facts, status: 'dead', code: 'RECORD_DEAD' }
    if (remembered.state === 'pending') return { ...facts, status: 'pending' }
    return { ...facts, status: 'refused', ...(remembered.code === undefined ? {} : { code: remembered.code }) }
  }

  #sequenced(id: RecordId, log: SocietyLog, seq: Seq): RecordView {
    const remembered = this.#remembered.get(id)
    const base = {
      id,
      society: log.society,
      seq,
      final_for_us: seq < finalForUs(this.#node, log.society),
      ...(remembered?.receipt === undefined ? {} : { receipt: remembered.receipt }),
    }
    if (seq < log.notes.final) return { ...base, status: 'final' }
    const named = log.replica.finalitySets().current.witnesses
    const signed = named.filter(key => (log.notes.cosigned.get(key) ?? 0) > seq)
    return { ...base, status: 'sequenced', signed, missing: named.filter(key => !signed.includes(key)) }
  }

  /** A *final* entry has passed its n in its lane, or its freshness: only then may the same thing be said again safely. */
  async #isDead(remembered: Remembered): Promise<boolean> {
    const { record, society } = remembered
    const log = this.#node.logs.get(society)
    if (log === undefined) return false
    if (remembered.passedAt === undefined) {
      const { tip } = log.replica
      const [last] = await log.replica.states([stateKeys.lane(record.author, record.lane)])
      const freshnessMs = rulesOf(record.kind)?.freshnessMs ?? 0
      if (Number(last ?? 0) >= record.n || tip.time > record.time + freshnessMs) remembered.passedAt = tip.size
    }
    return remembered.passedAt !== undefined && log.notes.final >= remembered.passedAt
  }
}
