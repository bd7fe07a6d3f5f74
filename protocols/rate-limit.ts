import type { PeerId } from '../src/driver/net.ts'
import type { Clock } from '../src/ports.ts'
import type { EpochMs } from '../src/units.ts'

export interface Rate {
  readonly perSecond: number
  /** What may come at once after a pause. */
  readonly burst: number
}

/** Buckets kept before full ones are dropped: peers come and go, memory must not follow them. */
const BUCKETS_MAX = 1024

/** A token bucket per peer, on the injected clock. Buckets outlive connections: reconnecting refills nothing. */
export function createRateLimit(rate: Rate, clock: Clock): { take(peer: PeerId): boolean } {
  const buckets = new Map<PeerId, { tokens: number; at: EpochMs }>()
  const level = (bucket: { tokens: number; at: EpochMs }, now: EpochMs) =>
    Math.min(rate.burst, bucket.tokens + (Math.max(0, now - bucket.at) * rate.perSecond) / 1000)
  return {
    take(peer) {
      const now = clock.now()
      const bucket = buckets.get(peer)
      const tokens = bucket === undefined ? rate.burst : level(bucket, now)
      if (buckets.size >= BUCKETS_MAX) {
        for (const [other, candidate] of buckets) if (level(candidate, now) >= rate.burst) buckets.delete(other)
      }
      if (tokens < 1) {
        buckets.set(peer, { tokens, at: now })
        return false
      }
      buckets.set(peer, { tokens: tokens - 1, at: now })
      return true
    },
  }
}
