import { fromBase64url } from '../encoding.ts'
import { type GapBudget, GapBuffer } from '../ingest/gap-buffer.ts'
import { decodeGroup } from '../ingest/group.ts'
import { openEntry } from '../ingest/open.ts'
import { verifyAll } from '../ingest/verify.ts'
import { sameHash } from '../log/merkle.ts'
import { epochOf, type Note } from '../log/note.ts'
import { verifyConsistency } from '../log/proof.ts'
import type { Verifier } from '../ports.ts'
import type { DecideContext, OpenedEntry, VerifiedEntry } from '../records/types.ts'
import { codes, type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { stateKeys } from '../state/model.ts'
import type { HashText, Seq } from '../units.ts'
import { ArrivingNotes, openEntries } from './arriving-notes.ts'
import type { EntriesReply, Verdict } from './net.ts'
import type { NoteBook } from './note-book.ts'
import { type Halt, haltBy, type Replica } from './replica.ts'
import type { DecideSession } from './session.ts'

/** Entries that passed every check that needs no state, and what proves that the log holds them. */
interface Batch {
  readonly first: Seq
  readonly entries: readonly VerifiedEntry[]
  /** What the tree must have at the end of the batch. */
  readonly root: Uint8Array
  /** The log's note at exactly the end of the batch; undefined when a consistency proof vouches for the root instead. */
  readonly note: Note | undefined
}

export interface FollowerEvents {
  /** Something arrived that does not connect to the tip; the log has at least `size` entries. */
  gap(size: Seq): void
  /** The log signed something that is not of the history held here. */
  conflict(note: Note): void
  /** An entry of the log is void here, or needs newer software. */
  halted(halt: Halt): void
  /** Counted in one place. */
  rejected(error: Rejection): void
  /** Final size moved. */
  final(before: Seq, now: Seq): void
  /** The store failed while a group was being applied. */
  failed(error: unknown): void
}

/**
 * How groups and ranges of one log become part of its replica: open, verify in workers, order, decide, commit. Nothing is
 * applied that the log did not sign: the tree over the entries must give the root of a note with the log's signature.
 */
export class Follower {
  readonly #replica: Replica
  readonly #notes: NoteBook
  readonly #verifier: Verifier
  readonly #context: DecideContext
  readonly #events: FollowerEvents
  readonly #gap: GapBuffer<Batch>
  readonly #arriving: ArrivingNotes
  readonly #sync: boolean
  #draining: Promise<void> | undefined

  constructor(
    replica: Replica,
    notes: NoteBook,
    options: { readonly sync: boolean },
    components: {
      readonly verifier: Verifier
      readonly context: DecideContext
      readonly budget: GapBudget
      readonly events: FollowerEvents
    },
  ) {
    this.#replica = replica
    this.#notes = notes
    this.#sync = options.sync
    this.#verifier = components.verifier
    this.#context = components.context
    this.#events = components.events
    this.#gap = new GapBuffer(components.budget)
    this.#arriving = new ArrivingNotes(replica, text => notes.open(text), components.context)
  }

  /** Bytes that wait for earlier entries. */
  get waitingBytes(): number {
    return this.#gap.bytes
  }

  /** A gossiped group. The verdict speaks of its bytes and self-contained signatures only. */
  async onGroup(frame: Uint8Array): Promise<Verdict> {
    const group = decodeGroup(frame)
    if (!group.ok) return this.#verdict(group.error)
    const { first, entries, checkpoint } = group.value
    if (this.#replica.halt !== undefined) return 'ignore'
    if (entries.length === 0) return this.#onNotes([checkpoint, ...group.value.notes])
    const note = this.#arriving.ofGroup(group.value)
    // Without the charter nothing of the log can be judged.
    if (!note.ok && note.error.code === 'NOT_FOUND') this.#events.gap(1)
    if (!note.ok) return this.#verdict(note.error)
    if (note.value.checkpoint.size !== first + entries.length)
      return this.#verdict(rejection('FORMAT_SCHEMA', 'checkpoint does not end the group'))
    if (note.value.checkpoint.size <= this.#replica.tip.size) return this.#onNotes([checkpoint, ...group.value.notes])
    const opened = openEntries(group.value, this.#context)
    if (!opened.ok) return this.#verdict(opened.error)
    const verified = await this.#verify(opened.value)
    if (!verified.ok) return this.#verdict(verified.error)
    this.#order({ first, entries: verified.value, root: note.value.checkpoint.root, note: note.value }, frame.length)
    // What is said about earlier entries may well be unknown here; only a forged one counts against the group.
    return (await this.#onNotes(group.value.notes)) === 'reject' ? 'reject' : 'accept'
  }

  /** An answer to a range request that began at the tip; true when it brought the log forward. `ofSpentEpoch`: the caller compares the root that it leads to. */
  async onRange(from: Seq, reply: EntriesReply, { ofSpentEpoch = false } = {}): Promise<Result<boolean>> {
    const { halt } = this.#replica
    if (halt !== undefined && halt.mode !== 'resuming') return ok(false)
    const opened: OpenedEntry[] = []
    for (const bytes of reply.entries) {
      const entry = openEntry(bytes, this.#context.sha256)
      if (!entry.ok) return entry
      if (entry.value.seq !== from + opened.length) return fail(rejection('ENTRY_OUT_OF_ORDER'))
      opened.push(entry.value)
    }
    const parsed = this.#arriving.ofRange(reply.note, opened, reply.keys ?? [])
    if (!parsed.ok) return parsed
    const note = parsed.value
    const foreign = ofSpentEpoch ? undefined : this.#notOfResume(opened, note)
    if (foreign !== undefined) return fail(foreign)
    const proven = this.#provenRange(from, opened, note, reply.proof)
    if (!proven.ok) return proven
    if (opened.length === 0) return ok(false)
    const verified = await this.#verify(opened)
    if (!verified.ok) return verified
    const before = this.#replica.tip.size
    const exact = note.checkpoint.size === from + opened.length ? note : undefined
    await this.#apply({ first: from, entries: verified.value, root: proven.value, note: exact })
    await this.#drain()
    await this.#onNotes([reply.note], note)
    return ok(this.#replica.tip.size > before)
  }

  /** While a resume is being followed only what leads to it counts: the log may have signed the other history as well. */
  #notOfResume(entries: readonly OpenedEntry[], note: Note): Rejection | undefined {
    const { halt } = this.#replica
    if (halt?.mode !== 'resuming') return undefined
    const epoch = epochOf(note.checkpoint.origin, this.#replica.society) ?? 0
    const first = entries.find(entry => entry.seq === halt.size)
    const { record } = first ?? {}
    const begins = record === undefined || (record.kind === 'resume' && record.body.epoch === halt.epoch)
    return epoch >= halt.epoch && begins ? undefined : rejection('EPOCH_SPENT', 'not of the resumed history')
  }

  /** The range continues the tree held here, and the note's tree continues both. Gives the root at the end of the range. */
  #provenRange(from: Seq, entries: readonly OpenedEntry[], note: Note, proof: readonly HashText[]): Result<Uint8Array> {
    const edge = this.#replica.edge()
    if (edge.size !== from) return fail(rejection('ENTRY_OUT_OF_ORDER', 'the tip moved'))
    edge.append(entries.map(entry => entry.leaf))
    const path = proof.map(node => fromBase64url(node, 32))
    const { size, root } = note.checkpoint
    const holds =
      path.every(node => node !== undefined) &&
      verifyConsistency(edge.size, edge.root(), size, root, path, this.#context.sha256)
    return holds ? ok(edge.root()) : fail(rejection('PROOF_INVALID', 'the range is not of the history held here'))
  }

  /** Notes alone: cosignatures, or a fresh checkpoint. */
  async #onNotes(texts: readonly string[], opened?: Note): Promise<Verdict> {
    let verdict: Verdict = 'accept'
    const worse = (error: Rejection) => {
      const found = this.#verdict(error)
      if (verdict !== 'reject') verdict = found
    }
    for (const text of new Set(texts)) {
      if (this.#notes.isKnown(text)) continue
      // One that came with its chain of keys cannot be opened by what is held here alone.
      const note = opened === undefined ? this.#notes.open(text) : ok(opened)
      if (!note.ok) {
        worse(note.error)
        continue
      }
      const offered = await this.#notes.offer(note.value)
      if (!offered.ok) worse(offered.error)
      else if (offered.value.type === 'ahead') this.#events.gap(offered.value.size)
      else if (offered.value.type === 'conflict') this.#events.conflict(offered.value.note)
      else if (offered.value.final > offered.value.finalBefore)
        this.#events.final(offered.value.finalBefore, offered.value.final)
    }
    return verdict
  }

  /** Offers a note from elsewhere (status, cosigning) by the same way. */
  onNote(text: string): Promise<Verdict> {
    return this.#onNotes([text])
  }

  async #verify(opened: readonly OpenedEntry[]): Promise<Result<VerifiedEntry[]>> {
    const verified: VerifiedEntry[] = []
    for (const result of await verifyAll(opened, this.#verifier, this.#context.sha256)) {
      if (!result.ok) return result
      verified.push(result.value)
    }
    return ok(verified)
  }

  #order(batch: Batch, bytes: number): void {
    const end = batch.first + batch.entries.length
    const kept = this.#gap.add(batch.first, end, bytes, batch)
    if (!kept || batch.first > this.#replica.tip.size) this.#events.gap(end)
    this.#drain().catch(error => this.#events.failed(error))
  }

  /** Applies what connects, one batch after another. */
  #drain(): Promise<void> {
    this.#draining ??= this.#drainAll().finally(() => {
      this.#draining = undefined
    })
    return this.#draining
  }

  async #drainAll(): Promise<void> {
    for (
      let batch = this.#gap.take(this.#replica.tip.size);
      batch !== undefined;
      batch = this.#gap.take(this.#replica.tip.size)
    )
      await this.#apply(batch)
  }

  /** Decides and commits a batch; what does not give the signed root is dropped without a trace. */
  async #apply(batch: Batch): Promise<void> {
    let halt: Halt | undefined
    let stoppedBy: Uint8Array | undefined
    let cutAt: Seq | undefined
    const { note } = batch
    const { answer } = await this.#replica.change<boolean>(
      async (session, tip) => {
        const fresh = batch.entries.filter(entry => entry.seq >= tip.size)
        const [first] = fresh
        if (first === undefined || first.seq !== tip.size) return { keep: [], answer: false }
        const grown = this.#replica.grow(fresh)
        if (!sameHash(grown.root, batch.root)) {
          // A tampered copy, or another history: asking a peer tells which. A range, too: the tip may have moved since its proof.
          this.#events.gap(grown.size)
          return { keep: [], answer: false }
        }
        await session.prefetch(fresh)
        const keep: VerifiedEntry[] = []
        for (const entry of fresh) {
          const bad = await session.decide(entry)
          if (bad !== undefined) {
            halt = haltBy(bad, entry.seq)
            stoppedBy = entry.bytes
            this.#events.rejected(bad)
            break
          }
          keep.push(entry)
          // The rest in a commit of its own.
          if (session.snapshotDue !== undefined) break
        }
        if (keep.length < fresh.length) cutAt = session.snapshotDue
        else if (note !== undefined) {
          const wrong = await this.#refuseEpoch(session, note)
          if (wrong !== undefined) {
            this.#events.rejected(wrong)
            return { keep: [], answer: false }
          }
        }
        return { keep, answer: keep.length > 0 }
      },
      {
        sync: this.#sync,
        note: async size => (note !== undefined && size === note.checkpoint.size ? this.#notes.latestOps(note) : []),
      },
    )
    if (halt !== undefined) {
      await this.#replica.stop(halt, [], stoppedBy)
      this.#events.halted(halt)
    }
    if (!answer) return
    if (note !== undefined && this.#replica.tip.size === note.checkpoint.size) this.#notes.setLatest(note)
    for (const offered of await this.#notes.retryEarly()) {
      if (offered.type === 'conflict') this.#events.conflict(offered.note)
      if (offered.type === 'held' && offered.final > offered.finalBefore)
        this.#events.final(offered.finalBefore, offered.final)
    }
    if (this.#replica.tip.size === cutAt) await this.#apply(batch)
  }

  /** A note at the end of entries is of the epoch that they lead to: under a false one a second history would be no fork. */
  async #refuseEpoch(session: DecideSession, { checkpoint }: Note): Promise<Rejection | undefined> {
    const kept = ((await session.read(stateKeys.epochs)) ?? []) as readonly Seq[]
    const there = kept.filter(size => size < checkpoint.size).length
    const said = epochOf(checkpoint.origin, this.#replica.society) ?? 0
    return said === there ? undefined : rejection(said > there ? 'EPOCH_UNKNOWN' : 'EPOCH_SPENT', checkpoint.origin)
  }

  #verdict(error: Rejection): Verdict {
    this.#events.rejected(error)
    // "no such signature" is a key that is not in force here: state, not bytes.
    if (error.code === 'NOTE_SIGNATURE' && error.detail !== undefined) return 'ignore'
    return codes[error.code].class === 'reject' ? 'reject' : 'ignore'
  }
}
