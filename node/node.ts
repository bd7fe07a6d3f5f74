import { decodeCanonical, type JsonObject } from '../src/canonical.ts'
import { makeBundle } from '../src/driver/evidence.ts'
import type { Federation } from '../src/driver/federation.ts'
import { decodeState } from '../src/driver/session.ts'
import type { SocietyLog } from '../src/driver/society-log.ts'
import { claimsFalsely } from '../src/driver/speakers.ts'
import { toBase64url } from '../src/encoding.ts'
import type { Bundle } from '../src/log/bundle.ts'
import { tlogProofOf } from '../src/log/c2sp/bundle-proof.ts'
import { formatTlogProof } from '../src/log/c2sp/tlog-proof.ts'
import { formatNote } from '../src/log/note.ts'
import { homeOf } from '../src/records/names.ts'
import { rejection } from '../src/rejection.ts'
import { fail, ok, type Result } from '../src/result.ts'
import { StateDigester } from '../src/state/digest.ts'
import { type LctState, stateKeys } from '../src/state/model.ts'
import { storeKey } from '../src/store/ledger.ts'
import { formatAtp, type LctId, type RecordId, type Seq, type SocietyId } from '../src/units.ts'
import { type AccountView, accountsOf, type ProjectionView, projectionsOf } from './accounts.ts'
import type { Outward } from './c2sp/outward.ts'
import type { DecayService } from './decay-desk.ts'
import { type EconomyView, economyOf } from './economy.ts'
import { type HoldingsPage, holdingsOf } from './holdings.ts'
import { lawView } from './law-office.ts'
import type { NodeNet } from './net/net.ts'
import type { Operator } from './operator.ts'
import type { RecordDesk } from './record-desk.ts'
import { ResumeDesk, type ResumeService } from './resume-desk.ts'
import type {
  AttestationView,
  NodeEvent,
  NodeService,
  NodeStatus,
  PaymentView,
  RecordView,
  SnapshotView,
  SocietyView,
} from './service.ts'
import { attestationsFor, snapshotView, societyView } from './views.ts'

/** One answer is at most this long; the caller asks again from where it ends. */
const ENTRIES_ANSWER_BYTES = 4 * 1024 * 1024

export interface NodeParts {
  readonly node: Federation
  readonly net: NodeNet
  readonly desk: RecordDesk
  readonly operator: Operator
  readonly outward: Outward
  readonly version: string
  readonly metricsText: () => Promise<string>
  readonly rejected: ReadonlyMap<string, number>
}

/** What the API asks of a running node: reads of the driver, and the ways in. */
export class WebNode implements NodeService {
  readonly #parts: NodeParts
  readonly #resumes: ResumeService
  readonly #listeners = new Set<(event: NodeEvent) => void>()

  constructor(parts: NodeParts) {
    this.#parts = parts
    this.#resumes = new ResumeDesk(parts.node)
  }

  get resumes(): ResumeService {
    return this.#resumes
  }

  get decay(): DecayService {
    return this.#parts.operator.decay
  }

  get operator(): Operator {
    return this.#parts.operator
  }

