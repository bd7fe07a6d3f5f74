import { Type } from 'typebox'
import type { Receipt, Submission } from '../../src/driver/net.ts'
import {
  countField,
  hashField,
  keyField,
  signatureField,
  societyField,
  strictObject,
  timeField,
} from '../../src/records/fields.ts'
import { type Code, rejection } from '../../src/rejection.ts'
import { fail, ok } from '../../src/result.ts'
import { isCode, replyFrame } from '../json.ts'
import type { RequestCodec } from '../request.ts'

const { encodeReply, decodeReply } = replyFrame(
  strictObject({
    by: keyField,
    code: Type.Optional(Type.Unsafe<Code>(Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,63}$' }))),
    id: hashField,
    sig: signatureField,
    size: Type.Optional(countField),
    society: societyField,
    time: timeField,
  }),
)

export const submitCodec: RequestCodec<Submission, Receipt> = {
  /** The submission as it is: it is opened by the one door for records. */
  encodeRequest: submission => submission,
  decodeRequest: ok,
  encodeReply,
  decodeReply(frames) {
    const decoded = decodeReply(frames)
    const code = decoded.ok ? decoded.value.code : undefined
    return code === undefined || isCode(code) ? decoded : fail(rejection('PEER_GARBAGE', `code ${code}`))
  },
}
