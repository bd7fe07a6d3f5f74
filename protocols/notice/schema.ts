import { Type } from 'typebox'
import type { NoticeReply } from '../../src/driver/net.ts'
import { WITNESSES_MAX } from '../../src/limits.ts'
import { hashField, keyField, lctField, strictObject } from '../../src/records/fields.ts'
import { ok } from '../../src/result.ts'
import { jsonFrame, replyFrame } from '../json.ts'
import type { RequestCodec } from '../request.ts'

const object = jsonFrame(Type.Object({}))
const reply = strictObject({
  accepts: Type.Array(keyField, { maxItems: WITNESSES_MAX }),
  lct: lctField,
  record: hashField,
  status: Type.Enum(['final', 'not-final-for-us']),
})

export const noticeCodec: RequestCodec<Uint8Array, NoticeReply> = {
  encodeRequest: bundle => bundle,
  /** Kept as it came: it is judged as a bundle, not here. */
  decodeRequest(bundle) {
    const decoded = object.decode(bundle)
    return decoded.ok ? ok(bundle) : decoded
  },
  ...replyFrame(reply),
}
