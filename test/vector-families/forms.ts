import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import { canonicalBytes, canonicalText, decodeCanonical, type Json, utf8Encode } from '../../src/canonical.ts'
import {
  base32Of130Bits,
  fromBase64,
  fromBase64url,
  keyBytes,
  keyText,
  toBase64,
  toBase64url,
} from '../../src/encoding.ts'
import { decodeGroup, encodeGroup } from '../../src/ingest/group.ts'
import { checker } from '../../src/ingest/schema-check.ts'
import { witnessName } from '../../src/log/cosignature.ts'
import { epochOf, keyId, originOf, TYPE_COSIGNATURE, TYPE_ED25519 } from '../../src/log/note.ts'
import { lctField, slugField, societyField } from '../../src/records/fields.ts'
import { type EntityType, homeOf, lctIdOf, societyIdOf } from '../../src/records/names.ts'
import { stateDigest } from '../../src/state/digest.ts'
import { isSnapshotSize } from '../../src/state/snapshots.ts'
import { hex, naiveRoot, unhex } from '../log/fixtures.ts'
import { numberedPairs } from '../support/pairs.ts'
import type { Vector } from '../support/vector-files.ts'

/** Forms of bytes and names, which need no signature. */

export interface CanonicalVector extends Vector {
  readonly text: string
  readonly canonical: string
  readonly bytes: string
}

export function runCanonical({ id, code, text, canonical, bytes }: CanonicalVector): void {
  const decoded = decodeCanonical(unhex(bytes))
  if (code !== undefined) {
    assert.equal(decoded.ok ? 'accepted' : decoded.error.code, code, id)
    return
  }
  const value = JSON.parse(text) as Json
  assert.equal(canonicalText(value), canonical, id)
  assert.equal(hex(canonicalBytes(value)), bytes, id)
  assert.deepEqual(decoded, { ok: true, value }, id)
}

export interface NameVector extends Vector {
  readonly form: 'key' | 'bytes' | 'base64url' | 'base64' | 'slug' | 'society' | 'lct'
  readonly text: string
  readonly length?: number
  readonly bytes: string
  readonly [member: string]: unknown
}

const forms: Record<string, (text: string, length?: number) => boolean> = {
  key: text => keyBytes(text) !== undefined,
  base64url: (text, length) => fromBase64url(text, length) !== undefined,
  base64: text => fromBase64(text) !== undefined,
  slug: fits(slugField),
  society: fits(societyField),
  lct: fits(lctField),
}
function fits(field: Parameters<typeof checker>[0]): (text: string) => boolean {
  const check = checker(field)
  return text => check(text) === undefined
}

export function runName(vector: NameVector): void {
  const { form, id, length, tags, text } = vector
  const accepted = forms[form]?.(text, length)
  if (tags.includes('invalid')) {
    assert.equal(accepted, false, id)
    return
  }
  if (accepted !== undefined) assert.equal(accepted, true, id)
  if (form === 'key') runKey(vector)
  else if (form === 'bytes') runBytes(vector)
  else if (form === 'society') runSociety(vector as NameVector & Record<string, string>)
  else
    assert.equal(lctIdOf(vector.type as EntityType, vector.society as string, vector.key as string, sha256), text, id)
  if (form !== 'lct') return
  assert.equal(homeOf(text), vector.society, id)
  assert.equal(canonicalText([vector.society as string, vector.key as string]), vector.hashed, id)
}

function runKey({ bytes, commitment, id, text, witness_key_id, witness_name }: NameVector): void {
  const raw = unhex(bytes)
  assert.equal(keyText(raw), text, id)
  assert.deepEqual(keyBytes(text), raw, id)
  assert.equal(toBase64url(sha256(raw)), commitment, id)
  assert.equal(witnessName(text), witness_name, id)
  assert.equal(hex(keyId(witnessName(text), TYPE_COSIGNATURE, raw, sha256)), witness_key_id, id)
}

function runBytes(vector: NameVector): void {
  const raw = unhex(vector.bytes)
  assert.equal(toBase64url(raw), vector.base64url, vector.id)
  assert.deepEqual(fromBase64url(vector.base64url as string, raw.length), raw, vector.id)
  assert.equal(toBase64(raw), vector.base64, vector.id)
  assert.deepEqual(fromBase64(vector.base64 as string), raw, vector.id)
  assert.equal(hex(sha256(raw)), vector.sha256, vector.id)
  assert.equal(base32Of130Bits(sha256(raw)), vector.base32, vector.id)
}

function runSociety(vector: NameVector & Record<string, string>): void {
  const { id, log_key_id, origin, origin_epoch_3, record = '', slug = '', society_key = '', text } = vector
  assert.equal(societyIdOf(slug, utf8Encode(record), sha256), text, id)
  assert.equal(originOf(text), origin, id)
  assert.equal(originOf(text, 3), origin_epoch_3, id)
  assert.equal(epochOf(origin_epoch_3 ?? '', text), 3, id)
  const key = keyBytes(society_key) ?? new Uint8Array(0)
  assert.equal(hex(keyId(origin ?? '', TYPE_ED25519, key, sha256)), log_key_id, id)
}

export interface GroupVector extends Vector {
  readonly bytes: string
  readonly first: number
  readonly entries: readonly string[]
  readonly checkpoint: string
  readonly notes: readonly string[]
}

export function runGroup({ bytes, checkpoint, code, entries, first, id, notes }: GroupVector): void {
  const decoded = decodeGroup(unhex(bytes))
  if (code !== undefined) {
    assert.equal(decoded.ok ? 'accepted' : decoded.error.code, code, id)
    return
  }
  const group = { first, entries: entries.map(utf8Encode), checkpoint, notes }
  assert.deepEqual(decoded, { ok: true, value: group }, id)
  assert.equal(hex(encodeGroup(group)), bytes, id)
}

export interface DigestVector extends Vector {
  readonly pairs?: readonly (readonly [key: string, value: string])[]
  readonly count?: number
  readonly keys: number
  readonly digest: string
}

export function runDigest({ count = 0, digest, id, keys, pairs }: DigestVector): void {
  const all = pairs?.map(([key, value]) => [key, utf8Encode(value)] as const) ?? [...numberedPairs(count)]
  const made = stateDigest(all, sha256)
  assert.deepEqual([toBase64url(made.digest), made.keys], [digest, keys], id)
  // Once more by the letter: bytes of each chunk, then RFC 6962 as it is written.
  const chunks: Uint8Array[] = []
  for (let first = 0; first < all.length; first += 4_096) {
    const parts = all.slice(first, first + 4_096).flatMap(([key, value]) => [framed(utf8Encode(key)), framed(value)])
    chunks.push(sha256(Buffer.concat([Uint8Array.of(0), ...parts])))
  }
  assert.equal(toBase64url(naiveRoot(chunks)), digest, `${id} by the letter`)
}

export interface SnapshotVector extends Vector {
  readonly last: number
  readonly steps: readonly { readonly size: number; readonly keys: number; readonly due: boolean }[]
}

export function runSnapshot({ id, last, steps }: SnapshotVector): void {
  for (const { due, keys, size } of steps) {
    assert.equal(isSnapshotSize(size, last, keys), due, `${id} ${size}`)
    // Once more by the letter.
    assert.equal(size - last >= 10_000 && size - last >= keys, due, `${id} ${size} by the letter`)
  }
}

function framed(bytes: Uint8Array): Uint8Array {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
