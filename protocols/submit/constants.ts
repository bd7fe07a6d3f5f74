import { ENTRY_BYTES_MAX } from '../../src/limits.ts'
import type { RequestLimits } from '../request.ts'

export const SUBMIT_LIMITS: RequestLimits = {
  protocol: '/web4/submit/1',
  /** Never below what is valid: a submission is smaller than the entry it becomes. */
  requestBytesMax: ENTRY_BYTES_MAX,
  /** Two hashes and ids, a key, a signature, a code and two numbers. */
  replyBytesMax: 1_024,
  replyFramesMax: 1,
  /** A sequencer answers within a minute; no receipt by then is evidence against it. */
  timeoutMs: 60_000,
  /** All members of the asking society share its node, so more than one person's pace. */
  perSecond: 100,
  burst: 200,
  /** One group of a busy log; more wait at the asker. */
  inFlightMax: 64,
}
