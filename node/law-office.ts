import type { Json, JsonObject } from '../src/canonical.ts'
import type { Federation } from '../src/driver/federation.ts'
import type { Issued, Issuer } from '../src/driver/issue.ts'
import { LawDesk, type LawPlan, type LawRequest } from '../src/driver/law.ts'
import { checkUnsigned } from '../src/ingest/open.ts'
import { faultTolerance, type WitnessSet } from '../src/log/finality.ts'
import type { LawUpdateBody } from '../src/records/law-update.ts'
import type { AnyRecord, Sig } from '../src/records/types.ts'
import { CodedError, type Rejection, rejection } from '../src/rejection.ts'
import { fail, ok, type Result } from '../src/result.ts'
import type { HashText, KeyText, SocietyId } from '../src/units.ts'
import type { Rotation, SocietyRing } from './keys/society-ring.ts'
import type { FinalityFacts, RecordView } from './service.ts'

export interface LawView {
  readonly society: SocietyId
  readonly law: JsonObject
  /** The society key in force, and the commitment to the next one. */
  readonly keys: { readonly society: KeyText; readonly next: HashText }
  readonly interval_ms: number
  readonly amend?: { readonly k: number; readonly keys: readonly KeyText[] }
  readonly finality: FinalityFacts
}

/** What a change of the law would do. `record`: what is to be signed, where it was prepared for others to sign. */
export interface LawPlanView {
  readonly before: JsonObject
  readonly law: JsonObject
  readonly handover: boolean
  readonly finality: { readonly before: FinalityFacts; readonly after: FinalityFacts }
  readonly consents: readonly KeyText[]
  readonly connected: { readonly before: number; readonly after: number }
  readonly amend?: { readonly k: number; readonly keys: readonly KeyText[] }
  readonly record: Json
}

/** Behind the operator's token: changes of the own law and of the society key. */
export interface LawOperator {
  /** `prepare`: keeps a lane for the record, so that holders of amend keys can sign it. */
  plan(request: {
    readonly changes: JsonObject
    readonly rotate?: boolean
    readonly prepare?: boolean
  }): Promise<Result<LawPlanView>>
  change(changes: JsonObject): Promise<Result<RecordView>>
  /** A prepared record with the signatures of amend keys. */
  complete(record: Json, sigs: readonly Sig[]): Promise<Result<RecordView>>
  rotate(): Promise<Result<RecordView>>
}

export interface LawOfficeComponents {
  readonly node: Federation
  readonly issuer: Issuer
  /** Absent: an observer. */
  readonly ring: SocietyRing | undefined
  readonly shown: (issued: Result<Issued>) => Promise<Result<RecordView>>
}

/** The driver's law desk, with the key files that a change of the society key needs. */
export class LawOffice implements LawOperator {
  readonly #c: LawOfficeComponents
  readonly #desk: LawDesk
  /** Two rotations at once would write each other's files. */
  #turning = false

  constructor(components: LawOfficeComponents) {
    this.#c = components
    this.#desk = new LawDesk(components.node, components.issuer)
  }

  async plan({ changes, rotate, prepare }: Parameters<LawOperator['plan']>[0]): Promise<Result<LawPlanView>> {
    const request = rotate === true ? await this.#rotation(changes) : ok({ changes })
    if (!request.ok) return request
    const plan = await (prepare === true ? this.#desk.prepare(request.value) : this.#desk.plan(request.value))
    return plan.ok ? ok(planView(plan.value)) : plan
  }

  async change(changes: JsonObject): Promise<Result<RecordView>> {
    return this.#c.shown(await this.#desk.update({ changes }))
  }

  async complete(record: Json, sigs: readonly Sig[]): Promise<Result<RecordView>> {
    const bad = checkUnsigned(record)
    if (bad !== undefined) return fail(bad)
    const update = record as unknown as AnyRecord
    const { next, society_key } = update.body as unknown as LawUpdateBody
    if (society_key === undefined || next === undefined) return this.#c.shown(await this.#desk.complete(update, sigs))
    return this.#alone(async () => {
      const request = await this.#rotation({})
      if (!request.ok) return request
      const { rotation } = request.value
      // The key after it would be nobody's: its file was made anew since.
      if (rotation.key !== society_key || rotation.next !== next)
        return fail(rejection('BAD_REQUEST', 'prepared for other keys than those in the folder: prepare it again'))
      const issued = await this.#desk.complete(update, sigs)
      if (issued.ok) await this.#c.ring?.settle({ next, society: society_key })
      return this.#c.shown(issued)
    })
  }

  /** The files of the coming keys are on the disk before the record goes out, and get their names once it is durable. */
  rotate(): Promise<Result<RecordView>> {
    return this.#alone(async () => {
      const request = await this.#rotation({})
      if (!request.ok) return request
      const { rotation } = request.value
      const issued = await this.#desk.update(request.value)
      if (issued.ok) await this.#c.ring?.settle({ next: rotation.next, society: rotation.key })
      else if (!mayHaveHappened(issued.error)) await this.#c.ring?.abandon(rotation)
      return this.#c.shown(issued)
    })
  }

  async #alone<T>(task: () => Promise<Result<T>>): Promise<Result<T>> {
    if (this.#turning) return fail(rejection('LAW_BUSY'))
    this.#turning = true
    try {
      return await task()
    } finally {
      this.#turning = false
    }
  }

  async #rotation(changes: JsonObject): Promise<Result<LawRequest & { readonly rotation: Rotation }>> {
    const keys = this.#c.node.own?.log.replica.inForce?.keys
    const barred = this.#c.node.sequencerBarrier()
    const { ring } = this.#c
    if (keys === undefined || ring === undefined || barred !== undefined)
      return fail(barred ?? rejection('NOT_SEQUENCER'))
    try {
      return ok({ changes, rotation: await ring.prepare(keys.next) })
    } catch (error) {
      if (error instanceof CodedError) return fail(rejection(error.code, error.message))
      throw error
    }
  }
}

/** The store failed: only a new start shows whether the log has the record. LAW_AMEND: it may be with others to sign. */
function mayHaveHappened({ code }: Rejection): boolean {
  return code === 'INTERNAL' || code === 'LAW_AMEND'
}

export function lawView(node: Federation, society: SocietyId): Result<LawView> {
  const held = node.held(society)
  if (!held.ok) return held
  const { inForce } = held.value.replica
  if (inForce === undefined) return fail(rejection('NOT_FOUND', 'no charter yet'))
  const { charter, keys, law } = inForce
  return ok({
    society,
    law: law as unknown as JsonObject,
    keys: { next: keys.next, society: keys.society },
    interval_ms: charter.interval_ms,
    ...(charter.amend === undefined ? {} : { amend: charter.amend }),
    finality: finalityOf(law.finality),
  })
}

function planView({ amend, before, connected, consents, handover, law, record }: LawPlan): LawPlanView {
  return {
    before: before as unknown as JsonObject,
    law: law as unknown as JsonObject,
    handover,
    finality: { before: finalityOf(before.finality), after: finalityOf(law.finality) },
    consents,
    connected,
    ...(amend === undefined ? {} : { amend }),
    record: record as unknown as Json,
  }
}

function finalityOf({ quorum, witnesses }: WitnessSet): FinalityFacts {
  const { away, liars } = faultTolerance({ n: witnesses.length, q: quorum })
  return { n: witnesses.length, q: quorum, liars_tolerated: liars, away_tolerated: away }
}
