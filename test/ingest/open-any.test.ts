import assert from 'node:assert/strict'
import fc from 'fast-check'
import { sha256 } from '../../node/crypto/sodium.ts'
import { utf8Encode } from '../../src/canonical.ts'
import { encodeEntry, encodeSubmission, openEntry, openSubmission } from '../../src/ingest/open.ts'
import type { OpenedRecord } from '../../src/records/types.ts'
import { ENTRY, RECORD, SIGS, TEXT } from '../support/good-record.ts'
import { override } from '../support/identity.ts'

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
