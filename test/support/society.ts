import assert from 'node:assert/strict'
import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import { type Json, utf8Encode } from '../../src/canonical.ts'
import { toBase64url } from '../../src/encoding.ts'
import { logOf, openEntry } from '../../src/ingest/open.ts'
import { verifyOne } from '../../src/ingest/verify.ts'
import { cosignatureMessage, makeCosignatureLine } from '../../src/log/cosignature.ts'
import { rootOfLeaves } from '../../src/log/merkle.ts'
import { checkpointText, formatNote, logSignatureMessage, makeLogNote, originOf } from '../../src/log/note.ts'
import { inclusionProof, TreeEdge } from '../../src/log/tiles.ts'
import type { BirthBody } from '../../src/records/birth.ts'
import { type CharterBody, charterSigners } from '../../src/records/charter.ts'
import type { IntroduceBody } from '../../src/records/introduce.ts'
import type { Law } from '../../src/records/law.ts'
import { type EntityType, lctIdOf } from '../../src/records/names.ts'
import type { PeerRecognizeBody } from '../../src/records/peer-recognize.ts'
import { type Standing, type StandingClaims, standingBytes } from '../../src/records/standing.ts'
import type { AnyRecord, DecideContext, OpenedEntry, Sig } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import type { Result } from '../../src/result.ts'
import { decide } from '../../src/state/decide.ts'
import { readState } from '../../src/state/model.ts'
import type { Draft, StateView } from '../../src/state/view.ts'
import { DAY_MS, type EpochMs, type LctId, type Seq, type SocietyId } from '../../src/units.ts'
import {
  commitment,
  context,
  entryBytes,
  hashText,
  type Identity,
  identity,
  makeRecord,
  signRecord,
} from './identity.ts'

/** Where all test federations begin. */
export const GENESIS_MS: EpochMs = 1_760_000_000_000

/** A record to sign and append: everything has a default but kind and body. */
export interface Draftable {
  readonly kind: string
  readonly body: object
  /** Default: the society alone. */
  readonly signers?: readonly Identity[]
  /** Default: the society. */
  readonly author?: string
  readonly lane?: number
  readonly n?: number
  readonly society?: SocietyId
  /** record.time; default: the entry's. */
  readonly time?: EpochMs
  /** entry.time; default: a second after the last. */
  readonly entryTime?: EpochMs
}

export interface NoteOptions {
  /** Default: the society. */
  readonly logKey?: Identity
  /** Default: as many of the witnesses as the quorum asks for. */
  readonly cosigners?: readonly Identity[]
  /** Default: the whole log. */
  readonly size?: number
  /** Of the cosignatures; default: the log's clock. */
  readonly time?: EpochMs
  readonly origin?: string
}

export interface SocietyOptions {
  readonly slug: string
  readonly law: Law
  /** Identities behind law.finality.witnesses. */
  readonly witnesses: readonly Identity[]
  readonly time?: EpochMs
  /** Replaces members of the charter. */
  readonly charter?: Partial<CharterBody>
  /** More signers of the charter, for keys that `charter` brings in. */
  readonly consents?: readonly Identity[]
}

/** One society with its keys, its log and its state, all in memory and synchronous. */
export class TestSociety implements StateView {
  readonly slug: string
  readonly id: SocietyId
  /** The society key in force; a test that changes it sets the new one. */
  society: Identity
  readonly witness: Identity
  readonly next: Identity
  /** Who cosigns its notes. */
  witnesses: readonly Identity[]
  readonly entries: OpenedEntry[] = []
  /** entry.time of the next entry is a second later. */
  clock: EpochMs
  readonly #state = new Map<string, Json>()
  #n = 1

  constructor({ slug, law, witnesses, time = GENESIS_MS, charter = {}, consents = [] }: SocietyOptions) {
    const own = keysOfSociety(slug)
    this.slug = slug
    this.society = own.society
    this.witness = own.witness
    this.next = own.next
    this.witnesses = witnesses
    this.clock = time
    const body: CharterBody = {
      interval_ms: DAY_MS,
      law,
      next: commitment(own.next),
      slug,
      society_key: own.society.key,
      ...charter,
    }
    const wanted = charterSigners(body)
    const signers = [own.society, own.witness, ...witnesses, ...consents].filter(({ key }) => wanted.includes(key))
    const record = makeRecord('charter', body, { time })
    const opened = openEntry(entryBytes(record, signRecord(record, signers), 0, time), sha256)
    assert.ok(opened.ok, opened.ok ? '' : `charter: ${opened.error.code}`)
    this.id = logOf(opened.value, sha256)
    this.commit(opened.value)
  }

  get(key: string): Json | undefined {
    return this.#state.get(key)
  }

  get law(): Law {
    return readState.law(this) as Law
  }

  get size(): number {
    return this.entries.length
  }

  /** The next entry, signed, as bytes; nothing is judged. */
  draft(input: Draftable, sigs?: readonly Sig[]): Uint8Array {
    const entryTime = input.entryTime ?? this.clock + 1_000
    const record: AnyRecord = makeRecord(input.kind, input.body, {
      author: input.author ?? this.id,
      lane: input.lane ?? 0,
      n: input.n ?? this.#n++,
      society: input.society ?? this.id,
      time: input.time ?? entryTime,
    })
    return entryBytes(record, sigs ?? signRecord(record, input.signers ?? [this.society]), this.size, entryTime)
  }

  /** The way of an entry up to `decide`; the state stays as it is. */
  judge(bytes: Uint8Array): Result<Draft> {
    const opened = openEntry(bytes, sha256)
    if (!opened.ok) return opened
    const forged = verifyOne(opened.value, verifySync, sha256)
    if (forged !== undefined) return { ok: false, error: forged }
    return decide(this, this.id, opened.value, this.context)
  }

