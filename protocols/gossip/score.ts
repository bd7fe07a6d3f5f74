import type { GossipsubOpts } from '@libp2p/gossipsub'

/**
 * Peer scores. Only what a peer can be blamed for from bytes alone costs it anything: invalid messages (P4) and broken
 * mesh manners (P7). How much a log publishes, and how many nodes share an address, says nothing about a peer.
 */

type ScoreParams = NonNullable<GossipsubOpts['scoreParams']>
export type TopicScoreParams = NonNullable<ScoreParams['topics']>[string]

/** Counters are multiplied by a decay every second. */
const DECAY_INTERVAL_MS = 1_000
const DECAY_TO_ZERO = 0.01

/** The factor with which a counter of 1 is forgotten after so many seconds. */
function forgottenAfter(seconds: number): number {
  return DECAY_TO_ZERO ** (1 / seconds)
}

export const TOPIC_SCORE: TopicScoreParams = {
  topicWeight: 1,
  /** P1: 0 to 0.3 points within five minutes; prefers neighbours that stay. */
  timeInMeshWeight: 0.001,
  timeInMeshQuantum: 1_000,
  timeInMeshCap: 300,
  /**
   * P2: up to 0.5 points for being the first to bring news, gone within a minute. Points of all topics add up before the
   * cap, so they are small: twenty good topics do not pay for one invalid message.
   */
  firstMessageDeliveriesWeight: 0.01,
  firstMessageDeliveriesDecay: forgottenAfter(60),
  firstMessageDeliveriesCap: 50,
  /** P3 and P3b off: logs are idle for hours and busy for seconds, so a quiet neighbour is no bad neighbour. */
  meshMessageDeliveriesWeight: 0,
  meshMessageDeliveriesDecay: 0.5,
  meshMessageDeliveriesCap: 1,
  meshMessageDeliveriesThreshold: 1,
  meshMessageDeliveriesWindow: 10,
  meshMessageDeliveriesActivation: 1_000,
  meshFailurePenaltyWeight: 0,
  meshFailurePenaltyDecay: 0.5,
  /**
   * P4: the square of the number of rejected messages, times this. A message is rejected for its bytes alone, so an
   * honest node relays none: the first costs the mesh (negative score), the third all attention. Forgotten after an
   * hour (counters of a peer that is away do not decay).
   */
  invalidMessageDeliveriesWeight: -20,
  invalidMessageDeliveriesDecay: forgottenAfter(3_600),
}

/** For a topic that was left: its counters must stay known to gossipsub, but count no more. */
export const LEFT_TOPIC_SCORE: TopicScoreParams = { ...TOPIC_SCORE, topicWeight: 0 }

export const SCORE_PARAMS: Partial<ScoreParams> = {
  /** A score is no credit: what all topics earn together ends here. */
  topicScoreCap: 10,
  /**
   * P6 off. By default every peer loses 5·(n − 10)² when more than ten share an address, and a federation on one machine,
   * or behind one NAT, delivers nothing at all from 15 nodes on. Whoever is known by its node statement needs no guess by
   * address; a whitelist would need every address beforehand. Floods from one address are limited where they arrive: by
   * connections, streams and bytes.
   */
  IPColocationFactorWeight: 0,
  IPColocationFactorThreshold: 10,
  IPColocationFactorWhitelist: new Set(),
  /** P7: six broken promises or early grafts are bad luck (a reply to IWANT is cut at a bound), more are manners. */
  behaviourPenaltyWeight: -10,
  behaviourPenaltyThreshold: 6,
  behaviourPenaltyDecay: 0.8,
  decayInterval: DECAY_INTERVAL_MS,
  decayToZero: DECAY_TO_ZERO,
  /** A bad score outlives a reconnection by an hour. */
  retainScore: 3_600_000,
}

export const SCORE_THRESHOLDS = {
  /** Two invalid messages: no IHAVE and IWANT any more. */
  gossipThreshold: -40,
  publishThreshold: -80,
  /** Three invalid messages (3² × 20): nothing that this peer says is read. */
  graylistThreshold: -150,
  /** Peer exchange is off; no score reaches this. */
  acceptPXThreshold: 1_000,
  /** Neighbours that brought nothing for minutes are joined by two better ones. */
  opportunisticGraftThreshold: 0.1,
} as const
