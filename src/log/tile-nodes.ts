import type { Sha256 } from '../ports.ts'
import { HASH_BYTES, pushLeaf, rootOfStack } from './merkle.ts'

/**
 * The tree as stored: C2SP tlog-tiles. Tile (level, index) holds the 32-byte nodes 256·index … 256·index + 255 of one
 * level, concatenated; nodes of level L are roots of complete subtrees of 256^L leaves, so level 0 is leaf hashes. The last
 * tile of a level may be shorter; it only ever grows, so a tile of a larger tree also serves every smaller size.
 */
export interface TileId {
  readonly level: number
  readonly index: number
}
/** Bytes of a stored tile; undefined where there is none. */
export type Tiles = (tile: TileId) => Uint8Array | undefined

/** One tile as it now is. */
export interface TileWrite {
  readonly tile: TileId
  readonly bytes: Uint8Array
}

/** Nodes in a full tile. */
export const TILE_WIDTH = 256
const TILE_HEIGHT = 8

/** Node `index` of one binary level (0 = leaves): leaves index·2^height to (index + 1)·2^height − 1, all there. */
export interface NodeId {
  readonly height: number
  readonly index: number
}

/** Node at `index` within its tile, as a view. Undefined when the tile is shorter. */
function tileEntry(bytes: Uint8Array, entry: number): Uint8Array | undefined {
  const end = (entry + 1) * HASH_BYTES
  return end <= bytes.length ? bytes.subarray(end - HASH_BYTES, end) : undefined
}

/** The tile that holds all that a node is made of, and where in it. A tile spans 8 binary levels, so it is always one. */
function placeOf(node: NodeId): { readonly tile: TileId; readonly entry: number; readonly entries: number } {
  const level = Math.floor(node.height / TILE_HEIGHT)
  const entries = 2 ** (node.height % TILE_HEIGHT)
  const first = node.index * entries
  return { tile: { level, index: Math.floor(first / TILE_WIDTH) }, entry: first % TILE_WIDTH, entries }
}

/** The hash of a complete subtree, at most 255 hashes; undefined when its tile is missing or too short. */
export function nodeFromTiles(node: NodeId, tiles: Tiles, sha256: Sha256): Uint8Array | undefined {
  const { tile, entry, entries } = placeOf(node)
  const bytes = tiles(tile)
  if (bytes === undefined) return undefined
  const stack: Uint8Array[] = []
  for (let i = 0; i < entries; i++) {
    const hash = tileEntry(bytes, entry + i)
    if (hash === undefined) return undefined
    pushLeaf(stack, i, hash, sha256)
  }
  return stack[0]?.slice()
}

/** Leaves begin … begin + length − 1 of a tree; `begin` is a multiple of the smallest power of two ≥ length. */
export interface Span {
  readonly begin: number
  readonly length: number
}

/** The complete subtrees that a span is made of, largest first. */
export function nodesOf(span: Span): readonly NodeId[] {
  const nodes: NodeId[] = []
  let begin = span.begin
  let rest = span.length
  while (rest > 0) {
    const height = heightOf(rest)
    const width = 2 ** height
    nodes.push({ height, index: begin / width })
    begin += width
    rest -= width
  }
  return nodes
}

/** Tiles from which the hashes of these spans are made, each once. */
export function tilesOfSpans(spans: readonly Span[]): readonly TileId[] {
  const seen = new Map<string, TileId>()
  for (const span of spans) {
    for (const node of nodesOf(span)) {
      const { tile } = placeOf(node)
      seen.set(`${tile.level}/${tile.index}`, tile)
    }
  }
  return [...seen.values()]
}

/** MTH of a span (RFC 6962, 2.1), or undefined when a tile is missing. */
export function hashOfSpan(span: Span, tiles: Tiles, sha256: Sha256): Uint8Array | undefined {
  const stack: Uint8Array[] = []
  for (const node of nodesOf(span)) {
    const hash = nodeFromTiles(node, tiles, sha256)
    if (hash === undefined) return undefined
    stack.push(hash)
  }
  return rootOfStack(stack, sha256)
}

/** ⌊log2 n⌋ of an integer 1 ≤ n < 2^53, exact. */
export function heightOf(n: number): number {
  let height = 0
  for (let rest = Math.floor(n / 2); rest > 0; rest = Math.floor(rest / 2)) height += 1
  return height
}
