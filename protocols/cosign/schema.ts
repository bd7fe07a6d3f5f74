import { Type } from 'typebox'
import type { Requests } from '../../src/driver/net.ts'
import { NOTE_BYTES_MAX } from '../../src/log/note.ts'
import { strictObject } from '../../src/records/fields.ts'
import { jsonFrame, replyFrame } from '../json.ts'
import type { RequestCodec } from '../request.ts'
import { COSIGNATURE_LINE_MAX } from './constants.ts'

const request = jsonFrame(strictObject({ note: Type.String({ minLength: 1, maxLength: NOTE_BYTES_MAX }) }))

export const cosignCodec: RequestCodec<Requests['cosign']['request'], Requests['cosign']['reply']> = {
  encodeRequest: request.encode,
  decodeRequest: request.decode,
  ...replyFrame(strictObject({ line: Type.String({ minLength: 1, maxLength: COSIGNATURE_LINE_MAX }) })),
}
