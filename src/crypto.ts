import { concat } from 'uint8arrays/concat'
import { canonicalBytes, type Json, utf8Encode } from './canonical.ts'

/** What a signature is for; it stands in the first line of the signed message, so one can never serve as another. */
export type Purpose = 'record' | 'batch' | 'node' | 'receipt' | 'standing' | 'request' | 'proof'

const PREFIX: Record<Purpose, Uint8Array> = {
  record: utf8Encode('web4/record/1\n'),
  batch: utf8Encode('web4/batch/1\n'),
  node: utf8Encode('web4/node/1\n'),
  receipt: utf8Encode('web4/receipt/1\n'),
  standing: utf8Encode('web4/standing/1\n'),
  request: utf8Encode('web4/request/1\n'),
  proof: utf8Encode('web4/proof/1\n'),
}

export const PURPOSES = Object.keys(PREFIX) as readonly Purpose[]

/** `web4/<purpose>/1\n` and the canonical bytes: exactly what is signed. */
export function signedMessage(purpose: Purpose, canonical: Uint8Array): Uint8Array {
  return concat([PREFIX[purpose], canonical])
}

export function signedMessageOf(purpose: Purpose, value: Json): Uint8Array {
  return signedMessage(purpose, canonicalBytes(value))
}
