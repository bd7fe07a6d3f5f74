import { ENTRY_BYTES_MAX } from '../../src/limits.ts'
import type { RequestLimits } from '../request.ts'

export const COUNTERSIGN_LIMITS: RequestLimits = {
  protocol: '/web4/countersign/1',
  /** Never below what is valid: a record is smaller than the largest entry, and 64 bytes wrap it. */
  requestBytesMax: ENTRY_BYTES_MAX + 64,
  /** A batch signature has at most 16 path hashes. */
  replyBytesMax: 2_048,
  replyFramesMax: 1,
  /** The witness may have to fetch the log or the law first; a person does not answer here. */
  timeoutMs: 10_000,
  /** Births come in bursts (a society that enrols its members); each costs the witness a signature and a replica look-up. */
  perSecond: 10,
  burst: 50,
  inFlightMax: 16,
}
