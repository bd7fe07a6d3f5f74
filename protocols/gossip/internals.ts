import { type GossipSub, TopicValidatorResult } from '@libp2p/gossipsub'
import type { Verdict } from '../../src/driver/net.ts'
import { IWANT_BYTES_MAX } from './constants.ts'
import type { TopicScoreParams } from './score.ts'

/**
 * What this node needs of @libp2p/gossipsub 17.1.1 and its exported interface does not show. Here and nowhere else is
 * it named.
 */
interface GossipsubClass extends GossipSub {
  /** With `asyncValidation`: the verdict on a message. */
  reportMessageValidationResult(id: string, source: string, result: TopicValidatorResult): void
  getScore(peer: string): number
  getMeshPeers(topic: string): string[]
  /** Streams on which this node gossips to its peers. */
  readonly streamsOutbound: ReadonlyMap<string, unknown>
  /** Read anew at each use, so topics can be added while it runs; never remove one, a peer that leaves is looked up here. */
  readonly score: { readonly params: { readonly topics: Record<string, TopicScoreParams> } }
}

/** Private in the class. */
interface GossipsubPrivate {
  readonly mcache: MessageCache
  /** Takes an open connection, or makes one, and meets the peer on it as if it had just connected. */
  connect(peer: string): Promise<void>
}

interface MessageCache {
  getWithIWantCount(id: string, peer: string): { msg: { data?: Uint8Array }; count: number } | null
}

const RESULTS: Record<Verdict, TopicValidatorResult> = {
  accept: TopicValidatorResult.Accept,
  reject: TopicValidatorResult.Reject,
  ignore: TopicValidatorResult.Ignore,
}

export interface Gossipsub {
  readonly pubsub: GossipSub
  report(id: string, source: string, verdict: Verdict): void
  scoreOf(peer: string): number
  mesh(topic: string): readonly string[]
  setTopicScore(topic: string, params: TopicScoreParams): void
  /**
   * Opens what is missing to gossip to these connected peers. gossipsub opens its stream once, when a peer connects; when
   * that stream ends before the connection does (an older connection of a peer that restarted, a full buffer, a frame
   * too large) the peer would never hear from us again.
   */
  repair(peers: readonly string[]): void
}

export function openUp(pubsub: GossipSub): Gossipsub {
  const inner = pubsub as GossipsubClass
  const hidden = pubsub as unknown as GossipsubPrivate
  boundIwant(hidden.mcache)
  return {
    pubsub,
    report: (id, source, verdict) => inner.reportMessageValidationResult(id, source, RESULTS[verdict]),
    scoreOf: peer => inner.getScore(peer),
    mesh: topic => inner.getMeshPeers(topic),
    setTopicScore(topic, params) {
      inner.score.params.topics[topic] = params
    },
    repair(peers) {
      for (const peer of peers) {
        // Fails when the peer is gone, and then there is nothing to repair.
        if (!inner.streamsOutbound.has(peer)) hidden.connect(peer).catch(() => {})
      }
    },
  }
}

/** An answer to IWANT is put together in one synchronous turn from this cache: what goes over the bound is "not here". */
export function boundIwant(cache: MessageCache, bytesMax = IWANT_BYTES_MAX): void {
  const get = cache.getWithIWantCount.bind(cache)
  let bytes = 0
  cache.getWithIWantCount = (id, peer) => {
    if (bytes === 0) {
      queueMicrotask(() => {
        bytes = 0
      })
    }
    if (bytes > bytesMax) return null
    const entry = get(id, peer)
    bytes += entry?.msg.data?.length ?? 0
    return entry
  }
}
