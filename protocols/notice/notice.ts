import type { NoticeReply } from '../../src/driver/net.ts'
import type { RequestProtocol } from '../request.ts'
import { NOTICE_LIMITS } from './constants.ts'
import { noticeCodec } from './schema.ts'

/** The proof of a payment goes to the payee's home; how that node sees it comes back. */
export const notice: RequestProtocol<Uint8Array, NoticeReply> = { limits: NOTICE_LIMITS, codec: noticeCodec }
