import type { Sha256 } from '../ports.ts'
import { HASH_BYTES, pushLeaf, rootOfStack } from './merkle.ts'
import {
  hashOfSpan,
  heightOf,
  nodeFromTiles,
  nodesOf,
  type Span,
  TILE_WIDTH,
  type TileId,
  type Tiles,
  type TileWrite,
  tilesOfSpans,
} from './tile-nodes.ts'

export type { TileId, Tiles, TileWrite } from './tile-nodes.ts'

const TILE_BYTES = TILE_WIDTH * HASH_BYTES

/**
 * The right edge of a growing tree in memory: the roots of its complete subtrees and the last tile of each level
 * (≤ 8 KiB a level). Two hashes at most per appended leaf, whatever the size. Not shared: `append` changes it; decide on
 * a `clone` and keep that one when its batch is written.
 */
export class TreeEdge {
  readonly #sha256: Sha256
  #size = 0
  /** Complete subtrees, largest first. */
  #stack: Uint8Array[] = []
  /** The unfinished tile of each level that has ever had a node. */
  #levels: Uint8Array[] = []

  private constructor(sha256: Sha256) {
    this.#sha256 = sha256
  }

  static empty(sha256: Sha256): TreeEdge {
    return new TreeEdge(sha256)
  }

  /** The tiles that `load` reads: at most one a level. */
  static tilesNeeded(size: number): readonly TileId[] {
    return rootTiles(size)
  }

  /** The edge of a stored tree of `size` leaves; undefined when a tile is missing or too short (a damaged store). */
  static load(size: number, tiles: Tiles, sha256: Sha256): TreeEdge | undefined {
    if (!isSize(size)) return undefined
    const edge = new TreeEdge(sha256)
    for (const node of nodesOf({ begin: 0, length: size })) {
      const hash = nodeFromTiles(node, tiles, sha256)
      if (hash === undefined) return undefined
      edge.#stack.push(hash)
    }
    for (let level = 0, nodes = size; nodes > 0; level++, nodes = Math.floor(nodes / TILE_WIDTH)) {
      const bytes = new Uint8Array(TILE_BYTES)
      const index = Math.floor(nodes / TILE_WIDTH)
      const used = (nodes % TILE_WIDTH) * HASH_BYTES
      if (used > 0) bytes.set(tiles({ level, index })?.subarray(0, used) ?? [])
      edge.#levels.push(bytes)
    }
    edge.#size = size
    return edge
  }

  get size(): number {
    return this.#size
  }

