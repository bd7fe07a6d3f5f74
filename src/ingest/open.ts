import { Type } from 'typebox'
import { canonicalText, decodeCanonicalText, type Json, type JsonObject, utf8Decode, utf8Encode } from '../canonical.ts'
import { keyAllowed } from '../ed25519-rule.ts'
import { fromBase64url, KeyCache, toBase64url } from '../encoding.ts'
import { ENTRY_BYTES_MAX, LANE_MAX, SIGNATURES_MAX } from '../limits.ts'
import { leafHash } from '../log/merkle.ts'
import { pathLength } from '../log/proof.ts'
import type { Sha256 } from '../ports.ts'
import { hashField, keyField, lctPattern, societyPattern, strictObject, timeField } from '../records/fields.ts'
import { isSorted, isSortedSet } from '../records/lists.ts'
import { societyIdOf } from '../records/names.ts'
import { rulesOf } from '../records/registry.ts'
import type { AnyRecord, OpenedEntry, OpenedRecord, Sig } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { SocietyId } from '../units.ts'
import { checker } from './schema-check.ts'

/** The one door for bytes: strict decoding, limits, ids and every rule that needs no state. Signatures come next (verify.ts). */

/** One object, not a union of two forms, whose errors would say the wrong thing: `checkSignatureList` wants all three or none. */
const sigSchema = strictObject({
  by: keyField,
  index: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535 })),
  path: Type.Optional(Type.Array(hashField, { maxItems: 16 })),
  sig: Type.String({ maxLength: 256 }),
  size: Type.Optional(Type.Integer({ minimum: 2, maximum: 65_536 })),
})
const recordSchema = strictObject({
  author: Type.String({ pattern: `^(?:|${societyPattern}|${lctPattern})$` }),
  body: Type.Record(Type.String(), Type.Unknown()),
  kind: Type.String({ maxLength: 64 }),
  lane: Type.Integer({ minimum: 0, maximum: LANE_MAX }),
  n: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
  society: Type.String({ pattern: `^(?:|${societyPattern})$` }),
  time: timeField,
  v: Type.Integer(),
})
const sigsSchema = Type.Array(sigSchema, { minItems: 1, maxItems: SIGNATURES_MAX })
const submissionSchema = strictObject({ record: recordSchema, sigs: sigsSchema })
const entrySchema = strictObject({ record: recordSchema, seq: timeField, sigs: sigsSchema, time: timeField })

const checkRecord = checker(recordSchema)
const checkSubmission = checker(submissionSchema)
const checkEntry = checker(entrySchema)

/** `,"seq":…,"time":…` at most, which a submission does not have yet. */
const PLACE_BYTES = 48
/** Characters of 64 bytes in base64url. */
const SIGNATURE_TEXT = 86
/** `{"record":` */
const RECORD_OFFSET = 10
/** Decoded public keys, shared: a pure function of its input, kept only for speed. */
const keys = new KeyCache()

/** What can be said of a record before it is signed: its form and its body's. For values that did not come as bytes. */
export function checkUnsigned(record: unknown): Rejection | undefined {
  const bad = checkRecord(record)
  if (bad !== undefined) return bad
  const { body, kind, v } = record as AnyRecord
  const rules = v === 1 ? rulesOf(kind) : undefined
  return rules === undefined ? rejection('UNKNOWN_KIND', `v ${v}, kind ${kind}`) : rules.checkBody(body)
}

/** Opens `{"record":…,"sigs":[…]}`. */
export function openSubmission(bytes: Uint8Array, sha256: Sha256): Result<OpenedRecord> {
  const decoded = decode(bytes)
  if (!decoded.ok) return decoded
  const { value, text } = decoded.value
  const bad = checkSubmission(value)
  if (bad !== undefined) return fail(bad)
  const { record, sigs } = value as unknown as { record: AnyRecord; sigs: readonly Sig[] }
  return openRecord(record, recordPart(bytes, text, ',"sigs":'), sigs, bytes.length + PLACE_BYTES, sha256)
}

/** Opens the canonical bytes of `{record, seq, sigs, time}`. */
export function openEntry(bytes: Uint8Array, sha256: Sha256): Result<OpenedEntry> {
  const decoded = decode(bytes)
  if (!decoded.ok) return decoded
  const { value, text } = decoded.value
  const bad = checkEntry(value)
  if (bad !== undefined) return fail(bad)
  const { record, seq, sigs, time } = value as unknown as {
    record: AnyRecord
    seq: number
    sigs: readonly Sig[]
    time: number
  }
  const opened = openRecord(record, recordPart(bytes, text, ',"seq":'), sigs, bytes.length, sha256)
  if (!opened.ok) return opened
  const { id, recordBytes } = opened.value
  return ok({ record, id, recordBytes, sigs, seq, time, bytes, leaf: leafHash(bytes, sha256) })
}

/**
 * The record's bytes end where the member after it begins: at the last such text, since quotes inside strings are escaped.
 * Everything from there on is ASCII by schema, so text length is byte length.
 */
function recordPart(bytes: Uint8Array, text: string, next: ',"seq":' | ',"sigs":'): Uint8Array {
  return bytes.subarray(RECORD_OFFSET, bytes.length - text.length + text.lastIndexOf(next))
}

