import type { JsonObject } from '../canonical.ts'
import { ENTRY_BYTES_MAX } from '../limits.ts'
import type { KeyLink } from '../log/key-chain.ts'
import type { Standing } from '../records/standing.ts'
import type { Sig } from '../records/types.ts'
import type { Code } from '../rejection.ts'
import type { Result } from '../result.ts'
import type { EpochMs, HashText, KeyText, LctId, RecordId, Seq, SocietyId } from '../units.ts'

/** The network as the core sees it: libp2p in `node`, a simulated one in `sim`. Nothing here is trusted. */

/** Entries in one answer: at 1 KiB an entry the bytes are the limit, at a few hundred bytes this is. */
export const RANGE_ENTRIES_MAX = 4_096
/** Bytes of entries in one answer: 16 of the largest; one answer is held in memory at both ends. */
export const RANGE_BYTES_MAX = 16 * ENTRY_BYTES_MAX

/** Handover notes in one answer, of all logs together; who lacks more asks again. */
export const HANDOVER_NOTES_MAX = 32

/** Transport name of a peer (libp2p peer id text). */
export type PeerId = string

/** A connection whose other end proved for whom it speaks by a fresh `node` statement. */
export interface PeerInfo {
  readonly peer: PeerId
  /** "" before there is a charter, and for observers. */
  readonly society: SocietyId | ''
  readonly witnessKey: KeyText
}

/** How far a node holds one log. Equal sizes and equal roots that a node computed itself mean equal logs. */
export interface LogStatus {
  readonly society: SocietyId
  readonly size: Seq
  readonly root: HashText
  /** Entries below this are final by the quorum that the society named. */
  readonly final: Seq
  /** Largest size of this log that the answering node's witness key ever cosigned; absent: none. */
  readonly cosigned?: Seq
  readonly frozen?: true
  /** Sizes kept by each resume that is in the log held here; absent: none. */
  readonly epochs?: readonly Seq[]
  /** In an answer: notes that show handovers, from the one that the asker lacks on. */
  readonly handovers?: readonly string[]
  /** The first handover that the sender cannot show to be final. */
  readonly lacks?: Seq
  /** Newest note held with size ≤ `size`, cosignatures included. */
  readonly note: string
}

/** Entries as raw bytes, and what proves that they belong to the log: a signed note and the consistency proof from the end of the range to it. */
export interface EntriesReply {
  readonly entries: readonly Uint8Array[]
  readonly note: string
  /** The sender's root at size from + entries.length: when it differs from ours although the proof holds, the log has forked. */
  readonly root: HashText
  /** RFC 6962 proof from size from + entries.length to the note's size; empty when equal. */
  readonly proof: readonly HashText[]
  /** The way from the log key in force at the end of the range to the one that signed the note, when they differ. */
  readonly keys?: readonly KeyLink[]
}

export interface StatusMessage {
  readonly clock: EpochMs
  /** Made by chance when the sender's process began: two of them with one key are two processes. */
  readonly instance?: string
  /** In an answer: another process with the asker's witness key speaks here too, and did before the asker. */
  readonly twin?: true
  readonly logs: readonly LogStatus[]
  /** What the sender thinks of the receiver. */
  readonly verdict: { readonly verdict: 'ok' | 'limited' | 'blocked'; readonly why?: string }
}

/** An answer: `sequenced` with the log size that holds it, or refused with a code. Neither within 60 s is evidence against the sequencer. */
export interface Receipt {
  readonly by: KeyText
  readonly code?: Code
  readonly id: RecordId
  readonly sig: string
  /** seq + 1 */
  readonly size?: Seq
  readonly society: SocietyId
  readonly time: EpochMs
}

/** How the node of a payee's home sees a payment that was proved to it. */
export interface NoticeReply {
  /** Which of the witnesses that the payer's society named it counts: with a quorum of these it is final there. */
  readonly accepts: readonly KeyText[]
  readonly lct: LctId
  readonly record: RecordId
  readonly status: 'final' | 'not-final-for-us'
}

/** A record and its signatures, as it travels before it is an entry; canonical JSON `{"record":…,"sigs":[…]}`. */
export type Submission = Uint8Array

/** Requests over streams: one request, one answer. */
export interface Requests {
  status: { request: StatusMessage; reply: StatusMessage }
  cosign: { request: { readonly note: string }; reply: { readonly line: string } }
  countersign: { request: { readonly record: JsonObject }; reply: Sig }
  standing: { request: { readonly lct: LctId }; reply: Standing }
  /** The submission travels as its raw bytes. */
  submit: { request: Submission; reply: Receipt }
  /** The bundle of a payment to a member of the asked node's society, as its raw bytes. */
  notice: { request: Uint8Array; reply: NoticeReply }
  /** Entries from `from` on, at most `limit` (0: only note and proof) and at most RANGE_BYTES_MAX in one answer. */
  entries: { request: { readonly society: SocietyId; readonly from: Seq; readonly limit: number }; reply: EntriesReply }
}
export type RequestName = keyof Requests

export type Verdict = 'accept' | 'reject' | 'ignore'

/** What a node would like of the network besides its open peers. Hints: whoever is found proves nothing by it. */
export interface Wants {
  /** Logs that it holds and gives to whoever asks, so that strangers find them here. */
  readonly serves: readonly SocietyId[]
  /** Followed logs that somebody is missing for: `nobody` connected gives them, or only `others` than their own node. */
  readonly seeks: ReadonlyMap<SocietyId, 'nobody' | 'others'>
  /** Open peers that do give one of the followed logs: not to be parted with. */
  readonly helpers: ReadonlySet<PeerId>
  /** The addresses of record: `endpoints` of the laws in force of followed societies, as they stand there. */
  readonly endpoints: ReadonlyMap<SocietyId, readonly string[]>
}

export interface Net {
  /** This node's own transport name. */
  readonly self: PeerId
  peers(): readonly PeerInfo[]
  /** Subscribe to a log's topic, or leave it. */
  join(society: SocietyId): void
  leave(society: SocietyId): void
  /** The whole of what is wanted, in place of what was; told now and then, changed or not. */
  want(wants: Wants): void
  /** Best effort; never throws for lack of peers. `frame`: src/ingest/group.ts. */
  publishGroup(society: SocietyId, frame: Uint8Array): Promise<void>
  publishProof(proof: Uint8Array): Promise<void>
  /** Never rejects: what goes wrong is a Rejection (PEER_UNREACHABLE, PEER_SILENT, PEER_GARBAGE, PEER_TOO_MUCH, or the peer's own code). */
  request<Name extends RequestName>(
    peer: PeerId,
    name: Name,
    request: Requests[Name]['request'],
    options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal },
  ): Promise<Result<Requests[Name]['reply']>>
}

/** What the network calls. Answers are given as Results; a Rejection's code travels, its detail does not. */
export interface NetHandlers {
  group(society: SocietyId, frame: Uint8Array, from: PeerId): Promise<Verdict>
  proof(frame: Uint8Array, from: PeerId): Promise<Verdict>
  serve: {
    [Name in RequestName]: (
      peer: PeerInfo,
      request: Requests[Name]['request'],
    ) => Promise<Result<Requests[Name]['reply']>>
  }
  /** A peer proved who it is, or is gone. */
  peerOpened(peer: PeerInfo): void
  peerClosed(peer: PeerInfo): void
}
