import { keyBytes } from '../encoding.ts'
import { addCosignatures, cosignatureMessage, findCosignatures } from '../log/cosignature.ts'
import type { WitnessSet } from '../log/finality.ts'
import { formatNote, type Note, parseNote } from '../log/note.ts'
import type { Clock } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import type { KeyText, Seq } from '../units.ts'
import { Collector, type CollectorAction } from '../witnessing/collector.ts'
import type { Net } from './net.ts'
import type { NoteBook } from './note-book.ts'
import type { Replica } from './replica.ts'

const ASK_TIMEOUT_MS = 2_000

/** Carries out what the collector says: asks witnesses, checks their answers, hands over what became final. */
export class Cosigning {
  readonly #replica: Replica
  readonly #notes: NoteBook
  readonly #net: Net
  readonly #clock: Clock
  readonly #context: DecideContext
  readonly #onFinal: (note: Note) => void
  readonly #onRefused: (witness: KeyText, error: Rejection) => void
  readonly #collector = new Collector()
  readonly #inFlight = new Set<KeyText>()
  #note: Note | undefined
  #cancel: (() => void) | undefined
  #stopped = false

  constructor(
    replica: Replica,
    notes: NoteBook,
    components: {
      readonly net: Net
      readonly clock: Clock
      readonly context: DecideContext
      readonly onFinal: (note: Note) => void
      readonly onRefused: (witness: KeyText, error: Rejection) => void
    },
  ) {
    this.#replica = replica
    this.#notes = notes
    this.#net = components.net
    this.#clock = components.clock
    this.#context = components.context
    this.#onFinal = components.onFinal
    this.#onRefused = components.onRefused
  }

  /** Which checkpoint is on offer and who has signed it. */
  get offered(): Collector['offered'] {
    return this.#collector.offered
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
      else if (this.#note !== undefined) this.#onFinal(this.#note)
    }
  }

  #wake(at: number): void {
    this.#cancel?.()
    this.#cancel = this.#clock.after(Math.max(0, at - this.#clock.now()), () => this.poke())
  }

  async #ask(witness: KeyText, size: Seq): Promise<void> {
    const latest = this.#notes.latest
    if (this.#note?.checkpoint.size !== size && latest?.checkpoint.size === size) this.#note = latest
    const note = this.#note
    if (note === undefined || note.checkpoint.size !== size || this.#inFlight.has(witness)) return
    const peer = this.#net.peers().find(candidate => candidate.witnessKey === witness)
    if (peer === undefined) return
    this.#inFlight.add(witness)
    const offered = { ...note, signatures: note.signatures.filter(line => line.name === note.checkpoint.origin) }
    const reply = await this.#net.request(
      peer.peer,
      'cosign',
      { note: formatNote(offered) },
      { timeoutMs: ASK_TIMEOUT_MS },
    )
    this.#inFlight.delete(witness)
    if (this.#stopped) return
    if (!reply.ok) return this.#onRefused(witness, reply.error)
    const line = this.#readLine(note, reply.value.line, witness)
    if (line === undefined) return this.#onRefused(witness, rejection('COSIGNATURE_INVALID'))
    if (this.#note?.checkpoint.size === size) this.#note = addCosignatures(this.#note, [line])
    this.#run(this.#collector.onSigned(witness, size, this.#clock.now()))
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
