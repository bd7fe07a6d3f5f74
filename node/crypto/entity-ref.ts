import { createHmac } from 'node:crypto'
import sodium from 'sodium-native'
import { toBase64url } from '../../src/encoding.ts'
import type { HashText } from '../../src/units.ts'

/** Identifiers such as a name or a mail address can be guessed; each guess costs this much. */
const OPSLIMIT = 2
const MEMLIMIT = 19 * 1024 * 1024

/** HMAC-SHA-256 under the society's salt of the identifier, which passes Argon2id first. */
export async function hmacRef(salt: Uint8Array, entity: Uint8Array): Promise<HashText> {
  const hashed = Buffer.alloc(32)
  const argonSalt = Buffer.from(createHmac('sha256', salt).update('web4/entity-ref/1').digest().subarray(0, 16))
  await sodium.crypto_pwhash_async(
    hashed,
    Buffer.from(entity),
    argonSalt,
    OPSLIMIT,
    MEMLIMIT,
    sodium.crypto_pwhash_ALG_ARGON2ID13,
  )
  return toBase64url(createHmac('sha256', salt).update(hashed).digest())
}
