import assert from 'node:assert/strict'
import fc from 'fast-check'
import { sha256 } from '../../node/crypto/sodium.ts'
import { canonicalText, type Json, utf8Decode, utf8Encode } from '../../src/canonical.ts'
import { fromBase64url, toBase64url } from '../../src/encoding.ts'
import { encodeEntry, encodeSubmission, openEntry, openSubmission } from '../../src/ingest/open.ts'
import { BIRTH_BYTES_MAX, CHARTER_BYTES_MAX, ENTRY_BYTES_MAX } from '../../src/limits.ts'
import { leafHash } from '../../src/log/merkle.ts'
import type { AnyRecord, OpenedEntry, OpenedRecord, Sig } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { testHash, testLct } from '../support/entries.ts'
import { federation } from '../support/federation.ts'
import { identity, makeRecord, override, signRecord } from '../support/identity.ts'
import { GENESIS_MS, type TestSociety } from '../support/society.ts'

const [FROM, TO] = [testLct(1), testLct(2)]
const signer = identity('s0 ada')
const RECORD = makeRecord(
  'atp.transfer',
  { amount: 7, from: FROM, memo: testHash('memo'), to: TO },
  { society: `commons-${'a'.repeat(26)}`, author: FROM, n: 3, time: GENESIS_MS },
)
const SIGS = signRecord(RECORD, [signer])
const [SIG] = SIGS as [Sig]
const TEXT = canonicalText({ record: RECORD, sigs: SIGS } as unknown as Json)
const PLACE = { seq: 17, time: GENESIS_MS + 1 }
const ENTRY = canonicalText({ record: RECORD, sigs: SIGS, ...PLACE } as unknown as Json)

function refusal(
  bytes: Uint8Array,
  open = openSubmission as typeof openSubmission | typeof openEntry,
): Code | undefined {
  const opened = open(bytes, sha256)
  return opened.ok ? undefined : opened.error.code
}
function refusalOf(record: unknown, sigs: unknown = SIGS): Code | undefined {
  return refusal(utf8Encode(canonicalText({ record, sigs } as Json)))
}
const changed = (changes: Record<string, unknown>, sigs: unknown = SIGS) => refusalOf(override(RECORD, changes), sigs)

/** The text with one part replaced, wherever JSON would not let a value through. */
function swapped(find: string, replace: string, text = TEXT): Uint8Array {
  assert.ok(text.includes(find), find)
  return utf8Encode(text.replace(find, replace))
}

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
})

describe('too many bytes: FORMAT_TOO_LARGE', () => {
  const [society] = federation() as [TestSociety]

  it('of an entry, before anything is read', () => {
    assert.equal(refusal(new Uint8Array(ENTRY_BYTES_MAX + 1)), 'FORMAT_TOO_LARGE')
    assert.equal(refusal(new Uint8Array(ENTRY_BYTES_MAX + 1), openEntry), 'FORMAT_TOO_LARGE')
    assert.equal(refusal(new Uint8Array(ENTRY_BYTES_MAX)), 'FORMAT_JSON')
    const huge = utf8Encode(`"${'a'.repeat(ENTRY_BYTES_MAX - 2)}"`)
    assert.deepEqual([huge.length, refusal(huge)], [65_535, 'FORMAT_SCHEMA'])
  })

  /** The entry with a member that makes it exactly so long; `make(n + 1)` is one byte longer than `make(n)`, from 1 on. */
  function sized(entry: OpenedEntry, path: string, make: (length: number) => unknown, bytes: number): Uint8Array {
    const { seq, sigs, time } = entry
    const at = (length: number) =>
      utf8Encode(
        canonicalText({ record: override(entry.record, { [path]: make(length) }), seq, sigs, time } as unknown as Json),
      )
    const sizedBytes = at(1 + bytes - at(1).length)
    assert.equal(sizedBytes.length, bytes)
    return sizedBytes
  }
  /** Texts of at most 256 characters; each takes two quotes and a comma more. */
  function texts(length: number): string[] {
    const whole = Math.floor((length - 1) / 259)
    const rest = length - whole * 259
    const last = rest > 256 ? ['r'.repeat(100), 'r'.repeat(rest - 103)] : ['r'.repeat(rest)]
    return [...Array<string>(whole).fill('r'.repeat(256)), ...last]
  }

  it('of a birth, counted as an entry', () => {
    const entry = society.append(society.birth('ada', 'human', society.witnesses))
    const at = (bytes: number) => refusal(sized(entry, 'body.rights', texts, bytes), openEntry)
    assert.deepEqual([at(BIRTH_BYTES_MAX), at(BIRTH_BYTES_MAX + 1)], [undefined, 'FORMAT_TOO_LARGE'])
  })

  it('of a charter, counted as an entry', () => {
    const entry = society.entries[0] as OpenedEntry
    const procedure = {
      id: 'p',
      quorum: 1,
      steps: Array(24).fill('s'.repeat(128)),
      timeout_ms: 1,
      triggers: [],
      witnesses: 1,
    }
    const procedures = (length: number) => [
      ...Array(11).fill(procedure),
      { ...procedure, steps: [], triggers: texts(length) },
    ]
    const at = (bytes: number) => refusal(sized(entry, 'body.law.procedures', procedures, bytes), openEntry)
    assert.deepEqual([at(CHARTER_BYTES_MAX), at(CHARTER_BYTES_MAX + 1)], [undefined, 'FORMAT_TOO_LARGE'])
  })

  it('of a transfer', () => {
    assert.equal(changed({ 'body.memo': 'm'.repeat(2_048) }), 'FORMAT_TOO_LARGE')
  })

  it('of a submission that would be too large as an entry', () => {
    const entry = society.append(society.birth('bob', 'ai', society.witnesses))
    const whole = sized(entry, 'body.rights', texts, BIRTH_BYTES_MAX - 1)
    const { record, sigs } = JSON.parse(utf8Decode(whole) ?? '') as { record: AnyRecord; sigs: readonly Sig[] }
    const submission = encodeSubmission(record, sigs)
    assert.ok(submission.length < BIRTH_BYTES_MAX)
    assert.equal(refusal(submission), 'FORMAT_TOO_LARGE', 'the largest seq and time are counted beforehand')
  })
})

