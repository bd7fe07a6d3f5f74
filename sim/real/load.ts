import { setTimeout as delay } from 'node:timers/promises'
import { signRecord, submissionOf } from '../../node/api/sign.ts'
import type { JsonObject } from '../../src/canonical.ts'
import { homeOf } from '../../src/records/names.ts'
import { CodedError } from '../../src/rejection.ts'
import { MICRO } from '../../src/units.ts'
import type { Prng } from '../prng.ts'
import type { FinalWatch } from './final-watch.ts'
import { bear, FIRST_CHARGE_ATP, type Member, type Society } from './found.ts'

/** What a busy federation does, drawn from a seed. Shares in per cent; the rest are transfers. */
const SHARES = [
  ['attest', 24],
  ['charge', 8],
  ['discharge', 8],
  ['cross', 8],
  ['birth', 3],
  ['bad', 2],
] as const
type Act = (typeof SHARES)[number][0] | 'transfer'

const EVIDENCE_BYTES = 32
/** Acts in work at once; beyond it the load waits instead of piling up. */
const IN_WORK_MAX = 64

export interface LoadCounts {
  births: number
  transfers: number
  attestations: number
  accepted: number
  readonly rejected: Record<string, number>
}

/** Sends a mixed load at a steady rate and counts what came of it. */
export class Load {
  readonly counts: LoadCounts = { births: 0, transfers: 0, attestations: 0, accepted: 0, rejected: {} }
  readonly #societies: readonly Society[]
  readonly #members: Member[]
  readonly #founders: readonly Member[]
  readonly #prng: Prng
  readonly #watch: FinalWatch
  readonly #signal: AbortSignal
  readonly #busy = new Set<string>()
  readonly #n = new Map<string, number>()
  readonly #introduced = new Map<string, Promise<void>>()
  #born = 0

  constructor(
    societies: readonly Society[],
    members: readonly Member[],
    prng: Prng,
    watch: FinalWatch,
    signal: AbortSignal,
  ) {
    this.#societies = societies
    this.#members = [...members]
    this.#founders = members
    this.#prng = prng
    this.#watch = watch
    this.#signal = signal
  }

  get members(): readonly Member[] {
    return this.#members
  }

  /** `seconds` of `rate` acts a second; returns when all of them are answered. */
  async run(seconds: number, rate: number, onProgress: (accepted: number) => void): Promise<void> {
    const start = performance.now()
    const inWork = new Set<Promise<void>>()
    // Kept until somebody waits for it: an act fails while nobody does.
    const failures: unknown[] = []
    for (let act = 0; act < seconds * rate; act++) {
      const wait = start + (act * 1000) / rate - performance.now()
      if (wait > 1) await delay(wait, undefined, { signal: this.#signal })
      while (inWork.size >= IN_WORK_MAX) await Promise.race(inWork)
      this.#signal.throwIfAborted()
      if (failures.length > 0) throw failures[0]
      const work = this.#act()
        .catch(error => void failures.push(error))
        .finally(() => inWork.delete(work))
      inWork.add(work)
      onProgress(this.counts.accepted)
      if (performance.now() - start > seconds * 1000) break
    }
    await Promise.all(inWork)
    if (failures.length > 0) throw failures[0]
  }

  #draw(): Act {
    let left = this.#prng.below(100)
    for (const [act, share] of SHARES) {
      if (left < share) return act
      left -= share
    }
    return 'transfer'
  }

  async #act(): Promise<void> {
    const act = this.#draw()
    const member = this.#freeMember()
    if (member === undefined) return
    this.#busy.add(member.lct)
    try {
      await this[act](member)
    } catch (error) {
      this.#signal.throwIfAborted()
      if (!(error instanceof CodedError)) throw error
      this.counts.rejected[error.code] = (this.counts.rejected[error.code] ?? 0) + 1
    } finally {
      this.#busy.delete(member.lct)
    }
  }

