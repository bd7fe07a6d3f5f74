import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import { canonicalText, type Json, utf8Decode, utf8Encode } from '../../src/canonical.ts'
import { toBase64url } from '../../src/encoding.ts'
import { openEntry, openSubmission } from '../../src/ingest/open.ts'
import { leafHash } from '../../src/log/merkle.ts'
import type { Code } from '../../src/rejection.ts'
import { testHash } from '../support/entries.ts'
import { federation } from '../support/federation.ts'
import { changed, ENTRY, FROM, PLACE, RECORD, refusal, SIGS, swapped, TEXT, TO } from '../support/good-record.ts'
import type { TestSociety } from '../support/society.ts'

describe('opening a record', () => {
  it('gives it back as it came', () => {
    const opened = openSubmission(utf8Encode(TEXT), sha256)
    assert.ok(opened.ok)
    assert.deepEqual(opened.value.record, RECORD)
    assert.deepEqual(opened.value.sigs, SIGS)
    assert.equal(utf8Decode(opened.value.recordBytes), canonicalText(RECORD as unknown as Json))
    assert.equal(opened.value.id, toBase64url(sha256(opened.value.recordBytes)))
  })

  it('gives an entry with its place, its bytes and its leaf', () => {
    const bytes = utf8Encode(ENTRY)
    const opened = openEntry(bytes, sha256)
    assert.ok(opened.ok)
    assert.deepEqual([opened.value.seq, opened.value.time], [PLACE.seq, PLACE.time])
    assert.equal(opened.value.bytes, bytes)
    assert.deepEqual(opened.value.leaf, leafHash(bytes, sha256))
  })

  it('takes neither for the other', () => {
    assert.equal(refusal(utf8Encode(ENTRY)), 'FORMAT_UNKNOWN_FIELD')
    assert.equal(refusal(utf8Encode(TEXT), openEntry), 'FORMAT_SCHEMA')
  })
})

const bytesOf = (...parts: (string | number)[]) =>
  Uint8Array.from(parts.flatMap(part => (typeof part === 'number' ? [part] : [...utf8Encode(part)])))
const [HEAD, TAIL] = TEXT.split('atp.transfer') as [string, string]

const rawDefects: readonly [what: string, code: Code, bytes: Uint8Array][] = [
  ['no bytes', 'FORMAT_JSON', bytesOf()],
  ['cut off in the middle', 'FORMAT_JSON', utf8Encode(TEXT.slice(0, 100))],
  ['the last byte missing', 'FORMAT_JSON', utf8Encode(TEXT.slice(0, -1))],
  ['a second value behind it', 'FORMAT_JSON', utf8Encode(`${TEXT}{}`)],
  ['a byte order mark', 'FORMAT_JSON', bytesOf(0xef, 0xbb, 0xbf, TEXT)],
  ['a raw control character in a text', 'FORMAT_JSON', bytesOf(HEAD, 'a\u0001b', TAIL)],
  ['a stray continuation byte', 'FORMAT_UTF8', bytesOf(HEAD, 0x80, TAIL)],
  ['an overlong character', 'FORMAT_UTF8', bytesOf(HEAD, 0xc0, 0xaf, TAIL)],
  ['a surrogate in UTF-8', 'FORMAT_UTF8', bytesOf(HEAD, 0xed, 0xa0, 0x80, TAIL)],
  ['half a character at the end', 'FORMAT_UTF8', bytesOf(TEXT, 0xc3)],
  ['a lone surrogate', 'FORMAT_STRING', swapped('"atp.transfer"', String.raw`"\ud800"`)],
  ['a lone surrogate in a name', 'FORMAT_KEY', swapped('"amount"', String.raw`"\ud800"`)],
  ['depth 17', 'FORMAT_DEPTH', swapped('"body":{', `"body":{"a":${'['.repeat(14)}${']'.repeat(14)},`)],
  ['a member twice', 'FORMAT_DUPLICATE_KEY', swapped('"lane":0', '"lane":0,"lane":0')],
  ['a member twice with another value', 'FORMAT_DUPLICATE_KEY', swapped('"amount":7', '"amount":7,"amount":8')],
  ['a fraction', 'FORMAT_FLOAT', swapped('"amount":7', '"amount":7.5')],
  ['1.0', 'FORMAT_FLOAT', swapped('"amount":7', '"amount":1.0')],
  ['1e3', 'FORMAT_FLOAT', swapped('"amount":7', '"amount":1e3')],
  ['more than a float can hold', 'FORMAT_FLOAT', swapped('"amount":7', '"amount":1e400')],
  ['2^53', 'FORMAT_INTEGER_RANGE', swapped('"amount":7', '"amount":9007199254740992')],
  ['−2^53', 'FORMAT_INTEGER_RANGE', swapped('"amount":7', '"amount":-9007199254740992')],
  ['−0', 'FORMAT_NOT_CANONICAL', swapped('"lane":0', '"lane":-0')],
  ['__proto__', 'FORMAT_KEY', swapped('"amount"', '"__proto__":{},"amount"')],
  ['__proto__ with what is missing', 'FORMAT_KEY', swapped('"lane":0', '"__proto__":{"lane":0}')],
  ['a name in upper case', 'FORMAT_KEY', swapped('"lane"', '"Lane"')],
  ['members out of order', 'FORMAT_NOT_CANONICAL', swapped('"lane":0,"n":3', '"n":3,"lane":0')],
  [
    'sigs before record',
    'FORMAT_NOT_CANONICAL',
    utf8Encode(`{"sigs":${JSON.stringify(SIGS)},"record":${JSON.stringify(RECORD)}}`),
  ],
  ['a space', 'FORMAT_NOT_CANONICAL', swapped('"lane":0', '"lane": 0')],
  ['a newline at the end', 'FORMAT_NOT_CANONICAL', utf8Encode(`${TEXT}\n`)],
  ['an escape that nothing needs', 'FORMAT_NOT_CANONICAL', swapped('atp.transfer', String.raw`\u0061tp.transfer`)],
  ['an escaped slash', 'FORMAT_NOT_CANONICAL', swapped('atp.transfer', String.raw`atp\/transfer`)],
  ['an array', 'FORMAT_SCHEMA', utf8Encode('[]')],
  ['null', 'FORMAT_SCHEMA', utf8Encode('null')],
  ['a number', 'FORMAT_SCHEMA', utf8Encode('7')],
  ['a record that is null', 'FORMAT_SCHEMA', utf8Encode(`{"record":null,"sigs":${JSON.stringify(SIGS)}}`)],
  ['an empty object', 'FORMAT_SCHEMA', utf8Encode('{}')],
]

