import type { Store, StoreRange, StoreReader, StoreSnapshot } from '../ports.ts'
import { CodedError } from '../rejection.ts'
import { holds } from './expect.ts'
import { OrderedMap } from './ordered-map.ts'

/**
 * A store that forgets everything when it is dropped: for tests and the simulator.
 * A batch takes effect during the call. Values are kept as they are given and handed out as they are kept: like every store's,
 * they count as immutable from the moment of the call, and nobody may change their bytes.
 */
export function createMemoryStore(content: OrderedMap = OrderedMap.empty): Store {
  let current = content
  let closed = false
  const assertOpen = () => {
    if (closed) throw new CodedError('STORE_CLOSED')
  }
  return {
    ...readerOf(() => current, assertOpen),
    async batch(ops, { expect }) {
      assertOpen()
      if (!holds(expect, key => current.get(key))) return false
      current = current.apply(ops)
      return true
    },
    async snapshot() {
      assertOpen()
      return snapshotOf(current, assertOpen)
    },
    async close() {
      closed = true
    },
  }
}

/** Reads from whatever version `content` gives when the read begins; `assertUsable` throws when reading is over. */
export function readerOf(content: () => OrderedMap, assertUsable: () => void): StoreReader {
  return {
    async getMany(keys) {
      assertUsable()
      const version = content()
      return keys.map(key => version.get(key))
    },
    async *range(range: StoreRange) {
      assertUsable()
      for (const pair of content().range(range)) {
        yield pair
        assertUsable()
      }
    },
  }
}

/** One version, readable until it or its store is closed. */
export function snapshotOf(content: OrderedMap, assertOpen: () => void): StoreSnapshot {
  let released = false
  const assertUsable = () => {
    assertOpen()
    if (released) throw new CodedError('STORE_CLOSED')
  }
  return {
    ...readerOf(() => content, assertUsable),
    async close() {
      released = true
    },
  }
}
