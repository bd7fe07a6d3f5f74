import { Type } from 'typebox'
import { type EntriesReply, RANGE_ENTRIES_MAX, type Requests } from '../../src/driver/net.ts'
import { ENTRY_BYTES_MAX } from '../../src/limits.ts'
import { keyLinksSchema } from '../../src/log/key-chain.ts'
import { NOTE_BYTES_MAX } from '../../src/log/note.ts'
import { countField, hashField, proofField, societyField, strictObject } from '../../src/records/fields.ts'
import { rejection } from '../../src/rejection.ts'
import { fail, ok } from '../../src/result.ts'
import { jsonFrame } from '../json.ts'
import type { RequestCodec } from '../request.ts'

const request = jsonFrame(
  strictObject({
    from: countField,
    /** 0 asks for note and proof only. */
    limit: Type.Integer({ minimum: 0, maximum: RANGE_ENTRIES_MAX }),
    society: societyField,
  }),
)
const head = jsonFrame(
  strictObject({
    count: Type.Integer({ minimum: 0, maximum: RANGE_ENTRIES_MAX }),
    keys: Type.Optional(keyLinksSchema),
    note: Type.String({ maxLength: NOTE_BYTES_MAX }),
    ok: Type.Literal(true),
    proof: proofField,
    root: hashField,
  }),
)

/** The answer: a head frame, then each entry as the raw bytes that were stored. */
export const entriesCodec: RequestCodec<Requests['entries']['request'], EntriesReply> = {
  encodeRequest: request.encode,
  decodeRequest: request.decode,
  encodeReply: ({ entries, keys, note, proof, root }) => [
    head.encode({
      count: entries.length,
      ...(keys === undefined ? {} : { keys: [...keys] }),
      note,
      ok: true,
      proof: [...proof],
      root,
    }),
    ...entries,
  ],
  decodeReply([first, ...entries]) {
    if (first === undefined) return fail(rejection('PEER_GARBAGE', 'no frame'))
    const decoded = head.decode(first)
    if (!decoded.ok) return decoded
    const { count, keys, note, proof, root } = decoded.value
    if (count !== entries.length) return fail(rejection('PEER_GARBAGE', 'count'))
    if (entries.some(entry => entry.length === 0 || entry.length > ENTRY_BYTES_MAX)) {
      return fail(rejection('PEER_GARBAGE', 'entry length'))
    }
    return ok({ entries, note, proof, root, ...(keys === undefined ? {} : { keys }) })
  },
}
