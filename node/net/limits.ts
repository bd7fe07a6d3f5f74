import type { ConnectionManagerInit, ConnectionMonitorInit } from 'libp2p'

export const CONNECTION_LIMITS: ConnectionManagerInit = {
  /** By default 5 a second from one address: a federation on one machine, or behind one NAT, starts all at once. */
  inboundConnectionThreshold: 64,
  /** By default 10; each costs a Noise handshake (a millisecond or two) and at most 10 s of a socket. */
  maxIncomingPendingConnections: 64,
  inboundUpgradeTimeout: 10_000,
  /** A node dials what its configuration and the laws that it follows name: tens of addresses. */
  maxParallelDials: 32,
  maxDialQueueLength: 256,
  dialTimeout: 10_000,
  addressDialTimeout: 5_000,
  /** Addresses of one peer; more are made up. */
  maxPeerAddrsToDial: 8,
  /** Reconnecting is done by reconnect.ts, on the injected clock. */
  reconnectRetries: 0,
}

export const CONNECTION_MONITOR: ConnectionMonitorInit = {
  /** Finds the dead end of a connection well within a minute. */
  pingInterval: 15_000,
  /** A machine that is busy for seconds is not dead. */
  pingTimeout: { minTimeout: 10_000 },
}

export const MUXER_LIMITS = {
  /** All protocols of one connection together; each has its own lower limit. */
  maxInboundStreams: 512,
  maxOutboundStreams: 512,
  /** Streams that arrive before a connection is set up here; a peer that is quick opens a handful. */
  maxEarlyStreams: 16,
  streamOptions: {
    /** Of a request or answer that nobody reads yet: the largest answer, and what the window lets in beyond it. */
    maxReadBufferLength: 4 * 1024 * 1024,
  },
} as const

export const IDENTIFY_LIMITS = {
  timeout: 5_000,
  /** Keys, addresses and protocol names: some 2 KiB. */
  maxMessageSize: 16 * 1024,
  maxInboundStreams: 2,
  maxOutboundStreams: 2,
} as const

export const PING_LIMITS = { maxInboundStreams: 2, maxOutboundStreams: 2 } as const

/** What is remembered of others, in memory: some 20 MiB when strangers fill all of it. */
export const BOOK_LIMITS = {
  /** Ten times the connections; a member of a large federation meets no more in an hour. */
  peers: 2_048,
  /** Addresses, protocol names and a signed record are some 2 KiB. */
  peerBytes: 8 * 1024,
  /** As many as one answer can use; the newest stay. */
  providersOfKey: 20,
  /** Logs that a status message can name. */
  keysOfPeer: 256,
  providers: 8_192,
  /** Three times the pause between two announcements: one may get lost, and a node that left is soon forgotten. */
  providerValidityMs: 10_800_000,
} as const

/** Of the DHT's own protocol, which has no bounds of its own on rates and messages. */
export const DHT_LIMITS = {
  /** A request is one stream; a node that announces 256 logs makes some 500 in a few minutes. */
  requests: { perSecond: 20, burst: 200 },
  /** Two lists of 20 peers with 8 KiB each, were all of them as large as they may be; an honest answer has some 8 KiB. */
  streamBytes: 512 * 1024,
  maxInboundStreams: 8,
  maxOutboundStreams: 16,
  /** Each peer that an answer names may be dialled once for the routing table: few at a time, and then no more. */
  routingUpdates: 2,
  routingUpdatesWaiting: 32,
  pings: 4,
  pingsWaiting: 32,
  /** For all answers to one search. */
  searchMs: 20_000,
  /** Of one answer: so a single liar cannot fill a search. */
  providersOfAnswer: 4,
  addressesOfPeer: 4,
} as const
