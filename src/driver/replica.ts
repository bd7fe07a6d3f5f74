import { canonicalBytes, type Json } from '../canonical.ts'
import { fromBase64url, toBase64url } from '../encoding.ts'
import type { Handover, WitnessSet } from '../log/finality.ts'
import {
  consistencyProof,
  consistencyTiles,
  inclusionProof,
  inclusionTiles,
  rootAt,
  rootTiles,
  type TileId,
  type Tiles,
  type TileWrite,
  TreeEdge,
} from '../log/tiles.ts'
import type { Store, StoreOp, StoreRange, StoreReader, StoreSnapshot } from '../ports.ts'
import type { Law } from '../records/law.ts'
import type { DecideContext, OpenedEntry, VerifiedEntry } from '../records/types.ts'
import { codes, type Rejection } from '../rejection.ts'
import { type CharterState, type HandoverState, type KeysState, stateKeys } from '../state/model.ts'
import { prefixEnd, rangeOf, storeKey } from '../store/ledger.ts'
import type { EpochMs, HashText, KeyText, RecordId, Seq, SocietyId } from '../units.ts'
import { readMark } from './audit-mark.ts'
import { indexKeys, stateOps, tileOps } from './log-ops.ts'
import { deleteRange, type ResumeInWork, readResume, resumedOps, rewind } from './rewind.ts'
import { Serial } from './serial.ts'
import { DecideSession, decodeState } from './session.ts'
import { StateCache } from './state-cache.ts'

export interface Tip {
  readonly size: Seq
  readonly root: Uint8Array
  /** entry.time of the newest entry; 0 in an empty log. */
  readonly time: EpochMs
}

export interface Committed {
  readonly entries: readonly OpenedEntry[]
  readonly tip: Tip
}

/**
 * Why a replica does not simply go on. `void`: the log holds an entry that breaks a rule; `update-needed`: this software is
 * too old; `unsound`: its books do not balance, by the entry at `seq` or as an audit of that size found; `resuming`: it went
 * back and takes only what leads to that resume.
 */
export type Halt =
  | { readonly mode: 'frozen' }
  | { readonly mode: 'resuming'; readonly epoch: number; readonly size: Seq; readonly root: HashText }
  | { readonly mode: 'void' | 'update-needed'; readonly seq: Seq; readonly code: string }
  | { readonly mode: 'unsound'; readonly seq: Seq; readonly code: string; readonly detail: string }

/** Told of every change in the moment in which it is to be seen. */
export interface ReplicaWatcher {
  /** `snapshot`: of the store as the change left it, if its size is one of those of which everyone takes one; to be closed. */
  committed(changes: ReadonlyMap<string, Json | undefined>, snapshot: StoreSnapshot | undefined): void
  /** The log is about to go back. */
  forget(): void
  /** The log went back. */
  load(): Promise<void>
}

/** Facts of the state in force that are needed at every step, kept decoded. */
export interface InForce {
  readonly charter: CharterState
  readonly law: Law
  readonly keys: KeysState
  /** Sizes kept by each resume. */
  readonly epochs: readonly Seq[]
}

const ROOTS_KEPT = 512
/** Keys in one batch. */
const MEND_STEP = 1_000
const IN_FORCE = [stateKeys.law, stateKeys.keys, stateKeys.epochs] as const

/** A tree that was grown to compare its root before anything is decided. */
interface Grown {
  readonly edge: TreeEdge
  readonly tiles: readonly TileWrite[]
  readonly root: Uint8Array
  readonly last: OpenedEntry | undefined
}

/**
 * One society's log as this node holds it: entries, tree and state, always of one moment. Everything is written in one
 * atomic batch per group; memory follows the disk, never the other way round.
 */
export class Replica {
  readonly society: SocietyId
  readonly #store: Store
  readonly #context: DecideContext
  readonly #cache = new StateCache()
  readonly #serial = new Serial()
  readonly #roots = new Map<Seq, Uint8Array>()
  readonly #listeners = new Set<(committed: Committed) => void>()
  #edge: TreeEdge
  #tip: Tip
  #inForce: InForce | undefined
  #handovers: readonly { readonly seq: Seq; readonly state: HandoverState }[] = []
  #halt: Halt | undefined
  #grown: Grown | undefined
  #watcher: ReplicaWatcher | undefined
  #made = 0

