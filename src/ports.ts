import type { EpochMs, KeyText } from './units.ts'

/** What the core needs from the world. `node` plugs real parts in, `sim` and tests plug theirs into the same driver. */

/** SHA-256, synchronous: 32 bytes. Passed in because browser and node have different ones. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array

export interface Clock {
  now(): EpochMs
  /** Runs `task` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, task: () => void): () => void
}

export interface Random {
  bytes(length: number): Uint8Array
}

/** Holds one private key. `sign` takes the whole message, domain line included. */
export interface Signer {
  readonly key: KeyText
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** The society keys that this process holds. Which of them signs, the log says: the one in force there. */
export interface SocietyKeys {
  /** Undefined when that key is not held. */
  signerFor(key: KeyText): Signer | undefined
  /** For people who have to see which ones are held. */
  readonly held: readonly KeyText[]
}

/** One signature to check, all three in raw bytes. Lengths may be hostile. */
export interface SignatureJob {
  readonly key: Uint8Array
  readonly signature: Uint8Array
  readonly message: Uint8Array
}

/** Checks signatures by the one rule (docs/protocol.md, Signatures). Results stand in the order of the jobs. */
export interface Verifier {
  verify(jobs: readonly SignatureJob[]): Promise<readonly boolean[]>
}

export type StoreOp =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

export interface StoreRange {
  readonly gte: string
  readonly lt: string
  readonly reverse?: boolean
  readonly limit?: number
}

export interface StoreReader {
  /** Values in the order of the keys; undefined where there is none. */
  getMany(keys: readonly string[]): Promise<readonly (Uint8Array | undefined)[]>
  /** Pairs in byte order of the (ASCII) keys. */
  range(range: StoreRange): AsyncIterable<readonly [key: string, value: Uint8Array]>
}

export interface StoreSnapshot extends StoreReader {
  close(): Promise<void>
}

export interface StoreBatchOptions {
  /** True: durable against power loss when the promise resolves. */
  readonly sync: boolean
  /** Compare-and-set: each key must hold exactly this value (undefined: absent), or nothing is written. */
  readonly expect?: readonly (readonly [key: string, value: Uint8Array | undefined])[]
}

/** Ordered map of ASCII keys to bytes. Conformance: test/conformance/store.ts. */
export interface Store extends StoreReader {
  /** All or nothing; false when `expect` did not hold. Batches take effect in the order of the calls. */
  batch(ops: readonly StoreOp[], options: StoreBatchOptions): Promise<boolean>
  /** A consistent view of this moment. */
  snapshot(): Promise<StoreSnapshot>
  close(): Promise<void>
}
