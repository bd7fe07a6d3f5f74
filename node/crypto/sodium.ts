import { hash, randomFillSync } from 'node:crypto'
import sodium from 'sodium-native'
import { admissible } from '../../src/ed25519-rule.ts'
import { keyText } from '../../src/encoding.ts'
import type { Clock, Random, Sha256, Signer } from '../../src/ports.ts'

/** The signature rule on libsodium. The rule stands first: the native call reads only 64 bytes of a longer signature. */
export function verifySync(key: Uint8Array, signature: Uint8Array, message: Uint8Array): boolean {
  return admissible(key, signature) && sodium.crypto_sign_verify_detached(signature, message, key)
}

/**
 * OpenSSL's, which uses the processor's SHA instructions; libsodium's is four times slower on 4 KiB. By way of a text,
 * because a Buffer costs more than the hash of an entry: 0.7 µs, not 1.6 µs, for a node of the tree.
 */
export const sha256: Sha256 = bytes => {
  const text = hash('sha256', bytes, 'binary')
  const digest = new Uint8Array(32)
  for (let i = 0; i < 32; i++) digest[i] = text.charCodeAt(i)
  return digest
}

/** A private key: 32 random bytes. */
export function generateSeed(): Uint8Array {
  return randomFillSync(new Uint8Array(32))
}

export interface KeyPair {
  readonly publicKey: Uint8Array
  /** Seed ‖ public key, 64 bytes, as libsodium wants it. */
  readonly secretKey: Uint8Array
}

export function keyPair(seed: Uint8Array): KeyPair {
  const pair = { publicKey: new Uint8Array(32), secretKey: new Uint8Array(64) }
  sodium.crypto_sign_seed_keypair(pair.publicKey, pair.secretKey, seed)
  return pair
}

export function signSync(secretKey: Uint8Array, message: Uint8Array): Uint8Array {
  const signature = new Uint8Array(64)
  sodium.crypto_sign_detached(signature, message, secretKey)
  return signature
}

/** Signs with a key held in this process. Copies the seed, so the caller may erase its own. */
export function softwareSigner(seed: Uint8Array): Signer {
  const { publicKey, secretKey } = keyPair(seed)
  return { key: keyText(publicKey), sign: async message => signSync(secretKey, message) }
}

export const systemRandom: Random = { bytes: length => randomFillSync(new Uint8Array(length)) }

/** Longest delay of a Node timer; a longer one would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** The clock of the operating system. A pending timer keeps the process alive: who sets one cancels it. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    let left = delayMs
    const arm = (): NodeJS.Timeout => {
      const step = Math.min(left, TIMER_MS_MAX)
      left -= step
      return setTimeout(() => {
        if (left > 0) timer = arm()
        else task()
      }, step)
    }
    let timer = arm()
    return () => clearTimeout(timer)
  },
}
