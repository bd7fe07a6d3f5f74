import assert from 'node:assert/strict'
import fc from 'fast-check'
import { canonicalBytes, type Json, utf8Encode } from '../../src/canonical.ts'
import { decodeGroup, encodeGroup, GROUP_BYTES_MAX, GROUP_ENTRIES_MAX, type Group } from '../../src/ingest/group.ts'
import { ENTRY_BYTES_MAX } from '../../src/limits.ts'
import type { Code } from '../../src/rejection.ts'

const head = (changes: object = {}): Uint8Array =>
  canonicalBytes({ checkpoint: 'c', count: 1, first: 0, notes: [], ...changes } as unknown as Json)
const ENTRY = utf8Encode('{"entry":1}')

function framed(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    parts.flatMap(part => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(part.length)
      return [length, part]
    }),
  )
}
function refusal(bytes: Uint8Array): Code | undefined {
  const decoded = decodeGroup(bytes)
  return decoded.ok ? undefined : decoded.error.code
}

const GOOD = framed(head(), ENTRY)
/** A frame whose n-th length says another number. */
function withLength(at: number, length: number): Buffer {
  const bytes = Buffer.from(GOOD)
  bytes.writeUInt32BE(length, at)
  return bytes
}

describe('a group', () => {
  const defects: readonly [what: string, code: Code | undefined, bytes: Uint8Array][] = [
    ['a head and an entry', undefined, GOOD],
    ['a head alone', undefined, framed(head({ count: 0 }))],
    ['an entry without bytes, which is refused when it is opened', undefined, framed(head(), new Uint8Array(0))],
    ['no bytes', 'FORMAT_SCHEMA', new Uint8Array(0)],
    ['three bytes', 'FORMAT_SCHEMA', GOOD.subarray(0, 3)],
    ['a length alone', 'FORMAT_SCHEMA', GOOD.subarray(0, 4)],
    ['a head cut off', 'FORMAT_SCHEMA', GOOD.subarray(0, head().length)],
    ['an entry cut off', 'FORMAT_SCHEMA', GOOD.subarray(0, -1)],
    ['a length cut off', 'FORMAT_SCHEMA', Buffer.concat([GOOD, Uint8Array.of(0, 0)])],
    ['a byte too many', 'FORMAT_SCHEMA', Buffer.concat([GOOD, Uint8Array.of(7)])],
    ['a length of 2^32 − 1', 'FORMAT_SCHEMA', withLength(4 + head().length, 0xffffffff)],
    ['a length of 2^31', 'FORMAT_SCHEMA', withLength(4 + head().length, 0x80000000)],
    ['a head longer than all', 'FORMAT_SCHEMA', withLength(0, GOOD.length)],
    ['a head of no bytes', 'FORMAT_JSON', framed(new Uint8Array(0), ENTRY)],
    ['a head that is no text', 'FORMAT_UTF8', framed(Uint8Array.of(0xff), ENTRY)],
    ['a head with a space', 'FORMAT_NOT_CANONICAL', framed(Buffer.concat([Buffer.from(' '), head()]), ENTRY)],
    ['a head that is a list', 'FORMAT_SCHEMA', framed(utf8Encode('[]'), ENTRY)],
    ['a head with a member more', 'FORMAT_SCHEMA', framed(head({ hops: 1 }), ENTRY)],
    ['a head without a checkpoint', 'FORMAT_SCHEMA', framed(head({ checkpoint: undefined }), ENTRY)],
    ['a position below 0', 'FORMAT_SCHEMA', framed(head({ first: -1 }), ENTRY)],
    ['a checkpoint of more than 16 KiB', 'FORMAT_SCHEMA', framed(head({ checkpoint: 'c'.repeat(16_385) }), ENTRY)],
    ['five notes', 'FORMAT_SCHEMA', framed(head({ notes: Array(5).fill('n') }), ENTRY)],
    ['a note of more than 16 KiB', 'FORMAT_SCHEMA', framed(head({ notes: ['n'.repeat(16_385)] }), ENTRY)],
    ['an entry more than counted', 'FORMAT_SCHEMA', framed(head(), ENTRY, ENTRY)],
    ['an entry less than counted', 'FORMAT_SCHEMA', framed(head({ count: 2 }), ENTRY)],
    ['the largest entry', undefined, framed(head(), new Uint8Array(ENTRY_BYTES_MAX))],
    ['an entry beyond it', 'FORMAT_SCHEMA', framed(head(), new Uint8Array(ENTRY_BYTES_MAX + 1))],
    ['1 024 entries', undefined, framed(head({ count: GROUP_ENTRIES_MAX }), ...Array(GROUP_ENTRIES_MAX).fill(ENTRY))],
    ['1 025 entries', 'FORMAT_SCHEMA', framed(head({ count: 1_025 }), ...Array(GROUP_ENTRIES_MAX + 1).fill(ENTRY))],
    ['more than 1 MiB', 'FORMAT_TOO_LARGE', new Uint8Array(GROUP_BYTES_MAX + 1)],
  ]
  for (const [what, code, bytes] of defects) it(`${what}: ${code ?? 'good'}`, () => assert.equal(refusal(bytes), code))

  it('may be a view into a larger buffer', () => {
    const buffer = Buffer.concat([Buffer.from('before'), GOOD, Buffer.from('after')])
    const decoded = decodeGroup(buffer.subarray(6, 6 + GOOD.length))
    assert.ok(decoded.ok)
    assert.deepEqual(Buffer.from(decoded.value.entries[0] as Uint8Array), Buffer.from(ENTRY))
  })

  const anyGroup: fc.Arbitrary<Group> = fc.record(
    {
      checkpoint: fc.string({ unit: 'grapheme', maxLength: 50 }),
      entries: fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 10 }),
      first: fc.maxSafeNat(),
      notes: fc.array(fc.string({ maxLength: 50 }), { maxLength: 4 }),
    },
    { noNullPrototype: true },
  )

  it('is read back as what was written, in its one frame', () => {
    const property = fc.property(anyGroup, group => {
      const bytes = encodeGroup(group)
      const decoded = decodeGroup(bytes)
      assert.ok(decoded.ok)
      assert.deepEqual({ ...decoded.value, entries: decoded.value.entries.map(entry => entry.slice()) }, group)
      assert.deepEqual(encodeGroup(decoded.value), bytes)
    })
    fc.assert(property, { verbose: 1 })
  })

  it('never throws, whatever comes', () => {
    const property = fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(GOOD.length), (noise, at) => {
      decodeGroup(noise)
      decodeGroup(Buffer.concat([GOOD.subarray(0, at), noise]))
    })
    fc.assert(property, { numRuns: 2_000, verbose: 1 })
  })
})
