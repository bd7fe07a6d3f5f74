import type { RequestLimits } from '../request.ts'

export const STANDING_LIMITS: RequestLimits = {
  protocol: '/web4/standing/1',
  /** An LCT id has at most 110 characters. */
  requestBytesMax: 256,
  /** An LCT id, a society id, a key, a signature and three short members. */
  replyBytesMax: 1_024,
  replyFramesMax: 1,
  /** One look-up and one signature. */
  timeoutMs: 5_000,
  /** Asked once for each introduction or its refresh. */
  perSecond: 10,
  burst: 50,
  inFlightMax: 16,
}
