import { fromString } from 'uint8arrays/from-string'
import { verifyOpenssl } from '../../node/crypto/openssl.ts'
import { verifySync } from '../../node/crypto/sodium.ts'
import { verifyPortable } from '../../src/noble-verify.ts'

type Verify = (key: Uint8Array, signature: Uint8Array, message: Uint8Array) => boolean

/** Every synchronous implementation of the signature rule; the pool is checked beside them. */
export const verifiers: Readonly<Record<string, Verify>> = {
  libsodium: verifySync,
  OpenSSL: verifyOpenssl,
  noble: verifyPortable,
}

export function hex(text: string): Uint8Array {
  return fromString(text, 'base16')
}
