import type { Rate } from '../rate-limit.ts'

export const STATEMENT_PROTOCOL = '/web4/node/1'
/** A society id, a peer id, a key, a signature and a time. */
export const STATEMENT_BYTES_MAX = 512
/** Older, or further in the future, than this by the receiver's clock is no statement: an old one may be somebody else's by now. */
export const STATEMENT_AGE_MS = 300_000
/** One small frame each way and one signature check. */
export const STATEMENT_TIMEOUT_MS = 5_000
/** One for each new connection and each change of society; a check costs a signature. */
export const STATEMENT_RATE: Rate = { perSecond: 1, burst: 20 }
/** Streams of one peer at once: two connections that cross, and a restatement on each. */
export const STATEMENT_STREAMS_MAX = 4
/** A connection whose other end said nothing valid by then is closed: it would hold a place that a member could use. */
export const STATEMENT_GRACE_MS = 30_000
/** A statement that was not taken is offered again after this, doubling up to the next number. */
export const STATEMENT_RETRY_MS = 500
export const STATEMENT_RETRY_MS_MAX = 15_000
