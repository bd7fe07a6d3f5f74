import type { Sha256 } from '../ports.ts'
import { HASH_BYTES, nodeHash, sameHash } from './merkle.ts'

/**
 * Verification of RFC 6962 proofs as RFC 9162, 2.1.3.2 and 2.1.4.2 spell it out, strictly: a proof has exactly the
 * number of steps that the sizes demand. Positions are halved, never shifted, so sizes up to 2^53−1 work.
 */
export type Proof = readonly Uint8Array[]

const half = (n: number): number => Math.floor(n / 2)

/** Steps of the inclusion proof of leaf `index` in a tree of `size` leaves; undefined when there is no such leaf. */
export function pathLength(index: number, size: number): number | undefined {
  if (!isPosition(index) || !isPosition(size) || index >= size) return undefined
  let steps = 0
  for (let node = index, last = size - 1; last > 0; node = half(node), last = half(last)) {
    if (node % 2 === 1 || node < last) steps += 1
  }
  return steps
}

/** The root that leaf hash, position and path lead to, or undefined when the path has not exactly the length demanded. */
export function rootFromInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  path: Proof,
  sha256: Sha256,
): Uint8Array | undefined {
  if (path.length !== pathLength(index, size) || !isHash(leaf) || !path.every(isHash)) return undefined
  const steps = path.values()
  let root = leaf
  for (let node = index, last = size - 1; last > 0; node = half(node), last = half(last)) {
    if (node % 2 === 1) root = nodeHash(steps.next().value as Uint8Array, root, sha256)
    else if (node < last) root = nodeHash(root, steps.next().value as Uint8Array, sha256)
  }
  return root
}

/** Whether `proof` shows that `leaf` (a leaf hash) stands at `index` in the tree of `size` leaves with this root. */
export function verifyInclusion(
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: Proof,
  root: Uint8Array,
  sha256: Sha256,
): boolean {
  const led = rootFromInclusion(leaf, index, size, proof, sha256)
  return led !== undefined && sameHash(led, root)
}

/** Roots that a consistency proof commits to. */
export interface ConsistencyRoots {
  readonly from: Uint8Array
  readonly to: Uint8Array
}

/**
 * The two roots that a consistency proof from size `from` ≥ 1 to size `to` > from leads to; undefined when its length is wrong.
 * Where `from` is a power of two the proof leaves out the first root: then it starts from `fromRoot`, and `from` of the
 * result is `fromRoot` itself. A proof that verifies from (n₁, r) with r ≠ a signed root of size n₁ is evidence of a fork.
 */
export function consistencyRoots(
  from: number,
  fromRoot: Uint8Array,
  to: number,
  proof: Proof,
  sha256: Sha256,
): ConsistencyRoots | undefined {
  if (!isPosition(from) || !isPosition(to) || from < 1 || from >= to) return undefined
  if (!isHash(fromRoot) || !proof.every(isHash)) return undefined
  let node = from - 1
  let last = to - 1
  for (; node % 2 === 1; node = half(node)) last = half(last)
  const steps = (node === 0 ? [fromRoot, ...proof] : proof).values()
  const seed = steps.next().value
  if (seed === undefined) return undefined
  let first = seed
  let second = seed
  for (const step of steps) {
    if (last === 0) return undefined
    if (node % 2 === 1 || node === last) {
      first = nodeHash(step, first, sha256)
      second = nodeHash(step, second, sha256)
      for (; node % 2 === 0 && node !== 0; node = half(node)) last = half(last)
    } else {
      second = nodeHash(second, step, sha256)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 ? { from: first, to: second } : undefined
}

/**
 * Whether the tree (from, fromRoot) is a prefix of (to, toRoot). Equal sizes need an empty proof and equal roots; from 0
 * only the empty tree's root and an empty proof will do, and lead to every tree.
 */
export function verifyConsistency(
  from: number,
  fromRoot: Uint8Array,
  to: number,
  toRoot: Uint8Array,
  proof: Proof,
  sha256: Sha256,
): boolean {
  if (!isPosition(from) || !isPosition(to) || !isHash(fromRoot) || !isHash(toRoot)) return false
  if (from === 0 && !sameHash(fromRoot, sha256(new Uint8Array(0)))) return false
  if (from === to) return proof.length === 0 && sameHash(fromRoot, toRoot)
  if (from === 0) return proof.length === 0
  const roots = consistencyRoots(from, fromRoot, to, proof, sha256)
  return roots !== undefined && sameHash(roots.from, fromRoot) && sameHash(roots.to, toRoot)
}

function isPosition(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === HASH_BYTES
}
