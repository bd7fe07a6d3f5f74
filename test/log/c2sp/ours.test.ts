import assert from 'node:assert/strict'
import {
  LetterWitness,
  letterEntries,
  letterKey,
  letterLeaf,
  letterNote,
  letterProof,
  letterRoot,
  letterSigned,
} from '../../support/tlog-by-the-letter.ts'
import { loadVectors, type Vector } from '../../support/vector-files.ts'
import { unhex } from '../fixtures.ts'

interface OurVector extends Vector {
  readonly log: string
  readonly cosigners: readonly string[]
  readonly note: string
  readonly leaves: readonly string[]
  readonly proof: string
  readonly index: number
  readonly entry: string
  readonly request: string
  readonly tile: string
  readonly bundle?: string
}

/** The other direction: frozen bytes of ours under the rules of C2SP, with nothing of `src/`. */
describe('our log by the letter of C2SP', () => {
  const vectors = loadVectors<OurVector>('c2sp/ours.json')
  const tagged = (tag: string) => vectors.filter(({ tags }) => tags.includes(tag))

  for (const { cosigners, id, leaves, log, note } of tagged('checkpoint'))
    it(`${id} is signed by the log and every cosigner, over the root of its leaves`, () => {
      const read = letterNote(note)
      assert.equal(letterSigned(read, letterKey(log)), true)
      for (const vkey of cosigners) assert.equal(typeof letterSigned(read, letterKey(vkey)), 'number')
      assert.equal(read.lines.length, cosigners.length + 1)
      assert.equal(read.size, leaves.length)
      assert.deepEqual(Buffer.from(letterRoot(leaves.map(unhex))), read.root)
      const other = letterNote(note.replace(`\n${read.size}\n`, `\n${read.size + 1}\n`))
      for (const vkey of [log, ...cosigners]) assert.equal(letterSigned(other, letterKey(vkey)), false)
    })

  for (const { cosigners, entry, id, index, log, proof } of tagged('tlog-proof'))
    it(`${id} proves its entry`, () => {
      const read = letterProof(proof)
      assert.deepEqual([read.index, read.entry.toString()], [index, entry])
      for (const vkey of [log, ...cosigners]) assert.ok(letterSigned(read.note, letterKey(vkey)))
      const [header, extra, position, ...rest] = proof.split('\n')
      assert.throws(() => letterProof([header, extra, `index ${index + 1}`, ...rest].join('\n')))
      assert.throws(() =>
        letterProof([header, `extra ${Buffer.from('{}').toString('base64')}`, position, ...rest].join('\n')),
      )
    })

  it('requests are cosigned by a witness that goes by the letter, one after the other', () => {
    const witness = new LetterWitness('w', Buffer.alloc(32, 3), () => 1_760_000_000)
    const requests = tagged('add-checkpoint')
    witness.knows(requests[0]?.log ?? '')
    for (const { id, request } of requests) {
      const { body, status } = witness.answer(request)
      assert.equal(status, 200, `${id}: ${body}`)
      const cosigned = letterNote(`${letterNote(request.slice(request.indexOf('\n\n') + 2)).text}\n${body}`)
      assert.equal(letterSigned(cosigned, letterKey(witness.vkey)), 1_760_000_000)
    }
    assert.equal(witness.answer(requests[1]?.request ?? '').status, 409)
  })

  it('bundles hold the entries whose hashes are in the tile', () => {
    for (const { bundle, tile } of tagged('tile')) {
      if (bundle === undefined) continue
      const leaves = letterEntries(Buffer.from(bundle, 'hex')).map(letterLeaf)
      assert.equal(Buffer.concat(leaves).toString('hex'), tile)
    }
  })
})