  private constructor(society: SocietyId, store: Store, context: DecideContext) {
    this.society = society
    this.#store = store
    this.#context = context
    this.#edge = TreeEdge.empty(context.sha256)
    this.#tip = { size: 0, root: this.#edge.root(), time: 0 }
  }

  static async open(society: SocietyId, store: Store, context: DecideContext): Promise<Replica> {
    const replica = new Replica(society, store, context)
    const work = await readResume(store, society)
    // Cut off in the middle: there is no whole state to read before it is done.
    if (work?.phase === 'back') await rewind(store, society, work, context)
    await replica.#load()
    return replica
  }

  /** Tip, tree, what is in force and halt, all as stored. */
  async #load(): Promise<void> {
    const { society } = this
    const [tipBytes] = await this.#store.getMany([storeKey.tip(society)])
    if (tipBytes !== undefined) {
      const { root, size, time } = decodeState(tipBytes) as { root: string; size: number; time: number }
      const tiles = await this.#loadTiles(TreeEdge.tilesNeeded(size))
      const edge = TreeEdge.load(size, tiles, this.#context.sha256)
      if (edge === undefined || toBase64url(edge.root()) !== root)
        throw new Error(`stored tree of ${society} is damaged`)
      this.#edge = edge
      this.#tip = { size, root: fromBase64url(root, 32) as Uint8Array, time }
      await this.#refresh()
    }
    this.#halt = await this.#storedHalt()
  }

