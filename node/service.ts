import type { Json, JsonObject } from '../src/canonical.ts'
import type { AuditReport } from '../src/driver/audits.ts'
import type { NoticeReply, Receipt } from '../src/driver/net.ts'
import type { ListedPayment, PaymentFilter } from '../src/driver/payments.ts'
import type { PublicWitnessView } from '../src/driver/public-witnesses.ts'
import type { Predecessor, Successor } from '../src/driver/succession.ts'
import type { Sig } from '../src/records/types.ts'
import type { Code } from '../src/rejection.ts'
import type { Result } from '../src/result.ts'
import type { EpochMs, HashText, KeyText, LctId, RecordId, Seq, SocietyId } from '../src/units.ts'
import type { AccountView, ProjectionView } from './accounts.ts'
import type { DecayService } from './decay-desk.ts'
import type { EconomyView } from './economy.ts'
import type { HoldingsPage } from './holdings.ts'
import type { LawOperator, LawView } from './law-office.ts'
import type { ResumeService } from './resume-desk.ts'

/** What the HTTP API, and nobody else, asks of a running node. Implemented by node/node.ts over the driver. */

/** How a connection came about. `dht` also names those that the DHT itself made to ask its questions. */
export type FoundBy = 'configured' | 'dht' | 'endpoint' | 'inbound' | 'mdns' | 'operator'

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
  /** Of the own log, where the operator named some: shown, never counted. Times in ms; size 0: none signed yet. */
  readonly public_witnesses?: readonly PublicWitnessView[]
  readonly law_number: number
  readonly frozen: boolean
  readonly void_at?: Seq
  /** Why nothing from there on is applied or, for `STATE_CLAIM`, signed. */
  readonly void_code?: string
  /** Of a log that is `unsound`, in words. */
  readonly void_detail?: string
  /**
   * `resuming`: it went back and waits for the entries up to the resume; `ended`: so many witnesses signed two histories that
   * it cannot go on; `succeeded`: it stands still, and a charter by its own key continues it.
   */
  readonly state:
    | 'running'
    | 'starting'
    | 'key-in-use'
    | 'frozen'
    | 'update-needed'
    | 'unsound'
    | 'void'
    | 'resuming'
    | 'ended'
    | 'succeeded'
  /** How often the log was resumed, and what each resume kept. */
  readonly epoch: number
  readonly resumed: readonly Seq[]
  /** Of a log that forked: entries held here from `from` (the last final) up to `to`, of which another history says something else. */
  readonly disputed?: { readonly from: Seq; readonly to: Seq }
  /** Witnesses that cosigned both histories. */
  readonly convicted?: readonly KeyText[]
  /** What its charter says to continue. */
  readonly predecessor?: Predecessor
  /** Logs held here that say to continue it; `proven`: by a key of its own. */
  readonly successors?: readonly Successor[]
  /** While this node, as the log's own or as a witness, waits for others before it signs anything of the log. */
  readonly start_up?: {
    /** So much must be here first, by what others told or by a note that the log's own key signed. */
    readonly newest: Seq
    readonly here: Seq
    /** How many of `peers` must tell their size. */
    readonly needed: number
    /** `told`: a word without proof; absent: not heard yet. `shown`: the largest signed note that came with a larger size. */
    readonly peers: readonly { readonly key: KeyText; readonly told?: Seq; readonly shown?: Seq }[]
  }
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
    readonly found_by: FoundBy
    /** Whether the society's law, as held here, names this key; absent: its log is not held here. */
    readonly proven?: boolean
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

export interface SnapshotView {
  readonly size: Seq
  /** As computed from the copy of the log that is here. */
  readonly own?: { readonly digest: HashText; readonly keys: number; readonly root: HashText }
  /** As the entry at `seq` says. */
  readonly claim?: { readonly digest: HashText; readonly seq: Seq }
  /** `computing`: there is no own digest yet, whether or not there is a claim. */
  readonly verdict: 'right' | 'wrong' | 'unclaimed' | 'computing'
}

