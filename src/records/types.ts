import type { TSchema } from 'typebox'
import type { JsonObject } from '../canonical.ts'
import type { Sha256 } from '../ports.ts'
import type { Rejection } from '../rejection.ts'
import type { Draft } from '../state/view.ts'
import type { EpochMs, HashText, KeyText, RecordId, Seq, SocietyId } from '../units.ts'

/** A signature of its own, or one of a batch (docs/protocol.md, Batch signatures). */
export type Sig =
  | { readonly by: KeyText; readonly sig: string }
  | {
      readonly by: KeyText
      readonly sig: string
      readonly index: number
      readonly size: number
      readonly path: readonly HashText[]
    }

/** What is signed. `author` is an LCT id or a society id, "" in a charter, as is `society`. */
export interface RecordOf<Kind extends string = string, Body = JsonObject> {
  readonly v: 1
  readonly kind: Kind
  readonly society: SocietyId
  readonly author: string
  readonly lane: number
  readonly n: number
  readonly time: EpochMs
  readonly body: Body
}
export type AnyRecord = RecordOf

/** A record whose bytes were decoded strictly and passed the stateless rules. Signatures are not checked yet. */
export interface OpenedRecord<R extends AnyRecord = AnyRecord> {
  readonly record: R
  readonly id: RecordId
  /** Canonical bytes of the record without its signatures. */
  readonly recordBytes: Uint8Array
  readonly sigs: readonly Sig[]
}

export interface OpenedEntry<R extends AnyRecord = AnyRecord> extends OpenedRecord<R> {
  readonly seq: Seq
  readonly time: EpochMs
  /** The bytes that came: what is stored, served and hashed. */
  readonly bytes: Uint8Array
  /** RFC 6962 leaf hash of `bytes`. */
  readonly leaf: Uint8Array
}

declare const verified: unique symbol
/** All signatures hold under the keys that they name. Made only by `src/ingest/verify.ts`. */
export type Verified<T> = T & { readonly [verified]: true }
export type VerifiedRecord = Verified<OpenedRecord>
export type VerifiedEntry = Verified<OpenedEntry>

/** What a kind's `decide` may use beside the draft of the state: only this, so that every replica decides alike. */
export interface DecideContext {
  readonly sha256: Sha256
  /** Checks one Ed25519 signature by the one rule, for evidence from other logs inside a record. */
  readonly verifySignature: (key: Uint8Array, signature: Uint8Array, message: Uint8Array) => boolean
  /**
   * Root of the log's own first `size` entries, where `size` is the place of the entry that is decided; given by whoever
   * holds the tree. Without it no `resume` can be valid.
   */
  readonly rootBefore?: (size: Seq) => Uint8Array | undefined
}

/** The rules of one kind. One file per kind; src/records/registry.ts lists them all. */
export interface RecordRules<Kind extends string = string, Body = JsonObject> {
  readonly kind: Kind
  readonly body: TSchema
  /** Upper bound of the record's canonical bytes. */
  readonly bytesMax: number
  /** Allowed |record.time − entry.time|. */
  readonly freshnessMs: number
  /** Numbers of signatures this kind can ever have: from, to. */
  readonly signatures: readonly [min: number, max: number]
  /** Rules that need nothing but the record and its signers; codes of class reject. */
  check(record: RecordOf<Kind, Body>, signers: readonly KeyText[]): Rejection | undefined
  /** State keys that decide will read beside those of every record (`touchedKeys`), as far as they can be known beforehand. */
  touches(record: RecordOf<Kind, Body>, signers: readonly KeyText[]): readonly string[]
  /** Changes the draft, or says why the entry is void. Runs after the rules that all kinds share. */
  decide(
    draft: Draft,
    entry: OpenedEntry<RecordOf<Kind, Body> & AnyRecord>,
    context: DecideContext,
  ): Rejection | undefined
}
