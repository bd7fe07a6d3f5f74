import sodium from 'sodium-native'
import { canonicalBytes, utf8Encode } from '../../src/canonical.ts'
import { fromBase64url, keyBytes, keyText, toBase64url } from '../../src/encoding.ts'
import { CodedError } from '../../src/rejection.ts'
import type { KeyText } from '../../src/units.ts'
import { keyPair, systemRandom } from '../crypto/sodium.ts'

/** Argon2id's cost: passes over the memory, and its bytes. */
export interface KdfCost {
  readonly opslimit: number
  readonly memlimit: number
}

/** What a key file holds, as JSON. All but `ciphertext` is bound to it: no field can be changed or swapped. */
export interface SealedKey {
  readonly v: 1
  readonly purpose: string
  readonly key: KeyText
  readonly kdf: KdfCost & { readonly name: 'argon2id'; readonly salt: string }
  readonly cipher: 'xchacha20-poly1305-ietf'
  readonly nonce: string
  readonly ciphertext: string
}

/** About 0.2 s and a size that a small machine has. Raising it later does not touch old files. */
export const KDF_DEFAULT: KdfCost = { opslimit: 3, memlimit: 64 * 1024 * 1024 }

/** A file from elsewhere must not occupy the machine: at these bounds a passphrase takes some 20 s. */
const OPSLIMIT_MAX = 16
const MEMLIMIT_MAX = 1024 * 1024 * 1024

const PURPOSE = /^[a-z][a-z0-9_-]{0,31}$/
const SEED_BYTES = 32
const SALT_BYTES = sodium.crypto_pwhash_SALTBYTES
const NONCE_BYTES = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
const CIPHERTEXT_BYTES = SEED_BYTES + sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES

export async function sealKey(
  seed: Uint8Array,
  purpose: string,
  passphrase: string,
  cost: KdfCost = KDF_DEFAULT,
): Promise<SealedKey> {
  if (passphrase === '') throw new CodedError('PASSPHRASE', 'the passphrase is empty')
  const header: Omit<SealedKey, 'ciphertext'> = {
    v: 1,
    purpose,
    key: keyText(keyPair(seed).publicKey),
    kdf: {
      name: 'argon2id',
      opslimit: cost.opslimit,
      memlimit: cost.memlimit,
      salt: toBase64url(systemRandom.bytes(SALT_BYTES)),
    },
    cipher: 'xchacha20-poly1305-ietf',
    nonce: toBase64url(systemRandom.bytes(NONCE_BYTES)),
  }
  // A purpose or cost that reading would refuse must not be written: the key would be lost.
  const parsed = parse({ ...header, ciphertext: toBase64url(new Uint8Array(CIPHERTEXT_BYTES)) })
  const key = await deriveKey(passphrase, parsed)
  const ciphertext = new Uint8Array(CIPHERTEXT_BYTES)
  sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(ciphertext, seed, parsed.additional, null, parsed.nonce, key)
  sodium.sodium_memzero(key)
  return { ...header, ciphertext: toBase64url(ciphertext) }
}

export interface OpenedKey {
  readonly purpose: string
  readonly key: KeyText
  /** The private key. Whoever opened it erases it. */
  readonly seed: Uint8Array
}

/** Takes what JSON.parse gave, whatever that is. */
export async function openSealedKey(value: unknown, passphrase: string): Promise<OpenedKey> {
  const parsed = parse(value)
  const { sealed } = parsed
  const key = await deriveKey(passphrase, parsed)
  const seed = new Uint8Array(SEED_BYTES)
  try {
    sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
      seed,
      null,
      parsed.ciphertext,
      parsed.additional,
      parsed.nonce,
      key,
    )
  } catch (cause) {
    // The two cannot be told apart: another passphrase and another header both give another key or tag.
    throw new CodedError('PASSPHRASE', 'wrong passphrase, or the key file was changed', { cause })
  } finally {
    sodium.sodium_memzero(key)
  }
  if (keyText(keyPair(seed).publicKey) !== sealed.key)
    throw new CodedError('KEY_FILE', 'holds another key than it names')
  return { purpose: sealed.purpose, key: sealed.key, seed }
}

