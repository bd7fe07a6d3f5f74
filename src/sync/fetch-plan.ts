import type { PeerId } from '../driver/net.ts'
import type { EpochMs, Seq } from '../units.ts'

/**
 * Who is asked next for the entries that are missing from one log, as a machine: one request at a time, the peer that has
 * most first, with back-off for peers that failed. Gossip is for speed; this is what makes logs complete.
 */

const BACKOFF_MS = 500
const BACKOFF_MS_MAX = 30_000
/** Who failed this often in a row is no help any more; one bad answer may be a log that forked or a machine that is busy. */
const FAILURES_MAX = 3
/** A gap is given this long to be filled by gossip. */
export const GAP_PATIENCE_MS = 150

interface PeerRecord {
  size: Seq
  failures: number
  notBefore: EpochMs
}

export class FetchPlan {
  readonly #peers = new Map<PeerId, PeerRecord>()
  #busy = false
  #gapSince: EpochMs | undefined

  /** A peer told how long its log is. */
  onSize(peer: PeerId, size: Seq): void {
    const known = this.#peers.get(peer)
    if (known === undefined) this.#peers.set(peer, { size, failures: 0, notBefore: 0 })
    else known.size = size
  }

  onGone(peer: PeerId): void {
    this.#peers.delete(peer)
  }

  /** Gossip brought something that does not connect to the tip. */
  onGap(now: EpochMs): void {
    this.#gapSince ??= now
  }

  onClosed(): void {
    this.#gapSince = undefined
  }

  /** The largest size anybody claims. Only a hint: what is fetched is checked against the log's own signature. */
  get claimed(): Seq {
    return Math.max(0, ...[...this.#peers.values()].map(peer => peer.size))
  }

  /** Who says to have what is here already, or more, and does not fail to give it. */
  helpers(tip: Seq): readonly PeerId[] {
    return [...this.#peers].flatMap(([peer, { failures, size }]) =>
      size > 0 && size >= tip && (size === tip || failures < FAILURES_MAX) ? peer : [],
    )
  }

  /** The peer to ask now, or when to look again; the caller must answer with `onDone`. */
  next(tip: Seq, now: EpochMs): { readonly peer: PeerId } | { readonly wakeAt: EpochMs } | undefined {
    if (this.#busy) return undefined
    const ahead = [...this.#peers].filter(([, record]) => record.size > tip)
    if (ahead.length === 0) return undefined
    if (this.#gapSince !== undefined && now < this.#gapSince + GAP_PATIENCE_MS)
      return { wakeAt: this.#gapSince + GAP_PATIENCE_MS }
    const ready = ahead.filter(([, record]) => record.notBefore <= now)
    const [best] = ready.sort(([, a], [, b]) => a.failures - b.failures || b.size - a.size)
    if (best === undefined) return { wakeAt: Math.min(...ahead.map(([, record]) => record.notBefore)) }
    this.#busy = true
    return { peer: best[0] }
  }

  onDone(peer: PeerId, useful: boolean, now: EpochMs): void {
    this.#busy = false
    const record = this.#peers.get(peer)
    if (record === undefined) return
    record.failures = useful ? 0 : record.failures + 1
    record.notBefore = useful ? 0 : now + Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** Math.min(record.failures, 10))
  }
}
