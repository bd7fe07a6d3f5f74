import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import sodium from 'sodium-native'
import { keyPair, signSync, systemRandom } from '../../node/crypto/sodium.ts'
import { exportPkcs8 } from '../../node/keys/pkcs8.ts'
import { verifyPortable } from '../../src/noble-verify.ts'
import type { SignatureJob } from '../../src/ports.ts'

export const MESSAGE_BYTES = 256
export const OPERATIONS = ['sign', 'verify'] as const
export const BACKENDS = ['libsodium', 'openssl', 'noble'] as const
export type Operation = (typeof OPERATIONS)[number]
export type Backend = (typeof BACKENDS)[number]

/** Valid jobs with messages and keys of their own, so that nothing is measured from a warm cache. */
export function makeJobs(count: number): SignatureJob[] {
  return Array.from({ length: count }, () => {
    const { publicKey, secretKey } = keyPair(systemRandom.bytes(32))
    const message = systemRandom.bytes(MESSAGE_BYTES)
    return { key: publicKey, signature: signSync(secretKey, message), message }
  })
}

/** One operation of a backend at its best: keys prepared, no rule in front. Each call is one operation. */
export function prepare(backend: Backend, operation: Operation): () => void {
  const step = operation === 'sign' ? signer(backend) : verifier(backend)
  let i = 0
  return () => {
    if (!step(i++)) throw new Error(`${backend} cannot ${operation}`)
  }
}

function signer(backend: Backend): (i: number) => boolean {
  const seed = systemRandom.bytes(32)
  const messages = Array.from({ length: 64 }, () => systemRandom.bytes(MESSAGE_BYTES))
  const message = (i: number) => messages[i % messages.length] ?? seed
  if (backend === 'noble') return i => ed25519.sign(message(i), seed).length === 64
  const { secretKey } = keyPair(seed)
  if (backend === 'libsodium') return i => signSync(secretKey, message(i)).length === 64
  const key = createPrivateKey(exportPkcs8(seed))
  return i => sign(null, message(i), key).length === 64
}

function verifier(backend: Backend): (i: number) => boolean {
  const jobs = makeJobs(64).map(job => {
    const x = Buffer.from(job.key).toString('base64url')
    return { ...job, object: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }) }
  })
  const check: Record<Backend, (job: (typeof jobs)[number]) => boolean> = {
    libsodium: job => sodium.crypto_sign_verify_detached(job.signature, job.message, job.key),
    openssl: job => verify(null, job.message, job.object, job.signature),
    noble: job => verifyPortable(job.key, job.signature, job.message),
  }
  return i => {
    const job = jobs[i % jobs.length]
    return job !== undefined && check[backend](job)
  }
}

/** Operations per second of one thread, after a warm-up of a fifth of the time. */
export function rate(step: () => void, durationMs: number): number {
  count(step, durationMs / 5)
  return count(step, durationMs)
}

function count(step: () => void, durationMs: number): number {
  const start = performance.now()
  let done = 0
  let elapsedMs = 0
  do {
    // Looking at the clock costs too; four steps of the slowest backend take some 10 ms.
    for (let i = 0; i < 4; i++) step()
    done += 4
    elapsedMs = performance.now() - start
  } while (elapsedMs < durationMs)
  return (done * 1000) / elapsedMs
}
