import { canonicalBytes, utf8Encode } from '../canonical.ts'
import { keyBytes } from '../encoding.ts'
import { exactNote } from '../log/bundle.ts'
import { addCosignatures, type Cosignature, cosignatureMessage, findCosignatures } from '../log/cosignature.ts'
import { finalForUs, finalSize, type Handover } from '../log/finality.ts'
import { sameHash } from '../log/merkle.ts'
import { epochOf, formatNote, type Note, parseNote, verifyLogNote } from '../log/note.ts'
import type { Store, StoreOp } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { keyPart, rangeOf, storeKey } from '../store/ledger.ts'
import type { KeyText, Seq } from '../units.ts'
import { storedNote } from './log-key.ts'
import type { Replica } from './replica.ts'
import { Serial } from './serial.ts'
import { decodeState } from './session.ts'

/** Notes above the tip wait for their entries; a few newest are enough, older ones say less. */
const EARLY_NOTES_MAX = 8
const TAKEN_MAX = 64

/** What became of a note that was offered. */
export type Offered =
  /** Of this node's history and no longer than it; cosignatures counted. */
  | { readonly type: 'held'; readonly finalBefore: Seq; readonly final: Seq }
  /** Longer than what is here: look for the entries. */
  | { readonly type: 'ahead'; readonly size: Seq }
  /** Signed by the log, but of another history. */
  | { readonly type: 'conflict'; readonly note: Note }

/**
 * The notes of one log as far as they are of the history held here: the newest one, the cosigned ones, what each witness
 * cosigned, and so what is final. Roots are compared with roots that this node computed itself.
 */
export class NoteBook {
  readonly #replica: Replica
  readonly #store: Store
  readonly #context: DecideContext
  readonly #serial = new Serial()
  readonly #cosigned = new Map<KeyText, Seq>()
  /** Sizes of the handover notes that are kept, by the handover's seq. */
  readonly #handoverSizes = new Map<Seq, Seq>()
  #latest: Note | undefined
  #finalNote: Note | undefined
  #final: Seq = 0
  #early: Note[] = []
  /** Texts of notes held lately: peers repeat them in every status. */
  readonly #taken = new Set<string>()
  /** Size of the newest note on its way to the disk: a cosigned older one must not take its place there. */
  #writing: Seq = 0

  constructor(replica: Replica, store: Store, context: DecideContext) {
    this.#replica = replica
    this.#store = store
    this.#context = context
  }

  /** As stored: at the start, and after the replica went back. */
  load(): Promise<void> {
    return this.#serial.run(() => this.#load())
  }