async function deriveKey(passphrase: string, { sealed, salt }: Parsed): Promise<Uint8Array> {
  const key = new Uint8Array(sodium.crypto_aead_xchacha20poly1305_ietf_KEYBYTES)
  // One form of what looks the same, whichever keyboard typed it.
  const text = utf8Encode(passphrase.normalize('NFKC'))
  const { opslimit, memlimit } = sealed.kdf
  try {
    await sodium.crypto_pwhash_async(key, text, salt, opslimit, memlimit, sodium.crypto_pwhash_ALG_ARGON2ID13)
  } catch (cause) {
    throw new CodedError('KEY_FILE', `cannot take ${memlimit} bytes of memory for the passphrase`, { cause })
  } finally {
    sodium.sodium_memzero(text)
  }
  return key
}

interface Parsed {
  readonly sealed: SealedKey
  readonly salt: Uint8Array
  readonly nonce: Uint8Array
  readonly ciphertext: Uint8Array
  /** The header's canonical bytes, authenticated with the ciphertext. */
  readonly additional: Uint8Array
}

/** Everything exactly as `sealKey` writes it, or a KEY_FILE error that names the field. */
function parse(value: unknown): Parsed {
  const file = members(value, 'the file', ['v', 'purpose', 'key', 'kdf', 'cipher', 'nonce', 'ciphertext'])
  const kdf = members(file.kdf, 'kdf', ['name', 'opslimit', 'memlimit', 'salt'])
  const header: Omit<SealedKey, 'ciphertext'> = {
    v: literal(file.v, 1, 'v'),
    purpose: text(file.purpose, 'purpose', purpose => (PURPOSE.test(purpose) ? purpose : undefined)),
    key: text(file.key, 'key', key => (keyBytes(key) === undefined ? undefined : key)),
    kdf: {
      name: literal(kdf.name, 'argon2id', 'kdf.name'),
      opslimit: integer(kdf.opslimit, 'kdf.opslimit', sodium.crypto_pwhash_OPSLIMIT_MIN, OPSLIMIT_MAX),
      memlimit: integer(kdf.memlimit, 'kdf.memlimit', sodium.crypto_pwhash_MEMLIMIT_MIN, MEMLIMIT_MAX),
      salt: text(kdf.salt, 'kdf.salt', salt => salt),
    },
    cipher: literal(file.cipher, 'xchacha20-poly1305-ietf', 'cipher'),
    nonce: text(file.nonce, 'nonce', nonce => nonce),
  }
  const ciphertext = text(file.ciphertext, 'ciphertext', bytes => bytes)
  return {
    sealed: { ...header, ciphertext },
    salt: text(header.kdf.salt, 'kdf.salt', salt => fromBase64url(salt, SALT_BYTES)),
    nonce: text(header.nonce, 'nonce', nonce => fromBase64url(nonce, NONCE_BYTES)),
    ciphertext: text(ciphertext, 'ciphertext', bytes => fromBase64url(bytes, CIPHERTEXT_BYTES)),
    additional: canonicalBytes({ ...header, kdf: { ...header.kdf } }),
  }
}

function members<N extends string>(value: unknown, what: string, names: readonly N[]): Record<N, unknown> {
  const object = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!object || Object.keys(value).sort().join() !== [...names].sort().join()) {
    throw new CodedError('KEY_FILE', `${what} has not exactly the members ${names.join(', ')}`)
  }
  return value as Record<N, unknown>
}

function literal<T>(value: unknown, expected: T, what: string): T {
  if (value !== expected) throw new CodedError('KEY_FILE', `${what} is not ${expected}`)
  return expected
}

function text<T>(value: unknown, what: string, read: (text: string) => T | undefined): T {
  const result = typeof value === 'string' ? read(value) : undefined
  if (result === undefined) throw new CodedError('KEY_FILE', `${what} is malformed`)
  return result
}

function integer(value: unknown, what: string, min: number, max: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    throw new CodedError('KEY_FILE', `${what} is not an integer from ${min} to ${max}`)
  }
  return value
}
