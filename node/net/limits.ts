import type { ConnectionManagerInit, ConnectionMonitorInit } from 'libp2p'

/** Members of a federation, their observers and operators, and room for strangers that have not said who they are yet. */
const CONNECTIONS_MAX = 256

export const CONNECTION_LIMITS: ConnectionManagerInit = {
  maxConnections: CONNECTIONS_MAX,
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
