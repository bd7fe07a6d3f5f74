import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { leafHash, nodeHash, rootOfLeaves } from '../../src/log/merkle.ts'
import { TreeEdge } from '../../src/log/tiles.ts'
import { hex, leaf, leaves, naiveRoot, sha256, unhex } from './fixtures.ts'

/** The reference tree of Certificate Transparency (google/certificate-transparency, merkletree/merkle_tree_test.cc). */
const INPUTS = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f']
const ROOTS = [
  'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
]
/** SHA-256 over the roots of sizes 0 to 1000, one after the other. Frozen: a change here is a change of the protocol. */
const ACCUMULATED = 'ef17ddc731a571c00cbc198726d12e9e55c3e52ace90e30b17564142bf219bcb'

describe('merkle tree', () => {
  it('has the roots of the reference tree at every size', () => {
    const hashes = INPUTS.map(input => leafHash(unhex(input), sha256))
    const edge = TreeEdge.empty(sha256)
    for (const [size, root] of ROOTS.entries()) {
      assert.equal(hex(rootOfLeaves(hashes.slice(0, size), sha256)), root, `size ${size}`)
      assert.equal(hex(edge.root()), root, `edge of size ${size}`)
      edge.append(hashes.slice(size, size + 1))
    }
  })

  it('separates leaves from nodes', () => {
    const [a, b] = [leaf(1), leaf(2)]
    assert.notEqual(hex(nodeHash(a, b, sha256)), hex(leafHash(Uint8Array.of(...a, ...b), sha256)))
    assert.equal(hex(leafHash(new Uint8Array(0), sha256)), hex(sha256(Uint8Array.of(0))))
    assert.equal(hex(nodeHash(a, b, sha256)), hex(sha256(Uint8Array.of(1, ...a, ...b))))
  })

  it('agrees with RFC 6962 by the letter', () => {
    for (const size of [0, 1, 2, 3, 31, 32, 33, 255, 256, 257, 300]) {
      assert.equal(hex(rootOfLeaves(leaves(size), sha256)), hex(naiveRoot(leaves(size))), `size ${size}`)
    }
  })

  it('has the accumulated hash of roots 0 to 1000', () => {
    const all = createHash('sha256')
    const edge = TreeEdge.empty(sha256)
    for (let size = 0; size <= 1000; size++) {
      all.update(edge.root())
      edge.append([leaf(size)])
    }
    assert.equal(all.digest('hex'), ACCUMULATED)
  })
})