function decode(bytes: Uint8Array): Result<{ readonly value: JsonObject; readonly text: string }> {
  if (bytes.length > ENTRY_BYTES_MAX) return fail(rejection('FORMAT_TOO_LARGE', `${bytes.length} bytes`))
  const text = utf8Decode(bytes)
  if (text === undefined) return fail(rejection('FORMAT_UTF8'))
  const decoded = decodeCanonicalText(text)
  if (!decoded.ok) return decoded
  // Before any schema: a later version may have other members, and is to be ignored, never rejected.
  const { record } = (decoded.value ?? {}) as { readonly record?: { readonly v?: Json } | null }
  const v = record?.v
  if (typeof v === 'number' && v > 1) return fail(rejection('UNKNOWN_KIND', `v ${v}`))
  return ok({ value: decoded.value as JsonObject, text })
}

/** `wholeBytes`: of the entry, which is what the limits of a kind count (foreign entries travel inside records). */
function openRecord(
  record: AnyRecord,
  recordBytes: Uint8Array,
  sigs: readonly Sig[],
  wholeBytes: number,
  sha256: Sha256,
): Result<OpenedRecord> {
  const rules = record.v === 1 ? rulesOf(record.kind) : undefined
  if (rules === undefined) return fail(rejection('UNKNOWN_KIND', `v ${record.v}, kind ${record.kind}`))
  const { bytesMax, signatures, checkBody } = rules
  if (wholeBytes > bytesMax) return fail(rejection('FORMAT_TOO_LARGE', `${wholeBytes} bytes of ${record.kind}`))
  const bad =
    checkBody(record.body) ??
    (record.kind === 'charter' ? undefined : nameless(record)) ??
    checkSignatureList(record.kind, sigs, signatures) ??
    rules.check(
      record,
      sigs.map(sig => sig.by),
    )
  if (bad !== undefined) return fail(bad)
  return ok({ record, id: toBase64url(sha256(recordBytes)), recordBytes, sigs })
}

function nameless(record: AnyRecord): Rejection | undefined {
  return record.society === '' || record.author === ''
    ? rejection('FORMAT_SCHEMA', 'only a charter has no society or author')
    : undefined
}

/** In the order of the table of codes: spelling, number, order, repetition, keys, lengths, paths. */
function checkSignatureList(
  kind: string,
  sigs: readonly Sig[],
  [min, max]: readonly [number, number],
): Rejection | undefined {
  for (const sig of sigs) {
    if (!isWhole(sig)) return rejection('FORMAT_SCHEMA', 'index, path and size go together')
    if (keys.get(sig.by) === undefined) return rejection('FORMAT_ENCODING', 'key')
    if (sig.sig.length === SIGNATURE_TEXT && fromBase64url(sig.sig, 64) === undefined)
      return rejection('FORMAT_ENCODING', 'signature')
  }
  if (sigs.length < min || sigs.length > max)
    return rejection('SIGNATURE_COUNT', `${sigs.length}, not ${min}${min === max ? '' : `–${max}`}`)
  const by = sigs.map(sig => sig.by)
  if (!isSorted(by)) return rejection('SIGNATURE_ORDER')
  if (!isSortedSet(by)) return rejection(kind === 'birth' ? 'BIRTH_WITNESS_TWICE' : 'SIGNATURE_DUPLICATE')
  if (!by.every(key => keyAllowed(openedKey(key)))) return rejection('SIGNATURE_KEY')
  if (!sigs.every(sig => sig.sig.length === SIGNATURE_TEXT)) return rejection('SIGNATURE_LENGTH')
  const fits = (sig: Sig) =>
    !('path' in sig) || (sig.index < sig.size && sig.path.length === pathLength(sig.index, sig.size))
  return sigs.every(fits) ? undefined : rejection('SIGNATURE_BATCH')
}

function isWhole(sig: Sig): boolean {
  return 'path' in sig ? 'index' in sig && 'size' in sig : !('index' in sig) && !('size' in sig)
}

/** The log that a record is for: its society, or the one that a charter founds. */
export function logOf(opened: OpenedRecord, sha256: Sha256): SocietyId {
  if (opened.record.kind !== 'charter') return opened.record.society
  return societyIdOf((opened.record.body as { slug: string }).slug, opened.recordBytes, sha256)
}

/** Canonical bytes of a submission. */
export function encodeSubmission(record: AnyRecord, sigs: readonly Sig[]): Uint8Array {
  return utf8Encode(canonicalText({ record: record as unknown as Json, sigs: sortSigs(sigs) as unknown as Json }))
}

/** Canonical bytes of an entry around the record bytes as they came. */
export function encodeEntry(opened: OpenedRecord, seq: number, time: number): Uint8Array {
  const tail = utf8Encode(`,"seq":${seq},"sigs":${canonicalText(opened.sigs as unknown as Json)},"time":${time}}`)
  const bytes = new Uint8Array(RECORD_OFFSET + opened.recordBytes.length + tail.length)
  bytes.set(utf8Encode('{"record":'))
  bytes.set(opened.recordBytes, RECORD_OFFSET)
  bytes.set(tail, RECORD_OFFSET + opened.recordBytes.length)
  return bytes
}

export function sortSigs(sigs: readonly Sig[]): readonly Sig[] {
  return [...sigs].sort((a, b) => (a.by < b.by ? -1 : a.by > b.by ? 1 : 0))
}

/** Raw key of a text that `open` has accepted. */
export function openedKey(by: string): Uint8Array {
  const key = keys.get(by)
  if (key === undefined) throw new RangeError('not an opened key')
  return key
}
