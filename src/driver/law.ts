import { canonicalBytes, canonicalText, type Json, type JsonObject } from '../canonical.ts'
import { checkUnsigned } from '../ingest/open.ts'
import { sameSet } from '../log/bundle.ts'
import type { WitnessSet } from '../log/finality.ts'
import type { Law } from '../records/law.ts'
import { changedLaw } from '../records/law-changes.ts'
import { consentsOf, type LawUpdateBody } from '../records/law-update.ts'
import type { AnyRecord, Sig } from '../records/types.ts'
import { type Code, isTransient, type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { HashText, KeyText } from '../units.ts'
import { amendSigners, asEntry } from './consent.ts'
import type { Federation } from './federation.ts'
import { askCountersign } from './genesis.ts'
import type { Issued, Issuer } from './issue.ts'
import type { InForce } from './replica.ts'

/** A witness that has just been told of the society fetches its log first. */
const CONSENT_LIMIT_MS = 20_000
const CONSENT_RETRY_MS = 500
/** What a witness answers while its replica is on its way to the law in force. */
const ON_ITS_WAY: ReadonlySet<Code> = new Set(['STARTING', 'LAW_NUMBER', 'OVERLOADED', 'PEER_TOO_MUCH'])

/** What is to be different: a merge patch over the law in force, or the next society key, or both. */
export interface LawRequest {
  readonly changes: JsonObject
  readonly rotation?: { readonly key: KeyText; readonly next: HashText }
}

/** What a change of the law would mean, for whoever decides about it. */
export interface LawPlan {
  readonly record: AnyRecord
  readonly before: Law
  readonly law: Law
  /** Witnesses, quorum or society key change: the witnesses in force now have to sign beyond it, too. */
  readonly handover: boolean
  /** Keys that must sign because the law names them first. */
  readonly consents: readonly KeyText[]
  /** Keys of the charter of which exactly `k` must sign. */
  readonly amend?: { readonly k: number; readonly keys: readonly KeyText[] }
  /** Witnesses that are connected now, of the new set and of the one in force. */
  readonly connected: { readonly after: number; readonly before: number }
}

/** Changes of the own law and of the society key: tried, consented to, signed and sequenced, one at a time. */
export class LawDesk {
  readonly #node: Federation
  readonly #issuer: Issuer
  #busy = false
  /** Lane of a record that is with the holders of amend keys. */
  #lent: number | undefined

  constructor(node: Federation, issuer: Issuer) {
    this.#node = node
    this.#issuer = issuer
  }

  /** Tries a change without asking or telling anybody. Its record is a draft: another one gets the same n. */
  plan(request: LawRequest): Promise<Result<LawPlan>> {
    return this.#once(() => this.#issuer.withLane(lane => this.#plan(request, lane)))
  }

  /**
   * Makes a change: LAW_AMEND where the charter asks for more signatures than the society can give (`prepare`), LAW_CONSENT
   * and LAW_CONSENT_SILENT for witnesses that are named newly, LAW_UNWITNESSED when nothing would become final after it,
   * HANDOVER_OPEN, LAW_BUSY, and whatever the rules of the record say.
   */
  update(request: LawRequest): Promise<Result<Issued>> {
    return this.#once(() =>
      this.#issuer.withLane(async lane => {
        const plan = await this.#plan(request, lane)
        return plan.ok ? this.#finish(plan.value, []) : plan
      }),
    )
  }

  /** A record for the holders of amend keys to sign; its lane is kept for it until the next one is prepared. */
  prepare(request: LawRequest): Promise<Result<LawPlan>> {
    return this.#once(async () => {
      this.#release()
      const lane = this.#issuer.tryLane()
      if (lane === undefined) return fail(rejection('OVERLOADED', 'all lanes are held'))
      this.#lent = lane
      const plan = await this.#plan(request, lane)
      if (!plan.ok) this.#release()
      return plan
    })
  }

  /** A prepared record with the signatures of amend keys: the other ones are collected, and it is sequenced. */
  complete(record: AnyRecord, sigs: readonly Sig[]): Promise<Result<Issued>> {
    return this.#once(async () => {
      const plan = await this.#judge(record)
      const issued = plan.ok ? await this.#finish(plan.value, sigs) : plan
      if (issued.ok) this.#release()
      return issued
    })
  }

  #release(): void {
    if (this.#lent !== undefined) this.#issuer.releaseLane(this.#lent)
    this.#lent = undefined
  }

  async #once<T>(task: () => Promise<Result<T>>): Promise<Result<T>> {
    if (this.#busy) return fail(rejection('LAW_BUSY'))
    this.#busy = true
    try {
      return await task()
    } finally {
      this.#busy = false
    }
  }

  async #plan({ changes, rotation }: LawRequest, lane: number): Promise<Result<LawPlan>> {
    const barred = this.#node.sequencerBarrier()
    const inForce = this.#node.own?.log.replica.inForce
    if (barred !== undefined || inForce === undefined) return fail(barred ?? rejection('NOT_SEQUENCER'))
    const law = changedLaw(inForce.law, changes)
    const key = rotation === undefined ? {} : { next: rotation.next, society_key: rotation.key }
    if (rotation === undefined && isSame(law, inForce.law)) return fail(rejection('BAD_REQUEST', 'it changes nothing'))
    const record = await this.#issuer.draft('law.update', { law, ...key } as unknown as Json, lane)
    return record === undefined ? fail(rejection('NOT_SEQUENCER')) : this.#judge(record)
  }

  /** Would the own log take it, with all signatures? */
  async #judge(record: AnyRecord): Promise<Result<LawPlan>> {
    const own = this.#node.own
    const inForce = own?.log.replica.inForce
    if (own === undefined || inForce === undefined) return fail(rejection('NOT_SEQUENCER'))
    if (record.kind !== 'law.update' || record.society !== own.log.society)
      return fail(rejection('BAD_REQUEST', 'no law.update of this society'))
    const bad = checkUnsigned(record)
    if (bad !== undefined) return fail(bad)
    const { law, society_key } = record.body as unknown as LawUpdateBody
    const { charter, keys, law: before } = inForce
    const consents = consentsOf(law, { witness_key: before.witness_key, witnesses: before.finality.witnesses })
    const required = [...new Set([society_key ?? keys.society, ...consents])]
    const signers = [...required, ...amendSigners(charter, required)].sort()
    const bytes = canonicalBytes(record as unknown as Json)
    const refused = await own.log.replica.dryRun(tip => asEntry(this.#node, record, bytes, tip, signers))
    if (refused !== undefined) return fail(refused)
    return ok({
      record,
      before,
      law,
      handover: society_key !== undefined || !sameSet(law.finality, before.finality),
      consents,
      ...(charter.amend === undefined ? {} : { amend: charter.amend }),
      connected: { after: this.#connected(law.finality), before: this.#connected(before.finality) },
    })
  }

  #connected({ witnesses }: WitnessSet): number {
    const here = new Set(this.#node.ports.net.peers().map(({ witnessKey }) => witnessKey))
    return witnesses.filter(key => here.has(key)).length
  }

  async #finish(plan: LawPlan, sigs: readonly Sig[]): Promise<Result<Issued>> {
    const inForce = this.#node.own?.log.replica.inForce
    const bad = (inForce && this.#refuseAmend(inForce, plan, sigs)) ?? this.#refuseUnwitnessed(plan)
    if (bad !== undefined) return fail(bad)
    const consents = await this.#consents(plan)
    if (!consents.ok) return consents
    const gone = this.#refuseUnwitnessed(plan)
    return gone === undefined ? this.#issuer.finish(plan.record, [...sigs, ...consents.value]) : fail(gone)
  }

  #refuseAmend({ charter, keys }: InForce, { consents, record }: LawPlan, sigs: readonly Sig[]): Rejection | undefined {
    const { society_key } = record.body as unknown as LawUpdateBody
    const wanted = amendSigners(charter, [society_key ?? keys.society, ...consents]).length
    const given = sigs.filter(({ by }) => charter.amend?.keys.includes(by)).length
    return given === wanted && given === sigs.length
      ? undefined
      : rejection(
          'LAW_AMEND',
          `${given} of ${wanted} signatures; its keys: ${charter.amend?.keys.join(', ') ?? 'none'}`,
        )
  }

  /** Nobody can undo a handover to witnesses that are not there. */
  #refuseUnwitnessed({ before, handover, law }: LawPlan): Rejection | undefined {
    if (!handover) return undefined
    for (const [what, set] of [
      ['new', law.finality],
      ['replaced', before.finality],
    ] as const) {
      const here = this.#connected(set)
      if (here < set.quorum)
        return rejection('LAW_UNWITNESSED', `${here} witnesses of the ${what} set are connected, ${set.quorum} needed`)
    }
    return undefined
  }

  /** The signatures of all keys that the law names first; all refusals at once. */
  async #consents({ consents, record }: LawPlan): Promise<Result<readonly Sig[]>> {
    const answers = await Promise.all(consents.map(key => this.#ask(key, record)))
    const refusals = answers.flatMap((answer, index) => {
      const why = answer.ok ? this.#gone(consents[index] ?? '') : answer.error
      return why === undefined ? [] : [{ why, text: `${consents[index]}: ${why.code}` }]
    })
    if (refusals.length === 0) return ok(answers.flatMap(answer => (answer.ok ? [answer.value] : [])))
    const firm = refusals.some(({ why }) => !isTransient(why.code))
    return fail(rejection(firm ? 'LAW_CONSENT' : 'LAW_CONSENT_SILENT', refusals.map(({ text }) => text).join(', ')))
  }

  /** It signed, and is needed from now on. */
  #gone(key: KeyText): Rejection | undefined {
    const { net, witnessSigner } = this.#node.ports
    const here = key === witnessSigner.key || net.peers().some(({ witnessKey }) => witnessKey === key)
    return here ? undefined : rejection('PEER_UNREACHABLE')
  }

  async #ask(key: KeyText, record: AnyRecord): Promise<Result<Sig>> {
    const { clock } = this.#node.ports
    const end = clock.now() + CONSENT_LIMIT_MS
    for (;;) {
      const answer = await askCountersign(this.#node, key, record)
      if (answer.ok || !ON_ITS_WAY.has(answer.error.code) || clock.now() >= end) return answer
      await new Promise<void>(resolve => clock.after(CONSENT_RETRY_MS, resolve))
    }
  }
}

function isSame(law: JsonObject, current: Law): boolean {
  const text = (value: object) => canonicalText({ ...value, number: 0 } as unknown as Json)
  return text(law) === text(current)
}
