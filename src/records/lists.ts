import { fromBase64url, keyBytes } from '../encoding.ts'
import { type Rejection, rejection } from '../rejection.ts'

/** Strictly ascending: the one order of a set, so no element twice either. */
export function isSortedSet(items: readonly string[]): boolean {
  return items.every((item, index) => index === 0 || (items[index - 1] ?? '') < item)
}

/** As `isSortedSet`, but lets an element stand more than once. */
export function isSorted(items: readonly string[]): boolean {
  return items.every((item, index) => index === 0 || (items[index - 1] ?? '') <= item)
}

export function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

/** Schemas see only the alphabet of a key; this proves its one spelling and the 32 bytes. */
export function refuseKeySpelling(keys: readonly string[]): Rejection | undefined {
  const bad = keys.find(key => keyBytes(key) === undefined)
  return bad === undefined ? undefined : rejection('FORMAT_ENCODING', bad)
}

/** The same for base64url text of bytes of any length. */
export function refuseByteSpelling(members: Readonly<Record<string, string>>): Rejection | undefined {
  for (const [name, text] of Object.entries(members)) {
    if (fromBase64url(text) === undefined) return rejection('FORMAT_ENCODING', name)
  }
  return undefined
}
