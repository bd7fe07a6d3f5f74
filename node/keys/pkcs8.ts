import { createPrivateKey, type KeyObject } from 'node:crypto'
import { concat } from 'uint8arrays/concat'
import { fromBase64url } from '../../src/encoding.ts'
import { CodedError } from '../../src/rejection.ts'

/** PrivateKeyInfo of an Ed25519 key up to the 32 seed bytes (RFC 8410, section 7). */
const PKCS8_PREFIX = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20)

/**
 * PEM text for other programs (`openssl pkey` reads it). For exchange only: OpenSSL derives the key with 2 048 rounds of
 * PBKDF2, which protects a passphrase far less than a key file does.
 */
export function exportPkcs8(seed: Uint8Array, passphrase?: string): string {
  const der = Buffer.from(concat([PKCS8_PREFIX, seed]))
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const pem = { type: 'pkcs8', format: 'pem' } as const
  const text = passphrase === undefined ? key.export(pem) : key.export({ ...pem, cipher: 'aes-256-cbc', passphrase })
  return String(text)
}

/** The 32-byte seed of an Ed25519 key in PEM text. */
export function importPkcs8(pem: string, passphrase?: string): Uint8Array {
  const key = readKey(pem, passphrase)
  const seed =
    key.asymmetricKeyType === 'ed25519' ? fromBase64url(key.export({ format: 'jwk' }).d ?? '', 32) : undefined
  if (seed === undefined) throw new CodedError('KEY_FILE', 'the PEM text holds no Ed25519 private key')
  return seed
}

function readKey(pem: string, passphrase: string | undefined): KeyObject {
  const encrypted = pem.includes('-----BEGIN ENCRYPTED PRIVATE KEY-----')
  if (encrypted && passphrase === undefined) throw new CodedError('PASSPHRASE', 'the PEM text is encrypted')
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) })
  } catch (cause) {
    if (encrypted) throw new CodedError('PASSPHRASE', 'wrong passphrase, or the PEM text was changed', { cause })
    throw new CodedError('KEY_FILE', 'the PEM text holds no private key', { cause })
  }
}
