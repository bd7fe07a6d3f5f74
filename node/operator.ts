import type { Json } from '../src/canonical.ts'
import { canonicalBytes, type JsonObject } from '../src/canonical.ts'
import { Births } from '../src/driver/births.ts'
import type { Federation } from '../src/driver/federation.ts'
import { foundSociety } from '../src/driver/genesis.ts'
import { type Issued, Issuer } from '../src/driver/issue.ts'
import { sendNotice } from '../src/driver/notice.ts'
import { overrideStartUp } from '../src/driver/own-start.ts'
import { block, introduce, recognize } from '../src/driver/relations.ts'
import { claimStates } from '../src/driver/state-claims.ts'
import { asPredecessor } from '../src/driver/succession.ts'
import type { SweepOptions } from '../src/driver/sweeper.ts'
import { toBase64url } from '../src/encoding.ts'
import { checkUnsigned } from '../src/ingest/open.ts'
import { rulesOf } from '../src/records/registry.ts'
import type { AnyRecord, Sig } from '../src/records/types.ts'
import { rejection } from '../src/rejection.ts'
import { fail, ok, type Result } from '../src/result.ts'
import type { HashText, KeyText, LctId, RecordId, Seq, SocietyId } from '../src/units.ts'
import { DecayDesk } from './decay-desk.ts'
import type { SocietyRing } from './keys/society-ring.ts'
import { LawOffice } from './law-office.ts'
import type { NodeNet } from './net/net.ts'
import type { Logger } from './observe/logger.ts'
import type { RecordDesk } from './record-desk.ts'
import type { AuditView, OperatorService, PoliciesView, RecordView, SocietyView } from './service.ts'
import { societyView } from './views.ts'

export interface OperatorComponents {
  readonly node: Federation
  readonly net: NodeNet
  readonly desk: RecordDesk
  /** Absent: an observer. */
  readonly ring: SocietyRing | undefined
  /** One-way name of an entity under this society's salt. */
  readonly entityRef: (entity: string) => Promise<HashText>
  readonly sweep: SweepOptions
  readonly logger: Logger
}

/** Kinds that the society itself issues through `issue`; the others have their own ways. */
const ISSUED = new Set(['atp.mint', 'atp.slash', 'atp.charge', 'lct.suspend', 'lct.reactivate', 'lct.revoke'])

export class Operator implements OperatorService {
  readonly #c: OperatorComponents
  readonly #issuer: Issuer
  readonly #births: Births
  readonly laws: LawOffice
  readonly decay: DecayDesk

  constructor(components: OperatorComponents) {
    this.#c = components
    this.#issuer = new Issuer(components.node)
    claimStates(components.node, this.#issuer)
    this.#births = new Births(components.node, this.#issuer)
    const { logger, node, ring, sweep } = components
    this.decay = new DecayDesk(sweep, { node, issuer: this.#issuer, logger: logger.child('decay') })
    this.laws = new LawOffice({ node, issuer: this.#issuer, ring, shown: issued => this.#shown(issued) })
  }

  /** Before the federation stops: what is being written still gets its answer. */
  async stop(): Promise<void> {
    this.#births.stop()
    await this.decay.stop()
  }

  async genesis(request: Parameters<OperatorService['genesis']>[0]): Promise<Result<{ readonly society: SocietyId }>> {
    const { node, net, ring } = this.#c
    if (ring === undefined) return fail(rejection('NOT_SEQUENCER', 'an observer has no society key'))
    const { next, signer } = ring.founding
    const namesake = this.#namesake(request.slug)
    const { predecessor: id, ...rest } = request
    // The one that a society continues may well have its name.
    if (namesake !== undefined && namesake !== id) return fail(rejection('SLUG_TAKEN', `${request.slug}: ${namesake}`))
    const old = id === undefined ? undefined : node.held(id)
    if (old?.ok === false) return old
    const predecessor = old === undefined ? {} : { predecessor: asPredecessor(old.value) }
    const founded = await foundSociety(node, { ...rest, ...predecessor, next }, signer)
    if (!founded.ok) return founded
    net.restate()
    return ok({ society: founded.value })
  }

  /** Ids differ all the same; but people who see two societies of one name take them for one. */
  #namesake(slug: string): SocietyId | undefined {
    const { net, node } = this.#c
    // A charter that never came is nobody's namesake.
    const held = [...node.logs.values()].filter(({ replica }) => replica.tip.size > 0)
    const known = [...held.map(({ society }) => society), ...net.peers().map(({ society }) => society)]
    // Behind the slug an id has a hyphen and 26 characters.
    return known.find(society => society !== '' && society.slice(0, -27) === slug)
  }

  async policy(
    society: SocietyId,
    changes: Parameters<OperatorService['policy']>[1],
  ): ReturnType<OperatorService['policy']> {
    const { node } = this.#c
    await node.setPolicy(society, changes)
    const log = node.logs.get(society)
    return ok(log === undefined ? undefined : societyView(node, log))
  }

  policies(): PoliciesView {
    const { policies } = this.#c.node
    const societies = [...policies.all()].map(([society, policy]) => ({ society, ...policy }))
    return { societies, founders: policies.founders() }
  }

  async consent(founder: KeyText, consent: boolean): Promise<PoliciesView> {
    await this.#c.node.policies.setFounder(founder, consent)
    return this.policies()
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
    await node.setPolicy(society, { block: true })
    return this.#shown(await block(this.#issuer, society, evidence))
  }

  async override(society: SocietyId, size: Seq): Promise<Result<SocietyView>> {
    const { node } = this.#c
    const overridden = overrideStartUp(node, society, size)
    return overridden.ok ? ok(societyView(node, overridden.value)) : overridden
  }

  async audit(
    society: SocietyId,
    { repair = false, replay = repair }: Parameters<OperatorService['audit']>[1],
  ): Promise<Result<AuditView>> {
    const { node } = this.#c
    const held = node.held(society)
    const audited = held.ok ? await node.audits.audit(held.value, { repair, replay }) : held
    return audited.ok ? ok({ ...audited.value, difference: audited.value.difference.toString() }) : audited
  }

  notice(record: RecordId): ReturnType<OperatorService['notice']> {
    return sendNotice(this.#c.node, record)
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
