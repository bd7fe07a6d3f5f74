import { type TSchema, Type } from 'typebox'
import { ENTITY_TYPES } from './names.ts'

/** Schemas of the members that records share. Forms are patterns; canonical spelling of keys is proved when they are decoded. */

/** Unknown members are refused everywhere. */
export function strictObject<T extends Record<string, TSchema>>(members: T) {
  return Type.Object(members, { additionalProperties: false })
}

export const keyField = Type.String({ pattern: '^z6Mk[1-9A-HJ-NP-Za-km-z]{44}$' })
/** 32 bytes: 43 characters, the last of which carries 4 bits and two zero bits. */
export const hashField = Type.String({ pattern: '^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$' })
/** 64 bytes: 86 characters, the last of which carries 2 bits and four zero bits. */
export const signatureField = Type.String({ pattern: '^[A-Za-z0-9_-]{85}[AQgw]$' })
export const slugPattern = '[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?'
export const societyPattern = `${slugPattern}-[a-z2-7]{26}`
export const slugField = Type.String({ pattern: `^${slugPattern}$` })
export const societyField = Type.String({ pattern: `^${societyPattern}$` })
export const lctPattern = `lct:web4:(?:${ENTITY_TYPES.join('|')}):${societyPattern}:[a-z2-7]{26}`
export const lctField = Type.String({ pattern: `^${lctPattern}$` })
/** Positive micro-ATP; the schema allows any safe integer so that a bad amount gets its own code. */
export const amountField = Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })
export const countField = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
export const timeField = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
/** Short text without control characters (C0, DEL, C1). */
export function textField(maxLength: number, minLength = 1) {
  return Type.String({ minLength, maxLength, pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f]*$' })
}
/** Bytes of another log inside a record, as received: base64url, canonical spelling proved at decoding. */
export function bytesField(maxBytes: number) {
  return Type.String({ minLength: 1, maxLength: Math.ceil((maxBytes * 4) / 3), pattern: '^[A-Za-z0-9_-]+$' })
}
/** Nodes of an RFC 6962 proof. */
export const proofField = Type.Array(hashField, { maxItems: 64 })
