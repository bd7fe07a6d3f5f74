import { createHash } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { utf8Encode } from '../../src/canonical.ts'
import { keyText } from '../../src/encoding.ts'
import { cosignatureMessage, makeCosignatureLine } from '../../src/log/cosignature.ts'
import { leafHash } from '../../src/log/merkle.ts'
import { logSignatureMessage, makeLogNote, type Note, type NoteSignature } from '../../src/log/note.ts'
import type { TileId, Tiles, TileWrite } from '../../src/log/tiles.ts'
import type { KeyText } from '../../src/units.ts'

export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const unhex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))

export const leaf = (i: number): Uint8Array => leafHash(utf8Encode(`entry ${i}`), sha256)
export const leaves = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => leaf(i))

/** RFC 6962 by the letter, over leaf hashes: the model that the code under test must agree with. */
const node = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(Buffer.concat([Uint8Array.of(1), left, right]))
const split = (n: number): number => {
  let k = 1
  while (k * 2 < n) k *= 2
  return k
}
export function naiveRoot(hashes: readonly Uint8Array[]): Uint8Array {
  const [only] = hashes
  if (only === undefined) return sha256(new Uint8Array(0))
  if (hashes.length === 1) return only
  const k = split(hashes.length)
  return node(naiveRoot(hashes.slice(0, k)), naiveRoot(hashes.slice(k)))
}
export function naivePath(index: number, hashes: readonly Uint8Array[]): Uint8Array[] {
  if (hashes.length === 1) return []
  const k = split(hashes.length)
  const [left, right] = [hashes.slice(0, k), hashes.slice(k)]
  return index < k ? [...naivePath(index, left), naiveRoot(right)] : [...naivePath(index - k, right), naiveRoot(left)]
}
export function naiveConsistency(from: number, hashes: readonly Uint8Array[], whole = true): Uint8Array[] {
  if (from === hashes.length) return whole ? [] : [naiveRoot(hashes)]
  const k = split(hashes.length)
  const [left, right] = [hashes.slice(0, k), hashes.slice(k)]
  if (from <= k) return [...naiveConsistency(from, left, whole), naiveRoot(right)]
  return [...naiveConsistency(from - k, right, false), naiveRoot(left)]
}

/** A map of tiles as a store would keep them. */
export class TileMap {
  readonly bytes = new Map<string, Uint8Array>()
  readonly read: Tiles = tile => this.bytes.get(nameOf(tile))

  write(writes: readonly TileWrite[]): void {
    for (const { tile, bytes } of writes) this.bytes.set(nameOf(tile), bytes)
  }

  /** Only these tiles, to prove that a reader said all that it needs. */
  only(tiles: readonly TileId[]): Tiles {
    const names = new Set(tiles.map(nameOf))
    return tile => (names.has(nameOf(tile)) ? this.read(tile) : undefined)
  }
}
export const nameOf = (tile: TileId): string => `${tile.level}/${tile.index}`

export interface TestKey {
  readonly raw: Uint8Array
  readonly text: KeyText
  sign(message: Uint8Array): Uint8Array
}

/** A key pair from one repeated byte. */
export function testKey(byte: number): TestKey {
  const seed = new Uint8Array(32).fill(byte)
  const raw = ed25519.getPublicKey(seed)
  return { raw, text: keyText(raw), sign: message => ed25519.sign(message, seed) }
}
export function signedNote(origin: string, size: number, root: Uint8Array, key: TestKey): Note {
  const draft = makeLogNote({ origin, size, root }, key.raw, new Uint8Array(64), sha256)
  return makeLogNote(draft.checkpoint, key.raw, key.sign(logSignatureMessage(draft.text)), sha256)
}

export function cosignatureOf(note: Note, timeSeconds: number, key: TestKey): NoteSignature {
  return makeCosignatureLine(key.text, timeSeconds, key.sign(cosignatureMessage(note.text, timeSeconds)), sha256)
}