  async #load(): Promise<void> {
    const { society } = this.#replica
    this.#early = []
    this.#taken.clear()
    this.#cosigned.clear()
    this.#handoverSizes.clear()
    this.#writing = 0
    const [latest, final] = await this.#store.getMany([storeKey.noteLatest(society), storeKey.noteFinal(society)])
    this.#latest = storedNote(latest)
    this.#finalNote = storedNote(final)
    for await (const [key, value] of this.#store.range(rangeOf.handoverNotes(society)))
      this.#handoverSizes.set(keyPart.number(key), storedNote(value)?.checkpoint.size ?? Number.MAX_SAFE_INTEGER)
    for await (const [key, value] of this.#store.range(rangeOf.cosigners(society)))
      this.#cosigned.set(keyPart.last(key), decodeState(value) as number)
    this.#final = this.#computeFinal()
  }

  /** Newest note with size ≤ the tip. */
  get latest(): Note | undefined {
    return this.#latest
  }
  /** Newest note that made its size final, with all cosignatures known. */
  get finalNote(): Note | undefined {
    return this.#finalNote
  }
  get final(): Seq {
    return this.#final
  }
  /** A note waits for its entries. */
  get hasEarly(): boolean {
    return this.#early.some(note => note.checkpoint.size > this.#replica.tip.size)
  }
  /** This very note was taken already: nothing new in it. */
  isKnown(text: string): boolean {
    return this.#taken.has(text)
  }
  get cosigned(): ReadonlyMap<KeyText, Seq> {
    return this.#cosigned
  }

  /**
   * Parses and checks the log's signature by the key in force at the note's size here, and that the note is of the epoch to
   * which its size belongs: what an epoch that was left says of sizes beyond its end is no news and no evidence.
   */
  open(text: string): Result<Note> {
    const parsed = parseNote(text)
    if (!parsed.ok) return parsed
    const note = parsed.value
    const { origin, size } = note.checkpoint
    const epoch = epochOf(origin, this.#replica.society)
    if (epoch === undefined) return fail(rejection('NOTE_ORIGIN'))
    if (epoch > this.#replica.epoch) return fail(rejection('EPOCH_UNKNOWN', origin))
    if (epoch !== this.#replica.epochAt(size)) return fail(rejection('EPOCH_SPENT', origin))
    const key = this.#replica.logKeyAt(note.checkpoint.size)
    if (key === undefined) return fail(rejection('NOT_FOUND', 'no charter yet'))
    const refused = verifyLogNote(note, origin, key, this.#context.verifySignature, this.#context.sha256)
    return refused === undefined ? ok(note) : fail(refused)
  }

  /** Operations that put a checkpoint of the group into the group's own batch. */
  latestOps(note: Note): readonly StoreOp[] {
    this.#writing = Math.max(this.#writing, note.checkpoint.size)
    return [{ type: 'put', key: storeKey.noteLatest(this.#replica.society), value: utf8Encode(formatNote(note)) }]
  }

  /** The group with this checkpoint was committed. */
  setLatest(note: Note): void {
    if (this.#latest === undefined || note.checkpoint.size > this.#latest.checkpoint.size) this.#latest = note
  }

  /** Takes a note whose log signature was checked by `open`. */
  offer(note: Note): Promise<Result<Offered>> {
    return this.#serial.run(() => this.#take(note))
  }

  /** After the tip moved: notes that came early. */
  async retryEarly(): Promise<readonly Offered[]> {
    const ready = this.#early.filter(note => note.checkpoint.size <= this.#replica.tip.size)
    this.#early = this.#early.filter(note => note.checkpoint.size > this.#replica.tip.size)
    const results: Offered[] = []
    for (const note of ready) {
      // The entries that were missing may have brought another key: what the old one signed beyond it proves nothing.
      if (!this.open(formatNote(note)).ok) continue
      const offered = await this.offer(note)
      if (offered.ok) results.push(offered.value)
    }
    return results
  }

  async #take(note: Note): Promise<Result<Offered>> {
    const { size, root } = note.checkpoint
    if (size > this.#replica.tip.size) {
      this.#early = [
        ...this.#early.filter(early => early.text !== note.text || early.signatures.length > note.signatures.length),
        note,
      ]
        .sort((a, b) => b.checkpoint.size - a.checkpoint.size)
        .slice(0, EARLY_NOTES_MAX)
      return ok({ type: 'ahead', size })
    }
    const own = await this.#replica.rootAt(size)
    if (own === undefined) return fail(rejection('INTERNAL', 'no root'))
    if (!sameHash(own, root)) {
      // Of an epoch that was left it is no evidence any more: that history was given up.
      const isSpent = epochOf(note.checkpoint.origin, this.#replica.society) !== this.#replica.epoch
      return isSpent ? fail(rejection('EPOCH_SPENT', note.checkpoint.origin)) : ok({ type: 'conflict', note })
    }
    const fresh = this.#verifyCosignatures(note)
    if (fresh === undefined) return fail(rejection('COSIGNATURE_INVALID'))
    return ok(await this.#hold(note, fresh))
  }

  /** Cosignatures of witnesses that matter and say something new; undefined when one of them is forged. */
  #verifyCosignatures(note: Note): readonly Cosignature[] | undefined {
    const { current, handovers } = this.#replica.finalitySets()
    const named = new Set([...current.witnesses, ...handovers.flatMap(({ replaced }) => replaced.witnesses)])
    const fresh: Cosignature[] = []
    for (const cosignature of findCosignatures(note, this.#context.sha256)) {
      if (!named.has(cosignature.key)) continue
      const message = cosignatureMessage(note.text, cosignature.time)
      if (!this.#context.verifySignature(keyBytes(cosignature.key) as Uint8Array, cosignature.signature, message))
        return undefined
      fresh.push(cosignature)
    }
    return fresh
  }

  async #hold(note: Note, cosignatures: readonly Cosignature[]): Promise<Offered> {
    const { society } = this.#replica
    const { size } = note.checkpoint
    const ops: StoreOp[] = []
    for (const { key } of cosignatures) {
      if ((this.#cosigned.get(key) ?? 0) >= size) continue
      this.#cosigned.set(key, size)
      ops.push({ type: 'put', key: storeKey.cosigner(society, key), value: canonicalBytes(size) })
    }
    const logLines = note.signatures.filter(line => line.name === note.checkpoint.origin)
    const clean = addCosignatures(
      { ...note, signatures: logLines },
      cosignatures.map(({ line }) => line),
    )
    if (this.#latest === undefined || size > this.#latest.checkpoint.size) this.#latest = clean
    else if (this.#latest.text === clean.text)
      this.#latest = addCosignatures(
        this.#latest,
        clean.signatures.filter(line => line.name !== note.checkpoint.origin),
      )
    const finalBefore = this.#final
    this.#final = Math.max(this.#final, this.#computeFinal())
    if (this.#makesFinal(clean)) {
      this.#finalNote = clean
      ops.push({ type: 'put', key: storeKey.noteFinal(society), value: utf8Encode(formatNote(clean)) })
    }
    ops.push(...this.#handoverOps(clean))
    if (this.#latest.checkpoint.size >= this.#writing) ops.push(...this.latestOps(this.#latest))
    await this.#store.batch(ops, { sync: false })
    this.#remember(formatNote(note))
    return { type: 'held', finalBefore, final: this.#final }
  }

  #remember(text: string): void {
    this.#taken.add(text)
    if (this.#taken.size <= TAKEN_MAX) return
    for (const oldest of this.#taken) {
      this.#taken.delete(oldest)
      return
    }
  }

  #makesFinal(note: Note): boolean {
    const { size } = note.checkpoint
    const held = this.#finalNote?.checkpoint.size ?? 0
    if (size < held || this.#final < size) return false
    return exactNote(note, this.#replica.finalitySets().current, this.#context.sha256) !== undefined
  }

  /** The charter with the set that it names, and each handover with the one that it replaced: whose word shows them. */
  #steps(): readonly Handover[] {
    const { current, handovers } = this.#replica.finalitySets()
    return [{ seq: 0, replaced: handovers[0]?.replaced ?? current }, ...handovers]
  }

  /**
   * For each step the smallest note above it that its quorum cosigned: bundles need it for ever, and those who recognise the
   * society one step after the other.
   */
  #handoverOps(note: Note): readonly StoreOp[] {
    const ops: StoreOp[] = []
    for (const { seq, replaced } of this.#steps()) {
      if (note.checkpoint.size <= seq) continue
      if ((this.#handoverSizes.get(seq) ?? Number.MAX_SAFE_INTEGER) <= note.checkpoint.size) continue
      const exact = exactNote(note, replaced, this.#context.sha256)
      if (exact === undefined) continue
      const key = storeKey.noteHandover(this.#replica.society, seq)
      ops.push({ type: 'put', key, value: utf8Encode(formatNote(exact)) })
      this.#handoverSizes.set(seq, note.checkpoint.size)
    }
    return ops
  }

  /** The first step that cannot be shown from here to somebody who recognises one after the other; seq of its entry. */
  get lacking(): Seq | undefined {
    return this.#steps().find(({ seq, replaced }) => replaced.quorum > 0 && !this.shows(seq))?.seq
  }

  /**
   * Whether the note kept for the charter (0) or a handover lies below the next handover: one beyond it may be signed by
   * another log key than the one that the step brought.
   */
  shows(seq: Seq): boolean {
    const next = this.#replica.finalitySets().handovers.find(handover => handover.seq > seq)
    return (this.#handoverSizes.get(seq) ?? Number.POSITIVE_INFINITY) <= (next?.seq ?? Number.MAX_SAFE_INTEGER)
  }

  /** Texts of the notes kept for this handover and the following ones, at most `limit`. */
  async handoverNotes(from: Seq, limit: number): Promise<readonly string[]> {
    const seqs = [...this.#handoverSizes.keys()].filter(seq => seq >= from).sort((a, b) => a - b)
    const notes = await Promise.all(seqs.slice(0, limit).map(seq => this.handoverNote(seq)))
    return notes.flatMap(note => (note === undefined ? [] : [formatNote(note)]))
  }

  async handoverNote(seq: Seq): Promise<Note | undefined> {
    const [bytes] = await this.#store.getMany([storeKey.noteHandover(this.#replica.society, seq)])
    return storedNote(bytes)
  }

  /** Final size when only these cosigners count. */
  finalAmong(accepted: ReadonlySet<KeyText>): Seq {
    const { current, handovers } = this.#replica.finalitySets()
    return Math.min(finalForUs(current, handovers, this.#cosigned, accepted), this.#final)
  }

  #computeFinal(): Seq {
    const { current, handovers } = this.#replica.finalitySets()
    return Math.min(finalSize(current, handovers, this.#cosigned), this.#replica.tip.size)
  }
}
