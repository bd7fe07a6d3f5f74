import { canonicalBytes, type Json, type JsonObject } from '../../src/canonical.ts'
import { signedMessage } from '../../src/crypto.ts'
import { toBase64url } from '../../src/encoding.ts'
import type { Signer } from '../../src/ports.ts'
import type { EpochMs, SocietyId } from '../../src/units.ts'
import type { Client } from './client.ts'

export interface Draft {
  readonly kind: string
  readonly society: SocietyId
  readonly author: string
  readonly lane: number
  readonly time: EpochMs
  readonly body: JsonObject
}

/** A record and the one signature that a member gives; others may still be missing. */
export interface SignedRecord {
  readonly record: JsonObject
  readonly sigs: readonly { readonly by: string; readonly sig: string }[]
}

/** Signs exactly the canonical bytes of this record. */
export async function signRecord(record: JsonObject, signer: Signer): Promise<SignedRecord> {
  const sig = await signer.sign(signedMessage('record', canonicalBytes(record)))
  return { record, sigs: [{ by: signer.key, sig: toBase64url(sig) }] }
}

/** A record with the next n of its lane, signed. */
export async function makeRecord(client: Client, draft: Draft, signer: Signer): Promise<SignedRecord> {
  const { author, lane, society } = draft
  const { n } = await client.lane({ society, author, lane })
  return signRecord({ v: 1, ...draft, n }, signer)
}

/** Bytes for POST /v1/records. */
export function submissionOf({ record, sigs }: SignedRecord): Uint8Array {
  return canonicalBytes({ record, sigs } as unknown as Json)
}