const valueDefects: readonly [what: string, code: Code, changes: Record<string, unknown>][] = [
  ['a member more in the record', 'FORMAT_UNKNOWN_FIELD', { surplus: 1 }],
  ['a member more in the body', 'FORMAT_UNKNOWN_FIELD', { 'body.surplus': 1 }],
  ['a member called constructor', 'FORMAT_UNKNOWN_FIELD', { 'body.constructor': 1 }],
  ['no member v', 'FORMAT_SCHEMA', { v: undefined }],
  ['no member body', 'FORMAT_SCHEMA', { body: undefined }],
  ['no member amount', 'FORMAT_SCHEMA', { 'body.amount': undefined }],
  ['a kind that is a number', 'FORMAT_SCHEMA', { kind: 1 }],
  ['a kind of 65 characters', 'FORMAT_SCHEMA', { kind: 'k'.repeat(65) }],
  ['a lane as text', 'FORMAT_SCHEMA', { lane: '0' }],
  ['lane 256', 'FORMAT_SCHEMA', { lane: 256 }],
  ['n 0', 'FORMAT_SCHEMA', { n: 0 }],
  ['a time before 1970', 'FORMAT_SCHEMA', { time: -1 }],
  ['no author', 'FORMAT_SCHEMA', { author: '' }],
  ['no society', 'FORMAT_SCHEMA', { society: '' }],
  ['an author in another form', 'FORMAT_SCHEMA', { author: 'did:key:z6Mk' }],
  ['an amount as text', 'FORMAT_SCHEMA', { 'body.amount': '7' }],
  ['an amount that is null', 'FORMAT_SCHEMA', { 'body.amount': null }],
  ['a hash of 31 bytes', 'FORMAT_SCHEMA', { 'body.memo': toBase64url(new Uint8Array(31)) }],
  ['a hash in another spelling', 'FORMAT_SCHEMA', { 'body.memo': `${testHash('x').slice(0, 42)}B` }],
  ['amount 0', 'AMOUNT_NOT_POSITIVE', { 'body.amount': 0 }],
  ['amount −1', 'AMOUNT_NOT_POSITIVE', { 'body.amount': -1 }],
  ['payer and payee in one', 'TRANSFER_SELF', { 'body.to': FROM }],
  ['an unknown kind', 'UNKNOWN_KIND', { kind: 'atp.dream' }],
  ['a kind that every object has', 'UNKNOWN_KIND', { kind: '__proto__' }],
  ['an unknown kind with another body', 'UNKNOWN_KIND', { body: {}, kind: 'swap.offer' }],
  ['version 2', 'UNKNOWN_KIND', { v: 2 }],
  ['version 2 with other members', 'UNKNOWN_KIND', { body: undefined, extra: [], v: 2 }],
]

describe('bad bytes', () => {
  for (const [what, code, bytes] of rawDefects) it(`${what}: ${code}`, () => assert.equal(refusal(bytes), code))
  for (const [what, code, changes] of valueDefects) it(`${what}: ${code}`, () => assert.equal(changed(changes), code))

  it('a control character in a text that may hold none: CLAIMS_INVALID, FORMAT_SCHEMA', () => {
    const body = { claims: { method: 'a\u0085b', observed_at: 1 }, subject: TO, type: 'existence' }
    assert.equal(changed({ body, kind: 'attest' }), 'CLAIMS_INVALID')
    const [society] = federation({ recognised: false }) as [TestSociety]
    const birth = society.birth('ada', 'human', society.witnesses, { rights: ['a\u0007b'] })
    assert.equal(society.refusal(birth), 'FORMAT_SCHEMA')
  })

  it('an entry has the same defects, and its own', () => {
    const own: readonly [find: string, replace: string, code: Code][] = [
      ['"seq":17', '"seq":17.0', 'FORMAT_FLOAT'],
      ['"seq":17', '"seq":-1', 'FORMAT_SCHEMA'],
      ['"seq":17', '"seq":"17"', 'FORMAT_SCHEMA'],
      ['"seq":17,', '', 'FORMAT_SCHEMA'],
      ['"seq":17', '"seq":17,"shard":1', 'FORMAT_UNKNOWN_FIELD'],
      [`"time":${PLACE.time}}`, '"time":9007199254740992}', 'FORMAT_INTEGER_RANGE'],
      [`"time":${PLACE.time}}`, '"time":null}', 'FORMAT_SCHEMA'],
      ['"lane":0', '"lane":0,"lane":0', 'FORMAT_DUPLICATE_KEY'],
      ['"lane":0', '"label":0,"lane":0', 'FORMAT_UNKNOWN_FIELD'],
    ]
    for (const [find, replace, code] of own)
      assert.equal(refusal(swapped(find, replace, ENTRY), openEntry), code, replace)
  })
})
