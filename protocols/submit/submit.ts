import type { Receipt, Submission } from '../../src/driver/net.ts'
import type { RequestProtocol } from '../request.ts'
import { SUBMIT_LIMITS } from './constants.ts'
import { submitCodec } from './schema.ts'

/** A record for another society's sequencer, answered by a signed receipt. */
export const submit: RequestProtocol<Submission, Receipt> = { limits: SUBMIT_LIMITS, codec: submitCodec }
