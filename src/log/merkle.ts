import { compare } from 'uint8arrays/compare'
import type { Sha256 } from '../ports.ts'

/** Bytes of a hash: every node of the tree and every step of a proof has exactly these. */
export const HASH_BYTES = 32

/** Filled anew for each hash, as memory is dearer than hashing: a synchronous function keeps no hold on it. */
const leafMessage = new Uint8Array(4096)
const nodeMessage = new Uint8Array(1 + 2 * HASH_BYTES).fill(1, 0, 1)

/** SHA-256(0x00 ‖ bytes): the hash of one entry (RFC 6962, 2.1). */
export function leafHash(bytes: Uint8Array, sha256: Sha256): Uint8Array {
  const length = 1 + bytes.length
  const message = length > leafMessage.length ? new Uint8Array(length) : leafMessage.subarray(0, length)
  message.set(bytes, 1)
  return sha256(message)
}

/** SHA-256(0x01 ‖ left ‖ right): the hash of two 32-byte subtrees (RFC 6962, 2.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array, sha256: Sha256): Uint8Array {
  nodeMessage.set(left, 1)
  nodeMessage.set(right, 1 + HASH_BYTES)
  return sha256(nodeMessage)
}

/** Root of the tree over 32-byte leaf hashes; of none, SHA-256 of nothing (RFC 6962, 2.1). One hash per leaf. */
export function rootOfLeaves(leafHashes: readonly Uint8Array[], sha256: Sha256): Uint8Array {
  const stack: Uint8Array[] = []
  let size = 0
  for (const leaf of leafHashes) {
    pushLeaf(stack, size, leaf, sha256)
    size += 1
  }
  return rootOfStack(stack, sha256)
}

/**
 * Adds a subtree to a stack of complete ones, largest first (one per set bit of `count`, the number pushed before).
 * `onNode` sees each node that becomes complete, with its height above what is pushed.
 */
export function pushLeaf(
  stack: Uint8Array[],
  count: number,
  leaf: Uint8Array,
  sha256: Sha256,
  onNode?: (height: number, node: Uint8Array) => void,
): void {
  let node = leaf
  let height = 0
  for (let rest = count; rest % 2 === 1; rest = (rest - 1) / 2) {
    node = nodeHash(stack.pop() as Uint8Array, node, sha256)
    height += 1
    onNode?.(height, node)
  }
  stack.push(node)
}

/** Root over complete subtrees, largest first. */
export function rootOfStack(stack: readonly Uint8Array[], sha256: Sha256): Uint8Array {
  return stack.length === 0
    ? sha256(new Uint8Array(0))
    : stack.reduceRight((root, node) => nodeHash(node, root, sha256))
}

export function sameHash(a: Uint8Array, b: Uint8Array): boolean {
  return compare(a, b) === 0
}
