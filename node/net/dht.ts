import type { StreamMiddleware } from '@libp2p/interface'
import {
  type KadDHT,
  kadDHT,
  MessageType,
  passthroughMapper,
  type QueryEvent,
  removePrivateAddressesMapper,
} from '@libp2p/kad-dht'
import { peerIdFromMultihash, peerIdFromString } from '@libp2p/peer-id'
import { concat } from 'uint8arrays/concat'
import { createRateLimit } from '../../protocols/rate-limit.ts'
import { utf8Encode } from '../../src/canonical.ts'
import type { PeerId } from '../../src/driver/net.ts'
import type { Clock, Sha256 } from '../../src/ports.ts'
import type { SocietyId } from '../../src/units.ts'
import { BOOK_LIMITS, DHT_LIMITS } from './limits.ts'
import type { PeerBook } from './peer-book.ts'

export type DhtMode = 'off' | 'client' | 'server'
/** Which addresses of strangers are used and passed on: all, or only those of the public internet. */
export type AddressChoice = 'any' | 'public'

/** Somebody of whom it was said that it serves a log. */
export interface Provider {
  readonly peer: PeerId
  /** Multiaddrs without the peer's name. */
  readonly addresses: readonly string[]
  /** How many nodes named it. */
  readonly namedBy: number
}

/** Provider records of a DHT: who serves which society's log. */
export interface Directory {
  /** Says that this node serves the log; the number of nodes that were told. Throws when aborted. */
  provide(society: SocietyId, signal: AbortSignal): Promise<number>
  withdraw(society: SocietyId): Promise<void>
  /** Throws when aborted. */
  find(society: SocietyId, signal: AbortSignal): Promise<readonly Provider[]>
}

/** Own name, so that federations and other networks do not fill each other's tables. */
export function dhtProtocol(federation: string): string {
  return `/web4/${federation}/kad/1.0.0`
}

/** Multihash under which a society's log is announced: 0x12 0x20, then SHA-256 of `web4/society/1\n<federation>\n<society id>`. */
export function dhtKey(sha256: Sha256, federation: string, society: SocietyId): Uint8Array {
  return concat([Uint8Array.of(0x12, 32), sha256(utf8Encode(`web4/society/1\n${federation}\n${society}`))])
}

const refuseValue = () => {
  throw new Error('values are not kept in this DHT')
}

export function dhtService(options: {
  readonly federation: string
  readonly mode: 'client' | 'server'
  readonly addresses: AddressChoice
}): ReturnType<typeof kadDHT> {
  return kadDHT({
    protocol: dhtProtocol(options.federation),
    clientMode: options.mode === 'client',
    peerInfoMapper: addressMapper(options.addresses),
    // The library's own take public keys and names of strangers; here only providers and routes are kept.
    validators: { pk: refuseValue, ipns: refuseValue },
    selectors: { pk: refuseValue, ipns: refuseValue },
    maxInboundStreams: DHT_LIMITS.maxInboundStreams,
    maxOutboundStreams: DHT_LIMITS.maxOutboundStreams,
    routingTableUpdateQueueConcurrency: DHT_LIMITS.routingUpdates,
    routingTableUpdateMaxQueueSize: DHT_LIMITS.routingUpdatesWaiting,
    pingNewContactConcurrency: DHT_LIMITS.pings,
    pingNewContactMaxQueueSize: DHT_LIMITS.pingsWaiting,
    pingOldContactConcurrency: DHT_LIMITS.pings,
    pingOldContactMaxQueueSize: DHT_LIMITS.pingsWaiting,
    // Announcing again is done here, on the injected clock; the library only clears away.
    reprovide: { validity: BOOK_LIMITS.providerValidityMs, threshold: 0 },
  })
}

/** Leaves of a peer's addresses those that may be used. */
export function addressMapper(choice: AddressChoice): typeof passthroughMapper {
  return choice === 'any' ? passthroughMapper : removePrivateAddressesMapper
}

