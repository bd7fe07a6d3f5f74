import type { RequestLimits } from '../request.ts'

export const NOTICE_LIMITS: RequestLimits = {
  protocol: '/web4/notice/1',
  /** A charter of 40 KiB and some hundred handovers with their notes; checking more in one go would hold up a node. */
  requestBytesMax: 512 * 1024,
  /** 15 keys of 48 characters, an LCT id and a hash. */
  replyBytesMax: 2_048,
  replyFramesMax: 1,
  /** Some hundred signatures to verify, and one durable write. */
  timeoutMs: 10_000,
  /** Each costs the node a chain of signatures. Who pays more than this follows the other's log, and needs no notice. */
  perSecond: 2,
  burst: 20,
  inFlightMax: 2,
}
