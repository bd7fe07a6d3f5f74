import { canonicalBytes, type Json } from '../canonical.ts'
import { toBase64url } from '../encoding.ts'
import { rootOfLeaves } from '../log/merkle.ts'
import type { Store, StoreReader, StoreSnapshot } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { StateDigester } from '../state/digest.ts'
import type { SnapshotClaim, SnapshotState } from '../state/model.ts'
import { keyPart, rangeOf, storeKey } from '../store/ledger.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { HashText, Seq } from '../units.ts'
import type { Replica } from './replica.ts'
import { replay } from './rewind.ts'
import { decodeState } from './session.ts'

/** What this node computed from its own copy of the log. */
export interface OwnDigest {
  readonly digest: HashText
  /** Pairs of the state. */
  readonly keys: number
  /** Of the entries that the state comes from: a digest of another history is none. */
  readonly root: HashText
}

export interface Snapshot {
  readonly size: Seq
  /** Undefined while it is being computed. */
  readonly own?: OwnDigest
  /** What the society said; undefined before it did. */
  readonly claim?: SnapshotClaim
}

export interface SnapshotsEvents {
  /** The digest of one more size is known. */
  computed(size: Seq): void
  /** The society claimed another state than was computed here. */
  wrong(claim: SnapshotClaim, size: Seq): void
  failed(error: unknown): void
}

/** Thrown into a computation that nobody needs any more. */
class Outdated extends Error {
  override readonly name = 'Outdated'
}

/**
 * The states of one log at the sizes of which everyone takes a snapshot: the digest that this node computed, and the one that
 * the society claimed. What is stored is a digest that can be computed again, so nothing waits for it, neither a commit
 * nor the disk: after a crash the state is made again from the entries.
 */
export class Snapshots {
  readonly #replica: Replica
  readonly #store: Store
  readonly #context: DecideContext
  readonly #events: SnapshotsEvents
  /** Ascending by size. */
  readonly #known = new Map<Seq, Snapshot>()
  #wrong: { readonly seq: Seq; readonly size: Seq } | undefined
  /** Computations, one after another: a node that catches up passes many sizes within a second. */
  #work: Promise<void> = Promise.resolve()
  /** Counts up when the log goes back or the node stops; what was begun before is outdated. */
  #era = 0

  constructor(replica: Replica, store: Store, context: DecideContext, events: SnapshotsEvents) {
    this.#replica = replica
    this.#store = store
    this.#context = context
    this.#events = events
    replica.watch(this)
  }

