import { canonicalBytes, utf8Decode, utf8Encode } from '../canonical.ts'
import { keyBytes } from '../encoding.ts'
import { exactNote } from '../log/bundle.ts'
import { addCosignatures, type Cosignature, cosignatureMessage, findCosignatures } from '../log/cosignature.ts'
import { finalForUs, finalSize } from '../log/finality.ts'
import { sameHash } from '../log/merkle.ts'
import { formatNote, type Note, originOf, parseNote, verifyLogNote } from '../log/note.ts'
import type { Store, StoreOp } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { keyPart, rangeOf, storeKey } from '../store/ledger.ts'
import type { KeyText, Seq } from '../units.ts'
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

  async load(): Promise<void> {
    const { society } = this.#replica
    const [latest, final] = await this.#store.getMany([storeKey.noteLatest(society), storeKey.noteFinal(society)])
    this.#latest = readNote(latest)
    this.#finalNote = readNote(final)
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

  /** Parses and checks the log's signature by the key in force at the note's size here. */
  open(text: string): Result<Note> {
    const parsed = parseNote(text)
    if (!parsed.ok) return parsed
    const note = parsed.value
    const key = this.#replica.logKeyAt(note.checkpoint.size)
    if (key === undefined) return fail(rejection('NOT_FOUND', 'no charter yet'))
    const refused = verifyLogNote(
      note,
      originOf(this.#replica.society),
      key,
      this.#context.verifySignature,
      this.#context.sha256,
    )
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
    if (!sameHash(own, root)) return ok({ type: 'conflict', note })
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
    ops.push(...(await this.#handoverOps(clean)))
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

  /** For each handover the first note above it that its replaced set's quorum cosigned: bundles need it for ever. */
  async #handoverOps(note: Note): Promise<readonly StoreOp[]> {
    const ops: StoreOp[] = []
    for (const { seq, replaced } of this.#replica.finalitySets().handovers) {
      if (note.checkpoint.size <= seq) continue
      const key = storeKey.noteHandover(this.#replica.society, seq)
      const exact = exactNote(note, replaced, this.#context.sha256)
      if (exact === undefined) continue
      const [known] = await this.#store.getMany([key])
      if (known === undefined) ops.push({ type: 'put', key, value: utf8Encode(formatNote(exact)) })
    }
    return ops
  }

  async handoverNote(seq: Seq): Promise<Note | undefined> {
    const [bytes] = await this.#store.getMany([storeKey.noteHandover(this.#replica.society, seq)])
    return readNote(bytes)
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

function readNote(bytes: Uint8Array | undefined): Note | undefined {
  const text = bytes === undefined ? undefined : utf8Decode(bytes)
  const parsed = text === undefined ? undefined : parseNote(text)
  return parsed?.ok === true ? parsed.value : undefined
}