export interface AuditView extends Omit<AuditReport, 'difference'> {
  /** Whole units of 10^-15 micro-ATP as decimal text: above 0 something was made, below lost. */
  readonly difference: string
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

/** `final_for_us`: by witnesses that this node accepts. */
export interface PaymentView extends ListedPayment {
  /** The amount as decimal text. */
  readonly atp: string
}

export interface PoliciesView {
  readonly societies: readonly {
    readonly society: SocietyId
    readonly follow: boolean
    readonly witness: boolean
    readonly block: boolean
  }[]
  /** Witness keys. */
  readonly founders: readonly KeyText[]
}

export interface NodeEvent {
  /** entry, final, frozen, barred (the own log may not grow, or may again), payment.received, peer, refused */
  readonly type: string
  readonly data: JsonObject
}

export interface NodeService {
  status(): NodeStatus
  ready(): { readonly ready: boolean; readonly reasons: readonly string[] }
  societies(): readonly SocietyView[]
  society(id: SocietyId): SocietyView | undefined
  /** The law in force of a society that this node follows. */
  law(id: SocietyId): Result<LawView>
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
  snapshots(id: SocietyId): Result<readonly SnapshotView[]>
  /** The next free n of an author's lane in this log, counting what waits here, to build a record with. */
  nextN(society: SocietyId, author: string, lane: number): Promise<Result<number>>
  record(id: RecordId): Promise<RecordView>
  /** Canonical bytes of an offline-verifiable bundle. */
  proof(id: RecordId): Promise<Result<Uint8Array>>
  /** The same for readers of C2SP formats, as text. */
  tlogProof(id: RecordId): Promise<Result<string>>
  /** As its home log has it, or as the log of `society` was told. */
  lct(id: LctId, society?: SocietyId): Promise<Result<JsonObject>>
  certificate(id: LctId): Promise<Result<Uint8Array>>
  accounts(lct: LctId, society?: SocietyId): Promise<readonly AccountView[]>
  economy(society: SocietyId): Promise<Result<EconomyView>>
  /** All accounts of a society that hold anything, behind `after`. */
  holdings(society: SocietyId, page: { readonly after?: LctId; readonly limit: number }): Promise<Result<HoldingsPage>>
  /** What will be left on the same accounts, if nothing moves and the law stays: days 0 to `days`. */
  projections(lct: LctId, days: number, society?: SocietyId): Promise<readonly ProjectionView[]>
  /** To an LCT from other societies' logs, newest first; never cut between payments of one moment. */
  payments(filter: PaymentFilter): Promise<readonly PaymentView[]>
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
  readonly decay: DecayService
  readonly operator: OperatorService
  readonly resumes: ResumeService
}

/** Only behind the operator's token. */
export interface OperatorService {
  readonly laws: LawOperator
  /** Template values for a charter; witnesses are asked for consent over the network; the log starts. */
  genesis(request: {
    readonly slug: string
    readonly witnesses: readonly KeyText[]
    readonly birth_witnesses: readonly KeyText[]
    readonly birth_quorum?: number
    readonly quorum?: number
    readonly interval_ms?: number
    readonly law?: JsonObject
    /** The log that ended, held here as far as it is continued. */
    readonly predecessor?: SocietyId
  }): Promise<Result<{ readonly society: SocietyId }>>
  /** Switches that are left out stay as they are. */
  policy(
    society: SocietyId,
    changes: { readonly follow?: boolean; readonly witness?: boolean; readonly block?: boolean },
  ): Promise<Result<SocietyView | undefined>>
  policies(): PoliciesView
  /** To witness the society that the holder of this witness key founds: its charter, and later laws that name this node. */
  consent(founder: KeyText, consent: boolean): Promise<PoliciesView>
  connect(address: string): Promise<Result<{ readonly peer: string }>>
  /** peer.recognize for the charter and handovers of a society that this node follows. */
  recognize(society: SocietyId): Promise<Result<RecordView>>
  block(society: SocietyId, evidence?: HashText): Promise<Result<RecordView>>
  /** Nothing was signed beyond `size`, which is what this node holds, says the operator: sign without hearing the others. */
  override(society: SocietyId, size: Seq): Promise<Result<SocietyView>>
  /** Holds what is stored of a log against what it must be, now. */
  audit(society: SocietyId, work: { readonly replay?: boolean; readonly repair?: boolean }): Promise<Result<AuditView>>
  /** Proves a final payment to the node of the payee's home, and tells how that node sees it. */
  notice(record: RecordId): Promise<Result<NoticeReply>>
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
