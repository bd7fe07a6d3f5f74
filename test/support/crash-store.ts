import type { Store, StoreOp } from '../../src/ports.ts'
import { CodedError } from '../../src/rejection.ts'
import { holds } from '../../src/store/expect.ts'
import { createMemoryStore, readerOf, snapshotOf } from '../../src/store/memory.ts'
import { OrderedMap } from '../../src/store/ordered-map.ts'

export interface CrashStoreOptions {
  /** What the disk holds at the start. */
  readonly content?: OrderedMap
  /** A disk that lies: nothing is ever durable. A test of durability that stays green with it tests nothing. */
  readonly ignoreSync?: boolean
}

export interface CrashStore {
  readonly store: Store
  /** Batches written so far, the one that failed included. Comparisons that missed and empty batches write nothing. */
  readonly writes: number
  /** Written batches that no sync has covered yet. */
  readonly unsynced: number
  /** The power fails during the n-th write, counted from 1: it and every call after it fail with STORE_FAILED. */
  failAt(n: number): void
  /** Ends this store and gives what the disk holds: everything up to the last sync, and the first `survivors` batches after it. */
  crash(survivors?: number): Store
  /** The same, as a store that can crash again. */
  restart(survivors?: number): CrashStore
}

/**
 * A store that can lose its power, with the guarantees of LevelDB: batches are a write-ahead log, so a sync makes all earlier ones
 * durable too, and of those after it any first part may survive, never half a batch and never a later one without the earlier.
 */
export function createCrashStore({
  content = OrderedMap.empty,
  ignoreSync = false,
}: CrashStoreOptions = {}): CrashStore {
  let durable = content
  let current = content
  let unsynced: (readonly StoreOp[])[] = []
  let writes = 0
  let failing = Number.POSITIVE_INFINITY
  let state: 'open' | 'closed' | 'crashed' = 'open'

  const assertOpen = () => {
    if (state === 'crashed') throw new CodedError('STORE_FAILED', 'the power is gone')
    if (state === 'closed') throw new CodedError('STORE_CLOSED')
  }
  const disk = (survivors: number) => {
    state = 'crashed'
    return durable.apply(unsynced.slice(0, survivors).flat())
  }
  const store: Store = {
    ...readerOf(() => current, assertOpen),
    async batch(ops, { sync, expect }) {
      assertOpen()
      if (!holds(expect, key => current.get(key))) return false
      if (ops.length === 0) return true
      writes += 1
      unsynced.push(ops)
      if (writes >= failing) state = 'crashed'
      assertOpen()
      current = current.apply(ops)
      if (sync && !ignoreSync) {
        durable = current
        unsynced = []
      }
      return true
    },
    async snapshot() {
      assertOpen()
      return snapshotOf(current, assertOpen)
    },
    async close() {
      if (state === 'open') state = 'closed'
    },
  }
  return {
    store,
    get writes() {
      return writes
    },
    get unsynced() {
      return unsynced.length
    },
    failAt(n) {
      failing = n
    },
    crash: (survivors = 0) => createMemoryStore(disk(survivors)),
    restart: (survivors = 0) => createCrashStore({ content: disk(survivors), ignoreSync }),
  }
}
