import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import { concat } from 'uint8arrays/concat'
import { admissible } from './ed25519-rule.ts'

const { Point } = ed25519

/** The signature rule where native code cannot run. noble's own `verify` is cofactored (ZIP-215), so its points are used. */
export function verifyPortable(key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  if (!admissible(key, signature)) return false
  const encodedR = signature.subarray(0, 32)
  try {
    const a = Point.fromBytes(key)
    const r = Point.fromBytes(encodedR)
    const s = scalar(signature.subarray(32))
    const k = scalar(sha512(concat([encodedR, key, message])))
    return Point.BASE.multiplyUnsafe(s).equals(r.add(a.multiplyUnsafe(k)))
  } catch {
    // No such point on the curve. Everything else was checked above, so nothing else throws.
    return false
  }
}

/** Little-endian number modulo the order of the base point. */
function scalar(bytes: Uint8Array): bigint {
  let value = 0n
  for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i] ?? 0)
  return Point.Fn.create(value)
}
