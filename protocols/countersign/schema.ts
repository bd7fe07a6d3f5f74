import { Type } from 'typebox'
import type { JsonObject } from '../../src/canonical.ts'
import type { Requests } from '../../src/driver/net.ts'
import { hashField, keyField, signatureField, strictObject } from '../../src/records/fields.ts'
import type { Sig } from '../../src/records/types.ts'
import { jsonFrame, replyFrame } from '../json.ts'
import type { RequestCodec } from '../request.ts'

/** The record is opened by the rules of its kind, not here. */
const request = jsonFrame(strictObject({ record: Type.Unsafe<JsonObject>(Type.Object({})) }))
const sig = Type.Union([
  strictObject({ by: keyField, sig: signatureField }),
  strictObject({
    by: keyField,
    index: Type.Integer({ minimum: 0, maximum: 65_535 }),
    path: Type.Array(hashField, { maxItems: 16 }),
    sig: signatureField,
    size: Type.Integer({ minimum: 2, maximum: 65_536 }),
  }),
])

export const countersignCodec: RequestCodec<Requests['countersign']['request'], Sig> = {
  encodeRequest: request.encode,
  decodeRequest: request.decode,
  ...replyFrame(sig),
}
