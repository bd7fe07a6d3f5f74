import { Type } from 'typebox'
import { HANDOVER_NOTES_MAX, type StatusMessage } from '../../src/driver/net.ts'
import { EPOCHS_MAX } from '../../src/limits.ts'
import { NOTE_BYTES_MAX } from '../../src/log/note.ts'
import { countField, hashField, societyField, strictObject, textField, timeField } from '../../src/records/fields.ts'
import { jsonFrame, replyFrame } from '../json.ts'
import type { RequestCodec } from '../request.ts'
import { STATUS_LOGS_MAX, STATUS_WHY_MAX } from './constants.ts'

const message = strictObject({
  clock: timeField,
  instance: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' })),
  logs: Type.Array(
    strictObject({
      cosigned: Type.Optional(countField),
      epochs: Type.Optional(Type.Array(countField, { maxItems: EPOCHS_MAX })),
      final: countField,
      frozen: Type.Optional(Type.Literal(true)),
      handovers: Type.Optional(
        Type.Array(Type.String({ maxLength: NOTE_BYTES_MAX }), { maxItems: HANDOVER_NOTES_MAX }),
      ),
      lacks: Type.Optional(countField),
      note: Type.String({ maxLength: NOTE_BYTES_MAX }),
      root: hashField,
      size: countField,
      society: societyField,
    }),
    { maxItems: STATUS_LOGS_MAX },
  ),
  twin: Type.Optional(Type.Literal(true)),
  verdict: strictObject({
    verdict: Type.Union([Type.Literal('ok'), Type.Literal('limited'), Type.Literal('blocked')]),
    why: Type.Optional(textField(STATUS_WHY_MAX)),
  }),
})
const request = jsonFrame(message)

export const statusCodec: RequestCodec<StatusMessage, StatusMessage> = {
  encodeRequest: request.encode,
  decodeRequest: request.decode,
  ...replyFrame(message),
}
