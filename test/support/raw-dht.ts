import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { type Identify, identify } from '@libp2p/identify'
import type { Libp2p, PeerId } from '@libp2p/interface'
import { type KadDHT, kadDHT, type MessageType, passthroughMapper, type QueryEvent } from '@libp2p/kad-dht'
import { peerIdFromMultihash, peerIdFromString } from '@libp2p/peer-id'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { dhtProtocol } from '../../node/net/dht.ts'
import { address, type Target } from './net.ts'

/** What the class of the library has in public. */
interface Inside {
  readonly network: {
    sendRequest(to: PeerId, message: object, options: object): AsyncIterable<QueryEvent>
    sendMessage(to: PeerId, message: object, options: object): AsyncIterable<QueryEvent>
  }
  readonly providers: { addProvider(cid: ReturnType<PeerId['toCID']>, peer: PeerId): Promise<void> }
}

interface DhtMessage {
  readonly type: MessageType
  readonly key: Uint8Array
  readonly record?: Uint8Array
  readonly providers?: readonly { readonly id: Uint8Array; readonly multiaddrs: readonly Uint8Array[] }[]
}

/** A stranger who speaks the DHT's protocol with the library as it comes, and says in it whatever a test likes. */
export interface RawDht {
  readonly libp2p: Libp2p<{ identify: Identify; ping: Ping; dht: KadDHT }>
  readonly net: Target['net']
  connect(...others: readonly Target[]): Promise<void>
  /** What came back: an answer, or nothing when the other end broke off. */
  ask(to: Target, message: DhtMessage): Promise<(QueryEvent & { name: 'PEER_RESPONSE' }) | undefined>
  /** Sends, and waits for no answer. */
  tell(to: Target, message: DhtMessage): Promise<void>
  /** From now on it names this peer as a provider, whoever asks. */
  name(key: Uint8Array, peer: PeerId, addresses: readonly string[]): Promise<void>
}

export async function rawDht(federation: string): Promise<RawDht> {
  const libp2p = await createLibp2p<{ identify: Identify; ping: Ping; dht: KadDHT }>({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({ protocol: dhtProtocol(federation), clientMode: false, peerInfoMapper: passthroughMapper }),
    },
  })
  const { network, providers } = libp2p.services.dht as unknown as Inside
  const path = { index: 0, queued: 0, running: 0, total: 0 }
  return {
    libp2p,
    net: { self: libp2p.peerId.toString(), addresses: () => libp2p.getMultiaddrs().map(String) },
    async connect(...others) {
      for (const other of others) await libp2p.dial(multiaddr(address(other)))
    },
    async ask(to, message) {
      const options = { path, signal: AbortSignal.timeout(5_000) }
      for await (const event of network.sendRequest(peerIdFromString(to.net.self), message, options))
        if (event.name === 'PEER_RESPONSE') return event
      return undefined
    },
    async tell(to, message) {
      const options = { path, signal: AbortSignal.timeout(5_000) }
      for await (const _event of network.sendMessage(peerIdFromString(to.net.self), message, options));
    },
    async name(key, peer, addresses) {
      await providers.addProvider(cidOf(key), peer)
      await libp2p.peerStore.merge(peer, { multiaddrs: addresses.map(text => multiaddr(text)) })
    },
  }
}

function cidOf(multihash: Uint8Array): ReturnType<PeerId['toCID']> {
  const bytes = Uint8Array.from(multihash)
  return peerIdFromMultihash({ code: 0x12, size: 32, digest: bytes.subarray(2), bytes }).toCID()
}
