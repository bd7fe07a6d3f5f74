import type { Json, JsonObject } from '../src/canonical.ts'
import type { Receipt } from '../src/driver/net.ts'
import type { Sig } from '../src/records/types.ts'
import type { Code } from '../src/rejection.ts'
import type { Result } from '../src/result.ts'
import type { EpochMs, HashText, KeyText, LctId, MicroAtp, RecordId, Seq, SocietyId } from '../src/units.ts'

/** What the HTTP API, and nobody else, asks of a running node. Implemented by node/node.ts over the driver. */

export interface FinalityFacts {
  /** Witnesses named by the law in force, and how many signatures make an entry final. */
  readonly n: number
  readonly q: number
  /** Two conflicting finals need more liars than this: 2q − n − 1. */
  readonly liars_tolerated: number
  /** Finality goes on while at most this many are away: n − q. */
  readonly away_tolerated: number
}

export interface SocietyView {
  readonly society: SocietyId
  readonly slug: string
  readonly own: boolean
  readonly policy: { readonly follow: boolean; readonly witness: boolean; readonly block: boolean }
  readonly size: Seq
  readonly root: HashText
  readonly final: Seq
  /** Counting only cosigners that this node's own policy accepts. */
  readonly final_for_us: Seq
  readonly finality: FinalityFacts
  readonly witnesses: readonly { readonly key: KeyText; readonly cosigned: Seq; readonly accepted: boolean }[]
  readonly law_number: number
  readonly frozen: boolean
  readonly void_at?: Seq
  readonly state: 'running' | 'starting' | 'frozen' | 'update-needed' | 'void'
}

export interface NodeStatus {
  readonly version: string
  readonly society: SocietyId | ''
  readonly witness_key: KeyText
  readonly peer_id: string
  readonly addresses: readonly string[]
  readonly clock: EpochMs
  readonly peers: readonly {
    readonly peer: string
    readonly society: SocietyId | ''
    readonly witness_key: KeyText
    readonly verdict_on_us?: string
  }[]
  readonly logs: readonly SocietyView[]
  /** Rejections by code since the start. */
  readonly rejected: Readonly<Record<string, number>>
}

export interface RecordView {
  readonly id: RecordId
  readonly status: 'unknown' | 'pending' | 'refused' | 'dead' | 'sequenced' | 'final'
  readonly society?: SocietyId
  readonly code?: Code
  readonly seq?: Seq
  readonly receipt?: Receipt
  readonly final_for_us?: boolean
  /** While not final. */
  readonly signed?: readonly KeyText[]
  readonly missing?: readonly KeyText[]
}

export interface AccountView {
  readonly society: SocietyId
  readonly lct: LctId
  /** Value now, micro-ATP rounded down, and as decimal ATP text. */
  readonly spendable: MicroAtp
  readonly atp: string
  readonly lots: readonly { readonly origin: number; readonly principal: number; readonly value: MicroAtp }[]
}

export interface AttestationView {
  readonly society: SocietyId
  readonly seq: Seq
  readonly id: RecordId
  readonly witness: LctId
  readonly subject: string
  readonly type: string
  readonly claims: JsonObject
  readonly event?: HashText
  readonly time: EpochMs
  readonly final: boolean
}

export interface NodeEvent {
  /** entry, final, frozen, peer, refused */
  readonly type: string
  readonly data: JsonObject
}

export interface NodeService {
  status(): NodeStatus
  ready(): { readonly ready: boolean; readonly reasons: readonly string[] }
  societies(): readonly SocietyView[]
  society(id: SocietyId): SocietyView | undefined
  /** Raw entry bytes. */
  entries(id: SocietyId, from: Seq, limit: number): Promise<Result<readonly Uint8Array[]>>
  /** Newest note with the most cosignatures, as text. */
  checkpoint(id: SocietyId): Result<string>
  state(id: SocietyId): Promise<
    Result<{
      readonly society: SocietyId
      readonly size: Seq
      readonly root: HashText
      readonly digest: HashText
      readonly keys: number
    }>
  >
  /** The next free n of an author's lane in this log, counting what waits here, to build a record with. */
  nextN(society: SocietyId, author: string, lane: number): Promise<Result<number>>
  record(id: RecordId): Promise<RecordView>
  /** Canonical bytes of an offline-verifiable bundle. */
  proof(id: RecordId): Promise<Result<Uint8Array>>
  lct(id: LctId): Promise<Result<JsonObject>>
  certificate(id: LctId): Promise<Result<Uint8Array>>
  accounts(lct: LctId, society?: SocietyId): Promise<readonly AccountView[]>
  attestations(filter: {
    readonly subject?: string
    readonly witness?: string
    readonly type?: string
    readonly limit: number
  }): Promise<readonly AttestationView[]>
  /** Bytes of a submission; sequenced here, or passed on to the society that it is for. */
  submit(submission: Uint8Array): Promise<Result<RecordView>>
  /** Calls back until the returned function is called. */
  subscribe(listener: (event: NodeEvent) => void): () => void
  /** Prometheus text. */
  metrics(): Promise<string>
  readonly operator: OperatorService
}

/** Only behind the operator's token. */
export interface OperatorService {
  /** Template values for a charter; witnesses are asked for consent over the network; the log starts. */
  genesis(request: {
    readonly slug: string
    readonly witnesses: readonly KeyText[]
    readonly birth_witnesses: readonly KeyText[]
    readonly birth_quorum?: number
    readonly quorum?: number
    readonly interval_ms?: number
    readonly law?: JsonObject
  }): Promise<Result<{ readonly society: SocietyId }>>
  policy(
    society: SocietyId,
    policy: { readonly follow: boolean; readonly witness: boolean; readonly block: boolean },
  ): Promise<Result<SocietyView | undefined>>
  /** Allow or stop consenting to charters that name this node's witness key. */
  connect(address: string): Promise<Result<{ readonly peer: string }>>
  /** peer.recognize for the charter and handovers of a society that this node follows. */
  recognize(society: SocietyId): Promise<Result<RecordView>>
  block(society: SocietyId, evidence?: HashText): Promise<Result<RecordView>>
  /** introduce (or refresh) a foreign LCT so that it can be paid in this society's ATP. */
  introduce(lct: LctId): Promise<Result<RecordView>>
  /** Everything for a birth but the subject's signature: sign `record` with the member's key and send it to `birth`. */
  prepareBirth(request: {
    readonly key: KeyText
    readonly entity_type: string
    readonly entity: string
    readonly rights?: readonly string[]
    readonly responsibilities?: readonly string[]
  }): Promise<Result<{ readonly record: Json; readonly lct: LctId }>>
  /** The prepared record with the subject's signature: collects society and witness signatures, then sequences. */
  birth(request: {
    readonly record: Json
    readonly sigs: readonly Sig[]
  }): Promise<Result<RecordView & { readonly lct: LctId }>>
  /** A record of the society itself (mint, slash, suspend, …): the node fills in lane, n and time, signs and sequences it. */
  issue(request: {
    readonly kind: string
    readonly body: Json
    readonly author?: string
    readonly sigs?: readonly Sig[]
    readonly record?: Json
  }): Promise<Result<RecordView>>
}
