import { keyPair, sha256, signSync, verifySync } from '../../node/crypto/sodium.ts'
import { canonicalBytes, type Json, type JsonObject, utf8Encode } from '../../src/canonical.ts'
import { signedMessageOf } from '../../src/crypto.ts'
import { keyText, toBase64url } from '../../src/encoding.ts'
import { encodeSubmission, sortSigs } from '../../src/ingest/open.ts'
import type { Signer } from '../../src/ports.ts'
import type { AnyRecord, DecideContext, Sig } from '../../src/records/types.ts'
import type { HashText, KeyText } from '../../src/units.ts'

/** What `decide` may use, on libsodium. */
export const context: DecideContext = { sha256, verifySignature: verifySync }

/** A key pair with a fixed seed, the same in every run. */
export interface Identity extends Signer {
  readonly raw: Uint8Array
  signNow(message: Uint8Array): Uint8Array
}

/** The seed is SHA-256 of the name. */
export function identity(name: string): Identity {
  const { publicKey, secretKey } = keyPair(sha256(utf8Encode(name)))
  const signNow = (message: Uint8Array) => signSync(secretKey, message)
  return { key: keyText(publicKey), raw: publicKey, signNow, sign: async message => signNow(message) }
}

export function hashText(text: string): HashText {
  return toBase64url(sha256(utf8Encode(text)))
}

/** The commitment to a next society key. */
export function commitment({ raw }: Identity): HashText {
  return toBase64url(sha256(raw))
}

export function keysOf(identities: readonly Identity[]): KeyText[] {
  return identities.map(({ key }) => key).sort()
}

/** A record that is whole but for what the test cares about. */
export function makeRecord(
  kind: string,
  body: object,
  members: Partial<Omit<AnyRecord, 'body' | 'kind'>> = {},
): AnyRecord {
  return { v: 1, kind, society: '', author: '', lane: 0, n: 1, time: 0, body: body as JsonObject, ...members }
}

/** The signatures of these identities, sorted by key. */
export function signRecord(record: AnyRecord, signers: readonly Identity[]): readonly Sig[] {
  const message = signedMessageOf('record', record as unknown as Json)
  return sortSigs(signers.map(signer => ({ by: signer.key, sig: toBase64url(signer.signNow(message)) })))
}

/** Bytes of a submission. */
export function submissionBytes(record: AnyRecord, signers: readonly Identity[]): Uint8Array {
  return encodeSubmission(record, signRecord(record, signers))
}

/** Bytes of an entry. */
export function entryBytes(record: AnyRecord, sigs: readonly Sig[], seq: number, time: number): Uint8Array {
  return canonicalBytes({ record, seq, sigs, time } as unknown as Json)
}

/** A deep copy with some members replaced: `override(body, {'law.number': 1})`; undefined removes. */
export function override<T>(value: T, changes: Readonly<Record<string, unknown>>): T {
  const copy = structuredClone(value) as Record<string, unknown>
  for (const [path, change] of Object.entries(changes)) {
    const names = path.split('.')
    const last = names.pop() as string
    const target = names.reduce((at, name) => at[name] as Record<string, unknown>, copy)
    if (change === undefined) delete target[last]
    else target[last] = change
  }
  return copy as T
}