  /** By size. */
  get all(): readonly Snapshot[] {
    return [...this.#known.values()]
  }

  /** The first claim in the log that is not what was computed here. The log can go on only by a resume. */
  get wrong(): { readonly seq: Seq; readonly size: Seq } | undefined {
    return this.#wrong
  }

  /** Why nothing of `size` may be cosigned: an entry below it claims a state that was not, or not yet, found here. */
  refusal(size: Seq): Rejection | undefined {
    const { wrong } = this
    if (wrong !== undefined && wrong.seq < size)
      return rejection('STATE_CLAIM', `entry ${wrong.seq} claims another state of size ${wrong.size}`)
    const open = this.all.find(({ claim, own }) => claim !== undefined && claim.seq < size && own === undefined)
    return open === undefined ? undefined : rejection('STATE_UNCHECKED', `size ${open.size}`)
  }

  /** Waits for what is being computed. */
  idle(): Promise<void> {
    return this.#work
  }

  /** Gives up what is being computed; the next start computes it. */
  async stop(): Promise<void> {
    this.#era++
    await this.#work
  }

  /** Called by the replica in the moment in which its tip moves, so that no tip is seen without the claims below it. */
  committed(changes: ReadonlyMap<string, Json | undefined>, snapshot: StoreSnapshot | undefined): void {
    for (const [key, value] of changes) {
      if (!key.startsWith(SNAPSHOT)) continue
      const size = keyPart.number(key)
      this.#update(size, claimOf(value as unknown as SnapshotState))
    }
    if (snapshot === undefined) return
    const { root, size } = this.#replica.tip
    this.#compute(size, toBase64url(root), reader => this.#digest(reader), snapshot)
  }

  /** The log goes back: nothing that is known may outlive it. */
  forget(): void {
    this.#era++
    this.#known.clear()
    this.#wrong = undefined
  }

  /** Before the replica changes for the first time: reads what the log says and what was computed; what is missing is computed from the entries. */
  async load(): Promise<void> {
    const { society, tip } = this.#replica
    for await (const [key, value] of this.#store.range(rangeOf.snapshots(society)))
      this.#update(keyPart.number(key), claimOf(decodeState(value) as unknown as SnapshotState))
    const sizes = [...this.#known.keys()]
    const stored = await this.#store.getMany(sizes.map(size => storeKey.digest(society, size)))
    for (const [index, size] of sizes.entries()) {
      const bytes = await this.#replica.rootAt(size)
      if (bytes === undefined) throw new Error(`${society} has no root at ${size}`)
      const root = toBase64url(bytes)
      const own = decodeState(stored[index]) as unknown as OwnDigest | undefined
      if (own?.root === root) this.#update(size, { own })
      else if (size === 0) this.#update(0, { own: this.#empty() })
      // The snapshot keeps the entries that it needs, even if the log goes back meanwhile.
      else {
        const make =
          size === tip.size ? (at: StoreReader) => this.#digest(at) : (at: StoreReader) => this.#again(at, size)
        this.#compute(size, root, make, await this.#store.snapshot())
      }
    }
  }

  #update(size: Seq, facts: Partial<Snapshot>): void {
    const now: Snapshot = { size, ...this.#known.get(size), ...facts }
    this.#known.set(size, now)
    const { claim, own } = now
    if (claim === undefined || own === undefined || claim.digest === own.digest) return
    if (this.#wrong === undefined || claim.seq < this.#wrong.seq) this.#wrong = { seq: claim.seq, size }
    this.#events.wrong(claim, size)
  }

  /** State before the charter. */
  #empty(): OwnDigest {
    const digest = toBase64url(new StateDigester(this.#context.sha256).digest())
    return { digest, keys: 0, root: toBase64url(rootOfLeaves([], this.#context.sha256)) }
  }

  #compute(
    size: Seq,
    root: HashText,
    make: (reader: StoreReader) => Promise<Omit<OwnDigest, 'root'>>,
    snapshot: StoreSnapshot,
  ): void {
    const era = this.#era
    const isOutdated = () => era !== this.#era
    const task = async () => {
      try {
        const own: OwnDigest = { ...(await make(guarded(snapshot, isOutdated))), root }
        if (isOutdated()) return
        const key = storeKey.digest(this.#replica.society, size)
        await this.#store.batch([{ type: 'put', key, value: canonicalBytes({ ...own }) }], { sync: false })
        if (isOutdated()) return
        this.#update(size, { own })
        this.#events.computed(size)
      } catch (error) {
        if (!isOutdated()) this.#events.failed(error)
      } finally {
        await snapshot.close()
      }
    }
    this.#work = this.#work.then(task).catch(error => this.#events.failed(error))
  }

  async #digest(reader: StoreReader): Promise<Omit<OwnDigest, 'root'>> {
    const digester = new StateDigester(this.#context.sha256)
    for await (const [key, value] of this.#replica.statePairs(reader)) digester.add(key, value)
    return { digest: toBase64url(digester.digest()), keys: digester.keys }
  }

  /** The state of a size that the log has left behind. */
  async #again(reader: StoreReader, size: Seq): Promise<Omit<OwnDigest, 'root'>> {
    const sink = createMemoryStore()
    await replay(reader, this.#replica.society, size, sink, this.#context)
    return this.#digest(sink)
  }
}

const SNAPSHOT = 'snapshot/'

function claimOf(state: SnapshotState): { readonly claim?: SnapshotClaim } {
  return state.digest === undefined ? {} : { claim: state }
}

/** Reads until that is of no use any more. */
function guarded(reader: StoreReader, isOutdated: () => boolean): StoreReader {
  const assertWanted = () => {
    if (isOutdated()) throw new Outdated()
  }
  return {
    getMany(keys) {
      assertWanted()
      return reader.getMany(keys)
    },
    async *range(range) {
      for await (const pair of reader.range(range)) {
        assertWanted()
        yield pair
      }
    },
  }
}
