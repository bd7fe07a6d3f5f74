import { GROUP_BYTES_MAX } from '../../src/ingest/group.ts'

/** One message: a group of entries, or a fork proof, which is smaller. */
export const MESSAGE_BYTES_MAX = GROUP_BYTES_MAX

/**
 * Messages that one answer to IWANT may carry, in bytes. gossipsub puts all that were asked for into one frame; a frame
 * above FRAME_BYTES_MAX would end the receiver's gossip with this node until they reconnect. What is left out is asked
 * again or fetched as a range.
 */
export const IWANT_BYTES_MAX = 2 * 1024 * 1024

/** One gossipsub frame: a full answer to IWANT, the message that went over its bound, and control messages. */
export const FRAME_BYTES_MAX = IWANT_BYTES_MAX + MESSAGE_BYTES_MAX + 1024 * 1024

/** What waits for a peer that reads slowly: a few frames. Beyond it the stream is reset, and the peer catches up by ranges. */
export const OUTBOUND_BYTES_MAX = 16 * 1024 * 1024

/** Subscriptions of one peer, in bytes: a topic costs its name and 1 KiB, so some 460 topics; 256 logs leave room. */
export const TOPIC_BYTES_PER_PEER_MAX = 512 * 1024

/** Messages of one peer that are being judged, in bytes: eight of the largest. Above, they are ignored and fetched as ranges. */
export const JUDGING_BYTES_PER_PEER_MAX = 8 * 1024 * 1024
/** The same for all peers: what the gap buffers hold in all. */
export const JUDGING_BYTES_MAX = 64 * 1024 * 1024

/** Parts of one frame, decoded before anything is looked at: far above what an honest node sends in a heartbeat. */
export const DECODE_LIMITS = {
  /** All topics that fit into TOPIC_BYTES_PER_PEER_MAX arrive in one frame when a stream opens. */
  maxSubscriptions: 512,
  /** A frame carries one message, or an answer to IWANT: 2 MiB of groups of at least 2 KiB. */
  maxMessages: 1_024,
  /** Ids of the last three heartbeats of one log: a group every 5 ms makes 600. */
  maxIhaveMessageIDs: 2_048,
  maxIwantMessageIDs: 2_048,
  maxIdontwantMessageIDs: 512,
  /** At most one GRAFT, PRUNE and IHAVE for each topic. */
  maxControlMessages: 512,
  /** Peer exchange is off; a list is read and thrown away. */
  maxPeerInfos: 16,
} as const

/** One stream each way; one more while a reconnecting peer replaces its old one. */
export const GOSSIP_STREAMS_MAX = 2

/** Heartbeats (1 s) between two looks whether every open peer can still be gossiped to. */
export const REPAIR_HEARTBEATS = 2
