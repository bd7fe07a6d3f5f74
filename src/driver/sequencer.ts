import { keyBytes } from '../encoding.ts'
import { encodeGroup, GROUP_BYTES_MAX, GROUP_ENTRIES_MAX } from '../ingest/group.ts'
import { entryOf } from '../ingest/verify.ts'
import { sameSet } from '../log/bundle.ts'
import {
  type Checkpoint,
  checkpointText,
  formatNote,
  logSignatureMessage,
  makeLogNote,
  type Note,
  originOf,
} from '../log/note.ts'
import type { Clock, SocietyKeys } from '../ports.ts'
import type { Law } from '../records/law.ts'
import type { AnyRecord, DecideContext, VerifiedEntry, VerifiedRecord } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { KeyText, RecordId, Seq } from '../units.ts'
import { newSocietyKey, notHeld } from './log-key.ts'
import type { NoteBook } from './note-book.ts'
import { type Halt, haltBy, type Replica } from './replica.ts'
import { newEpoch } from './rewind.ts'

/** Records that wait for a group; beyond it senders are told to come back (OVERLOADED). */
const QUEUE_MAX = 20_000
/** Leaves room for the head of a group with its notes. */
const GROUP_BYTES = GROUP_BYTES_MAX - 96 * 1024

export interface SequencerEvents {
  /** Durable and signed: may be published now, never before. */
  sequenced(group: {
    readonly first: Seq
    readonly entries: readonly VerifiedEntry[]
    readonly note: Note
    readonly frame: Uint8Array
  }): void
  /** An entry would not balance the books: the log stands still before it. */
  halted(halt: Halt): void
  /** The store failed: nothing more is sequenced until a restart finds out what holds. */
  failed(error: unknown): void
}

interface Waiting {
  readonly record: VerifiedRecord
  readonly answer: (result: Result<Seq>) => void
}

/**
 * Writes one society's log: validate, append, fsync, then publish. Records that come within a few milliseconds share one
 * group, one fsync and one signed checkpoint.
 */
export class Sequencer {
  readonly #replica: Replica
  readonly #notes: NoteBook
  readonly #keys: SocietyKeys
  readonly #clock: Clock
  readonly #context: DecideContext
  readonly #events: SequencerEvents
  readonly #groupMs: number
  /** Why nothing may be sequenced now, if so. */
  readonly #barrier: () => Rejection | undefined
  readonly #notesToTell: () => readonly Note[]
  #queue: Waiting[] = []
  readonly #pending = new Map<RecordId, Promise<Result<Seq>>>()
  #running: Promise<void> | undefined
  #cancel: (() => void) | undefined
  #failed = false
  #stopped = false
  #signed: Seq = 0

  constructor(
    replica: Replica,
    notes: NoteBook,
    options: {
      readonly groupMs: number
      readonly barrier: () => Rejection | undefined
      /** Notes that a group brings along, at most 4. */
      readonly notes: () => readonly Note[]
    },
    components: {
      readonly keys: SocietyKeys
      readonly clock: Clock
      readonly context: DecideContext
      readonly events: SequencerEvents
    },
  ) {
    this.#replica = replica
    this.#notes = notes
    this.#groupMs = options.groupMs
    this.#barrier = options.barrier
    this.#notesToTell = options.notes
    this.#keys = components.keys
    this.#clock = components.clock
    this.#context = components.context
    this.#events = components.events
  }

  /** Largest size for which this process signed a checkpoint; 0: it has signed none yet. */
  get signed(): Seq {
    return this.#signed
  }

  isPending(id: RecordId): boolean {
    return this.#pending.has(id)
  }

