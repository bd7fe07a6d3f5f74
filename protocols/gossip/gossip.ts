import { type GossipSub, type GossipSubComponents, type GossipsubMessage, gossipsub } from '@libp2p/gossipsub'
import type { NetHandlers, PeerId, Verdict } from '../../src/driver/net.ts'
import type { Sha256 } from '../../src/ports.ts'
import type { SocietyId } from '../../src/units.ts'
import { plain } from '../framing/plain.ts'
import { MESSAGE_BYTES_MAX, REPAIR_HEARTBEATS } from './constants.ts'
import { type Gossipsub, openUp } from './internals.ts'
import { createJudge } from './judge.ts'
import { LEFT_TOPIC_SCORE, TOPIC_SCORE } from './score.ts'
import { gossipsubSettings, type ScoreChoice } from './settings.ts'
import { logTopic, proofTopic, societyOfTopic } from './topics.ts'

/** Groups and fork proofs, as fast as they go. What gossip misses is fetched: it carries no truth. */
export interface Gossip {
  /** To be given to libp2p as a service; `start` after libp2p has. `members`: connected peers that should be gossiped to. */
  readonly service: (components: GossipSubComponents) => GossipSub
  start(validators: Pick<NetHandlers, 'group' | 'proof'>, members: () => readonly PeerId[]): void
  stop(): void
  /** Before or after `start`; what was joined is joined again by the next `start`. */
  join(society: SocietyId): void
  leave(society: SocietyId): void
  publishGroup(society: SocietyId, frame: Uint8Array): Promise<void>
  publishProof(proof: Uint8Array): Promise<void>
  /** What gossipsub thinks of a peer; below the graylist threshold nothing of it is read. */
  scoreOf(peer: PeerId): number
  /** Neighbours in a log's mesh. */
  mesh(society: SocietyId): readonly PeerId[]
}

export interface GossipOptions {
  readonly federation: string
  readonly scoreParams?: ScoreChoice | undefined
}

export interface GossipComponents {
  readonly sha256: Sha256
  /** Told every verdict, by kind of topic. */
  readonly judged?: ((kind: 'group' | 'proof', verdict: Verdict) => void) | undefined
}

export function createGossip(options: GossipOptions, { sha256, judged }: GossipComponents): Gossip {
  const { federation, scoreParams = 'federation' } = options
  const societies = new Set<SocietyId>()
  const joined = new Set<string>()
  let inner: Gossipsub | undefined
  let running = false
  let judge = createJudge()
  let validators: Pick<NetHandlers, 'group' | 'proof'> | undefined

  function subscribe(topic: string): void {
    joined.add(topic)
    if (!running || inner === undefined) return
    if (scoreParams === 'federation') inner.setTopicScore(topic, TOPIC_SCORE)
    inner.pubsub.subscribe(topic)
  }

  function unsubscribe(topic: string): void {
    joined.delete(topic)
    if (!running || inner === undefined) return
    if (scoreParams === 'federation') inner.setTopicScore(topic, LEFT_TOPIC_SCORE)
    inner.pubsub.unsubscribe(topic)
  }

  async function onMessage({ detail }: CustomEvent<GossipsubMessage>): Promise<void> {
    const { msg, msgId, propagationSource } = detail
    const from = propagationSource.toString()
    const society = societyOfTopic(federation, msg.topic)
    const data = plain(msg.data)
    const current = validators
    if (current === undefined) return
    const verdict = await judge.judge(from, data.length, async () => {
      if (data.length > MESSAGE_BYTES_MAX) return 'reject'
      return society === undefined ? current.proof(data, from) : current.group(society, data, from)
    })
    judged?.(society === undefined ? 'proof' : 'group', verdict)
    if (running) inner?.report(msgId, from, verdict)
  }

  let members: () => readonly PeerId[] = () => []
  let heartbeats = 0
  const onHeartbeat = () => {
    heartbeats += 1
    if (heartbeats % REPAIR_HEARTBEATS === 0) inner?.repair(members())
  }
  const listener = (event: CustomEvent<GossipsubMessage>) => void onMessage(event)

  async function publish(topic: string, data: Uint8Array): Promise<void> {
    if (data.length > MESSAGE_BYTES_MAX) throw new RangeError(`a message of ${data.length} bytes`)
    if (!running) return
    try {
      await inner?.pubsub.publish(topic, data)
    } catch {
      // Best effort: a neighbour that is gone, or a stop on the way, costs speed and nothing else.
    }
  }

  return {
    service(components) {
      const pubsub = gossipsub(gossipsubSettings({ scoreParams, sha256, joined }))(components)
      inner = openUp(pubsub)
      return pubsub
    },
    start(handlers, connected) {
      if (running || inner === undefined) return
      running = true
      validators = handlers
      members = connected
      judge = createJudge()
      inner.pubsub.addEventListener('gossipsub:message', listener)
      inner.pubsub.addEventListener('gossipsub:heartbeat', onHeartbeat)
      subscribe(proofTopic(federation))
      for (const society of societies) subscribe(logTopic(federation, society))
    },
    stop() {
      if (!running) return
      running = false
      inner?.pubsub.removeEventListener('gossipsub:message', listener)
      inner?.pubsub.removeEventListener('gossipsub:heartbeat', onHeartbeat)
      validators = undefined
      joined.clear()
    },
    join(society) {
      societies.add(society)
      subscribe(logTopic(federation, society))
    },
    leave(society) {
      societies.delete(society)
      unsubscribe(logTopic(federation, society))
    },
    publishGroup: (society, frame) => publish(logTopic(federation, society), frame),
    publishProof: proof => publish(proofTopic(federation), proof),
    scoreOf: peer => inner?.scoreOf(peer) ?? 0,
    mesh: society => inner?.mesh(logTopic(federation, society)) ?? [],
  }
}
