import { type Static, Type } from 'typebox'
import { signedMessageOf } from '../crypto.ts'
import { fromBase64url, keyBytes } from '../encoding.ts'
import type { KeyText } from '../units.ts'
import { countField, keyField, lctField, signatureField, societyField, strictObject, timeField } from './fields.ts'
import type { DecideContext } from './types.ts'

const claims = {
  /** The key in force. */
  key: keyField,
  lct: lctField,
  /** Of the home log when this held. */
  size: countField,
  society: societyField,
  status: Type.Enum(['active', 'revoked', 'suspended']),
  time: timeField,
}
const standingClaims = strictObject(claims)

/** What a home society says about one of its LCTs, signed by the society key. */
export const standingSchema = strictObject({ ...claims, sig: signatureField })
export type StandingClaims = Static<typeof standingClaims>
export type Standing = Static<typeof standingSchema>

/** `web4/standing/1\n{"key":…,"lct":…,"size":…,"society":…,"status":…,"time":…}`: exactly what is signed. */
export function standingBytes({ key, lct, size, society, status, time }: StandingClaims): Uint8Array {
  return signedMessageOf('standing', { key, lct, size, society, status, time })
}

export function verifyStanding(
  standing: Standing,
  societyKey: KeyText,
  verify: DecideContext['verifySignature'],
): boolean {
  const key = keyBytes(societyKey)
  const signature = fromBase64url(standing.sig, 64)
  return key !== undefined && signature !== undefined && verify(key, signature, standingBytes(standing))
}