const amount = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })

describe('any record', () => {
  it('is read as what was written', () => {
    const place = fc.record({ seq: fc.maxSafeNat(), time: fc.maxSafeNat() })
    const property = fc.property(
      fc.record({ amount, lane: fc.nat(255), n: amount, time: fc.maxSafeNat() }),
      place,
      (drawn, { seq, time }) => {
        const { amount: units, ...members } = drawn
        const record = override(RECORD, { ...members, 'body.amount': units })
        const bytes = encodeSubmission(record, SIGS)
        const opened = openSubmission(bytes, sha256)
        assert.ok(opened.ok)
        assert.deepEqual(opened.value.record, record)
        assert.deepEqual(encodeSubmission(opened.value.record, opened.value.sigs), bytes)
        const entry = openEntry(encodeEntry(opened.value, seq, time), sha256)
        assert.ok(entry.ok)
        assert.deepEqual([entry.value.id, entry.value.seq, entry.value.time], [opened.value.id, seq, time])
        assert.deepEqual(entry.value.recordBytes, opened.value.recordBytes)
      },
    )
    fc.assert(property, { verbose: 1 })
  })

  /** One byte replaced, removed or inserted. */
  const edit = (bytes: Uint8Array) =>
    fc
      .record({ at: fc.nat(bytes.length - 1), byte: fc.nat(255), how: fc.constantFrom('replace', 'remove', 'insert') })
      .map(({ at, byte, how }) => {
        const rest = how === 'insert' ? at : at + 1
        const middle = how === 'remove' ? [] : [byte]
        return Uint8Array.of(...bytes.subarray(0, at), ...middle, ...bytes.subarray(rest))
      })

  for (const [what, text, open] of [
    ['submission', TEXT, openSubmission],
    ['entry', ENTRY, openEntry],
  ] as const) {
    it(`is never taken for itself after one byte of its ${what} changed`, () => {
      const bytes = utf8Encode(text)
      const first = open(bytes, sha256)
      assert.ok(first.ok)
      const property = fc.property(edit(bytes), edited => {
        fc.pre(Buffer.compare(edited, bytes) !== 0)
        const opened = open(edited, sha256)
        // What still opens is another record, other signatures or another place: never the same in other bytes.
        if (!opened.ok || opened.value.id !== first.value.id) return
        const whole = (entry: OpenedRecord & { readonly seq?: number; readonly time?: number }) => ({
          seq: entry.seq,
          sigs: entry.sigs,
          time: entry.time,
        })
        assert.notDeepEqual(whole(opened.value), whole(first.value))
      })
      fc.assert(property, { numRuns: 3_000, verbose: 1 })
    })
  }

  it('loses its id with any byte of the signed part', () => {
    const bytes = utf8Encode(TEXT)
    const first = openSubmission(bytes, sha256)
    assert.ok(first.ok)
    const signedEnd = '{"record":'.length + first.value.recordBytes.length
    const property = fc.property(fc.nat(signedEnd - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const opened = openSubmission(bytes.with(at, (bytes[at] as number) ^ mask), sha256)
      assert.ok(!opened.ok || opened.value.id !== first.value.id)
    })
    fc.assert(property, { numRuns: 2_000, verbose: 1 })
  })
})

it('a signature of 64 bytes has one spelling', () => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const good = [...alphabet].filter(
    last => changed({}, [{ ...SIG, sig: `${SIG.sig.slice(0, -1)}${last}` }]) === undefined,
  )
  assert.equal(good.length, 4, 'the last character carries two bits')
  assert.deepEqual(fromBase64url(SIG.sig, 64)?.length, 64)
})
