import type { Requests } from '../../src/driver/net.ts'
import { lctField, strictObject } from '../../src/records/fields.ts'
import { type Standing, standingSchema } from '../../src/records/standing.ts'
import { jsonFrame, replyFrame } from '../json.ts'
import type { RequestCodec } from '../request.ts'

const request = jsonFrame(strictObject({ lct: lctField }))

export const standingCodec: RequestCodec<Requests['standing']['request'], Standing> = {
  encodeRequest: request.encode,
  decodeRequest: request.decode,
  ...replyFrame(standingSchema),
}
