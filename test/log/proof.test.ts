import assert from 'node:assert/strict'
import fc from 'fast-check'
import { leafHash, rootOfLeaves } from '../../src/log/merkle.ts'
import {
  consistencyRoots,
  pathLength,
  rootFromInclusion,
  verifyConsistency,
  verifyInclusion,
} from '../../src/log/proof.ts'
import { hex, leaves, naiveConsistency, naivePath, sha256, unhex } from './fixtures.ts'

const HASHES = leaves(300)
const ROOTS = Array.from({ length: 301 }, (_, size) => rootOfLeaves(HASHES.slice(0, size), sha256))
const rootOf = (size: number): Uint8Array => ROOTS[size] as Uint8Array
const leafAt = (index: number): Uint8Array => HASHES[index] as Uint8Array
const flipped = (bytes: Uint8Array, bit = 0): Uint8Array =>
  bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))

/** Every way in which a proof of this form may be damaged, by position. */
function damaged(proof: readonly Uint8Array[], at: number, bit: number): Uint8Array[][] {
  const i = proof.length === 0 ? 0 : at % proof.length
  const changes = [
    [...proof, new Uint8Array(32)],
    [new Uint8Array(32), ...proof],
  ]
  if (proof.length === 0) return changes
  const step = proof[i] as Uint8Array
  changes.push(proof.slice(0, -1), proof.slice(1), proof.with(i, flipped(step, bit)), proof.with(i, step.slice(1)))
  if (proof.length > 1) changes.push(proof.toReversed())
  return changes
}

describe('inclusion proofs', () => {
  it('lead from the reference tree to its root', () => {
    const path = [
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
      '5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e',
      '6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4',
    ].map(unhex)
    const root = rootFromInclusion(leafHash(new Uint8Array(0), sha256), 0, 8, path, sha256)
    assert.equal(hex(root as Uint8Array), '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328')
  })

  it('hold for every leaf of every size up to 40 and around 256', () => {
    const sizes = [...Array(41).keys(), 127, 128, 129, 255, 256, 257, 300]
    for (const size of sizes) {
      const step = size > 40 ? 7 : 1
      for (let index = 0; index < size; index += step) {
        const path = naivePath(index, HASHES.slice(0, size))
        assert.equal(pathLength(index, size), path.length, `${index} of ${size}`)
        assert.ok(verifyInclusion(leafAt(index), index, size, path, rootOf(size), sha256), `${index} of ${size}`)
      }
    }
  })

  it('are refused after any damage, and for another leaf, index or root', () => {
    const cases = fc.tuple(fc.integer({ min: 1, max: 300 }), fc.nat(), fc.nat(20), fc.nat(255))
    fc.assert(
      fc.property(cases, ([size, n, at, bit]) => {
        const index = n % size
        const path = naivePath(index, HASHES.slice(0, size))
        const refused = (i: number, leaf: Uint8Array, proof: Uint8Array[], root: Uint8Array): void =>
          assert.equal(verifyInclusion(leaf, i, size, proof, root, sha256), false)
        for (const proof of damaged(path, at, bit)) refused(index, leafAt(index), proof, rootOf(size))
        refused(index, flipped(leafAt(index), bit), path, rootOf(size))
        refused(index, leafAt(index), path, flipped(rootOf(size), bit))
        refused(index + 1, leafAt(index), path, rootOf(size))
        refused(index - 1, leafAt(index), path, rootOf(size))
      }),
      { numRuns: 200 },
    )
  })

  it('know no leaf outside the tree and no size that is not an integer below 2^53', () => {
    for (const [index, size] of [
      [0, 0],
      [5, 5],
      [6, 5],
      [-1, 5],
      [0.5, 5],
      [0, 2 ** 53],
      [Number.NaN, 5],
      [0, -1],
    ] as const) {
      assert.equal(pathLength(index, size), undefined, `${index} of ${size}`)
      assert.equal(rootFromInclusion(leafAt(0), index, size, [], sha256), undefined)
    }
    assert.equal(pathLength(0, 2 ** 53 - 1), 53)
    assert.equal(pathLength(2 ** 53 - 2, 2 ** 53 - 1), 52)
    assert.equal(pathLength(2 ** 52, 2 ** 52 + 1), 1)
  })
})

describe('consistency proofs', () => {
  it('hold between all sizes up to 40 and around 256', () => {
    const sizes = [...Array(41).keys(), 127, 128, 129, 255, 256, 257, 300]
    for (const to of sizes) {
      for (const from of sizes.filter(size => size <= to && (to <= 40 || size % 3 === 0 || size > 120))) {
        const proof = from === 0 ? [] : naiveConsistency(from, HASHES.slice(0, to))
        assert.ok(verifyConsistency(from, rootOf(from), to, rootOf(to), proof, sha256), `${from} to ${to}`)
      }
    }
  })

  it('are refused after any damage and for other roots or sizes', () => {
    const cases = fc.tuple(fc.integer({ min: 2, max: 300 }), fc.nat(), fc.nat(20), fc.nat(255))
    fc.assert(
      fc.property(cases, ([to, n, at, bit]) => {
        const from = 1 + (n % (to - 1))
        const proof = naiveConsistency(from, HASHES.slice(0, to))
        const refused = (n1: number, r1: Uint8Array, n2: number, r2: Uint8Array, steps: Uint8Array[]): void =>
          assert.equal(verifyConsistency(n1, r1, n2, r2, steps, sha256), false)
        for (const steps of damaged(proof, at, bit)) refused(from, rootOf(from), to, rootOf(to), steps)
        refused(from, flipped(rootOf(from), bit), to, rootOf(to), proof)
        refused(from, rootOf(from), to, flipped(rootOf(to), bit), proof)
        refused(from - 1, rootOf(from), to, rootOf(to), proof)
        refused(to, rootOf(to), from, rootOf(from), proof)
      }),
      { numRuns: 200 },
    )
  })

  it('between equal sizes are empty and need equal roots', () => {
    assert.ok(verifyConsistency(7, rootOf(7), 7, rootOf(7), [], sha256))
    assert.equal(verifyConsistency(7, rootOf(7), 7, rootOf(8), [], sha256), false)
    assert.equal(verifyConsistency(7, rootOf(7), 7, rootOf(7), [rootOf(7)], sha256), false)
  })

  it('from nothing are empty and start from the root of nothing', () => {
    assert.ok(verifyConsistency(0, rootOf(0), 9, rootOf(9), [], sha256))
    assert.ok(verifyConsistency(0, rootOf(0), 0, rootOf(0), [], sha256))
    assert.equal(verifyConsistency(0, rootOf(1), 9, rootOf(9), [], sha256), false)
    assert.equal(verifyConsistency(0, rootOf(1), 0, rootOf(1), [], sha256), false)
    assert.equal(verifyConsistency(0, rootOf(0), 9, rootOf(9), [rootOf(9)], sha256), false)
  })

  it('commit to a first root of their own unless the first size is a power of two', () => {
    for (const [from, to] of [
      [3, 7],
      [6, 8],
      [5, 300],
      [255, 256],
    ] as const) {
      const roots = consistencyRoots(from, rootOf(1), to, naiveConsistency(from, HASHES.slice(0, to)), sha256)
      assert.deepEqual([roots?.from, roots?.to], [rootOf(from), rootOf(to)])
    }
    const roots = consistencyRoots(4, rootOf(4), 7, naiveConsistency(4, HASHES.slice(0, 7)), sha256)
    assert.deepEqual([roots?.from, roots?.to], [rootOf(4), rootOf(7)])
    assert.equal(consistencyRoots(7, rootOf(7), 7, [], sha256), undefined)
  })
})
