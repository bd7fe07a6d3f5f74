import type { Note } from '../log/note.ts'
import type { Clock, Signer, SocietyKeys } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { EpochMs, Seq } from '../units.ts'
import { KeyGuard } from '../witnessing/key-guard.ts'
import { Cosigning } from './cosigning.ts'
import { notHeld } from './log-key.ts'
import type { Net } from './net.ts'
import { startBarrier } from './own-start.ts'
import type { Halt } from './replica.ts'
import { Sequencer } from './sequencer.ts'
import type { SocietyLog } from './society-log.ts'
import { FUTURE_MS } from './witness.ts'

/** A busy log has its next group within this; a message of their own costs as much as a group. */
const NOTES_MS = 75

export interface OwnLogPorts {
  readonly net: Net
  readonly clock: Clock
  readonly context: DecideContext
  readonly keys: SocietyKeys
}

export interface OwnLogEvents {
  /** Lets a task run and reports what it throws. */
  guard(what: string, task: Promise<unknown>): void
  rejected(error: Rejection): void
  fault(what: string, error: unknown): void
  final(log: SocietyLog, before: Seq, now: Seq): void
  barred(log: SocietyLog, why: Rejection | undefined): void
  halted(log: SocietyLog, halt: Halt): void
  /** Something changed that the log may wait for: it grew, a peer spoke, a digest is known. */
  changed(): void
  /** A new epoch began: what peers told before says nothing about it. */
  resumed(): void
  /** Median of (witness clock − own clock). */
  clockSkew(): EpochMs
}

/** The one log that this node writes: sequencing, collecting cosignatures, and why it may not grow. */
export class OwnLog {
  readonly log: SocietyLog
  readonly sequencer: Sequencer
  readonly #ports: OwnLogPorts
  readonly #events: OwnLogEvents
  #cosigning: Cosigning
  #foreign: KeyGuard
  #epoch: number
  /** As told last, so that each reason is told once. */
  #barred: string | undefined
  /** Notes that made more final wait a moment for a group to travel with. */
  #notesTimer: (() => void) | undefined
  #news: readonly Note[] = []

