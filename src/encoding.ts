import { concat } from 'uint8arrays/concat'
import { fromString } from 'uint8arrays/from-string'
import { toString as textOf } from 'uint8arrays/to-string'
import type { KeyText } from './units.ts'

/** Unpadded base64url text of bytes. */
export function toBase64url(bytes: Uint8Array): string {
  return textOf(bytes, 'base64url')
}

/** What the last character may be, by text length mod 4: the bits that make no byte are zero, so there is one spelling. */
const LAST_CHARACTER = [/^$|[A-Za-z0-9_-]$/, /$^/, /[AQgw]$/, /[AEIMQUYcgkosw048]$/]

/** The bytes of base64url text, or undefined unless it is the one spelling of exactly `length` bytes (any number if absent). */
export function fromBase64url(text: string, length?: number): Uint8Array | undefined {
  if (length !== undefined && text.length !== Math.ceil((length * 4) / 3)) return undefined
  if (!/^[A-Za-z0-9_-]*$/.test(text) || LAST_CHARACTER[text.length % 4]?.test(text) !== true) return undefined
  return new Uint8Array(fromString(text, 'base64url'))
}

/** Padded base64 of C2SP notes. */
export function toBase64(bytes: Uint8Array): string {
  return textOf(bytes, 'base64pad')
}

/** The bytes of padded base64 text in its one spelling, or undefined. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  let bytes: Uint8Array
  try {
    bytes = fromString(text, 'base64pad')
  } catch {
    return undefined
  }
  return toBase64(bytes) === text ? bytes : undefined
}

/** The first 130 bits of a hash as 26 lower-case base32 characters. */
export function base32Of130Bits(hash: Uint8Array): string {
  return textOf(hash.subarray(0, 17), 'base32').slice(0, 26)
}

/** multicodec ed25519-pub, as a varint. */
const ED25519_PREFIX = Uint8Array.of(0xed, 0x01)
const KEY_TEXT = /^z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/

/** did:key multibase text of a 32-byte Ed25519 public key. */
export function keyText(key: Uint8Array): KeyText {
  return `z${textOf(concat([ED25519_PREFIX, key]), 'base58btc')}`
}

/** The 32 bytes of a key text in its one spelling, or undefined. Base58 is slow: see `KeyCache` for hot paths. */
export function keyBytes(text: string): Uint8Array | undefined {
  if (!KEY_TEXT.test(text)) return undefined
  let bytes: Uint8Array
  try {
    bytes = fromString(text.slice(1), 'base58btc')
  } catch {
    return undefined
  }
  if (bytes.length !== 34 || bytes[0] !== 0xed || bytes[1] !== 0x01) return undefined
  const key = bytes.subarray(2)
  return keyText(key) === text ? key : undefined
}

/** Remembers decoded keys: base58 costs some 5 µs, and the same authors come again and again. */
export class KeyCache {
  readonly #known = new Map<KeyText, Uint8Array>()
  readonly #max: number

  constructor(max = 65_536) {
    this.#max = max
  }

  get(text: KeyText): Uint8Array | undefined {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const key = keyBytes(text)
    if (key === undefined) return undefined
    // Dropping everything now and then is as good as an LRU here and needs no bookkeeping on the hot path.
    if (this.#known.size >= this.#max) this.#known.clear()
    this.#known.set(text, key)
    return key
  }
}
