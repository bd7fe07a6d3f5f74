import assert from 'node:assert/strict'
import fc from 'fast-check'
import { leafHash, nodeHash, rootOfLeaves } from '../../src/log/merkle.ts'
import { verifyConsistency, verifyInclusion } from '../../src/log/proof.ts'
import {
  consistencyProof,
  consistencyTiles,
  inclusionProof,
  inclusionTiles,
  rootAt,
  rootTiles,
  type TileId,
  TreeEdge,
} from '../../src/log/tiles.ts'
import { hex, leaf, leaves, naiveConsistency, naivePath, naiveRoot, nameOf, sha256, TileMap } from './fixtures.ts'

const hexes = (hashes: readonly Uint8Array[] | undefined): string[] | undefined => hashes?.map(hex)

describe('tree edge', () => {
  const all = leaves(1400)
  const groups = fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 600 })), { maxLength: 8 })

  it('after any appends has the naive root and tiles, and equals the edge loaded from them', () => {
    fc.assert(
      fc.property(groups, sizes => {
        const tiles = new TileMap()
        const edge = TreeEdge.empty(sha256)
        for (const count of sizes) {
          const next = all.slice(edge.size, edge.size + count)
          const loaded = TreeEdge.load(edge.size, tiles.only(TreeEdge.tilesNeeded(edge.size)), sha256)
          const writes = edge.append(next)
          assert.equal(new Set(writes.map(write => nameOf(write.tile))).size, writes.length, 'each tile once')
          assert.deepEqual(loaded?.append(next), writes)
          tiles.write(writes)
          assert.equal(hex(loaded?.root() ?? new Uint8Array(0)), hex(edge.root()))
          assert.equal(hex(edge.root()), hex(rootOfLeaves(all.slice(0, edge.size), sha256)))
        }
        const size = edge.size
        for (let level = 0, width = 1; width <= size; level++, width *= 256) {
          const nodes = Array.from({ length: Math.floor(size / width) }, (_, i) =>
            rootOfLeaves(all.slice(i * width, (i + 1) * width), sha256),
          )
          for (let index = 0; index * 256 < nodes.length; index++) {
            const expected = Buffer.concat(nodes.slice(index * 256, (index + 1) * 256))
            assert.equal(
              hex(tiles.read({ level, index }) ?? new Uint8Array(0)),
              hex(expected),
              `tile ${level}/${index}`,
            )
          }
        }
      }),
      { numRuns: 20 },
    )
  })

  it('hands out bytes that later appends do not change, and clones apart', () => {
    const edge = TreeEdge.empty(sha256)
    const [write] = edge.append(all.slice(0, 3))
    const before = hex(write?.bytes ?? new Uint8Array(0))
    const root = hex(edge.root())
    const copy = edge.clone()
    copy.append(all.slice(3, 600))
    assert.equal(hex(write?.bytes ?? new Uint8Array(0)), before)
    assert.deepEqual([edge.size, hex(edge.root())], [3, root])
    edge.append(all.slice(3, 600))
    assert.equal(hex(edge.root()), hex(copy.root()))
    assert.deepEqual(edge.append(all.slice(600, 800)), copy.append(all.slice(600, 800)))
  })

  it('costs at most two hashes a leaf', () => {
    let count = 0
    const edge = TreeEdge.empty(bytes => {
      count += 1
      return sha256(bytes)
    })
    edge.append(all)
    assert.ok(count < all.length, `${count} hashes for ${all.length} leaf hashes`)
  })

  it('refuses what is no leaf hash and does not load from a damaged store', () => {
    assert.throws(() => TreeEdge.empty(sha256).append([new Uint8Array(31)]), RangeError)
    const tiles = new TileMap()
    tiles.write(TreeEdge.empty(sha256).append(all.slice(0, 300)))
    assert.equal(TreeEdge.load(301, tiles.read, sha256), undefined, 'tile too short')
    assert.equal(TreeEdge.load(70_000, tiles.read, sha256), undefined, 'tile missing')
    assert.equal(TreeEdge.load(-1, tiles.read, sha256), undefined)
    assert.equal(TreeEdge.load(2 ** 53, tiles.read, sha256), undefined)
    assert.deepEqual(TreeEdge.tilesNeeded(0), [])
    assert.deepEqual(TreeEdge.tilesNeeded(300), [
      { level: 1, index: 0 },
      { level: 0, index: 1 },
    ])
  })
})

