/**
 * What a key and a signature must satisfy before any backend sees them. Backends disagree on hostile inputs; behind these
 * checks OpenSSL, libsodium and noble's points give one verdict (docs/protocol.md, Signatures).
 *
 * A signature is R ‖ S, a key is A; all are 32 bytes, little-endian. Points are y with the sign of x in the highest bit.
 */

/** Order of the base point, 2^252 + 27742317777372353535851937790883648493 (RFC 8032, section 5.1). */
const L = Uint8Array.of(
  ...[0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10],
)

/**
 * The y of the eight points whose order divides 8: 1 (order 1), −1 (order 2), 0 (order 4), and ±y with
 * y² = the two of order 8. Without the sign bit these five cover the 14 encodings: eight canonical ones and, of the six
 * others, those with x = 0 and a sign; the remaining four have y ≥ p and are refused for that. Source: Chalkias, Garillot,
 * Nikolaenko, "Taming the many EdDSAs" (IACR 2020/1244), table 1; test/crypto/rule.test.ts derives them again.
 */
const LOW_ORDER_Y = [
  Uint8Array.of(1, ...new Uint8Array(31)),
  Uint8Array.of(0xec, ...new Uint8Array(30).fill(0xff), 0x7f),
  new Uint8Array(32),
  Uint8Array.of(
    ...[0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f],
    ...[0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a],
  ),
  Uint8Array.of(
    ...[0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0],
    ...[0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05],
  ),
] as const

/** False: nothing that this key signs is valid. */
export function keyAllowed(key: Uint8Array): boolean {
  return key.length === 32 && pointAllowed(key)
}

/** False: the signature is invalid whatever the message is. True: the equation [S]B = R + [k]A decides. */
export function admissible(key: Uint8Array, signature: Uint8Array): boolean {
  return (
    key.length === 32 &&
    signature.length === 64 &&
    scalarBelowOrder(signature) &&
    pointAllowed(key) &&
    pointAllowed(signature)
  )
}

/** S < L, S in the second half. Nearly always the highest byte decides. */
function scalarBelowOrder(signature: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = (signature[32 + i] ?? 0) - (L[i] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

/** The first 32 bytes: y < p and not the y of a low-order point. */
function pointAllowed(bytes: Uint8Array): boolean {
  if (!fieldElement(bytes)) return false
  for (const y of LOW_ORDER_Y) if (sameY(bytes, y)) return false
  return true
}

/** y < p = 2^255 − 19, that is: not one of the 19 values from ed ff … ff 7f upwards. */
function fieldElement(bytes: Uint8Array): boolean {
  if (((bytes[31] ?? 0) & 0x7f) !== 0x7f) return true
  for (let i = 30; i > 0; i--) if (bytes[i] !== 0xff) return true
  return (bytes[0] ?? 0) < 0xed
}

function sameY(bytes: Uint8Array, y: Uint8Array): boolean {
  for (let i = 0; i < 31; i++) if (bytes[i] !== y[i]) return false
  return ((bytes[31] ?? 0) & 0x7f) === y[31]
}
