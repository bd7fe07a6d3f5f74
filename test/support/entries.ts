import { createHash } from 'node:crypto'
import { canonicalBytes, type Json, type JsonObject } from '../../src/canonical.ts'
import { keyText, toBase64url } from '../../src/encoding.ts'
import type { Sha256 } from '../../src/ports.ts'
import { type EntityType, lctIdOf } from '../../src/records/names.ts'
import type { AnyRecord, OpenedEntry, RecordOf } from '../../src/records/types.ts'
import { DAY_MS, type EpochMs, type HashText, type KeyText, type LctId, type SocietyId } from '../../src/units.ts'

/** Opened entries without signing anything: valid by default, a test overrides the one field that it is about. */

export const sha256: Sha256 = bytes => new Uint8Array(createHash('sha256').update(bytes).digest())

export const SOCIETY: SocietyId = `commons-${'a'.repeat(26)}`
export const OTHER_SOCIETY: SocietyId = `harbour-${'b'.repeat(26)}`
/** 2026-01-01, the first moment of a decay interval and not of a month of 30 days. */
export const T0: EpochMs = 20_454 * DAY_MS
export const SIGNATURE = `${'A'.repeat(85)}A`

/** The same key for the same number (0 to 255). */
export function testKey(number: number): KeyText {
  return keyText(new Uint8Array(32).fill(number))
}

export function testHash(text: string): HashText {
  return toBase64url(sha256(new TextEncoder().encode(text)))
}

export function testLct(number: number, type: EntityType = 'human', society: SocietyId = SOCIETY): LctId {
  return lctIdOf(type, society, testKey(number), sha256)
}

export interface EntryOverrides {
  readonly seq?: number
  readonly time?: EpochMs
  readonly signers?: readonly KeyText[]
  readonly record?: Partial<AnyRecord>
}

/** An entry signed by `signers` (default: key 1), whose record is dated as the entry is. */
export function testEntry<Kind extends string, Body>(
  kind: Kind,
  author: string,
  body: Body,
  overrides: EntryOverrides = {},
): OpenedEntry<RecordOf<Kind, Body> & AnyRecord> {
  const { seq = 1, time = T0, signers = [testKey(1)] } = overrides
  const record = {
    v: 1,
    kind,
    society: SOCIETY,
    author,
    lane: 0,
    n: seq,
    time,
    body: body as Body & JsonObject,
    ...overrides.record,
  } as RecordOf<Kind, Body> & AnyRecord
  const sigs = [...signers].sort().map(by => ({ by, sig: SIGNATURE }))
  const recordBytes = canonicalBytes(record as unknown as Json)
  const bytes = canonicalBytes({ record, seq, sigs, time } as unknown as Json)
  return { record, id: toBase64url(sha256(recordBytes)), recordBytes, sigs, seq, time, bytes, leaf: sha256(bytes) }
}
