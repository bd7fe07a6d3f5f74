import assert from 'node:assert/strict'
import { canonicalText, type Json, utf8Decode, utf8Encode } from '../../src/canonical.ts'
import { encodeSubmission, openEntry } from '../../src/ingest/open.ts'
import { BIRTH_BYTES_MAX, CHARTER_BYTES_MAX, ENTRY_BYTES_MAX } from '../../src/limits.ts'
import type { AnyRecord, OpenedEntry, Sig } from '../../src/records/types.ts'
import { federation } from '../support/federation.ts'
import { changed, refusal } from '../support/good-record.ts'
import { override } from '../support/identity.ts'
import type { TestSociety } from '../support/society.ts'

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
