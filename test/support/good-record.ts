import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import { canonicalText, type Json, utf8Encode } from '../../src/canonical.ts'
import { type openEntry, openSubmission } from '../../src/ingest/open.ts'
import type { Sig } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { testHash, testLct } from './entries.ts'
import { identity, makeRecord, override, signRecord } from './identity.ts'
import { GENESIS_MS } from './society.ts'

/** A good transfer, as submission and as entry; tests change one thing about it. */

export const [FROM, TO] = [testLct(1), testLct(2)]
export const signer = identity('s0 ada')
export const RECORD = makeRecord(
  'atp.transfer',
  { amount: 7, from: FROM, memo: testHash('memo'), to: TO },
  { society: `commons-${'a'.repeat(26)}`, author: FROM, n: 3, time: GENESIS_MS },
)
export const SIGS = signRecord(RECORD, [signer])
export const [SIG] = SIGS as [Sig]
export const TEXT = canonicalText({ record: RECORD, sigs: SIGS } as unknown as Json)
export const PLACE = { seq: 17, time: GENESIS_MS + 1 }
export const ENTRY = canonicalText({ record: RECORD, sigs: SIGS, ...PLACE } as unknown as Json)

export function refusal(
  bytes: Uint8Array,
  open = openSubmission as typeof openSubmission | typeof openEntry,
): Code | undefined {
  const opened = open(bytes, sha256)
  return opened.ok ? undefined : opened.error.code
}
export function refusalOf(record: unknown, sigs: unknown = SIGS): Code | undefined {
  return refusal(utf8Encode(canonicalText({ record, sigs } as Json)))
}
export const changed = (changes: Record<string, unknown>, sigs: unknown = SIGS) =>
  refusalOf(override(RECORD, changes), sigs)

/** The text with one part replaced, wherever JSON would not let a value through. */
export function swapped(find: string, replace: string, text = TEXT): Uint8Array {
  assert.ok(text.includes(find), find)
  return utf8Encode(text.replace(find, replace))
}