  constructor(log: SocietyLog, options: { readonly groupMs: number }, ports: OwnLogPorts, events: OwnLogEvents) {
    this.log = log
    this.#ports = ports
    this.#events = events
    this.#epoch = log.replica.epoch
    this.#cosigning = this.#newCosigning()
    this.#foreign = new KeyGuard(ports.clock.now())
    this.sequencer = new Sequencer(
      log.replica,
      log.notes,
      { groupMs: options.groupMs, barrier: () => this.barrier(), notes: () => this.#takeNews() },
      {
        keys: ports.keys,
        clock: ports.clock,
        context: ports.context,
        events: {
          sequenced: ({ frame }) => this.#onSequenced(frame),
          halted: halt => {
            events.halted(log, halt)
            this.tellBarrier()
          },
          failed: error => events.fault('sequencer', error),
        },
      },
    )
    log.replica.onCommit(({ tip }) => this.#onCommit(tip))
  }

  get cosigning(): Cosigning {
    return this.#cosigning
  }
  /** What is known of signatures of the own key that this process did not make. */
  get foreign(): KeyGuard {
    return this.#foreign
  }

  /** Nothing more is signed; ends after the group in work. */
  async stop(): Promise<void> {
    this.#notesTimer?.()
    this.#cosigning.stop()
    await this.sequencer.stop()
  }

  /** Why the log may not grow now. */
  barrier(): Rejection | undefined {
    const { halt } = this.log.replica
    if (halt?.mode === 'frozen') return rejection('FROZEN')
    if (halt?.mode === 'resuming') return rejection('RESUMING')
    if (halt?.mode === 'unsound') return rejection('CONSERVATION', halt.detail)
    if (halt !== undefined) return rejection('VOID_ENTRY', halt.code)
    const { wrong } = this.log.snapshots
    if (wrong !== undefined) return rejection('STATE_CLAIM', `entry ${wrong.seq}`)
    const starting = startBarrier(this)
    if (starting !== undefined) return starting
    const signer = this.signer()
    if (!signer.ok) return signer.error
    const skew = this.#events.clockSkew()
    return Math.abs(skew) > FUTURE_MS ? rejection('CLOCK_SKEW', `${skew} ms`) : undefined
  }

  /** Who signs for the society now: the key in force in its log. NOT_SEQUENCER when this process does not hold it. */
  signer(): Result<Signer> {
    const key = this.log.replica.inForce?.keys.society
    if (key === undefined) return fail(rejection('NOT_SEQUENCER'))
    const signer = this.#ports.keys.signerFor(key)
    return signer === undefined ? fail(notHeld(key, this.#ports.keys)) : ok(signer)
  }

  /** The own key signed a checkpoint of `size` entries, and so many are not here. */
  onForeignNote(size: Seq): void {
    if (size <= this.log.replica.tip.size) return
    this.#foreign.onNote(size, { signing: this.sequencer.signed > 0, ready: startBarrier(this) === undefined })
    this.tellBarrier()
  }

  tellBarrier(): void {
    this.#events.changed()
    const why = this.barrier()
    const text = why === undefined ? '' : `${why.code} ${why.detail ?? ''}`
    if (text === this.#barred) return
    this.#barred = text
    this.#events.barred(this.log, why)
  }

  #onSequenced(frame: Uint8Array): void {
    // The group carried the notes.
    this.#notesTimer?.()
    this.#notesTimer = undefined
    this.#events.guard('publish', this.#ports.net.publishGroup(this.log.society, frame))
    this.#cosigning.poke()
  }

  #onCommit(tip: { readonly size: Seq; readonly time: EpochMs }): void {
    const { signed } = this.sequencer
    // Entries of the history to which it goes over are known to be of another process.
    const isAdopting = this.log.replica.halt?.mode === 'resuming'
    if (tip.size !== signed && !isAdopting) this.#foreign.onEntries(tip.time, { signing: signed > 0 })
    if (this.#epoch !== this.log.replica.epoch) this.#onEpoch()
    this.tellBarrier()
  }

  /** What was offered, asked and signed before is of another history. */
  #onEpoch(): void {
    this.#epoch = this.log.replica.epoch
    this.#cosigning.stop()
    this.#cosigning = this.#newCosigning()
    // What the key is owed may be of a history that was given up; that somebody else uses it stays true.
    if (!this.#foreign.inUse) this.#foreign = new KeyGuard(this.#ports.clock.now())
    this.#events.resumed()
  }

  #newCosigning(): Cosigning {
    return new Cosigning(this.log.replica, this.log.notes, {
      net: this.#ports.net,
      clock: this.#ports.clock,
      context: this.#ports.context,
      onCosigned: note => this.#events.guard('final', this.#onCosigned(note)),
      onRefused: (_witness, error) => this.#events.rejected(error),
    })
  }

  /** A witness signed a note. When that makes more final, followers get what shows it. */
  async #onCosigned(note: Note): Promise<void> {
    const offered = await this.log.notes.offer(note)
    if (!offered.ok || offered.value.type !== 'held' || offered.value.final <= offered.value.finalBefore) return
    this.#events.final(this.log, offered.value.finalBefore, offered.value.final)
    this.#news = this.#cosigning.collected
    this.#notesTimer ??= this.#ports.clock.after(NOTES_MS, () => {
      this.#notesTimer = undefined
      const frame = this.sequencer.noteFrame(this.#takeNews())
      if (frame !== undefined) this.#events.guard('publish', this.#ports.net.publishGroup(this.log.society, frame))
    })
  }

  /** Notes that made more final and that followers have not been sent; a lost message is made good by the next status. */
  #takeNews(): readonly Note[] {
    const news = this.#news
    this.#news = []
    return news
  }
}
