import type { StatusMessage } from '../../src/driver/net.ts'
import type { RequestProtocol } from '../request.ts'
import { STATUS_LIMITS } from './constants.ts'
import { statusCodec } from './schema.ts'

/** Both say what they hold, what time they think it is, and what they think of each other. */
export const status: RequestProtocol<StatusMessage, StatusMessage> = { limits: STATUS_LIMITS, codec: statusCodec }
