import type { Requests } from '../../src/driver/net.ts'
import type { RequestProtocol } from '../request.ts'
import { COSIGN_LIMITS } from './constants.ts'
import { cosignCodec } from './schema.ts'

/** A signed note goes out, one cosignature line comes back. */
export const cosign: RequestProtocol<Requests['cosign']['request'], Requests['cosign']['reply']> = {
  limits: COSIGN_LIMITS,
  codec: cosignCodec,
}
