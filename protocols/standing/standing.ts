import type { Requests } from '../../src/driver/net.ts'
import type { Standing } from '../../src/records/standing.ts'
import type { RequestProtocol } from '../request.ts'
import { STANDING_LIMITS } from './constants.ts'
import { standingCodec } from './schema.ts'

/** What a home society says, now and signed, about one of its LCTs. */
export const standing: RequestProtocol<Requests['standing']['request'], Standing> = {
  limits: STANDING_LIMITS,
  codec: standingCodec,
}
