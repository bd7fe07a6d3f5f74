import type { GossipsubOpts } from '@libp2p/gossipsub'
import { concat } from 'uint8arrays/concat'
import { utf8Encode } from '../../src/canonical.ts'
import type { Sha256 } from '../../src/ports.ts'
import {
  DECODE_LIMITS,
  FRAME_BYTES_MAX,
  GOSSIP_STREAMS_MAX,
  OUTBOUND_BYTES_MAX,
  TOPIC_BYTES_PER_PEER_MAX,
} from './constants.ts'
import { SCORE_PARAMS, SCORE_THRESHOLDS } from './score.ts'

/** `library-default` exists for one test: it shows why `federation` is needed. */
export type ScoreChoice = 'federation' | 'library-default'

const ZERO = Uint8Array.of(0)

/** Two messages are one when topic and bytes are: whoever sent them. */
export function messageId(sha256: Sha256, topic: string, data: Uint8Array): Uint8Array {
  return sha256(concat([utf8Encode(topic), ZERO, data]))
}

export function gossipsubSettings(options: {
  readonly scoreParams: ScoreChoice
  readonly sha256: Sha256
  /** Topics that this node has joined; it changes while the node runs. */
  readonly joined: ReadonlySet<string>
}): Partial<GossipsubOpts> {
  return {
    // Entries and notes are signed; a second signature by the transport key would prove nothing.
    globalSignaturePolicy: 'StrictNoSign',
    msgIdFn: message => messageId(options.sha256, message.topic, message.data),
    // Nothing is passed on before it was judged: invalid messages must not travel.
    asyncValidation: true,
    emitSelf: false,
    fallbackToFloodsub: false,
    // A group goes to D neighbours and these pass it on. Flooding would cost the sequencer up to 1 MiB × peers for each
    // group; the mesh adds a hop, and gossip is for speed only: what it misses is fetched.
    floodPublish: false,
    batchPublish: true,
    // Addresses come from laws and configuration; peer exchange would let any neighbour choose whom we dial.
    doPX: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    // 3 to 30 nodes: up to six of them mesh fully; above, five neighbours reach thirty nodes in two or three hops. Every
    // neighbour more is one more copy of each message at each node: twenty nodes on two cores need a third less time
    // for a thousand messages than with D 6 and Dhi 10.
    D: 5,
    Dlo: 4,
    Dhi: 8,
    Dscore: 3,
    Dout: 2,
    Dlazy: 6,
    // IDONTWANT costs more than it saves for small messages; large groups are worth it.
    idontwantMinDataSize: 16_384,
    // A promise is kept within a few heartbeats of a busy machine.
    gossipsubIWantFollowupMs: 12_000,
    // Topics are joined at run time, and a subscription that was refused is never repeated by its sender. So foreign
    // subscriptions are remembered within a budget, and messages on topics not joined stop here, before any cache.
    maxTopicBytesPerPeer: TOPIC_BYTES_PER_PEER_MAX,
    dataTransform: {
      inboundTransform(topic, data) {
        if (!options.joined.has(topic)) throw new Error('topic not joined')
        return data
      },
      outboundTransform: (_topic, data) => data,
    },
    maxInboundDataLength: FRAME_BYTES_MAX,
    maxOutboundBufferSize: OUTBOUND_BYTES_MAX,
    maxInboundStreams: GOSSIP_STREAMS_MAX,
    maxOutboundStreams: GOSSIP_STREAMS_MAX,
    decodeRpcLimits: DECODE_LIMITS,
    ...(options.scoreParams === 'federation' ? { scoreParams: SCORE_PARAMS, scoreThresholds: SCORE_THRESHOLDS } : {}),
  }
}
