import { type Static, Type } from 'typebox'
import { signedMessageOf } from '../../src/crypto.ts'
import { keyField, signatureField, societyField, strictObject, timeField } from '../../src/records/fields.ts'
import { jsonFrame } from '../json.ts'

const claims = {
  /** The witness key of the node. */
  key: keyField,
  /** The libp2p peer id for which this was signed: on no other connection is it worth anything. */
  peer: Type.String({ minLength: 1, maxLength: 128, pattern: '^[A-Za-z0-9]+$' }),
  /** "" before there is a charter, and for observers. */
  society: Type.Union([Type.Literal(''), societyField]),
  time: timeField,
}
const claimsSchema = strictObject(claims)
const statementSchema = strictObject({ ...claims, sig: signatureField })

export type StatementClaims = Static<typeof claimsSchema>

export const statementFrame = jsonFrame(statementSchema)
/** The answer to a statement that was taken. */
export const takenFrame = jsonFrame(strictObject({ ok: Type.Literal(true) }))

/** `web4/node/1\n{"key":…,"peer":…,"society":…,"time":…}`: exactly what is signed. */
export function statementBytes({ key, peer, society, time }: StatementClaims): Uint8Array {
  return signedMessageOf('node', { key, peer, society, time })
}
