import { TILE_WIDTH } from '../tile-nodes.ts'

/**
 * Names of C2SP tlog-tiles below a log's prefix: `tile/<L>/<N>[.p/<W>]` for hashes and `tile/entries/<N>[.p/<W>]` for
 * bundles of entries. N is written in groups of three digits, all but the last with an x in front: 1234067 is x001/x234/067.
 */
export interface TilePath {
  /** Level 0 are leaf hashes. */
  readonly level: number | 'entries'
  readonly index: number
  /** 1 … 256; 256 is the full tile. */
  readonly width: number
}

const PATH = /^tile\/(entries|0|[1-9][0-9]?)\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([1-9][0-9]{0,2}))?$/
const LEVEL_MAX = 63

export function formatTilePath({ index, level, width }: TilePath): string {
  const digits = String(index)
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0')
  const groups = padded.match(/.{3}/g) ?? []
  const name = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${level}/${name}${width === TILE_WIDTH ? '' : `.p/${width}`}`
}

/** What a path names; undefined for everything that is not the one spelling of a name. */
export function parseTilePath(path: string): TilePath | undefined {
  const [, levelText = '', name = '', widthText] = PATH.exec(path) ?? []
  const level: TilePath['level'] = levelText === 'entries' ? levelText : Number(levelText)
  const index = Number(name.replaceAll(/[x/]/g, ''))
  const width = widthText === undefined ? TILE_WIDTH : Number(widthText)
  if (name === '' || !Number.isSafeInteger(index) || (level !== 'entries' && level > LEVEL_MAX)) return undefined
  const tile = { level, index, width }
  return width <= TILE_WIDTH && formatTilePath(tile) === path ? tile : undefined
}

/** Entries that must be in the log before the tile can be served; undefined when no log is so long. */
export function leavesNeeded({ index, level, width }: TilePath): number | undefined {
  const leaves = (index * TILE_WIDTH + width) * TILE_WIDTH ** (level === 'entries' ? 0 : level)
  return Number.isSafeInteger(leaves) ? leaves : undefined
}

/** A bundle: each entry after its length in two bytes, big-endian. RangeError above 65 535 bytes, which no entry has. */
export function entryBundle(entries: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(entries.reduce((sum, entry) => sum + 2 + entry.length, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const entry of entries) {
    if (entry.length > 0xffff) throw new RangeError('an entry of more than 65 535 bytes')
    view.setUint16(at, entry.length)
    bytes.set(entry, at + 2)
    at += 2 + entry.length
  }
  return bytes
}
