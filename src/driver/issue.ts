import { canonicalBytes, type Json } from '../canonical.ts'
import { signedMessage } from '../crypto.ts'
import { toBase64url } from '../encoding.ts'
import { encodeSubmission } from '../ingest/open.ts'
import type { Signer } from '../ports.ts'
import type { AnyRecord, Sig } from '../records/types.ts'
import { rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { stateKeys } from '../state/model.ts'
import type { Seq } from '../units.ts'
import type { Federation } from './federation.ts'
import { newSocietyKey, notHeld } from './log-key.ts'
import { Serial } from './serial.ts'
import { openVerified, sequence } from './serve.ts'

/** Lanes of the society's own records: what is signed and sequenced at once, and what waits for other parties' signatures. */
const OWN_LANE = 0
const WAITING_LANES = { from: 16, to: 255 } as const

export interface Issued {
  readonly seq: Seq
  readonly record: AnyRecord
  readonly submission: Uint8Array
}

/** Signs one record with one key. */
export async function signRecord(record: AnyRecord, signer: Signer): Promise<Sig> {
  const signature = await signer.sign(signedMessage('record', canonicalBytes(record as unknown as Json)))
  return { by: signer.key, sig: toBase64url(signature) }
}

/** Makes records whose author is the society, and gives out its lanes. */
export class Issuer {
  readonly #node: Federation
  readonly #ownLane = new Serial()
  /** Highest n given out, by lane, beyond what the log holds. */
  readonly #given = new Map<number, number>()
  readonly #heldLanes = new Set<number>()
  readonly #waitingForLane: (() => void)[] = []

  constructor(node: Federation) {
    this.#node = node
  }

  /** Builds, signs and sequences a record of the society in its own lane, one after another. `others`: further signers. */
  issue(kind: string, body: Json, others: readonly Signer[] = []): Promise<Result<Issued>> {
    return this.#ownLane.run(async () => {
      const record = await this.draft(kind, body, OWN_LANE)
      return record === undefined ? fail(rejection('NOT_SEQUENCER')) : this.finish(record, [], others)
    })
  }

  /** A record of the society without signatures. */
  async draft(kind: string, body: Json, lane: number): Promise<AnyRecord | undefined> {
    const own = this.#node.own
    if (own === undefined) return undefined
    const { society } = own.log
    const n = await this.#nextN(lane)
    return {
      author: society,
      body: body as AnyRecord['body'],
      kind,
      lane,
      n,
      society,
      time: this.#node.ports.clock.now(),
      v: 1,
    }
  }

  /** Adds the society's signature to those collected, and sequences. The society key may change meanwhile: then once more. */
  async finish(record: AnyRecord, sigs: readonly Sig[], others: readonly Signer[] = []): Promise<Result<Issued>> {
    for (;;) {
      const signer = this.#signerOf(record)
      if (!signer.ok) return signer
      const all = new Map(sigs.map(sig => [sig.by, sig]))
      for (const one of [signer.value, ...others]) all.set(one.key, await signRecord(record, one))
      const submission = encodeSubmission(record, [...all.values()])
      const opened = await openVerified(this.#node, submission)
      if (!opened.ok) return opened
      const sequenced = await sequence(this.#node, opened.value)
      if (sequenced.ok) return ok({ seq: sequenced.value, record, submission })
      const now = this.#signerOf(record)
      if (sequenced.error.code !== 'SIGNER_WRONG' || !now.ok || now.value.key === signer.value.key) return sequenced
    }
  }

  /** A law.update that changes the society key is signed by the new one alone. */
  #signerOf(record: AnyRecord): Result<Signer> {
    const { societyKeys } = this.#node.ports
    const next = newSocietyKey(record)
    if (next === undefined || societyKeys === undefined) return this.#node.societySigner()
    const signer = societyKeys.signerFor(next)
    return signer === undefined ? fail(notHeld(next, societyKeys)) : ok(signer)
  }

  /** Holds a lane of its own while `task` collects signatures: nothing else can pass its n. */
  async withLane<T>(task: (lane: number) => Promise<T>): Promise<T> {
    const lane = await this.#takeLane()
    try {
      return await task(lane)
    } finally {
      this.releaseLane(lane)
    }
  }

  async #takeLane(): Promise<number> {
    for (;;) {
      const lane = this.tryLane()
      if (lane !== undefined) return lane
      await new Promise<void>(resolve => this.#waitingForLane.push(resolve))
    }
  }

  /** Takes a lane for a record that leaves this process for a while (a prepared birth); undefined when all are held. */
  tryLane(): number | undefined {
    for (let lane = WAITING_LANES.from; lane <= WAITING_LANES.to; lane++) {
      if (this.#heldLanes.has(lane)) continue
      this.#heldLanes.add(lane)
      return lane
    }
    return undefined
  }

  releaseLane(lane: number): void {
    this.#heldLanes.delete(lane)
    this.#waitingForLane.shift()?.()
  }

  async #nextN(lane: number): Promise<number> {
    const own = this.#node.own
    if (own === undefined) return 1
    const [last] = await own.log.replica.states([stateKeys.lane(own.log.society, lane)])
    const n = Math.max(Number(last ?? 0), this.#given.get(lane) ?? 0) + 1
    this.#given.set(lane, n)
    return n
  }
}
