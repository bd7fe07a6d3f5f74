import { createPublicKey, verify } from 'node:crypto'
import { concat } from 'uint8arrays/concat'
import { admissible } from '../../src/ed25519-rule.ts'

/** SubjectPublicKeyInfo of an Ed25519 key up to the 32 key bytes (RFC 8410, section 4). */
const SPKI_PREFIX = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00)

/** The signature rule on Node's OpenSSL: the third opinion in tests, and slower than libsodium. */
export function verifyOpenssl(key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  if (!admissible(key, signature)) return false
  const publicKey = createPublicKey({ key: Buffer.from(concat([SPKI_PREFIX, key])), format: 'der', type: 'spki' })
  return verify(null, message, publicKey, signature)
}
