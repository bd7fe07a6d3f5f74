import { utf8Encode } from '../canonical.ts'
import { leafHash, pushLeaf, rootOfStack } from '../log/merkle.ts'
import type { Sha256 } from '../ports.ts'

/** Pairs in one leaf: a newcomer fetches and checks a snapshot chunk by chunk. */
export const CHUNK_PAIRS = 4_096

/**
 * Digest of a society's state: the RFC 6962 root over chunks of 4 096 key-value pairs in byte order of the keys. A pair is
 * u32 big-endian key length ‖ key ‖ u32 value length ‖ value; a leaf is its pairs one after another.
 */
export class StateDigester {
  readonly #sha256: Sha256
  readonly #stack: Uint8Array[] = []
  #chunk: Uint8Array[] = []
  #chunks = 0
  #keys = 0

  constructor(sha256: Sha256) {
    this.#sha256 = sha256
  }

  get keys(): number {
    return this.#keys
  }

  /** Keys must come in ascending byte order. */
  add(key: string, value: Uint8Array): void {
    const name = utf8Encode(key)
    const pair = new Uint8Array(8 + name.length + value.length)
    const view = new DataView(pair.buffer)
    view.setUint32(0, name.length)
    pair.set(name, 4)
    view.setUint32(4 + name.length, value.length)
    pair.set(value, 8 + name.length)
    this.#chunk.push(pair)
    this.#keys++
    if (this.#chunk.length === CHUNK_PAIRS) this.#closeChunk()
  }

  digest(): Uint8Array {
    if (this.#chunk.length > 0) this.#closeChunk()
    return rootOfStack(this.#stack, this.#sha256)
  }

  #closeChunk(): void {
    const bytes = new Uint8Array(this.#chunk.reduce((sum, pair) => sum + pair.length, 0))
    let offset = 0
    for (const pair of this.#chunk) {
      bytes.set(pair, offset)
      offset += pair.length
    }
    pushLeaf(this.#stack, this.#chunks, leafHash(bytes, this.#sha256), this.#sha256)
    this.#chunks++
    this.#chunk = []
  }
}

export function stateDigest(
  pairs: Iterable<readonly [key: string, value: Uint8Array]>,
  sha256: Sha256,
): { readonly digest: Uint8Array; readonly keys: number } {
  const digester = new StateDigester(sha256)
  for (const [key, value] of pairs) digester.add(key, value)
  return { digest: digester.digest(), keys: digester.keys }
}
