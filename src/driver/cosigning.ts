import { keyBytes } from '../encoding.ts'
import { addCosignatures, cosignatureMessage, findCosignatures } from '../log/cosignature.ts'
import type { WitnessSet } from '../log/finality.ts'
import { formatNote, type Note, parseNote } from '../log/note.ts'
import type { Clock } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import type { Result } from '../result.ts'
import type { KeyText, Seq } from '../units.ts'
import { Collector, type CollectorAction } from '../witnessing/collector.ts'
import type { Net } from './net.ts'
import type { NoteBook } from './note-book.ts'
import type { Replica } from './replica.ts'

const ASK_TIMEOUT_MS = 2_000
/** As many as a gossiped group carries. */
const COLLECTED_MAX = 4

/** Carries out what the collector says: asks witnesses, checks their answers, hands over what became final. */
export class Cosigning {
  readonly #replica: Replica
  readonly #notes: NoteBook
  readonly #net: Net
  readonly #clock: Clock
  readonly #context: DecideContext
  readonly #onCosigned: (note: Note) => void
  readonly #onRefused: (witness: KeyText, error: Rejection) => void
  readonly #collector = new Collector()
  readonly #inFlight = new Set<KeyText>()
  /** Notes on offer lately with the cosignatures collected, by size. */
  readonly #collected = new Map<Seq, Note>()
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(
    replica: Replica,
    notes: NoteBook,
    components: {
      readonly net: Net
      readonly clock: Clock
      readonly context: DecideContext
      /** A note with one more cosignature. Also one that came late: sizes of one history add up. */
      readonly onCosigned: (note: Note) => void
      readonly onRefused: (witness: KeyText, error: Rejection) => void
    },
  ) {
    this.#replica = replica
    this.#notes = notes
    this.#net = components.net
    this.#clock = components.clock
    this.#context = components.context
    this.#onCosigned = components.onCosigned
    this.#onRefused = components.onRefused
  }

  /** Which checkpoint is on offer and who has signed it. */
  get offered(): Collector['offered'] {
    return this.#collector.offered
  }

  /** Cosigned notes, newest first: what followers need to see the same finality. */
  get collected(): readonly Note[] {
    return [...this.#collected.values()].filter(({ signatures }) => signatures.length > 1).reverse()
  }

  /** The log grew, or a witness came back. */
  poke(): void {
    const size = this.#notes.latest?.checkpoint.size ?? 0
    this.#run(this.#collector.onTip(size, { ...this.#set(), also: this.#alsoNeeded() }, this.#clock.now()))
  }

  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  #set(): WitnessSet {
    return this.#replica.finalitySets().current
  }

  /** Sets that handovers replaced but that have not yet cosigned beyond them. */
  #alsoNeeded(): readonly WitnessSet[] {
    const { handovers } = this.#replica.finalitySets()
    return handovers
      .filter(({ seq }) => seq >= this.#notes.final)
      .map(({ replaced }) => replaced)
      .filter(({ quorum }) => quorum > 0)
  }

  #run(actions: readonly CollectorAction[]): void {
    if (this.#stopped) return
    for (const action of actions) {
      if (action.type === 'wake') this.#wake(action.at)
      else if (action.type === 'ask') void this.#ask(action.witness, action.size)
    }
  }

  #wake(at: number): void {
    this.#cancel?.()
    this.#cancel = this.#clock.after(Math.max(0, at - this.#clock.now()), () => this.poke())
  }

  async #ask(witness: KeyText, size: Seq): Promise<void> {
    const note = this.#noteOf(size)
    const peer = this.#net.peers().find(candidate => candidate.witnessKey === witness)
    if (note === undefined || peer === undefined || this.#inFlight.has(witness)) return
    this.#inFlight.add(witness)
    const offered = { ...note, signatures: note.signatures.filter(line => line.name === note.checkpoint.origin) }
    const request = { note: formatNote(offered) }
    const reply = await this.#net.request(peer.peer, 'cosign', request, { timeoutMs: ASK_TIMEOUT_MS })
    this.#inFlight.delete(witness)
    if (this.#stopped) return
    this.#onAnswer(witness, note, reply)
    // While it took its time the offer went on.
    const next = this.#collector.offered
    if (next !== undefined && next.size > size && !next.signed.includes(witness)) void this.#ask(witness, next.size)
  }

  #onAnswer(witness: KeyText, note: Note, reply: Result<{ readonly line: string }>): void {
    const { size } = note.checkpoint
    const line = reply.ok ? this.#readLine(note, reply.value.line, witness) : undefined
    if (line === undefined) {
      this.#onRefused(witness, reply.ok ? rejection('COSIGNATURE_INVALID') : reply.error)
      return
    }
    const cosigned = addCosignatures(this.#collected.get(size) ?? note, [line])
    if (this.#collected.has(size)) this.#collected.set(size, cosigned)
    this.#onCosigned(cosigned)
    this.#run(this.#collector.onSigned(witness, size, this.#clock.now()))
  }

  /** The note of the size on offer; undefined when the log has grown before it was ever offered. */
  #noteOf(size: Seq): Note | undefined {
    const latest = this.#notes.latest
    const known = this.#collected.get(size)
    if (known !== undefined || latest?.checkpoint.size !== size) return known
    this.#collected.set(size, latest)
    for (const old of this.#collected.keys()) if (this.#collected.size > COLLECTED_MAX) this.#collected.delete(old)
    return latest
  }

  /** The witness's line, once its signature over this very note is proved. */
  #readLine(note: Note, text: string, witness: KeyText): Note['signatures'][number] | undefined {
    const parsed = parseNote(`${note.text}\n${text}`)
    if (!parsed.ok) return undefined
    const found = findCosignatures(parsed.value, this.#context.sha256).find(({ key }) => key === witness)
    const key = keyBytes(witness)
    if (found === undefined || key === undefined) return undefined
    const holds = this.#context.verifySignature(key, found.signature, cosignatureMessage(note.text, found.time))
    return holds ? found.line : undefined
  }
}
