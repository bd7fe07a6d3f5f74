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
    // Who publishes a log sends it to everybody who follows it and is connected: witnesses have the entries one hop
    // earlier, and finality waits for them. The mesh below only carries them on to those who are not. A federation of
    // hundreds of followers would rather pay the hop than 1 MiB × peers; then this is the line to change.
    floodPublish: true,
    batchPublish: true,
    // Addresses come from laws and configuration; peer exchange would let any neighbour choose whom we dial.
    doPX: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    // 3 to 30 nodes: three neighbours reach thirty nodes in three or four hops. Every neighbour more is one more copy of
    // each message at each node, and copies are what a small machine spends most of its time on.
    D: 3,
    Dlo: 2,
    Dhi: 6,
    Dscore: 2,
    Dout: 1,
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