  emit(type: string, data: JsonObject): void {
    for (const listener of this.#listeners) listener({ type, data })
  }

  subscribe(listener: (event: NodeEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  status(): NodeStatus {
    const { node, net, version, rejected } = this.#parts
    return {
      version,
      society: node.ownSociety,
      witness_key: node.ports.witnessSigner.key,
      peer_id: net.self,
      addresses: net.addresses(),
      clock: node.ports.clock.now(),
      peers: net.peers().map(info => {
        const { peer, society, witnessKey } = info
        const verdict = node.verdictOnUs(peer)
        return {
          peer,
          society,
          witness_key: witnessKey,
          found_by: net.foundBy(peer),
          ...(node.logs.has(society) ? { proven: !claimsFalsely(node, info) } : {}),
          ...(verdict === undefined ? {} : { verdict_on_us: verdict }),
        }
      }),
      logs: this.societies(),
      rejected: Object.fromEntries(rejected),
    }
  }

  ready(): { readonly ready: boolean; readonly reasons: readonly string[] } {
    const { node } = this.#parts
    const barrier = node.own === undefined ? undefined : node.sequencerBarrier()
    const reasons =
      barrier === undefined ? [] : [`${barrier.code}${barrier.detail === undefined ? '' : `: ${barrier.detail}`}`]
    for (const log of node.logs.values()) {
      const behind = log.plan.claimed - log.replica.tip.size
      if (behind > 0 && log.replica.halt === undefined) reasons.push(`${log.society}: ${behind} entries behind`)
    }
    return { ready: reasons.length === 0, reasons }
  }

  societies(): readonly SocietyView[] {
    const { node } = this.#parts
    return [...node.logs.values()].map(log => this.#view(log))
  }

  law(id: SocietyId): ReturnType<NodeService['law']> {
    return lawView(this.#parts.node, id)
  }

  society(id: SocietyId): SocietyView | undefined {
    const log = this.#parts.node.logs.get(id)
    return log === undefined ? undefined : this.#view(log)
  }

  #view(log: SocietyLog): SocietyView {
    const shown = this.#parts.outward.publicWitnesses.views(log.society)
    return { ...societyView(this.#parts.node, log), ...(shown.length === 0 ? {} : { public_witnesses: shown }) }
  }

  async entries(id: SocietyId, from: Seq, limit: number): Promise<Result<readonly Uint8Array[]>> {
    const held = this.#parts.node.held(id)
    return held.ok ? ok(await held.value.replica.entries(from, limit, ENTRIES_ANSWER_BYTES)) : held
  }

  checkpoint(id: SocietyId): Result<string> {
    const held = this.#parts.node.held(id)
    if (!held.ok) return held
    const { finalNote, latest } = held.value.notes
    const note = finalNote ?? latest
    return note === undefined ? fail(rejection('NOT_FOUND')) : ok(formatNote(note))
  }

  /** Digest over a snapshot, so that size, root and state are of one moment while the log grows. */
  async state(id: SocietyId): ReturnType<NodeService['state']> {
    const { node } = this.#parts
    const held = node.held(id)
    if (!held.ok) return held
    const snapshot = await node.ports.store.snapshot()
    try {
      const [tip] = await snapshot.getMany([storeKey.tip(id)])
      if (tip === undefined) return fail(rejection('NOT_FOUND', 'no entries yet'))
      const { root, size } = decodeState(tip) as { root: string; size: number }
      const digester = new StateDigester(node.ports.context.sha256)
      for await (const [key, value] of held.value.replica.statePairs(snapshot)) digester.add(key, value)
      const digest = toBase64url(digester.digest())
      return ok({ society: id, size, root, digest, keys: digester.keys })
    } finally {
      await snapshot.close()
    }
  }

  snapshots(id: SocietyId): Result<readonly SnapshotView[]> {
    const held = this.#parts.node.held(id)
    return held.ok ? ok(held.value.snapshots.all.map(snapshotView)) : held
  }

  async nextN(society: SocietyId, author: string, lane: number): Promise<Result<number>> {
    const held = this.#parts.node.held(society)
    if (!held.ok) return held
    const [last] = await held.value.replica.states([stateKeys.lane(author, lane)])
    return ok(Number(last ?? 0) + 1)
  }

  record(id: RecordId): Promise<RecordView> {
    return this.#parts.desk.view(id)
  }

  async proof(id: RecordId): Promise<Result<Uint8Array>> {
    const { node } = this.#parts
    for (const log of node.logs.values()) {
      const seq = await log.replica.seqOf(id)
      if (seq !== undefined) return makeBundle(log, seq, node.ports.context.sha256)
    }
    return fail(rejection('NOT_FOUND'))
  }

  /** Derived from the bundle; what public witnesses signed of the very same note stands behind the lines that count. */
  async tlogProof(id: RecordId): Promise<Result<string>> {
    const bundle = await this.proof(id)
    const decoded = bundle.ok ? decodeCanonical(bundle.value) : bundle
    const proof = decoded.ok ? tlogProofOf(decoded.value as unknown as Bundle) : decoded
    if (!proof.ok) return proof
    const note = this.#parts.outward.published.withPublicLines(proof.value.note)
    return ok(formatTlogProof({ ...proof.value, note }))
  }

  async #lctState(id: LctId, society = homeOf(id)): Promise<Result<LctState>> {
    const held = this.#parts.node.held(society)
    if (!held.ok) return held
    const [state] = await held.value.replica.states([stateKeys.lct(id)])
    return state === undefined ? fail(rejection('NOT_FOUND', id)) : ok(state as unknown as LctState)
  }

  async lct(id: LctId, society: SocietyId = homeOf(id)): Promise<Result<JsonObject>> {
    const state = await this.#lctState(id, society)
    return state.ok ? ok({ ...(state.value as unknown as JsonObject), lct: id, society }) : state
  }

  async certificate(id: LctId): Promise<Result<Uint8Array>> {
    const { node } = this.#parts
    const state = await this.#lctState(id)
    if (!state.ok) return state
    const held = node.held(homeOf(id))
    if (!held.ok) return held
    if (state.value.birth === undefined) return fail(rejection('NOT_FOUND', 'no birth in its home log'))
    return makeBundle(held.value, state.value.birth, node.ports.context.sha256)
  }

  accounts(lct: LctId, society?: SocietyId): Promise<readonly AccountView[]> {
    const { node } = this.#parts
    return accountsOf(node, lct, society, node.ports.clock.now())
  }

  economy(society: SocietyId): Promise<Result<EconomyView>> {
    const { node } = this.#parts
    return economyOf(node, society, node.ports.clock.now())
  }

  holdings(society: SocietyId, page: Parameters<NodeService['holdings']>[1]): Promise<Result<HoldingsPage>> {
    const { node } = this.#parts
    return holdingsOf(node, society, { ...page, now: node.ports.clock.now() })
  }

  projections(lct: LctId, days: number, society?: SocietyId): Promise<readonly ProjectionView[]> {
    const { node } = this.#parts
    return projectionsOf(node, lct, society, node.ports.clock.now(), days)
  }

  async payments(filter: Parameters<NodeService['payments']>[0]): Promise<readonly PaymentView[]> {
    const listed = await this.#parts.node.payments.list(filter)
    return listed.map(payment => ({ ...payment, atp: formatAtp(payment.amount) }))
  }

  attestations(filter: Parameters<NodeService['attestations']>[0]): Promise<readonly AttestationView[]> {
    return attestationsFor(this.#parts.node, filter)
  }

  submit(submission: Uint8Array): Promise<Result<RecordView>> {
    return this.#parts.desk.submit(submission)
  }

  metrics(): Promise<string> {
    return this.#parts.metricsText()
  }
}
