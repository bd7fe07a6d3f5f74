import type { Json } from '../src/canonical.ts'
import { canonicalBytes, type JsonObject } from '../src/canonical.ts'
import { Births } from '../src/driver/births.ts'
import type { Federation } from '../src/driver/federation.ts'
import { foundSociety } from '../src/driver/genesis.ts'
import { type Issued, Issuer } from '../src/driver/issue.ts'
import { block, introduce, recognize } from '../src/driver/relations.ts'
import { toBase64url } from '../src/encoding.ts'
import { checkUnsigned } from '../src/ingest/open.ts'
import type { Signer } from '../src/ports.ts'
import { rulesOf } from '../src/records/registry.ts'
import type { AnyRecord, Sig } from '../src/records/types.ts'
import { rejection } from '../src/rejection.ts'
import { fail, ok, type Result } from '../src/result.ts'
import type { HashText, LctId, RecordId, SocietyId } from '../src/units.ts'
import type { NodeNet } from './net/net.ts'
import type { RecordDesk } from './record-desk.ts'
import type { OperatorService, RecordView } from './service.ts'
import { societyView } from './views.ts'

export interface OperatorComponents {
  readonly node: Federation
  readonly net: NodeNet
  readonly desk: RecordDesk
  readonly societySigner: Signer
  /** Hash of the next society key's 32 bytes. */
  readonly nextHash: HashText
  /** One-way name of an entity under this society's salt. */
  readonly entityRef: (entity: string) => Promise<HashText>
}

/** Kinds that the society itself issues through `issue`; the others have their own ways. */
const ISSUED = new Set(['atp.mint', 'atp.slash', 'atp.charge', 'lct.suspend', 'lct.reactivate', 'lct.revoke'])

export class Operator implements OperatorService {
  readonly #c: OperatorComponents
  readonly #issuer: Issuer
  readonly #births: Births

  constructor(components: OperatorComponents) {
    this.#c = components
    this.#issuer = new Issuer(components.node)
    this.#births = new Births(components.node, this.#issuer)
  }

  stop(): void {
    this.#births.stop()
  }

  async genesis(request: Parameters<OperatorService['genesis']>[0]): Promise<Result<{ readonly society: SocietyId }>> {
    const { node, net, nextHash, societySigner } = this.#c
    const founded = await foundSociety(node, { ...request, next: nextHash }, societySigner)
    if (!founded.ok) return founded
    net.restate()
    return ok({ society: founded.value })
  }

  async policy(
    society: SocietyId,
    policy: Parameters<OperatorService['policy']>[1],
  ): ReturnType<OperatorService['policy']> {
    const { node } = this.#c
    await node.setPolicy(society, policy)
    const log = node.logs.get(society)
    return ok(log === undefined ? undefined : societyView(node, log))
  }

  async connect(address: string): ReturnType<OperatorService['connect']> {
    const connected = await this.#c.net.connect(address)
    return connected.ok ? ok({ peer: connected.value }) : connected
  }

  async recognize(society: SocietyId): Promise<Result<RecordView>> {
    return this.#shown(await recognize(this.#c.node, this.#issuer, society))
  }

  async block(society: SocietyId, evidence?: HashText): Promise<Result<RecordView>> {
    const { node } = this.#c
    await node.setPolicy(society, { ...node.policies.get(society), block: true })
    return this.#shown(await block(this.#issuer, society, evidence))
  }

  async introduce(lct: LctId): Promise<Result<RecordView>> {
    return this.#shown(await introduce(this.#c.node, this.#issuer, lct))
  }

  async prepareBirth(
    request: Parameters<OperatorService['prepareBirth']>[0],
  ): ReturnType<OperatorService['prepareBirth']> {
    const { entity, ...rest } = request
    const prepared = await this.#births.prepare({ ...rest, entity_ref: await this.#c.entityRef(entity) })
    return prepared.ok ? ok({ record: prepared.value.record as unknown as Json, lct: prepared.value.lct }) : prepared
  }

  async birth(request: Parameters<OperatorService['birth']>[0]): ReturnType<OperatorService['birth']> {
    const bad = checkUnsigned(request.record)
    if (bad !== undefined) return fail(bad)
    const born = await this.#births.complete(request.record as unknown as AnyRecord, request.sigs)
    if (!born.ok) return born
    const shown = await this.#shown(born)
    return shown.ok ? ok({ ...shown.value, lct: born.value.lct }) : shown
  }

  async issue(request: Parameters<OperatorService['issue']>[0]): Promise<Result<RecordView>> {
    if (request.record !== undefined) return this.#cosign(request.record as unknown as AnyRecord, request.sigs ?? [])
    if (!ISSUED.has(request.kind)) return fail(rejection('BAD_REQUEST', `${request.kind} is not issued this way`))
    const bad = rulesOf(request.kind)?.checkBody(request.body)
    if (bad !== undefined) return fail(bad)
    return this.#shown(await this.#issuer.issue(request.kind, request.body))
  }

  /** A record of a producer or treasurer that already signed it; the society adds its signature where the kind asks for it. */
  async #cosign(record: AnyRecord, sigs: readonly Sig[]): Promise<Result<RecordView>> {
    if (record.kind !== 'atp.charge')
      return fail(rejection('BAD_REQUEST', 'only atp.charge needs the society beside its author'))
    const bad = checkUnsigned(record)
    if (bad !== undefined) return fail(bad)
    return this.#shown(await this.#issuer.finish(record, sigs))
  }

  async #shown(issued: Result<Issued>): Promise<Result<RecordView>> {
    if (!issued.ok) return issued
    return ok(await this.#c.desk.view(this.#idOf(issued.value.record)))
  }

  #idOf(record: AnyRecord): RecordId {
    return toBase64url(this.#c.node.ports.context.sha256(canonicalBytes(record as unknown as JsonObject)))
  }
}
