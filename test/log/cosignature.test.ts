import assert from 'node:assert/strict'
import { utf8Decode } from '../../src/canonical.ts'
import {
  addCosignatures,
  cosignatureMessage,
  countQuorum,
  findCosignatures,
  makeCosignatureLine,
  validCosigners,
  witnessName,
} from '../../src/log/cosignature.ts'
import { formatNote, keyId, type Note, type NoteSignature, parseNote } from '../../src/log/note.ts'
import { verifyPortable } from '../../src/noble-verify.ts'
import { cosignatureOf, hex, leaves, naiveRoot, sha256, signedNote, testKey } from './fixtures.ts'

const ORIGIN = 'web4/demo-abcdefghijklmnopqrstuvwxyz'
const NOTE = signedNote(ORIGIN, 5, naiveRoot(leaves(5)), testKey(1))
const [A, B, C] = [testKey(11), testKey(12), testKey(13)]
const TIME = 1_700_000_000
const GOLDEN_LINE = `
— web4/witness/z6MkmNL6xksdEJENGk9Z1qqGsY5njKQdjU1UhnUEUvWyQUVX H5cOuAAAAABlU/EAv0/zWt3WKRI/+KqsmdolvrzWM1TFjrTbmJNtcOJHugX0/AdU6aclNMCShVUET6slD5DDeXmEvmtNouAtp2GdCw==
`

const withLines = (...lines: NoteSignature[]): Note => ({ ...NOTE, signatures: [...NOTE.signatures, ...lines] })
const cosigners = (note: Note) => validCosigners(note, verifyPortable, sha256)

describe('cosignature', () => {
  it('has its golden bytes', () => {
    assert.equal(utf8Decode(cosignatureMessage(NOTE.text, TIME)), `cosignature/v1\ntime 1700000000\n${NOTE.text}`)
    const line = cosignatureOf(NOTE, TIME, A)
    assert.equal(line.name, `web4/witness/${A.text}`)
    assert.equal(hex(line.signature.subarray(0, 8)), '000000006553f100')
    assert.equal(line.signature.length, 72)
    const text = formatNote({ text: '', signatures: [line] })
    assert.equal(text, GOLDEN_LINE)
  })

  it('is found again in the parsed note, and nothing else is', () => {
    const line = cosignatureOf(NOTE, TIME, A)
    const strange: NoteSignature[] = [
      { ...line, name: 'example.com/witness' },
      { ...line, name: witnessName(B.text) },
      { ...line, name: witnessName('z6MkNoKey') },
      { ...line, keyId: keyId(line.name, 0x01, A.raw, sha256) },
      { ...line, signature: line.signature.subarray(1) },
      { ...line, signature: new Uint8Array(72).fill(0xff) },
    ]
    const note = parseNote(formatNote(withLines(...strange, line)))
    assert.ok(note.ok)
    const found = findCosignatures(note.value, sha256)
    assert.deepEqual(found, [{ key: A.text, time: TIME, signature: line.signature.slice(8), line }])
  })

  it('is not made of what no witness can have signed', () => {
    const signature = new Uint8Array(64)
    assert.throws(() => makeCosignatureLine('z6MkNoKey', TIME, signature, sha256), RangeError)
    assert.throws(() => makeCosignatureLine(A.text, TIME, signature.subarray(1), sha256), RangeError)
    for (const time of [-1, 0.5, 2 ** 53])
      assert.throws(() => makeCosignatureLine(A.text, time, signature, sha256), RangeError)
  })
})

describe('adding cosignatures', () => {
  it('sorts witnesses by name behind the log signature and keeps the newest of each', () => {
    const [old, newer, other, third] = [
      cosignatureOf(NOTE, TIME, A),
      cosignatureOf(NOTE, TIME + 600, A),
      cosignatureOf(NOTE, TIME, B),
      cosignatureOf(NOTE, TIME, C),
    ]
    const note = addCosignatures(withLines(third, old), [other, newer, other])
    const witnesses = [newer, other, third].sort((a, b) => (a.name < b.name ? -1 : 1))
    assert.deepEqual(note.signatures, [...NOTE.signatures, ...witnesses])
    assert.deepEqual(addCosignatures(note, [old, third]), note, 'older and known lines change nothing')
    assert.ok(parseNote(formatNote(note)).ok)
  })
})

describe('counting cosigners', () => {
  const forged = (key: typeof A): NoteSignature =>
    makeCosignatureLine(key.text, TIME + 1, cosignatureOf(NOTE, TIME, key).signature.slice(8), sha256)

  it('takes valid ones only, each key once with its newest valid time', () => {
    const note = withLines(
      cosignatureOf(NOTE, TIME, A),
      cosignatureOf(NOTE, TIME - 5, A),
      forged(A),
      forged(B),
      cosignatureOf(NOTE, TIME, C),
    )
    const expected = [A, C].map(({ text }) => ({ key: text, time: TIME })).sort((a, b) => (a.key < b.key ? -1 : 1))
    assert.deepEqual(cosigners(note), expected)
    const other = signedNote(ORIGIN, 6, naiveRoot(leaves(6)), testKey(1))
    assert.deepEqual(cosigners({ ...other, signatures: note.signatures }), [], 'of another note')
  })

  it('counts a quorum among named witnesses and verifies nobody else', () => {
    const note = withLines(...[A, B, C].map(key => cosignatureOf(NOTE, TIME, key)))
    let verified = 0
    const verify: typeof verifyPortable = (...job) => {
      verified += 1
      return verifyPortable(...job)
    }
    assert.equal(countQuorum(note, [A.text, C.text, A.text, testKey(14).text], verify, sha256), 2)
    assert.equal(verified, 2)
    assert.equal(countQuorum(note, [], verify, sha256), 0)
    assert.equal(countQuorum(withLines(forged(A)), [A.text], verify, sha256), 0)
  })
})