  /** As `refusal`, with the detail. */
  reason(input: Draftable): string | undefined {
    const judged = this.judge(this.draft(input))
    return judged.ok ? undefined : `${judged.error.code} ${judged.error.detail}`
  }

  /** The code with which this would be refused; undefined when it is good. Nothing changes. */
  refusal(input: Draftable, sigs?: readonly Sig[]): Code | undefined {
    const judged = this.judge(this.draft(input, sigs))
    return judged.ok ? undefined : judged.error.code
  }

  /** Appends a good entry; an AssertionError when it is none. */
  append(input: Draftable): OpenedEntry {
    const opened = openEntry(this.draft(input), sha256)
    assert.ok(opened.ok, opened.ok ? '' : `${input.kind}: ${opened.error.code} ${opened.error.detail}`)
    this.commit(opened.value)
    return opened.value
  }

  private get context(): DecideContext {
    return { ...context, rootBefore: size => (size === this.size ? this.rootAt(size) : undefined) }
  }

  /** Root of the first `size` entries. */
  rootAt(size: Seq): Uint8Array {
    return rootOfLeaves(
      this.entries.slice(0, size).map(({ leaf }) => leaf),
      sha256,
    )
  }

  private commit(entry: OpenedEntry): void {
    const decided = decide(this, this.id, entry, this.context)
    assert.ok(decided.ok, decided.ok ? '' : `${entry.record.kind}: ${decided.error.code} ${decided.error.detail}`)
    for (const [key, value] of decided.value.changes) {
      if (value === undefined) this.#state.delete(key)
      else this.#state.set(key, value)
    }
    this.entries.push(entry)
    this.clock = entry.time
  }

  /** Text of a note over the log, cosigned. */
  note({ logKey = this.society, cosigners, size = this.size, time = this.clock, origin }: NoteOptions = {}): string {
    const tree = TreeEdge.empty(sha256)
    tree.append(this.entries.slice(0, size).map(({ leaf }) => leaf))
    const checkpoint = { origin: origin ?? originOf(this.id), root: tree.root(), size }
    const text = checkpointText(checkpoint)
    const note = makeLogNote(checkpoint, logKey.raw, logKey.signNow(logSignatureMessage(text)), sha256)
    const seconds = Math.floor(time / 1_000)
    const lines = (cosigners ?? this.witnesses.slice(0, this.law.finality.quorum)).map(witness =>
      makeCosignatureLine(witness.key, seconds, witness.signNow(cosignatureMessage(text, seconds)), sha256),
    )
    return formatNote({ text, signatures: [...note.signatures, ...lines] })
  }

  proof(seq: Seq, size = this.size): string[] {
    const writes = TreeEdge.empty(sha256).append(this.entries.slice(0, size).map(({ leaf }) => leaf))
    const tiles = new Map(writes.map(({ tile, bytes }) => [`${tile.level}/${tile.index}`, bytes]))
    const path = inclusionProof(seq, size, ({ level, index }) => tiles.get(`${level}/${index}`), sha256)
    return (path ?? []).map(toBase64url)
  }

  /** Body of a peer.recognize of this society, for another one's log. */
  recognition(seq: Seq = 0, options: NoteOptions = {}): PeerRecognizeBody {
    const entry = this.entries[seq]
    assert.ok(entry)
    return {
      entry: toBase64url(entry.bytes),
      note: toBase64url(utf8Encode(this.note(options))),
      peer: this.id,
      proof: this.proof(seq, options.size),
    }
  }

  /** A valid birth: witnesses are those of the first `law.birth.quorum` keys that the law lists. */
  birth(name: string, type: EntityType, witnesses: readonly Identity[], body: Partial<BirthBody> = {}): Draftable {
    const subject = identity(`${this.slug} ${name}`)
    const born: BirthBody = {
      entity_ref: hashText(`${this.slug} ${name}`),
      entity_type: type,
      key: subject.key,
      law: this.law.number,
      lineage: [],
      responsibilities: ['keep the law'],
      rights: ['act'],
      ...body,
    }
    return { kind: 'birth', body: born, signers: [this.society, subject, ...witnesses] }
  }

  lctOf(key: Identity, type: EntityType): LctId {
    return lctIdOf(type, this.id, key.key, sha256)
  }

  standing(lct: LctId, changes: Partial<StandingClaims> = {}, signer: Identity = this.society): Standing {
    const state = readState.lct(this, lct)
    assert.ok(state)
    const claims: StandingClaims = {
      key: state.key,
      lct,
      size: this.size,
      society: this.id,
      status: state.status,
      time: this.clock,
      ...changes,
    }
    return { ...claims, sig: toBase64url(signer.signNow(standingBytes(claims))) }
  }

  /** Body of an introduce of this society's LCT, for another one's log. */
  introduction(lct: LctId, standing: Standing = this.standing(lct), options: NoteOptions = {}): IntroduceBody {
    const seq = readState.lct(this, lct)?.birth ?? -1
    const entry = this.entries[seq]
    assert.ok(entry)
    return {
      birth: toBase64url(entry.bytes),
      note: toBase64url(utf8Encode(this.note(options))),
      proof: this.proof(seq, options.size),
      standing,
    }
  }
}

/** The three keys of a society, by its slug. */
export function keysOfSociety(slug: string): { society: Identity; witness: Identity; next: Identity } {
  return { society: identity(`${slug} society`), witness: identity(`${slug} witness`), next: identity(`${slug} next`) }
}