  async #storedHalt(): Promise<Halt | undefined> {
    const { society } = this
    const [fork, bad, audit] = await this.#store.getMany([
      storeKey.fork(society),
      storeKey.void(society),
      storeKey.audit(society),
    ])
    return haltOf(await readResume(this.#store, society), { fork, bad, audit })
  }

  /**
   * Goes back to `work.to`, to apply from there what leads to the resume; nothing else is applied any more. Survives a
   * crash at any point.
   */
  async rewind(work: Omit<ResumeInWork, 'phase'>): Promise<void> {
    await this.#serial.run(async () => {
      if (work.epoch !== this.epoch + 1) throw new RangeError(`${this.society} is in epoch ${this.epoch}`)
      this.#watcher?.forget()
      await rewind(this.#store, this.society, { ...work, phase: 'back' }, this.#context)
      await this.#loadAnew()
    })
  }

  async #loadAnew(): Promise<void> {
    this.#made++
    this.#cache.clear()
    this.#roots.clear()
    this.#grown = undefined
    await this.#load()
    await this.#watcher?.load()
  }

  get tip(): Tip {
    return this.#tip
  }
  get halt(): Halt | undefined {
    return this.#halt
  }
  /** Undefined until the charter is here. */
  get inForce(): InForce | undefined {
    return this.#inForce
  }

  /** Current finality set, and every set that was replaced, with where. */
  finalitySets(): { readonly current: WitnessSet; readonly handovers: readonly Handover[] } {
    const finality = this.#inForce?.law.finality ?? { quorum: 0, witnesses: [] }
    return {
      current: { witnesses: finality.witnesses, quorum: finality.quorum },
      handovers: this.#handovers.map(({ seq, state }) => ({
        seq,
        replaced: { witnesses: state.witnesses, quorum: state.quorum },
      })),
    }
  }

  /** The set in force after the first `size` entries. */
  setAt(size: Seq): WitnessSet {
    const { current, handovers } = this.finalitySets()
    return handovers.find(({ seq }) => seq >= size)?.replaced ?? current
  }

  /** Log key for a note of `size`: the one in force below it. */
  logKeyAt(size: Seq): string | undefined {
    // A handover at h replaces the key for notes of size > h.
    for (const { seq, state } of this.#handovers) if (size <= seq) return state.key
    return this.#inForce?.keys.society
  }

  /** Every entry that brought a log key into force, oldest first; the charter is the first. */
  keyChanges(): readonly { readonly seq: Seq; readonly key: KeyText }[] {
    if (this.#inForce === undefined) return []
    const after = [...this.#handovers.slice(1).map(({ state }) => state.key), this.#inForce.keys.society]
    const changes = this.#handovers.flatMap(({ seq, state }, index) => {
      const key = after[index] ?? ''
      return key === state.key ? [] : [{ seq, key }]
    })
    return [{ seq: 0, key: this.#handovers[0]?.state.key ?? this.#inForce.keys.society }, ...changes]
  }

  /** Every key that the log has had. */
  logKeys(): readonly KeyText[] {
    const now = this.#inForce?.keys.society
    return [...this.#handovers.map(({ state }) => state.key), ...(now === undefined ? [] : [now])]
  }

  /** The epoch to which notes of `size` belong: an epoch's notes are larger than the size that its resume kept. */
  epochAt(size: Seq): number {
    return this.#inForce?.epochs.filter(kept => kept < size).length ?? 0
  }

  /** The newest epoch. */
  get epoch(): number {
    return this.#inForce?.epochs.length ?? 0
  }

  onCommit(listener: (committed: Committed) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** One watcher, before the first change. */
  watch(watcher: ReplicaWatcher): void {
    this.#watcher = watcher
  }

  /** Waits for everything queued so far. */
  idle(): Promise<void> {
    return this.#serial.idle()
  }

  /**
   * The only way to change a log: `task` decides entries on a session and returns what to keep. Tasks run one at a time.
   * `note` gets the new size and root and returns further operations for the same batch (the signed checkpoint, say).
   */
  change<T>(
    task: (
      session: DecideSession,
      tip: Tip,
    ) => Promise<{ readonly keep: readonly VerifiedEntry[]; readonly answer: T }>,
    options: { readonly sync: boolean; readonly note?: (size: Seq, root: Uint8Array) => Promise<readonly StoreOp[]> },
  ): Promise<{ readonly answer: T; readonly tip: Tip }> {
    return this.#serial.run(async () => {
      this.#cache.trim()
      const session = new DecideSession(this.society, this.#store, this.#cache, this.#context, () => this.#edge)
      const { keep, answer } = await task(session, this.#tip)
      const mode = this.#halt?.mode
      if (keep.length > 0 && mode !== 'frozen' && mode !== 'unsound') await this.#commit(keep, session, options)
      return { answer, tip: this.#tip }
    })
  }

  /** Whether the entry that `at` makes of the tip would be accepted now; changes nothing. */
  async dryRun(at: (tip: Tip) => OpenedEntry): Promise<Rejection | undefined> {
    return this.#serial.run(async () => {
      const entry = at(this.#tip)
      const session = new DecideSession(this.society, this.#store, this.#cache, this.#context, () => this.#edge)
      await session.prefetch([entry])
      return session.decide(entry)
    })
  }

  /** Remembers for ever that nothing past here is applied. `entry`: bytes of the void one. */
  async stop(halt: Halt, extra: readonly StoreOp[] = [], entry?: Uint8Array): Promise<void> {
    await this.#serial.run(async () => {
      const ops: StoreOp[] = [...extra]
      if (halt.mode === 'void') {
        const value = canonicalBytes({ ...halt, ...(entry === undefined ? {} : { entry: toBase64url(entry) }) })
        ops.push({ type: 'put', key: storeKey.void(this.society), value })
      }
      await this.#store.batch(ops, { sync: true })
      if (!isLasting(this.#halt)) this.#halt = halt
    })
  }

  /** How often state and tree were made anew, or mended: what was seen of an earlier one says nothing about this one. */
  get made(): number {
    return this.#made
  }

  /** An audit found the state wrong, and `mark` says so; nothing happens when it is not that state any more. */
  async unsound(halt: Halt, mark: StoreOp, made: number): Promise<boolean> {
    return this.#serial.run(async () => {
      if (made !== this.#made) return false
      await this.#store.batch([mark], { sync: true })
      if (!isLasting(this.#halt)) this.#halt = halt
      return true
    })
  }

  /** An audit found nothing wrong any more, and `mark` says so: what else stops the log, if anything, stands in the store. */
  async sound(mark: StoreOp): Promise<void> {
    await this.#serial.run(async () => {
      await this.#store.batch([mark], { sync: true })
      if (this.#halt?.mode === 'unsound') this.#halt = await this.#storedHalt()
    })
  }

  /**
   * Writes state and tree of a log that is unsound as they should be; false, and nothing is done, when it is not, or not of
   * this size any more.
   */
  async mend(size: Seq, ops: readonly StoreOp[]): Promise<boolean> {
    return this.#serial.run(async () => {
      if (this.#halt?.mode !== 'unsound' || this.#tip.size !== size) return false
      this.#watcher?.forget()
      // Cut off before the end it is as unsound as before, and the mark of the audit is there to say so.
      for (let from = 0; from < ops.length; from += MEND_STEP)
        await this.#store.batch(ops.slice(from, from + MEND_STEP), { sync: true })
      // Some may be of what was damaged.
      await deleteRange(this.#store, rangeOf.digests(this.society))
      await this.#loadAnew()
      return true
    })
  }

  async #commit(
    entries: readonly VerifiedEntry[],
    { changes, snapshotDue }: DecideSession,
    options: { readonly sync: boolean; readonly note?: (size: Seq, root: Uint8Array) => Promise<readonly StoreOp[]> },
  ): Promise<void> {
    const last = entries.at(-1)
    if (
      this.#grown === undefined ||
      this.#grown.last !== last ||
      this.#grown.edge.size !== this.#tip.size + entries.length
    )
      this.grow(entries)
    const { edge, tiles, root } = this.#grown as Grown
    this.#grown = undefined
    const tip: Tip = { size: edge.size, root, time: last?.time ?? this.#tip.time }
    // Behind it nobody could take the snapshot any more.
    if (snapshotDue !== undefined && snapshotDue !== tip.size) throw new RangeError(`a group over size ${snapshotDue}`)
    const ops: StoreOp[] = [
      ...entries.flatMap(entry => entryOps(this.society, entry)),
      ...stateOps(this.society, changes),
      ...tileOps(this.society, tiles),
    ]
    const epochs = changes.get(stateKeys.epochs) as readonly Seq[] | undefined
    if (epochs !== undefined) ops.push(...(await resumedOps(this.#store, this.society, epochs.length)))
    ops.push({
      type: 'put',
      key: storeKey.tip(this.society),
      value: canonicalBytes({ root: toBase64url(tip.root), size: tip.size, time: tip.time }),
    })
    if (options.note !== undefined) ops.push(...(await options.note(tip.size, tip.root)))
    const snapshot = await this.#write(ops, options.sync, snapshotDue !== undefined)
    this.#edge = edge
    this.#tip = tip
    this.#remember(tip)
    for (const [key, value] of changes) this.#cache.set(key, value)
    this.#watcher?.committed(changes, snapshot)
    await this.#refresh(changes)
    if (epochs !== undefined) this.#halt = undefined
    for (const listener of this.#listeners) listener({ entries, tip })
  }

  /** A snapshot is of exactly this commit, because nothing else writes this log. */
  async #write(ops: readonly StoreOp[], sync: boolean, isSnapshotDue: boolean): Promise<StoreSnapshot | undefined> {
    await this.#store.batch(ops, { sync })
    return isSnapshotDue && this.#watcher !== undefined ? this.#store.snapshot() : undefined
  }

  #remember(tip: Tip): void {
    this.#roots.set(tip.size, tip.root)
    if (this.#roots.size <= ROOTS_KEPT) return
    for (const size of this.#roots.keys()) {
      this.#roots.delete(size)
      return
    }
  }

  /** Reads again what is kept decoded, when a group touched it; all of it at the start. */
  async #refresh(changed?: ReadonlyMap<string, unknown>): Promise<void> {
    if (changed !== undefined && !IN_FORCE.some(key => changed.has(key))) return
    const [charter, law, keys, epochs] = await this.states([stateKeys.charter, ...IN_FORCE])
    if (charter === undefined || law === undefined || keys === undefined) return
    this.#inForce = {
      charter: charter as unknown as CharterState,
      law: law as unknown as Law,
      keys: keys as unknown as KeysState,
      epochs: (epochs ?? []) as readonly Seq[],
    }
    if (changed !== undefined && ![...changed.keys()].some(key => key.startsWith('handover/'))) return
    const handovers: { seq: Seq; state: HandoverState }[] = []
    for await (const [key, value] of this.#store.range(handoverRange(this.society)))
      handovers.push({ seq: Number(key.slice(-16)), state: decodeState(value) as unknown as HandoverState })
    this.#handovers = handovers
  }

  /** State values as of the newest commit. */
  async states(keys: readonly string[]): Promise<readonly (Json | undefined)[]> {
    const missing = keys.filter(key => !this.#cache.has(key))
    const values = await this.#store.getMany(missing.map(key => storeKey.state(this.society, key)))
    const fetched = new Map(missing.map((key, index) => [key, decodeState(values[index])]))
    return keys.map(key => (fetched.has(key) ? fetched.get(key) : this.#cache.get(key)))
  }

  async seqOf(id: RecordId): Promise<Seq | undefined> {
    const [value] = await this.#store.getMany([storeKey.record(this.society, id)])
    return value === undefined ? undefined : Number(decodeState(value))
  }

  /** Raw entries from `from`, at most `limit` of them and about `bytesMax` bytes, one at least. */
  async entries(from: Seq, limit: number, bytesMax = Number.MAX_SAFE_INTEGER): Promise<readonly Uint8Array[]> {
    const found: Uint8Array[] = []
    let bytes = 0
    if (limit <= 0) return found
    for await (const [, value] of this.#store.range({
      ...rangeOf.entries(this.society, from, this.#tip.size),
      limit,
    })) {
      if (found.length > 0 && bytes + value.length > bytesMax) break
      found.push(value)
      bytes += value.length
    }
    return found
  }

  async rootAt(size: Seq): Promise<Uint8Array | undefined> {
    if (size > this.#tip.size) return undefined
    if (size === this.#tip.size) return this.#tip.root
    const known = this.#roots.get(size)
    if (known !== undefined) return known
    return rootAt(size, await this.#loadTiles(rootTiles(size)), this.#context.sha256)
  }

  async inclusion(seq: Seq, size: Seq): Promise<readonly Uint8Array[] | undefined> {
    return inclusionProof(seq, size, await this.#loadTiles(inclusionTiles(seq, size)), this.#context.sha256)
  }

  async consistency(from: Seq, to: Seq): Promise<readonly Uint8Array[] | undefined> {
    return consistencyProof(from, to, await this.#loadTiles(consistencyTiles(from, to)), this.#context.sha256)
  }

  /** Size and root that the tree would have with these entries; kept for the commit of the same entries. */
  grow(entries: readonly OpenedEntry[]): { readonly size: Seq; readonly root: Uint8Array } {
    const edge = this.#edge.clone()
    const tiles = edge.append(entries.map(entry => entry.leaf))
    const root = edge.root()
    this.#grown = { edge, tiles, root, last: entries.at(-1) }
    return { size: edge.size, root }
  }

  /** A copy of the tree's right edge, to try a range on. */
  edge(): TreeEdge {
    return this.#edge.clone()
  }

  async #loadTiles(ids: readonly TileId[]): Promise<Tiles> {
    const name = (id: TileId) => storeKey.tile(this.society, id.level, id.index)
    const values = await this.#store.getMany(ids.map(name))
    const tiles = new Map(ids.map((id, index) => [name(id), values[index]]))
    return id => tiles.get(name(id))
  }

  /** All state pairs of one moment, in key order, with the tip of that moment. */
  async *statePairs(reader: StoreReader): AsyncIterable<readonly [key: string, value: Uint8Array]> {
    const prefix = storeKey.state(this.society, '').length
    for await (const [key, value] of reader.range(rangeOf.state(this.society))) yield [key.slice(prefix), value]
  }
}

/** What an entry that cannot be applied means for the log: only a void one is a verdict on it. */
export function haltBy({ code, detail = '' }: Rejection, seq: Seq): Halt {
  if (code === 'CONSERVATION') return { mode: 'unsound', seq, code, detail }
  return { mode: codes[code].class === 'void' ? 'void' : 'update-needed', seq, code }
}

/** A fork stays a fork, whatever else turns out to be wrong with the log; so does a resume in work. */
function isLasting(halt: Halt | undefined): boolean {
  return halt?.mode === 'frozen' || halt?.mode === 'resuming'
}

function haltOf(
  work: ResumeInWork | undefined,
  { audit, bad, fork }: { readonly [why in 'audit' | 'bad' | 'fork']: Uint8Array | undefined },
): Halt | undefined {
  if (work !== undefined) return { mode: 'resuming', epoch: work.epoch, size: work.size, root: work.root } as const
  if (fork !== undefined) return { mode: 'frozen' } as const
  const found = readMark(audit).bad
  if (found !== undefined) return { mode: 'unsound', seq: found.seq, code: 'CONSERVATION', detail: found.detail }
  if (bad === undefined) return undefined
  const { code, seq } = decodeState(bad) as { code: string; seq: Seq }
  return { mode: 'void', seq, code } as const
}

function handoverRange(society: SocietyId): StoreRange {
  const gte = storeKey.state(society, 'handover/')
  return { gte, lt: prefixEnd(gte) }
}

/** The entry itself and the local indexes over it. */
function entryOps(society: SocietyId, entry: OpenedEntry): StoreOp[] {
  const value = canonicalBytes(entry.seq)
  return [
    { type: 'put', key: storeKey.entry(society, entry.seq), value: entry.bytes },
    ...indexKeys(society, entry).map((key): StoreOp => ({ type: 'put', key, value })),
  ]
}
