import { canonicalBytes, type Json } from '../canonical.ts'
import { toBase64url } from '../encoding.ts'
import { cosignatureMessage, makeCosignatureLine } from '../log/cosignature.ts'
import { sameHash } from '../log/merkle.ts'
import { formatNote, type Note, parseNote } from '../log/note.ts'
import type { Clock, Signer, Store } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { storeKey } from '../store/ledger.ts'
import type { HashText, Seq } from '../units.ts'
import type { NoteBook } from './note-book.ts'
import type { Replica } from './replica.ts'
import { Serial } from './serial.ts'
import { decodeState } from './session.ts'

/** How long a request waits for entries that gossip is about to bring. Below the asker's time-out. */
const WAIT_FOR_ENTRIES_MS = 1_500
/** Newest entry at most this far ahead of this clock. */
export const FUTURE_MS = 60_000

/** What this key signed last in one epoch. */
export interface Last {
  /** It countersigned a resume: nothing more of this epoch is signed. */
  readonly closed?: true
  /** Text of the note; "" when none was signed. */
  readonly note: string
  readonly root: HashText
  /** 0: none. */
  readonly size: Seq
}
const NONE: Last = { note: '', root: '', size: 0 }

/**
 * One witness key for one log: cosigns only what this node holds, has applied and found valid, and never two histories.
 * What it signs is durable, by compare-and-set, before the signature exists.
 */
export class Witness {
  readonly #replica: Replica
  readonly #notes: NoteBook
  readonly #store: Store
  readonly #signer: Signer
  readonly #clock: Clock
  readonly #context: DecideContext
  readonly #ready: (size: Seq) => boolean
  readonly #claims: (size: Seq) => Rejection | undefined
  readonly #onConflict: (note: Note) => void
  readonly #serial = new Serial()
  /** As stored, of one epoch; for status, never for a decision. */
  #size: { readonly epoch: number; readonly size: Seq } | undefined

  constructor(
    replica: Replica,
    notes: NoteBook,
    components: {
      readonly store: Store
      readonly signer: Signer
      readonly clock: Clock
      readonly context: DecideContext
      /** Whether start-up allows to sign this size. */
      readonly ready: (size: Seq) => boolean
      /** Why claims about the state below this size forbid to sign it, if so. */
      readonly claims: (size: Seq) => Rejection | undefined
      readonly onConflict: (note: Note) => void
    },
  ) {
    this.#replica = replica
    this.#notes = notes
    this.#store = components.store
    this.#signer = components.signer
    this.#clock = components.clock
    this.#context = components.context
    this.#ready = components.ready
    this.#claims = components.claims
    this.#onConflict = components.onConflict
  }

  /** The largest size cosigned with this key in the newest epoch; 0: none. */
  async lastSize(): Promise<Seq> {
    const { epoch } = this.#replica
    if (this.#size?.epoch !== epoch) this.#size = { epoch, size: (await this.#last(epoch))?.last.size ?? 0 }
    return this.#size.size
  }

  /**
   * Before this key countersigns a resume: nothing more of the newest epoch is signed from now on, if `judge` finds that
   * what was signed in it may stand. Durable when it resolves.
   */
  closeEpoch(judge: (last: Last) => Promise<Rejection | undefined>): Promise<Rejection | undefined> {
    return this.#serial.run(async () => {
      const { epoch } = this.#replica
      const known = await this.#last(epoch)
      const last = known?.last ?? NONE
      const refused = await judge(last)
      if (refused !== undefined || last.closed === true) return refused
      return (await this.#write(epoch, known?.bytes, { ...last, closed: true }))
        ? undefined
        : rejection('STARTING', 'another process signed')
    })
  }

