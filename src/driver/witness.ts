import { canonicalBytes, type Json } from '../canonical.ts'
import { toBase64url } from '../encoding.ts'
import { cosignatureMessage, makeCosignatureLine } from '../log/cosignature.ts'
import { sameHash } from '../log/merkle.ts'
import { formatNote, type Note } from '../log/note.ts'
import type { Clock, Signer, Store } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { storeKey } from '../store/ledger.ts'
import type { Seq } from '../units.ts'
import type { NoteBook } from './note-book.ts'
import type { Replica } from './replica.ts'
import { Serial } from './serial.ts'
import { decodeState } from './session.ts'

/** How long a request waits for entries that gossip is about to bring. Below the asker's time-out. */
const WAIT_FOR_ENTRIES_MS = 1_500
/** Newest entry at most this far ahead of this clock. */
export const FUTURE_MS = 60_000

interface Last {
  readonly root: string
  readonly size: Seq
}

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
  readonly #onConflict: (note: Note) => void
  readonly #serial = new Serial()
  /** As stored; for status, never for a decision. */
  #size: Seq | undefined

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
    this.#onConflict = components.onConflict
  }

  /** The largest size ever cosigned with this key; 0: none. */
  async lastSize(): Promise<Seq> {
    this.#size ??= (await this.#last())?.last.size ?? 0
    return this.#size
  }

  /** Answers one request: the cosignature line of the note text. */
  async cosign(text: string): Promise<Result<string>> {
    const opened = this.#notes.open(text)
    if (!opened.ok) return opened
    const note = opened.value
    await this.#waitForEntries(note.checkpoint.size)
    return this.#serial.run(() => this.#sign(note))
  }

  async #sign(note: Note): Promise<Result<string>> {
    const { size, root } = note.checkpoint
    const { halt, tip } = this.#replica
    if (halt?.mode === 'frozen') return fail(rejection('FROZEN'))
    if (halt !== undefined && size > tip.size)
      return fail(rejection(halt.mode === 'void' ? 'VOID_ENTRY' : 'UNKNOWN_PROTOCOL'))
    if (size > tip.size) return fail(rejection('CHECKPOINT_AHEAD'))
    const own = await this.#replica.rootAt(size)
    if (own === undefined || !sameHash(own, root)) {
      this.#onConflict(note)
      return fail(rejection('CHECKPOINT_FORK'))
    }
    if (!this.#ready(size)) return fail(rejection('STARTING'))
    const now = this.#clock.now()
    if (tip.time > now + FUTURE_MS) return fail(rejection('CHECKPOINT_FUTURE'))
    const known = await this.#last()
    if (known !== undefined && size < known.last.size) return fail(rejection('CHECKPOINT_SHRINKS'))
    if (known !== undefined && size === known.last.size && known.last.root !== toBase64url(root))
      return fail(rejection('CHECKPOINT_FORK'))
    const next = canonicalBytes({ note: note.text, root: toBase64url(root), size } as Json)
    const written = await this.#store.batch([{ type: 'put', key: this.#key(), value: next }], {
      sync: true,
      expect: [[this.#key(), known?.bytes]],
    })
    if (!written) return fail(rejection('STARTING', 'another process signed'))
    this.#size = size
    const seconds = Math.floor(now / 1000)
    const signature = await this.#signer.sign(cosignatureMessage(note.text, seconds))
    const line = makeCosignatureLine(this.#signer.key, seconds, signature, this.#context.sha256)
    return ok(formatNote({ text: '', signatures: [line] }).slice(1))
  }

  #key(): string {
    return storeKey.cosigned(this.#replica.society, this.#signer.key)
  }

  async #last(): Promise<{ readonly last: Last; readonly bytes: Uint8Array } | undefined> {
    const [bytes] = await this.#store.getMany([this.#key()])
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
