import type { StoreOp, StoreRange } from '../ports.ts'

/** Pairs in one block before it is split. A write copies one block and the list of blocks: both stay near 500 at 100 000 keys. */
const BLOCK_LENGTH_MAX = 512

/** A run of neighbouring pairs, sorted by key, never empty. Its first key bounds it from below. */
interface Block {
  readonly keys: string[]
  readonly values: Uint8Array[]
}

/**
 * An immutable map from text to bytes, sorted by code unit (for ASCII: by byte). A write returns a new map that shares all
 * untouched blocks, so that an old version costs nothing to keep: that is what snapshots and running iterations hold.
 */
export class OrderedMap {
  static readonly empty = new OrderedMap([])
  readonly #blocks: readonly Block[]

  private constructor(blocks: readonly Block[]) {
    this.#blocks = blocks
  }

  get(key: string): Uint8Array | undefined {
    const block = this.#blocks[blockOf(this.#blocks, key)]
    if (block === undefined) return undefined
    const at = lowerBound(block.keys, key)
    return block.keys[at] === key ? block.values[at] : undefined
  }

  /** The map after these changes, in their order. */
  apply(ops: readonly StoreOp[]): OrderedMap {
    if (ops.length === 0) return this
    const blocks = this.#blocks.slice()
    const fresh = new Set<Block>()
    for (const op of ops) {
      if (op.type === 'put') put(blocks, fresh, op.key, op.value)
      else del(blocks, fresh, op.key)
    }
    return new OrderedMap(blocks)
  }

  *range({
    gte,
    lt,
    reverse = false,
    limit = Number.POSITIVE_INFINITY,
  }: StoreRange): Generator<readonly [string, Uint8Array]> {
    let left = limit
    for (const pair of reverse ? this.#down(gte, lt) : this.#up(gte, lt)) {
      if (left-- <= 0) return
      yield pair
    }
  }

  *#up(gte: string, lt: string): Generator<readonly [string, Uint8Array]> {
    for (const { keys, values } of this.#blocks.slice(blockOf(this.#blocks, gte))) {
      for (let at = lowerBound(keys, gte); at < keys.length; at++) {
        const key = keys[at] as string
        if (key >= lt) return
        yield [key, values[at] as Uint8Array]
      }
    }
  }

  *#down(gte: string, lt: string): Generator<readonly [string, Uint8Array]> {
    for (const { keys, values } of this.#blocks.slice(0, blockOf(this.#blocks, lt) + 1).reverse()) {
      for (let at = lowerBound(keys, lt) - 1; at >= 0; at--) {
        const key = keys[at] as string
        if (key < gte) return
        yield [key, values[at] as Uint8Array]
      }
    }
  }
}

function put(blocks: Block[], fresh: Set<Block>, key: string, value: Uint8Array): void {
  const index = blockOf(blocks, key)
  const block = writable(blocks, fresh, index)
  const at = lowerBound(block.keys, key)
  if (block.keys[at] === key) {
    block.values[at] = value
    return
  }
  block.keys.splice(at, 0, key)
  block.values.splice(at, 0, value)
  if (block.keys.length <= BLOCK_LENGTH_MAX) return
  // Keys mostly arrive in rising order (sequence numbers): a split at the end leaves full blocks behind.
  const cut = at === block.keys.length - 1 ? at : block.keys.length >> 1
  const upper = { keys: block.keys.splice(cut), values: block.values.splice(cut) }
  fresh.add(upper)
  blocks.splice(index + 1, 0, upper)
}

function del(blocks: Block[], fresh: Set<Block>, key: string): void {
  const index = blockOf(blocks, key)
  const found = blocks[index]
  if (found === undefined) return
  const at = lowerBound(found.keys, key)
  if (found.keys[at] !== key) return
  if (found.keys.length === 1) {
    blocks.splice(index, 1)
    return
  }
  const block = writable(blocks, fresh, index)
  block.keys.splice(at, 1)
  block.values.splice(at, 1)
}

/** The block at `index` as one that this write may change. */
function writable(blocks: Block[], fresh: Set<Block>, index: number): Block {
  const found = blocks[index]
  if (found !== undefined && fresh.has(found)) return found
  const copy = { keys: found?.keys.slice() ?? [], values: found?.values.slice() ?? [] }
  fresh.add(copy)
  blocks[index] = copy
  return copy
}

/** Index of the block that holds `key` or would hold it: the last one that begins at or below it, else the first. */
function blockOf(blocks: readonly Block[], key: string): number {
  let low = 0
  let high = blocks.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((blocks[middle]?.keys[0] as string) <= key) low = middle
    else high = middle
  }
  return low
}

/** Index of the first key that is not below `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}