describe('proofs from tiles', () => {
  const all = leaves(66_000)
  const tiles = new TileMap()
  before(() => tiles.write(TreeEdge.empty(sha256).append(all)))

  const inclusion = (index: number, size: number): Uint8Array[] | undefined =>
    inclusionProof(index, size, tiles.only(inclusionTiles(index, size)), sha256)
  const consistency = (from: number, to: number): Uint8Array[] | undefined =>
    consistencyProof(from, to, tiles.only(consistencyTiles(from, to)), sha256)
  const root = (size: number): Uint8Array => rootAt(size, tiles.only(rootTiles(size)), sha256) as Uint8Array

  it('are those of RFC 6962 for all positions up to 40 and around the borders of tiles', () => {
    for (const size of [...Array(41).keys(), 255, 256, 257, 300]) {
      const hashes = all.slice(0, size)
      assert.equal(hex(root(size)), hex(rootOfLeaves(hashes, sha256)))
      const positions =
        size <= 40 ? [...hashes.keys()] : [0, 1, 127, 128, 253, 254, 255, 256, size - 1].filter(i => i < size)
      for (const i of positions) {
        assert.deepEqual(hexes(inclusion(i, size)), hexes(naivePath(i, hashes)), `${i} of ${size}`)
        const proof = i === 0 ? [] : naiveConsistency(i, hashes)
        assert.deepEqual(hexes(consistency(i, size)), hexes(proof), `${i} to ${size}`)
      }
    }
    const hashes = all.slice(0, 65_537)
    const rootOf65536 = naiveRoot(hashes.slice(0, 65_536))
    assert.deepEqual(hexes(inclusion(65_536, 65_537)), [hex(rootOf65536)])
    assert.deepEqual(hexes(consistency(65_536, 65_537)), [hex(leaf(65_536))])
    assert.deepEqual(hexes(inclusion(65_535, 65_536)), hexes(naivePath(65_535, hashes.slice(0, 65_536))))
    assert.equal(hex(root(65_536)), hex(rootOf65536))
  })

  it('verify at random positions of a tree with three levels', () => {
    const border = fc.constantFrom(1, 2, 255, 256, 257, 511, 512, 513, 65_279, 65_280, 65_535, 65_536, 65_537, 66_000)
    const size = fc.oneof(border, fc.integer({ min: 1, max: 66_000 }))
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        assert.ok(verifyInclusion(leaf(from - 1), from - 1, to, inclusion(from - 1, to) ?? [], root(to), sha256))
        assert.ok(verifyConsistency(from, root(from), to, root(to), consistency(from, to) ?? [], sha256))
      }),
      { numRuns: 60 },
    )
  })

  it('need every tile that they name, and know no positions outside', () => {
    const without = (missing: TileId) => (tile: TileId) =>
      nameOf(tile) === nameOf(missing) ? undefined : tiles.read(tile)
    for (const tile of inclusionTiles(300, 66_000))
      assert.equal(inclusionProof(300, 66_000, without(tile), sha256), undefined)
    for (const tile of consistencyTiles(300, 66_000))
      assert.equal(consistencyProof(300, 66_000, without(tile), sha256), undefined)
    for (const tile of rootTiles(66_000)) assert.equal(rootAt(66_000, without(tile), sha256), undefined)
    assert.equal(inclusion(5, 5), undefined)
    assert.equal(inclusion(-1, 5), undefined)
    assert.equal(consistency(6, 5), undefined)
    assert.deepEqual(consistency(5, 5), [])
    assert.deepEqual(consistency(0, 5), [])
    assert.equal(rootAt(-1, tiles.read, sha256), undefined)
  })
})

describe('trees as large as numbers go', () => {
  /** All leaves alike, so one hash per level is the whole tree. */
  const same = leafHash(new Uint8Array(0), sha256)
  const heights = [same]
  for (let height = 1; height <= 53; height++) {
    const below = heights[height - 1] as Uint8Array
    heights.push(nodeHash(below, below, sha256))
  }
  const tiles = ({ level }: TileId): Uint8Array =>
    Buffer.concat(Array<Uint8Array>(256).fill(heights[level * 8] as Uint8Array))
  const size = fc.oneof(
    fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    fc.integer({ min: 31, max: 52 }).chain(bits => fc.integer({ min: 2 ** bits - 2, max: 2 ** bits + 2 })),
    fc.integer({ min: Number.MAX_SAFE_INTEGER - 600, max: Number.MAX_SAFE_INTEGER }),
  )

  it('have proofs that verify', () => {
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        const root = (n: number): Uint8Array => rootAt(n, tiles, sha256) as Uint8Array
        assert.ok(
          verifyInclusion(same, from - 1, to, inclusionProof(from - 1, to, tiles, sha256) ?? [], root(to), sha256),
        )
        assert.ok(
          verifyConsistency(from, root(from), to, root(to), consistencyProof(from, to, tiles, sha256) ?? [], sha256),
        )
      }),
      { numRuns: 25 },
    )
  })

  it('grow at their edge', () => {
    for (const start of [2 ** 32 - 3, 2 ** 48 - 300, Number.MAX_SAFE_INTEGER - 600]) {
      const edge = TreeEdge.load(start, tiles, sha256)
      for (const { tile, bytes } of edge?.append(Array<Uint8Array>(500).fill(same)) ?? []) {
        assert.equal(hex(bytes), hex(tiles(tile).subarray(0, bytes.length)), nameOf(tile))
      }
      assert.equal(hex(edge?.root() ?? new Uint8Array(0)), hex(rootAt(start + 500, tiles, sha256) ?? new Uint8Array(0)))
    }
  })
})
