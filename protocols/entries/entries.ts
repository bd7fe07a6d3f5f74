import type { EntriesReply, Requests } from '../../src/driver/net.ts'
import type { RequestProtocol } from '../request.ts'
import { ENTRIES_LIMITS } from './constants.ts'
import { entriesCodec } from './schema.ts'

/** A range of a log as raw bytes: how gaps are filled. */
export const entries: RequestProtocol<Requests['entries']['request'], EntriesReply> = {
  limits: ENTRIES_LIMITS,
  codec: entriesCodec,
}
