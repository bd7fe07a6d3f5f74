import assert from 'node:assert/strict'
import { fromBase64url, toBase64url } from '../../src/encoding.ts'
import { openEntry } from '../../src/ingest/open.ts'
import type { Sig } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { testHash } from '../support/entries.ts'
import { federation } from '../support/federation.ts'
import { changed, FROM, RECORD, refusal, SIG, signer } from '../support/good-record.ts'
import { identity, signRecord } from '../support/identity.ts'
import type { TestSociety } from '../support/society.ts'

const other = signRecord(RECORD, [identity('s0 bob')])[0] as Sig
const sorted = [SIG, other].sort((a, b) => (a.by < b.by ? -1 : 1))
/** A kind with exactly two signatures, of which any will do here. */
const ROTATION = { body: { key: identity('new').key, old: signer.key, overlap_ms: 0 }, kind: 'lct.rotate' }
const long = (length: number) => ({ ...SIG, sig: toBase64url(new Uint8Array(length).fill(7)) })
const node = testHash('node')
const batch = (index: number, size: number, steps: number) => ({ ...SIG, index, path: Array(steps).fill(node), size })
/** Bytes 1 and 31 zeros: the neutral element, whose signatures anybody can make. */
const SMALL_ORDER = 'z6MkeXATEjyXENzBXBxgC5EHk2JE5aqd7qMGGtDpLUH1e2Sj'

describe('bad signatures', () => {
  const defects: readonly [what: string, code: Code, sigs: unknown, changes?: Record<string, unknown>][] = [
    ['none', 'FORMAT_SCHEMA', []],
    ['33', 'FORMAT_SCHEMA', Array(33).fill(SIG)],
    ['no list', 'FORMAT_SCHEMA', SIG],
    ['without a key', 'FORMAT_SCHEMA', [{ sig: SIG.sig }]],
    ['a key in another form', 'FORMAT_SCHEMA', [{ ...SIG, by: `did:key:${SIG.by}` }]],
    ['a member more', 'FORMAT_UNKNOWN_FIELD', [{ ...SIG, at: 1 }]],
    ['a batch without a size', 'FORMAT_SCHEMA', [{ ...SIG, index: 0, path: [node] }]],
    ['a batch without a path', 'FORMAT_SCHEMA', [{ ...SIG, index: 0, size: 2 }]],
    ['an index alone', 'FORMAT_SCHEMA', [{ ...SIG, index: 0 }]],
    ['a batch of 1', 'FORMAT_SCHEMA', [batch(0, 1, 0)]],
    ['a batch of 65 537', 'FORMAT_SCHEMA', [batch(0, 65_537, 17)]],
    ['index 65 536', 'FORMAT_SCHEMA', [batch(65_536, 65_536, 16)]],
    ['63 bytes', 'SIGNATURE_LENGTH', [long(63)]],
    ['65 bytes', 'SIGNATURE_LENGTH', [long(65)]],
    ['64 bytes in another spelling', 'FORMAT_ENCODING', [{ ...SIG, sig: `${SIG.sig.slice(0, -1)}B` }]],
    ['64 bytes in another alphabet', 'FORMAT_ENCODING', [{ ...SIG, sig: `${'+'.repeat(85)}A` }]],
    ['two where the kind asks for one', 'SIGNATURE_COUNT', sorted],
    ['one where the kind asks for two', 'SIGNATURE_COUNT', [SIG], ROTATION],
    ['three where the kind asks for two', 'SIGNATURE_COUNT', [SIG, SIG, SIG], ROTATION],
    ['out of order', 'SIGNATURE_ORDER', sorted.toReversed(), ROTATION],
    ['one key twice', 'SIGNATURE_DUPLICATE', [SIG, SIG], ROTATION],
    ['a key that the rule forbids', 'SIGNATURE_KEY', [{ ...SIG, by: SMALL_ORDER }]],
    ['index = size', 'SIGNATURE_BATCH', [batch(5, 5, 1)]],
    ['a path too short', 'SIGNATURE_BATCH', [batch(3, 5, 2)]],
    ['a path too long', 'SIGNATURE_BATCH', [batch(3, 5, 4)]],
    ['the last of five with the path of the others', 'SIGNATURE_BATCH', [batch(4, 5, 3)]],
  ]
  for (const [what, code, sigs, changes = {}] of defects)
    it(`${what}: ${code}`, () => assert.equal(changed(changes, sigs), code))

  it('a key text that is no key: FORMAT_ENCODING', () => {
    for (const filler of ['1', 'z'])
      assert.equal(changed({}, [{ ...SIG, by: 'z6Mk'.padEnd(48, filler) }]), 'FORMAT_ENCODING')
  })

  it('batch paths of every length that fits are taken', () => {
    for (const [index, size, steps] of [
      [0, 2, 1],
      [1, 3, 2],
      [2, 3, 1],
      [4, 5, 1],
      [0, 65_536, 16],
      [65_535, 65_536, 16],
    ] as const) {
      assert.equal(changed({}, [batch(index, size, steps)]), undefined, `${index} of ${size}`)
    }
  })

  it('go by the order of the table of codes when several apply', () => {
    const forbidden = { ...SIG, by: SMALL_ORDER }
    const spelled = { ...SIG, sig: `${SIG.sig.slice(0, -1)}B` }
    const rows: readonly [code: Code, sigs: readonly unknown[], changes?: Record<string, unknown>][] = [
      ['UNKNOWN_KIND', [SIG, SIG], { kind: 'atp.dream' }],
      ['FORMAT_UNKNOWN_FIELD', [SIG, SIG, SIG], { 'body.surplus': 1 }],
      ['FORMAT_ENCODING', [spelled, spelled, SIG]],
      ['SIGNATURE_COUNT', [...sorted.toReversed(), SIG]],
      ['SIGNATURE_ORDER', sorted.toReversed().map(sig => ({ ...sig, sig: long(63).sig })), ROTATION],
      [
        'SIGNATURE_DUPLICATE',
        [
          { ...forbidden, sig: long(63).sig },
          { ...forbidden, sig: long(63).sig },
        ],
        ROTATION,
      ],
      ['SIGNATURE_KEY', [{ ...forbidden, sig: long(63).sig }]],
      ['SIGNATURE_LENGTH', [{ ...batch(3, 5, 2), sig: long(63).sig }]],
      ['SIGNATURE_BATCH', [batch(3, 5, 2)], { 'body.amount': 0 }],
      ['AMOUNT_NOT_POSITIVE', [SIG], { 'body.amount': 0, 'body.to': FROM }],
    ]
    for (const [code, sigs, changes = {}] of rows) assert.equal(changed(changes, sigs), code)
  })

  it('one witness thrice: BIRTH_WITNESS_TWICE', () => {
    const [society] = federation() as [TestSociety]
    const witness = society.witnesses[0]
    assert.ok(witness)
    const birth = society.birth('ada', 'human', [witness, witness, witness])
    assert.equal(refusal(society.draft(birth), openEntry), 'BIRTH_WITNESS_TWICE')
  })

  it('a signature of 64 bytes has one spelling', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const good = [...alphabet].filter(
      last => changed({}, [{ ...SIG, sig: `${SIG.sig.slice(0, -1)}${last}` }]) === undefined,
    )
    assert.equal(good.length, 4, 'the last character carries two bits')
    assert.deepEqual(fromBase64url(SIG.sig, 64)?.length, 64)
  })
})