  /** Answers one request: the cosignature line of the note text. */
  async cosign(text: string): Promise<Result<string>> {
    let opened = this.#notes.open(text)
    if (!opened.ok && opened.error.code === 'NOTE_SIGNATURE') {
      // The entry that brings its key may be on its way.
      const parsed = parseNote(text)
      if (parsed.ok) await this.#waitForEntries(parsed.value.checkpoint.size)
      opened = this.#notes.open(text)
    }
    if (!opened.ok) return opened
    const note = opened.value
    await this.#waitForEntries(note.checkpoint.size)
    return this.#serial.run(() => this.#sign(note))
  }

  async #sign(note: Note): Promise<Result<string>> {
    const { size, root } = note.checkpoint
    const { halt, tip } = this.#replica
    if (halt?.mode === 'frozen') return fail(rejection('FROZEN'))
    if (halt?.mode === 'resuming') return fail(rejection('RESUMING'))
    if (halt?.mode === 'unsound') return fail(rejection('CONSERVATION'))
    if (halt !== undefined && size > tip.size)
      return fail(rejection(halt.mode === 'void' ? 'VOID_ENTRY' : 'UNKNOWN_PROTOCOL'))
    if (size > tip.size) return fail(rejection('CHECKPOINT_AHEAD'))
    const own = await this.#replica.rootAt(size)
    if (own === undefined || !sameHash(own, root)) {
      this.#onConflict(note)
      return fail(rejection('CHECKPOINT_FORK'))
    }
    const claim = this.#claims(size)
    if (claim !== undefined) return fail(claim)
    if (!this.#ready(size)) return fail(rejection('STARTING'))
    const now = this.#clock.now()
    if (tip.time > now + FUTURE_MS) return fail(rejection('CHECKPOINT_FUTURE'))
    const { epoch } = this.#replica
    const known = await this.#last(epoch)
    if (known?.last.closed === true) return fail(rejection('RESUMING', 'countersigned the end of this epoch'))
    // Its own signature on a note that others hold binds it too: a restored folder has forgotten, the others have not.
    const shown = this.#notes.cosigned.get(this.#signer.key) ?? 0
    if (size < Math.max(known?.last.size ?? 0, shown)) return fail(rejection('CHECKPOINT_SHRINKS'))
    if (known !== undefined && size === known.last.size && known.last.root !== toBase64url(root))
      return fail(rejection('CHECKPOINT_FORK'))
    const written = await this.#write(epoch, known?.bytes, { note: note.text, root: toBase64url(root), size })
    if (!written) return fail(rejection('STARTING', 'another process signed'))
    this.#size = { epoch, size }
    const seconds = Math.floor(now / 1000)
    const signature = await this.#signer.sign(cosignatureMessage(note.text, seconds))
    const line = makeCosignatureLine(this.#signer.key, seconds, signature, this.#context.sha256)
    return ok(formatNote({ text: '', signatures: [line] }).slice(1))
  }

  #key(epoch: number): string {
    return storeKey.cosigned(this.#replica.society, this.#signer.key, epoch)
  }

  #write(epoch: number, before: Uint8Array | undefined, next: Last): Promise<boolean> {
    const key = this.#key(epoch)
    const value = canonicalBytes(next as unknown as Json)
    return this.#store.batch([{ type: 'put', key, value }], { sync: true, expect: [[key, before]] })
  }

  async #last(epoch: number): Promise<{ readonly last: Last; readonly bytes: Uint8Array } | undefined> {
    const [bytes] = await this.#store.getMany([this.#key(epoch)])
    return bytes === undefined ? undefined : { bytes, last: decodeState(bytes) as unknown as Last }
  }

  #waitForEntries(size: Seq): Promise<void> {
    if (size <= this.#replica.tip.size || this.#replica.halt !== undefined) return Promise.resolve()
    return new Promise(resolve => {
      const end = () => {
        unsubscribe()
        cancel()
        resolve()
      }
      const unsubscribe = this.#replica.onCommit(({ tip }) => {
        if (tip.size >= size) end()
      })
      const cancel = this.#clock.after(WAIT_FOR_ENTRIES_MS, end)
    })
  }
}
