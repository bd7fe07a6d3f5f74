import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { GossipSub, GossipSubComponents } from '@libp2p/gossipsub'
import { type Identify, identify } from '@libp2p/identify'
import type { Connection, ConnectionGater, Libp2p, PeerDiscovery, PrivateKey } from '@libp2p/interface'
import type { KadDHT } from '@libp2p/kad-dht'
import { mdns } from '@libp2p/mdns'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { type Ping, ping } from '@libp2p/ping'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import type { ProtocolHost } from '../../protocols/host.ts'
import type { PeerId } from '../../src/driver/net.ts'
import type { Clock, Sha256 } from '../../src/ports.ts'
import { rejection } from '../../src/rejection.ts'
import { fail, ok, type Result } from '../../src/result.ts'
import { type AccessLists, createAccess } from './access.ts'
import {
  type AddressChoice,
  createDirectory,
  type DhtMode,
  type Directory,
  dhtLimits,
  dhtProtocol,
  dhtService,
} from './dht.ts'
import {
  BOOK_LIMITS,
  CONNECTION_LIMITS,
  CONNECTION_MONITOR,
  IDENTIFY_LIMITS,
  MUXER_LIMITS,
  PING_LIMITS,
} from './limits.ts'
import { createPeerBook, type PeerBook } from './peer-book.ts'

/** One libp2p node: made by `createHost`, started once, stopped once. */
export interface Host extends ProtocolHost {
  start(): Promise<void>
  stop(): Promise<void>
  addresses(): string[]
  dial(address: string, signal: AbortSignal): Promise<Result<PeerId>>
  /** At any of these addresses, and only this peer; whether it is connected now. */
  dialPeer(peer: PeerId, addresses: readonly string[], signal: AbortSignal): Promise<boolean>
  hangUp(peer: PeerId): void
  isConnected(peer: PeerId): boolean
  /** Whether the peer came to us; false when it is not connected. */
  isInbound(peer: PeerId): boolean
  /** With too many connections, that one goes last. */
  prefer(peer: PeerId): void
  /** Undefined when the DHT is off. */
  readonly directory: Directory | undefined
}

export interface HostOptions {
  readonly key: PrivateKey
  /** Name in the protocols below. */
  readonly federation: string
  /** Multiaddrs to listen on; none: only outbound connections. */
  readonly listen: readonly string[]
  readonly access: AccessLists
  readonly connectionsMax: number
  readonly dht: DhtMode
  readonly addresses: AddressChoice
  readonly mdns: boolean
  /** Bytes of a private network's key file: who has another one, or none, cannot connect. */
  readonly networkKey?: Uint8Array | undefined
}

export interface HostComponents {
  readonly clock: Clock
  readonly sha256: Sha256
  readonly pubsub: (components: GossipSubComponents) => GossipSub
  connected(peer: PeerId): void
  disconnected(peer: PeerId): void
  /** Somebody on the local network says that it is there. */
  seen?(peer: PeerId, addresses: readonly string[]): void
  /** No dial to this peer just now, whoever asks. */
  avoids?(peer: PeerId): boolean
}

/** The transport key of a node; its seed is no other key of it. */
export async function transportKey(seed: Uint8Array): Promise<{ readonly key: PrivateKey; readonly peer: PeerId }> {
  const key = await generateKeyPairFromSeed('Ed25519', seed)
  return { key, peer: peerIdFromPrivateKey(key).toString() }
}

