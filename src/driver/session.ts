import { canonicalBytes, decodeCanonical, type Json } from '../canonical.ts'
import type { TreeEdge } from '../log/tiles.ts'
import type { StoreReader } from '../ports.ts'
import type { DecideContext, OpenedEntry } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { imbalance } from '../state/conservation.ts'
import { decide, touchedKeys } from '../state/decide.ts'
import { readState } from '../state/model.ts'
import { Draft, MissingKey, type StateView } from '../state/view.ts'
import { storeKey } from '../store/ledger.ts'
import type { Seq, SocietyId } from '../units.ts'
import type { StateCache } from './state-cache.ts'

/** Reads through the cache; what is not loaded has to be waited for, and says so. */
class CachedView implements StateView {
  readonly #cache: StateCache
  constructor(cache: StateCache) {
    this.#cache = cache
  }
  get(key: string): Json | undefined {
    const value = this.#cache.get(key)
    if (value === undefined && !this.#cache.has(key)) throw new MissingKey(key)
    return value
  }
}

/**
 * Deciding a group: entry after entry on one overlay, on state fetched beforehand. Decisions are pure, so an entry whose
 * kind asks for a key that nobody foresaw is simply decided again once the key is here.
 */
export class DecideSession {
  readonly #society: SocietyId
  readonly #store: StoreReader
  readonly #cache: StateCache
  readonly #context: DecideContext
  readonly #draft: Draft
  readonly #edge: () => TreeEdge
  /** Leaves of the entries accepted so far: a resume in the middle of a group names the root before it. */
  readonly #leaves: Uint8Array[] = []
  #snapshotDue: Seq | undefined
  /** Keys that kinds asked for without having declared them: each costs a second decision. */
  misses = 0

  /** `edge`: the tree that the group is appended to; asked for only when a kind needs its root. */
  constructor(society: SocietyId, store: StoreReader, cache: StateCache, context: DecideContext, edge: () => TreeEdge) {
    this.#society = society
    this.#store = store
    this.#cache = cache
    this.#context = { ...context, rootBefore: size => this.#rootBefore(size) }
    this.#edge = edge
    this.#draft = new Draft(new CachedView(cache))
  }

  async prefetch(entries: readonly OpenedEntry[]): Promise<void> {
    const touched = new Set<string>()
    for (const entry of entries) for (const key of touchedKeys(entry)) touched.add(key)
    await this.load([...touched].filter(key => !this.#cache.has(key)))
  }

  async load(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    const values = await this.#store.getMany(keys.map(key => storeKey.state(this.#society, key)))
    for (const [index, key] of keys.entries()) this.#cache.set(key, decodeState(values[index]))
  }

  /** Takes the entry's changes into the group, or says why it is void. */
  async decide(entry: OpenedEntry): Promise<Rejection | undefined> {
    for (;;) {
      try {
        const decided = decide(this.#draft, this.#society, entry, this.#context)
        if (!decided.ok) return decided.error
        const made = imbalance(this.#draft, decided.value.changes)
        if (made !== 0n) return rejection('CONSERVATION', `entry ${entry.seq}: ${made} units of 10^-15 micro-ATP`)
        this.#draft.absorb(decided.value)
        this.#leaves.push(entry.leaf)
        if (readState.snapshots(decided.value)?.last === entry.seq + 1) this.#snapshotDue = entry.seq + 1
        return undefined
      } catch (error) {
        if (!(error instanceof MissingKey)) throw error
        this.misses++
        await this.load([error.key])
      }
    }
  }

  #rootBefore(size: Seq): Uint8Array | undefined {
    const edge = this.#edge().clone()
    edge.append(this.#leaves)
    return edge.size === size ? edge.root() : undefined
  }

  /** The size of which everyone takes a snapshot of the state and to which the group has come: it has to end there. */
  get snapshotDue(): Seq | undefined {
    return this.#snapshotDue
  }

  /** What the group changes so far. */
  get changes(): ReadonlyMap<string, Json | undefined> {
    return this.#draft.changes
  }

  /** The value after the group so far; loads it when needed. */
  async read(key: string): Promise<Json | undefined> {
    if (!this.#draft.changes.has(key) && !this.#cache.has(key)) await this.load([key])
    return this.#draft.get(key)
  }
}

export function decodeState(bytes: Uint8Array | undefined): Json | undefined {
  if (bytes === undefined) return undefined
  const decoded = decodeCanonical(bytes)
  // Only this program writes here; anything else is a damaged disk, and going on would spread it.
  if (!decoded.ok) throw new Error(`stored state is damaged: ${decoded.error.code}`)
  return decoded.value
}

export function encodeState(value: Json): Uint8Array {
  return canonicalBytes(value)
}