  /** RFC 6962 root of all leaves so far; at most 52 hashes. */
  root(): Uint8Array {
    return rootOfStack(this.#stack, this.#sha256).slice()
  }

  /**
   * Adds leaf hashes (32 bytes each, else RangeError) and returns every tile that changed, each once and whole. Nothing
   * keeps a hold on the bytes returned.
   */
  append(leafHashes: readonly Uint8Array[]): readonly TileWrite[] {
    if (leafHashes.some(leaf => leaf.length !== HASH_BYTES)) throw new RangeError('a leaf hash has 32 bytes')
    const writes: TileWrite[] = []
    const open = new Map<number, number>()
    const put = (level: number, node: Uint8Array): void => {
      const position = Math.floor(this.#size / TILE_WIDTH ** level)
      const entry = position % TILE_WIDTH
      let bytes = this.#levels[level]
      if (bytes === undefined) {
        bytes = new Uint8Array(TILE_BYTES)
        this.#levels[level] = bytes
      }
      bytes.set(node, entry * HASH_BYTES)
      if (entry < TILE_WIDTH - 1) {
        open.set(level, position)
        return
      }
      writes.push({ tile: { level, index: Math.floor(position / TILE_WIDTH) }, bytes })
      this.#levels[level] = new Uint8Array(TILE_BYTES)
      open.delete(level)
    }
    const onNode = (height: number, node: Uint8Array): void => {
      if (height % 8 === 0) put(height / 8, node)
    }
    for (const leaf of leafHashes) {
      put(0, leaf)
      pushLeaf(this.#stack, this.#size, leaf, this.#sha256, onNode)
      this.#size += 1
    }
    for (const [level, position] of open) {
      const used = ((position % TILE_WIDTH) + 1) * HASH_BYTES
      const bytes = (this.#levels[level] as Uint8Array).slice(0, used)
      writes.push({ tile: { level, index: Math.floor(position / TILE_WIDTH) }, bytes })
    }
    return writes
  }

  clone(): TreeEdge {
    const copy = new TreeEdge(this.#sha256)
    copy.#size = this.#size
    copy.#stack = [...this.#stack]
    copy.#levels = this.#levels.map(bytes => bytes.slice())
    return copy
  }
}

/** Tiles that `rootAt` reads. */
export function rootTiles(size: number): readonly TileId[] {
  return tilesOfSpans(isSize(size) ? [{ begin: 0, length: size }] : [])
}

/** Root of the first `size` leaves; undefined when a tile is missing. */
export function rootAt(size: number, tiles: Tiles, sha256: Sha256): Uint8Array | undefined {
  return isSize(size) ? hashOfSpan({ begin: 0, length: size }, tiles, sha256) : undefined
}

/** Tiles that `inclusionProof` reads. */
export function inclusionTiles(index: number, size: number): readonly TileId[] {
  return tilesOfSpans(inclusionSpans(index, size) ?? [])
}

/** PATH(index, D[size]) of RFC 6962, 2.1.1, leaf to root; undefined when a tile is missing or there is no such leaf. */
export function inclusionProof(index: number, size: number, tiles: Tiles, sha256: Sha256): Uint8Array[] | undefined {
  return hashesOf(inclusionSpans(index, size), tiles, sha256)
}

/** Tiles that `consistencyProof` reads. */
export function consistencyTiles(from: number, to: number): readonly TileId[] {
  return tilesOfSpans(consistencySpans(from, to) ?? [])
}

/** PROOF(from, D[to]) of RFC 6962, 2.1.2, empty from 0 or between equal sizes; undefined when a tile is missing or from > to. */
export function consistencyProof(from: number, to: number, tiles: Tiles, sha256: Sha256): Uint8Array[] | undefined {
  return hashesOf(consistencySpans(from, to), tiles, sha256)
}

function hashesOf(spans: readonly Span[] | undefined, tiles: Tiles, sha256: Sha256): Uint8Array[] | undefined {
  const hashes: Uint8Array[] = []
  for (const span of spans ?? []) {
    const hash = hashOfSpan(span, tiles, sha256)
    if (hash === undefined) return undefined
    hashes.push(hash)
  }
  return spans === undefined ? undefined : hashes
}

/** Siblings on the way from a leaf to the root. */
function inclusionSpans(index: number, size: number): readonly Span[] | undefined {
  if (!isSize(index) || !isSize(size) || index >= size) return undefined
  const spans: Span[] = []
  let begin = 0
  let length = size
  while (length > 1) {
    const left = 2 ** heightOf(length - 1)
    if (index - begin < left) {
      spans.push({ begin: begin + left, length: length - left })
      length = left
    } else {
      spans.push({ begin, length: left })
      begin += left
      length -= left
    }
  }
  return spans.reverse()
}

/** What SUBPROOF(from, D[to], true) hashes. */
function consistencySpans(from: number, to: number): readonly Span[] | undefined {
  if (!isSize(from) || !isSize(to) || from > to) return undefined
  if (from === 0) return []
  const spans: Span[] = []
  let begin = 0
  let length = to
  while (from - begin < length) {
    const left = 2 ** heightOf(length - 1)
    if (from - begin <= left) {
      spans.push({ begin: begin + left, length: length - left })
      length = left
    } else {
      spans.push({ begin, length: left })
      begin += left
      length -= left
    }
  }
  if (begin > 0) spans.push({ begin, length })
  return spans.reverse()
}

function isSize(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0
}
