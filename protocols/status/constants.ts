import { HANDOVER_NOTES_MAX } from '../../src/driver/net.ts'
import { NOTE_BYTES_MAX } from '../../src/log/note.ts'
import type { RequestLimits } from '../request.ts'

/** Logs in one message: a node follows tens of societies; hundreds leave room. */
export const STATUS_LOGS_MAX = 256
/** Why a peer is limited or blocked: one line for an operator. */
export const STATUS_WHY_MAX = 200
/** 256 logs, each with a note that carries a full set of 15 cosignatures (some 3.5 KiB) and its own members; and the notes of handovers. */
const STATUS_BYTES_MAX = 1024 * 1024 + HANDOVER_NOTES_MAX * NOTE_BYTES_MAX

export const STATUS_LIMITS: RequestLimits = {
  protocol: '/web4/status/1',
  requestBytesMax: STATUS_BYTES_MAX,
  replyBytesMax: STATUS_BYTES_MAX,
  replyFramesMax: 1,
  /** Answered from memory; the time is for a slow line. */
  timeoutMs: 5_000,
  /** Peers ask every few seconds and after each event of their own; twice a second is already eager. */
  perSecond: 2,
  burst: 10,
  /** A second question before the first answer helps nobody; one more for a peer that restarted. */
  inFlightMax: 2,
}