export async function createHost(options: HostOptions, components: HostComponents): Promise<Host> {
  const self = peerIdFromPrivateKey(options.key).toString()
  const book = createPeerBook(self, components.clock)
  const libp2p = await createNode(options, components, book)
  if (options.dht !== 'off') libp2p.use(dhtProtocol(options.federation), dhtLimits(components.clock))
  libp2p.services.mdns?.addEventListener('peer', ({ detail }) =>
    components.seen?.(detail.id.toString(), detail.multiaddrs.map(String)),
  )
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
    directory:
      libp2p.services.dht === undefined
        ? undefined
        : createDirectory(
            libp2p.services.dht,
            { ...options, self },
            { ...components, book, peerInfo: peer => peerInfo(libp2p, peer) },
          ),
    isConnected: peer => libp2p.getConnections(peerIdFromString(peer)).length > 0,
    isInbound: peer => libp2p.getConnections(peerIdFromString(peer)).some(({ direction }) => direction === 'inbound'),
    prefer(peer) {
      // Above what the DHT gives to the peers whose names are close to this one's.
      const tags = { 'web4-kept': { value: 100 } }
      libp2p.peerStore.merge(peerIdFromString(peer), { tags }).catch(() => {})
    },
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
    async dialPeer(peer, addresses, signal) {
      const targets = addresses.flatMap(address => addressOf(address, peer) ?? [])
      if (targets.length === 0) return false
      return libp2p.dial(targets, { signal }).then(
        () => true,
        () => false,
      )
    },
    hangUp(peer) {
      // Fails only when the connection is gone already.
      libp2p.hangUp(peerIdFromString(peer)).catch(() => {})
    },
  }
}

type Services = { identify: Identify; ping: Ping; pubsub: GossipSub; dht?: KadDHT; mdns?: PeerDiscovery }

function createNode(options: HostOptions, components: HostComponents, book: PeerBook): Promise<Libp2p<Services>> {
  const { addresses, connectionsMax, dht, federation, key, listen, networkKey } = options
  const services: Libp2pOptions<Services>['services'] = {
    identify: identify(IDENTIFY_LIMITS),
    ping: ping(PING_LIMITS),
    pubsub: components.pubsub,
    ...(dht === 'off' ? {} : { dht: dhtService({ federation, mode: dht, addresses }) }),
    ...(options.mdns ? { mdns: mdns({ serviceTag: `_web4-${federation}._udp.local` }) } : {}),
  }
  return createLibp2p<Services>({
    start: false,
    privateKey: key,
    // What identify tells to strangers: no version of anything below.
    nodeInfo: { name: 'web4-node', version: '1', userAgent: 'web4-node/1' },
    addresses: { listen: [...listen] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(MUXER_LIMITS)],
    ...(networkKey === undefined ? {} : { connectionProtector: preSharedKey({ psk: networkKey }) }),
    connectionManager: { ...CONNECTION_LIMITS, maxConnections: connectionsMax },
    connectionMonitor: CONNECTION_MONITOR,
    connectionGater: createGater(options, components),
    datastore: book.datastore,
    peerStore: { maxAddressAge: BOOK_LIMITS.providerValidityMs, maxPeerAge: BOOK_LIMITS.providerValidityMs },
    services,
  })
}

function createGater({ access }: HostOptions, { avoids }: HostComponents): ConnectionGater {
  const lists = createAccess(access)
  return {
    denyDialPeer: peer => lists.deniesPeer(peer.toString()) || avoids?.(peer.toString()) === true,
    denyDialMultiaddr: address => lists.deniesAddress(address, 'out'),
    denyInboundConnection: ({ remoteAddr }) => lists.deniesAddress(remoteAddr, 'in'),
    denyInboundEncryptedConnection: (peer, { remoteAddr }) => lists.denies(peer.toString(), remoteAddr),
    denyOutboundEncryptedConnection: (peer, { remoteAddr }) => lists.denies(peer.toString(), remoteAddr),
  }
}

async function peerInfo(libp2p: Libp2p, peer: PeerId): ReturnType<Parameters<typeof createDirectory>[2]['peerInfo']> {
  const id = peerIdFromString(peer)
  const known = await libp2p.peerStore.get(id).catch(() => undefined)
  return { id, multiaddrs: known?.addresses.map(({ multiaddr: address }) => address) ?? [] }
}

function addressOf(address: string, peer: PeerId): Multiaddr | undefined {
  try {
    return multiaddr(`${address}/p2p/${peer}`)
  } catch {
    return undefined
  }
}