  /** Resolves when the record is durable in the log (its seq), or refused. The same record again gets the same answer. */
  async submit(record: VerifiedRecord): Promise<Result<Seq>> {
    const pending = this.#pending.get(record.id)
    if (pending !== undefined) return pending
    const known = await this.#replica.seqOf(record.id)
    if (known !== undefined) return ok(known)
    const again = this.#pending.get(record.id)
    if (again !== undefined) return again
    if (this.#queue.length >= QUEUE_MAX) return fail(rejection('OVERLOADED'))
    // It begins an epoch, which takes more than an entry: the operator's command does it.
    if (record.record.kind === 'resume') return fail(rejection('RESUME_SOUND', 'not by the way of other records'))
    const refused = this.#refusal()
    if (refused !== undefined) return fail(refused)
    const answer = new Promise<Result<Seq>>(resolve => this.#queue.push({ record, answer: resolve }))
    this.#pending.set(record.id, answer)
    this.#wake()
    return answer.finally(() => this.#pending.delete(record.id))
  }

  /**
   * Appends the resume of this log, which went back to the size that it keeps and takes nothing else. Its checkpoint is the
   * first of the new epoch.
   */
  async resume(record: VerifiedRecord): Promise<Result<Seq>> {
    await this.#running
    let result: Result<Seq> = fail(rejection('INTERNAL'))
    const answer = (given: Result<Seq>) => {
      result = given
    }
    const work = this.#sequence([{ record, answer }], () => undefined)
    this.#running = work.catch(error => {
      this.#failed = true
      this.#events.failed(error)
    })
    await this.#running
    this.#running = undefined
    return result
  }

  /** Ends after the group in work; what still waits is told to come back. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    await this.#running
    for (const { answer } of this.#queue.splice(0)) answer(fail(rejection('OVERLOADED', 'stopping')))
  }

  /** A change of the law that would be valid, and after which this process, or others, could not go on. */
  #refuseUpdate(record: AnyRecord): Rejection | undefined {
    const { inForce } = this.#replica
    if (record.kind !== 'law.update' || inForce === undefined) return undefined
    const next = newSocietyKey(record)
    if (next !== undefined && this.#keys.signerFor(next) === undefined) return notHeld(next, this.#keys)
    const { law } = record.body as { readonly law: Law } & typeof record.body
    const handsOver = next !== undefined || !sameSet(law.finality, inForce.law.finality)
    if (!handsOver || this.#notes.lacking === undefined) return undefined
    // Without a note between the two nobody else could ever recognise the first one, nor then any later one.
    return rejection('HANDOVER_OPEN', `entry ${this.#notes.lacking}`)
  }

  #refusal(): Rejection | undefined {
    if (this.#stopped) return rejection('OVERLOADED', 'stopping')
    if (this.#failed) return rejection('INTERNAL', 'the store failed; restart the node')
    return this.#barrier()
  }

  #wake(): void {
    if (this.#running !== undefined || this.#cancel !== undefined || this.#queue.length === 0) return
    this.#cancel = this.#clock.after(this.#groupMs, () => {
      this.#cancel = undefined
      this.#running = this.#runGroup().finally(() => {
        this.#running = undefined
        this.#wake()
      })
    })
  }

  async #runGroup(): Promise<void> {
    const group = this.#takeGroup()
    const refused = this.#refusal()
    if (refused !== undefined) {
      for (const { answer } of group) answer(fail(refused))
      return
    }
    try {
      await this.#sequence(group)
    } catch (error) {
      this.#failed = true
      for (const { answer } of group) answer(fail(rejection('INTERNAL', 'the store failed')))
      this.#events.failed(error)
    }
  }

  #takeGroup(): Waiting[] {
    let bytes = 0
    let count = 0
    for (const { record } of this.#queue) {
      bytes += record.recordBytes.length + 256 + record.sigs.length * 1200
      if (count > 0 && (bytes > GROUP_BYTES || count >= GROUP_ENTRIES_MAX)) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  async #sequence(group: readonly Waiting[], barrier = this.#barrier): Promise<void> {
    let note: Note | undefined
    let kept: readonly VerifiedEntry[] = []
    let halt: Halt | undefined
    let key = ''
    const { answer: results } = await this.#replica.change<readonly Result<Seq>[]>(
      async (session, tip) => {
        // Asked again in turn with everything that changes the log: it may have been frozen while the group waited.
        const barred = barrier()
        if (barred !== undefined) return { keep: [], answer: group.map(() => fail(barred)) }
        const time = Math.max(tip.time, this.#clock.now())
        const keep: VerifiedEntry[] = []
        const answer: Result<Seq>[] = []
        key = this.#replica.inForce?.keys.society ?? ''
        await session.prefetch(
          group.map(({ record }) => ({
            ...record,
            seq: tip.size,
            time,
            bytes: record.recordBytes,
            leaf: record.recordBytes,
          })),
        )
        for (const { record } of group) {
          const entry = entryOf(record, tip.size + keep.length, time, this.#context.sha256)
          const bad = this.#refuseUpdate(record.record) ?? (await session.decide(entry))
          answer.push(bad === undefined ? ok(entry.seq) : fail(bad))
          if (bad?.code === 'CONSERVATION') {
            halt = haltBy(bad, entry.seq)
            break
          }
          if (bad !== undefined) continue
          keep.push(entry)
          if (session.snapshotDue !== undefined) break
          if (record.record.kind !== 'law.update') continue
          // A group ends with it, so that no checkpoint covers entries of two laws or keys.
          key = newSocietyKey(record.record) ?? key
          break
        }
        kept = keep
        this.#queue.unshift(...group.slice(answer.length))
        return { keep, answer }
      },
      {
        sync: true,
        note: async (size, root) => {
          const origin = originOf(this.#replica.society, newEpoch(kept) ?? this.#replica.epochAt(size))
          note = await this.#signCheckpoint({ origin, size, root }, key)
          return this.#notes.latestOps(note)
        },
      },
    )
    if (halt !== undefined) await this.#replica.stop(halt)
    const entries = kept
    for (const [index, result] of results.entries()) group[index]?.answer(result)
    if (halt !== undefined) this.#events.halted(halt)
    const [first] = entries
    if (first === undefined || note === undefined) return
    this.#notes.setLatest(note)
    const frame = encodeGroup({
      first: first.seq,
      entries: entries.map(entry => entry.bytes),
      checkpoint: formatNote(note),
      notes: this.#notesToTell().map(formatNote),
    })
    this.#events.sequenced({ first: first.seq, entries, note, frame })
  }

  /** A group without entries: brings followers the notes whose cosignatures made more final. */
  noteFrame(notes: readonly Note[]): Uint8Array | undefined {
    const latest = this.#notes.latest
    if (latest === undefined) return undefined
    return encodeGroup({
      first: latest.checkpoint.size,
      entries: [],
      checkpoint: formatNote(latest),
      notes: notes.map(formatNote),
    })
  }

  async #signCheckpoint(checkpoint: Checkpoint, logKey: KeyText): Promise<Note> {
    const key = keyBytes(logKey)
    const signer = this.#keys.signerFor(logKey)
    if (key === undefined || signer === undefined) throw new RangeError('society key')
    this.#signed = checkpoint.size
    const signature = await signer.sign(logSignatureMessage(checkpointText(checkpoint)))
    return makeLogNote(checkpoint, key, signature, this.#context.sha256)
  }
}
