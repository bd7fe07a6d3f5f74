import { RANGE_BYTES_MAX, RANGE_ENTRIES_MAX } from '../../src/driver/net.ts'
import { ENTRY_BYTES_MAX } from '../../src/limits.ts'
import { LINKS_MAX } from '../../src/log/key-chain.ts'
import { NOTE_BYTES_MAX } from '../../src/log/note.ts'
import type { RequestLimits } from '../request.ts'

/** The proof of a range, and that of a link of the chain of keys: at most 64 hashes of 46 characters each. */
const PROOF_BYTES_MAX = 4_096
/** Links are the largest entries in base64url. Escaped newlines make the note a little longer in JSON. */
const KEYS_BYTES_MAX = LINKS_MAX * (Math.ceil((ENTRY_BYTES_MAX * 4) / 3) + PROOF_BYTES_MAX)
const HEAD_BYTES_MAX = 2 * NOTE_BYTES_MAX + PROOF_BYTES_MAX + KEYS_BYTES_MAX

export const ENTRIES_LIMITS: RequestLimits = {
  protocol: '/web4/entries/1',
  /** A society id and two numbers. */
  requestBytesMax: 512,
  replyBytesMax: RANGE_BYTES_MAX + HEAD_BYTES_MAX,
  replyFramesMax: RANGE_ENTRIES_MAX + 1,
  /** One disk read and 1 MiB on a slow line. */
  timeoutMs: 5_000,
  /** 20 MiB a second to one peer that catches up; more would starve the others. */
  perSecond: 20,
  burst: 40,
  /** Enough to keep a line full while the last answer is being applied. */
  inFlightMax: 4,
}