/** Bounds on bytes and requests of the DHT's protocol, for `libp2p.use`. */
export function dhtLimits(clock: Clock): StreamMiddleware {
  const rate = createRateLimit(DHT_LIMITS.requests, clock)
  return (stream, connection, next) => {
    if (stream.direction === 'inbound' && !rate.take(connection.remotePeer.toString())) {
      stream.abort(new Error('too many requests'))
      return
    }
    let bytes = 0
    stream.addEventListener('message', ({ data }) => {
      bytes += data.byteLength
      if (bytes > DHT_LIMITS.streamBytes) stream.abort(new Error('too many bytes'))
    })
    return next(stream, connection)
  }
}

/** What the library has in public and leaves out of its interface: a question to one peer. */
interface Asking {
  readonly network: {
    sendRequest(
      to: ReturnType<typeof peerIdFromString>,
      message: { readonly type: MessageType; readonly key: Uint8Array },
      options: {
        readonly signal: AbortSignal
        readonly path: { index: number; queued: number; running: number; total: number }
      },
    ): AsyncIterable<QueryEvent>
  }
}

/**
 * Searches ask each of the nodes that are closest to the key, and take a few names of each: the library's own search ends
 * after the first 20 names, all of which one liar can make up.
 */
export function createDirectory(
  dht: KadDHT,
  options: { readonly federation: string; readonly addresses: AddressChoice; readonly self: PeerId },
  components: {
    readonly sha256: Sha256
    readonly book: PeerBook
    /** What this node remembers of a peer. */
    peerInfo(peer: PeerId): Promise<Parameters<typeof passthroughMapper>[0]>
  },
): Directory {
  const keyOf = (society: SocietyId) => dhtKey(components.sha256, options.federation, society)
  const mapper = addressMapper(options.addresses)
  // Public in the class, and not in the type that the library exports; the version is pinned, and a test runs it.
  const { network } = dht as unknown as Asking

  function named(infos: readonly Parameters<typeof mapper>[0][]): [PeerId, string[]][] {
    return infos
      .map(mapper)
      .filter(({ id, multiaddrs }) => multiaddrs.length > 0 && id.toString() !== options.self)
      .slice(0, DHT_LIMITS.providersOfAnswer)
      .map(({ id, multiaddrs }) => [
        id.toString(),
        multiaddrs.slice(0, DHT_LIMITS.addressesOfPeer).map(address => address.toString().replace(/\/p2p\/[^/]+$/, '')),
      ])
  }

  async function ask(peer: PeerId, key: Uint8Array, signal: AbortSignal): Promise<[PeerId, string[]][]> {
    const path = { index: 0, queued: 0, running: 0, total: 0 }
    const message = { type: MessageType.GET_PROVIDERS, key }
    for await (const event of network.sendRequest(peerIdFromString(peer), message, { signal, path })) {
      if (event.name !== 'PEER_RESPONSE') continue
      return named(event.providers)
    }
    return []
  }

  return {
    async provide(society, signal) {
      let told = 0
      for await (const event of dht.provide(cidOf(keyOf(society)), { signal }))
        if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') told++
      return told
    },
    async withdraw(society) {
      await dht.cancelReprovide(cidOf(keyOf(society)))
    },
    async find(society, signal) {
      const key = keyOf(society)
      const closest: PeerId[] = []
      for await (const event of dht.getClosestPeers(key, { signal }))
        if (event.name === 'FINAL_PEER') closest.push(event.peer.id.toString())
      const answers = await Promise.all(closest.map(peer => ask(peer, key, signal)))
      const found = new Map<PeerId, Provider>()
      // What others told this node counts as one answer more.
      const remembered = named(await Promise.all(components.book.providersOf(key).map(components.peerInfo)))
      for (const [peer, addresses] of [...answers.flat(), ...remembered]) {
        const known = found.get(peer)
        if (known === undefined) found.set(peer, { peer, addresses, namedBy: 1 })
        else found.set(peer, { ...known, namedBy: known.namedBy + 1 })
      }
      return [...found.values()]
    },
  }
}

/** A CID of this multihash. Only the multihash travels, so the codec that this way gives (72) is seen by nobody. */
function cidOf(multihash: Uint8Array): Parameters<KadDHT['provide']>[0] {
  const bytes = Uint8Array.from(multihash)
  return peerIdFromMultihash({ code: 0x12, size: 32, digest: bytes.subarray(2), bytes }).toCID()
}
