import assert from 'node:assert/strict'
import { verifySync } from '../../../node/crypto/sodium.ts'
import { utf8Decode } from '../../../src/canonical.ts'
import { isSignedBy, parseSignedCheckpoint, parseSignedNote } from '../../../src/log/c2sp/signed-checkpoint.ts'
import { formatTilePath, leavesNeeded, parseTilePath, type TilePath } from '../../../src/log/c2sp/tile-path.ts'
import { formatTlogProof, parseTlogProof } from '../../../src/log/c2sp/tlog-proof.ts'
import { formatVerifierKey, parseVerifierKey, type VerifierKey } from '../../../src/log/c2sp/verifier-key.ts'
import { formatNote, parseNote, type VerifySync } from '../../../src/log/note.ts'
import { verifyConsistency, verifyInclusion } from '../../../src/log/proof.ts'
import { verifyPortable } from '../../../src/noble-verify.ts'
import { loadVectors, type Vector } from '../../support/vector-files.ts'
import { sha256, signedNote, testKey, unhex } from '../fixtures.ts'

/** Data that other implementations publish; test/vectors/c2sp/README.md says whose. What they accept and refuse, this does. */
const backends: Readonly<Record<string, VerifySync>> = { libsodium: verifySync, portable: verifyPortable }
const isValid = ({ tags }: Vector) => tags.includes('valid')
const keyOf = (vkey: string): VerifierKey => {
  const key = parseVerifierKey(vkey, sha256)
  assert.ok(key, vkey)
  return key
}

interface InclusionVector extends Vector {
  readonly index: string
  readonly size: string
  readonly leaf: string
  readonly root: string
  readonly proof: readonly string[]
}
interface ConsistencyVector extends Vector {
  readonly size1: string
  readonly size2: string
  readonly root1: string
  readonly root2: string
  readonly proof: readonly string[]
}
interface KeyVector extends Vector {
  readonly vkey: string
}
interface NoteVector extends Vector {
  readonly note?: string
  readonly hex?: string
  readonly vkeys: readonly string[]
}
interface ProofVector extends Vector {
  readonly proof?: string
  readonly head?: string
  readonly index: number
  readonly extra?: string
  readonly path: readonly string[]
}
type TileVector = Vector & TilePath & { readonly path: string }

describe('published data of other C2SP implementations', () => {
  for (const vector of loadVectors<InclusionVector>('c2sp/merkle-inclusion.json'))
    it(`${vector.id} ${isValid(vector) ? 'holds' : 'does not hold'}`, () => {
      const { index, leaf, proof, root, size } = vector
      const holds = verifyInclusion(unhex(leaf), Number(index), Number(size), proof.map(unhex), unhex(root), sha256)
      assert.equal(holds, isValid(vector))
    })

  for (const vector of loadVectors<ConsistencyVector>('c2sp/merkle-consistency.json'))
    it(`${vector.id} ${isValid(vector) ? 'holds' : 'does not hold'}`, () => {
      const { proof, root1, root2, size1, size2 } = vector
      const [from, to] = [unhex(root1), unhex(root2)]
      assert.equal(verifyConsistency(Number(size1), from, Number(size2), to, proof.map(unhex), sha256), isValid(vector))
    })

  it('verifier keys', () => {
    for (const vector of loadVectors<KeyVector>('c2sp/keys.json')) {
      const key = parseVerifierKey(vector.vkey, sha256)
      assert.equal(key === undefined ? undefined : formatVerifierKey(key), isValid(vector) ? vector.vkey : undefined)
    }
  })

  it('no part of a verifier key is one, and none with a character changed', () => {
    const [{ vkey } = { vkey: '' }] = loadVectors<KeyVector>('c2sp/keys.json')
    for (let begin = 0; begin <= vkey.length; begin++)
      for (let end = begin + 1; end <= vkey.length; end++) {
        const isWhole = begin === 0 && end === vkey.length
        assert.equal(parseVerifierKey(vkey.slice(begin, end), sha256) !== undefined, isWhole)
      }
    for (let i = 0; i < vkey.length; i++) {
      const changed = vkey.slice(0, i) + String.fromCharCode(vkey.charCodeAt(i) + 1) + vkey.slice(i + 1)
      assert.equal(parseVerifierKey(changed, sha256), undefined, changed)
    }
  })

  for (const [backend, verify] of Object.entries(backends))
    it(`signed notes and checkpoints on ${backend}`, () => {
      for (const vector of loadVectors<NoteVector>('c2sp/notes.json')) {
        const text = vector.note ?? utf8Decode(unhex(vector.hex ?? ''))
        const note = text === undefined ? undefined : parseSignedNote(text)
        assert.equal(note?.ok === true, !vector.tags.includes('malformed'), vector.id)
        if (text === undefined || note?.ok !== true) continue
        assert.equal(isSignedBy(note.value, vector.vkeys.map(keyOf), verify), isValid(vector), vector.id)
        assert.equal(parseSignedCheckpoint(text).ok, vector.tags.includes('checkpoint'), vector.id)
      }
    })

  it('texts of tlog-proofs', () => {
    const note = signedNote('example.com/log', 20, sha256(new Uint8Array(0)), testKey(1))
    for (const vector of loadVectors<ProofVector>('c2sp/tlog-proofs.json')) {
      const { extra, head, index, path, proof } = vector
      if (head === undefined) {
        const parsed = parseTlogProof(proof ?? '')
        assert.equal(parsed.ok ? undefined : parsed.error.code, vector.code, vector.id)
        continue
      }
      const bytes = {
        ...(extra === undefined ? {} : { extra: new Uint8Array(Buffer.from(extra, 'base64')) }),
        index,
        note,
        path: path.map(hash => new Uint8Array(Buffer.from(hash, 'base64'))),
      }
      const text = head + formatNote(note)
      assert.equal(formatTlogProof(bytes), text)
      assert.deepEqual(parseTlogProof(text), { ok: true, value: bytes })
    }
  })

  it('names of tiles', () => {
    for (const vector of loadVectors<TileVector>('c2sp/tile-paths.json')) {
      const { index, level, path, width } = vector
      const tile = isValid(vector) ? { level, index, width } : undefined
      assert.deepEqual(parseTilePath(path), tile, path)
      if (tile === undefined) continue
      assert.equal(formatTilePath(tile), path)
      if (vector.tags.includes('70000')) assert.ok((leavesNeeded(tile) ?? Number.POSITIVE_INFINITY) <= 70_000, path)
    }
  })

  it('is stricter only where it says so: the examples of public logs are no notes of ours', () => {
    const outside = loadVectors<NoteVector>('c2sp/notes.json').filter(({ tags }) => tags.includes('checkpoint'))
    const ours = outside.filter(({ note }) => note !== undefined && parseNote(note).ok)
    // The Go checksum database has spaces in its origin.
    assert.deepEqual(
      ours.map(({ id }) => id),
      ['public-log', 'public-witness', 'public-size', 'public-size-log', 'specification'],
    )
  })
})
