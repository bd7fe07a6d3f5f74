import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { GossipSub, GossipSubComponents } from '@libp2p/gossipsub'
import { type Identify, identify } from '@libp2p/identify'
import type { Connection, Libp2p, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { ProtocolHost } from '../../protocols/host.ts'
import type { PeerId } from '../../src/driver/net.ts'
import { rejection } from '../../src/rejection.ts'
import { fail, ok, type Result } from '../../src/result.ts'
import { CONNECTION_LIMITS, CONNECTION_MONITOR, IDENTIFY_LIMITS, MUXER_LIMITS, PING_LIMITS } from './limits.ts'

/** One libp2p node: made by `createHost`, started once, stopped once. */
export interface Host extends ProtocolHost {
  start(): Promise<void>
  stop(): Promise<void>
  addresses(): string[]
  dial(address: string, signal: AbortSignal): Promise<Result<PeerId>>
  hangUp(peer: PeerId): void
}

export interface HostOptions {
  readonly key: PrivateKey
  /** Multiaddrs to listen on; none: only outbound connections. */
  readonly listen: readonly string[]
  /** No connection with these, in either direction. */
  readonly denied: ReadonlySet<PeerId>
}

export interface HostComponents {
  readonly pubsub: (components: GossipSubComponents) => GossipSub
  connected(peer: PeerId): void
  disconnected(peer: PeerId): void
}

/** The transport key of a node; its seed is no other key of it. */
export async function transportKey(seed: Uint8Array): Promise<{ readonly key: PrivateKey; readonly peer: PeerId }> {
  const key = await generateKeyPairFromSeed('Ed25519', seed)
  return { key, peer: peerIdFromPrivateKey(key).toString() }
}

export async function createHost(options: HostOptions, components: HostComponents): Promise<Host> {
  const libp2p = await createNode(options, components)
  libp2p.addEventListener('connection:open', ({ detail }) => components.connected(detail.remotePeer.toString()))
  libp2p.addEventListener('peer:disconnect', ({ detail }) => components.disconnected(detail.toString()))

  /** The newest: when a peer has restarted, the older one is dead and not closed yet. */
  function connectionTo(peer: PeerId): Connection {
    const open = libp2p.getConnections(peerIdFromString(peer)).filter(connection => connection.status === 'open')
    const newest = open.sort((a, b) => b.timeline.open - a.timeline.open)[0]
    if (newest === undefined) throw new Error('not connected')
    return newest
  }

  return {
    async start() {
      await libp2p.start()
    },
    async stop() {
      await libp2p.stop()
    },
    addresses: () => libp2p.getMultiaddrs().map(String),
    async handle(protocol, handler, streamsMax) {
      await libp2p.handle(protocol, (stream, connection) => handler(stream, connection.remotePeer.toString()), {
        maxInboundStreams: streamsMax,
        maxOutboundStreams: MUXER_LIMITS.maxOutboundStreams,
      })
    },
    async unhandle(protocol) {
      await libp2p.unhandle(protocol)
    },
    dialProtocol: async (peer, protocol, { signal }) => connectionTo(peer).newStream(protocol, { signal }),
    async dial(address, signal) {
      let target: ReturnType<typeof multiaddr>
      try {
        target = multiaddr(address)
      } catch {
        return fail(rejection('BAD_REQUEST', 'not a multiaddr'))
      }
      try {
        const connection = await libp2p.dial(target, { signal })
        return ok(connection.remotePeer.toString())
      } catch (error) {
        const denied = error instanceof Error && /Denied|Intercepted/.test(error.name)
        return fail(rejection(denied ? 'PEER_DENIED' : 'PEER_UNREACHABLE'))
      }
    },
    hangUp(peer) {
      // Fails only when the connection is gone already.
      libp2p.hangUp(peerIdFromString(peer)).catch(() => {})
    },
  }
}

type Services = { identify: Identify; ping: Ping; pubsub: GossipSub }

function createNode({ key, listen, denied }: HostOptions, { pubsub }: HostComponents): Promise<Libp2p<Services>> {
  const isDenied = (peer: { toString(): string }) => denied.has(peer.toString())
  return createLibp2p<Services>({
    start: false,
    privateKey: key,
    // What identify tells to strangers: no version of anything below.
    nodeInfo: { name: 'web4-node', version: '1', userAgent: 'web4-node/1' },
    addresses: { listen: [...listen] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(MUXER_LIMITS)],
    connectionManager: CONNECTION_LIMITS,
    connectionMonitor: CONNECTION_MONITOR,
    connectionGater: {
      denyDialPeer: isDenied,
      denyInboundEncryptedConnection: isDenied,
      denyOutboundEncryptedConnection: isDenied,
    },
    services: { identify: identify(IDENTIFY_LIMITS), ping: ping(PING_LIMITS), pubsub },
  })
}
