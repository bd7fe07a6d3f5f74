import { sha256 } from '@noble/hashes/sha2.js'
import { verifyPortable } from '../noble-verify.ts'
import type { Rejection } from '../rejection.ts'
import type { Result } from '../result.ts'
import { type BundleVerdict, verifyBundle as verifyBundleWith } from './bundle.ts'

export type { BundleVerdict, Rejection, Result }

export interface VerifyOptions {
  /** The society that the bundle must be of. */
  readonly society?: string
  /** Witness keys (`z6Mk…`) that the reader knows: only these count, and a quorum of them is demanded. */
  readonly accept?: readonly string[]
}

/**
 * Checks a bundle with nothing but its bytes: no node, no network, no clock, no native code; it runs in a browser as well.
 * This is what the package exports as `web4-node/verify`, so its form is kept. Bad bytes are an answer, never an exception.
 */
export function verifyBundle(bytes: Uint8Array, options: VerifyOptions = {}): Result<BundleVerdict> {
  return verifyBundleWith(bytes, { ...options, verify: verifyPortable, sha256 })
}
