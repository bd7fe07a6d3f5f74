import type { Requests } from '../../src/driver/net.ts'
import type { Sig } from '../../src/records/types.ts'
import type { RequestProtocol } from '../request.ts'
import { COUNTERSIGN_LIMITS } from './constants.ts'
import { countersignCodec } from './schema.ts'

/** A record without signatures goes out; a signature or a refusal comes back. */
export const countersign: RequestProtocol<Requests['countersign']['request'], Sig> = {
  limits: COUNTERSIGN_LIMITS,
  codec: countersignCodec,
}
