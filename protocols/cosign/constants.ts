import { NOTE_BYTES_MAX } from '../../src/log/note.ts'
import type { RequestLimits } from '../request.ts'

/** One line of a note: a key name, an algorithm, a time and a signature are some 200 characters. */
export const COSIGNATURE_LINE_MAX = 1_024

export const COSIGN_LIMITS: RequestLimits = {
  protocol: '/web4/cosign/1',
  /** One note in JSON, its newlines escaped. */
  requestBytesMax: 2 * NOTE_BYTES_MAX,
  replyBytesMax: 2 * COSIGNATURE_LINE_MAX,
  replyFramesMax: 1,
  /** The sequencer offers a checkpoint for about a second; a later cosignature goes with the next one. */
  timeoutMs: 2_000,
  /** A sequencer offers one checkpoint at a time, at most five in a second; a peer runs one log. */
  perSecond: 5,
  burst: 5,
  inFlightMax: 1,
}
