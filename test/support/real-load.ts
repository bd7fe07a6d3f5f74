import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { signRecord, submissionOf } from '../../node/api/sign.ts'
import { Prng } from '../../sim/prng.ts'
import type { Member } from '../../sim/real/found.ts'
import { canonicalBytes, type JsonObject } from '../../src/canonical.ts'
import { CodedError } from '../../src/rejection.ts'
import type { RealNodes, RealSociety } from './real-nodes.ts'

/** Between two records of one member, and before it tries again after a refusal. */
const PAUSE_MS = 60

/** A record that a node said is in the log. */
export interface Acknowledged {
  readonly society: string
  readonly id: string
  readonly seq: number
}

/**
 * Every member of a federation acts, one record after another: payments within its society and attestations about
 * strangers, three of four through the node of its own society and one through another one, until it is told to stop.
 */
export class RealLoad {
  readonly acknowledged: Acknowledged[] = []
  readonly refused = new Map<string, number>()
  readonly #real: RealNodes
  readonly #stop = new AbortController()
  #running: Promise<void>[] = []

  constructor(real: RealNodes) {
    this.#real = real
  }

  start(): void {
    this.#running = this.#real.members.map((member, index) => this.#live(member, new Prng(index + 1)))
  }

  /** Waits for what is on its way. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#running)
  }

  /** How many of the records of this society's log were acknowledged so far. */
  count({ id }: RealSociety): number {
    return this.acknowledged.filter(({ society }) => society === id).length
  }

  async #live(member: Member, prng: Prng): Promise<void> {
    const home = this.#real.societies.find(({ id }) => id === member.society.id) as RealSociety
    const others = this.#real.societies.filter(society => society !== home)
    for (let n = 1; !this.#stop.signal.aborted; n++) {
      const signed = await signRecord(this.#draft(member, n, prng), member.signer)
      const through = prng.below(4) === 0 ? prng.pick(others) : home
      try {
        const view = await through.node.client.submit({ body: submissionOf(signed) })
        const seq = view.seq ?? (view.receipt?.size === undefined ? undefined : view.receipt.size - 1)
        if (seq !== undefined) this.acknowledged.push({ society: home.id, id: idOf(signed.record), seq })
      } catch (error) {
        if (!(error instanceof CodedError)) throw error
        this.refused.set(error.code, (this.refused.get(error.code) ?? 0) + 1)
      }
      await delay(PAUSE_MS)
    }
  }

  #draft({ lct, society }: Member, n: number, prng: Prng): JsonObject {
    const { members } = this.#real
    const envelope = { author: lct, lane: 0, n, society: society.id, time: Date.now(), v: 1 }
    if (prng.below(3) === 0) {
      const subject = prng.pick(members.filter(other => other.society.id !== society.id)).lct
      const claims = { metric: 'delivery', unit: 'ppm', value: prng.below(1_000_000) }
      return { ...envelope, kind: 'attest', body: { claims, event: hashOf(prng.bytes(32)), subject, type: 'quality' } }
    }
    const to = prng.pick(members.filter(other => other.society.id === society.id && other.lct !== lct)).lct
    return { ...envelope, kind: 'atp.transfer', body: { amount: 1 + prng.below(1_000_000), from: lct, to } }
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url')
}

export function idOf(record: JsonObject): string {
  return hashOf(canonicalBytes(record))
}