  /** One record at a time from each member: its lane keeps their order. */
  #freeMember(): Member | undefined {
    const free = this.#members.filter(({ lct }) => !this.#busy.has(lct))
    return free.length === 0 ? undefined : this.#prng.pick(free)
  }

  #colleague(member: Member): Member {
    return this.#prng.pick(this.#members.filter(other => other.society === member.society && other.lct !== member.lct))
  }

  #stranger(member: Member): Member {
    // Those born under load may not be final everywhere yet, and nobody pays to what is not final.
    return this.#prng.pick(this.#founders.filter(other => other.society !== member.society))
  }

  /** Signs as the member in its first lane and posts to its own node. */
  async #post(member: Member, kind: string, body: JsonObject, finalAt: Society): Promise<void> {
    const { society, signer, lct } = member
    const n = (this.#n.get(lct) ?? 0) + 1
    this.#n.set(lct, n)
    const signed = await signRecord(
      { author: lct, body, kind, lane: 0, n, society: society.id, time: Date.now(), v: 1 },
      signer,
    )
    const view = await society.node.client.submit({ body: submissionOf(signed) }, { signal: this.#signal })
    this.#accepted(society, view.seq, finalAt)
  }

  #accepted(society: Society, seq: number | undefined, finalAt: Society): void {
    this.counts.accepted++
    if (seq !== undefined) this.#watch.expect(finalAt.node, society.id, seq, performance.now())
  }

  #evidence(): string {
    return Buffer.from(this.#prng.bytes(EVIDENCE_BYTES)).toString('base64url')
  }

  #amount(): number {
    return (1 + this.#prng.below(5 * MICRO)) as number
  }

  async transfer(member: Member): Promise<void> {
    const to = this.#colleague(member)
    await this.#post(member, 'atp.transfer', { amount: this.#amount(), from: member.lct, to: to.lct }, member.society)
    this.counts.transfers++
  }

  /** A payment to somebody of another society, in the payer's ATP: introduction first, once for each payee. */
  async cross(member: Member): Promise<void> {
    const payee = this.#stranger(member)
    await this.#introduce(member.society, payee)
    await this.#post(member, 'atp.transfer', { amount: this.#amount(), from: member.lct, to: payee.lct }, payee.society)
    this.counts.transfers++
  }

  #introduce(society: Society, payee: Member): Promise<void> {
    const name = `${society.id} ${payee.lct}`
    const known = this.#introduced.get(name)
    if (known !== undefined) return known
    const work = society.node.client
      .introduce({ body: { lct: payee.lct } }, { signal: this.#signal })
      .then(view => this.#accepted(society, view.seq, payee.society))
    this.#introduced.set(name, work)
    work.catch(() => this.#introduced.delete(name))
    return work
  }

  async discharge(member: Member): Promise<void> {
    await this.#post(
      member,
      'atp.discharge',
      { amount: this.#amount(), evidence: this.#evidence(), from: member.lct },
      member.society,
    )
  }

  async charge(member: Member, amount: number = this.#amount()): Promise<void> {
    const { society } = member
    const body = { amount, evidence: this.#evidence(), to: member.lct }
    const view = await society.node.client.issue({ body: { kind: 'atp.charge', body } }, { signal: this.#signal })
    this.#accepted(society, view.seq, society)
  }

  async attest(member: Member): Promise<void> {
    const subject = this.#stranger(member)
    const body = {
      claims: { metric: 'delivery', unit: 'ppm', value: this.#prng.below(1_000_000) },
      event: this.#evidence(),
      subject: subject.lct,
      type: 'quality',
    }
    await this.#post(
      member,
      'attest',
      body,
      this.#societies.find(({ id }) => id === homeOf(subject.lct)) ?? member.society,
    )
    this.counts.attestations++
  }

  async birth({ society }: Member): Promise<void> {
    const born = await bear(society, `${society.slug}-late-${this.#born++}`, 'ai', this.#prng, this.#signal)
    this.counts.births++
    this.#accepted(society, born.seq, society)
    await this.charge(born, FIRST_CHARGE_ATP * MICRO)
    this.#members.push(born)
  }

  /** What must be refused, each with its own code: an overdraft, a stale record, a tampered one. */
  async bad(member: Member): Promise<void> {
    const to = this.#colleague(member).lct
    const kind = this.#prng.below(3)
    const { society, signer, lct } = member
    const base = { author: lct, kind: 'atp.transfer', lane: 9, n: 1_000_000, society: society.id, v: 1 }
    const time = kind === 1 ? Date.now() - 3_600_000 : Date.now()
    const amount = kind === 0 ? 900_000 * MICRO : 1
    const { record, sigs } = await signRecord({ ...base, time, body: { amount, from: lct, to } }, signer)
    const sent = kind === 2 ? { ...record, body: { amount: amount + 1, from: lct, to } } : record
    await society.node.client.submit({ body: submissionOf({ record: sent, sigs }) }, { signal: this.#signal })
    throw new Error('a bad record was accepted')
  }
}
