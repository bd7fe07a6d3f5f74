import { NotFoundError } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Libp2pOptions } from 'libp2p'
import { toString as textOf } from 'uint8arrays/to-string'
import type { PeerId } from '../../src/driver/net.ts'
import type { Clock } from '../../src/ports.ts'
import type { EpochMs } from '../../src/units.ts'
import { BOOK_LIMITS } from './limits.ts'

type Datastore = NonNullable<Libp2pOptions['datastore']>
type Key = Parameters<Datastore['put']>[0]
type Query = Parameters<Datastore['query']>[0]
type Pair = { readonly key: Key; readonly value: Uint8Array }

/**
 * What libp2p and its DHT remember, in memory and bounded: addresses of peers, and who said to serve which log. Strangers
 * write here, and the library itself has no bound, so this is where they meet one. Nothing else is taken: no values, no keys.
 */
export interface PeerBook {
  readonly datastore: Datastore
  /** Who says to serve the log of this DHT key; newest first, at most `providersOfKey`. */
  providersOf(key: Uint8Array): readonly PeerId[]
  readonly counts: { readonly peers: number; readonly providers: number }
}

/** `/dht/provider/<multihash>/<peer id>`; the multihash is SHA-256 (bytes 0x12 0x20) in base32, whatever key a stranger made up. */
const PROVIDER = /^\/dht\/provider\/(ciq[a-p][a-z2-7]{51})\/([A-Za-z0-9]{1,128})$/
const PROVIDERS_OF = /^\/dht\/provider\/([a-z2-7]+)$/
const PEER = /^\/peers\/([a-z2-7]{1,128})$/

export function createPeerBook(self: PeerId, clock: Clock): PeerBook {
  const peers = new Map<string, Pair>()
  /** By multihash and then peer, the newest last. */
  const providers = new Map<string, Map<PeerId, { readonly pair: Pair; readonly at: EpochMs }>>()
  /** Keys of each peer, the newest last. */
  const keysOf = new Map<PeerId, Set<string>>()
  const own = peerKey(self)
  let records = 0

  function dropProvider(hash: string, peer: PeerId): void {
    if (providers.get(hash)?.delete(peer) !== true) return
    records--
    if (providers.get(hash)?.size === 0) providers.delete(hash)
    keysOf.get(peer)?.delete(hash)
    if (keysOf.get(peer)?.size === 0) keysOf.delete(peer)
  }

  /** Makes room where it costs the fewest others: of the same key, of the same peer, of the peer that has most. */
  function putProvider(hash: string, peer: PeerId, pair: Pair): void {
    dropProvider(hash, peer)
    const known = providers.get(hash)
    if (known !== undefined && known.size >= BOOK_LIMITS.providersOfKey) {
      const oldest = [...known.keys()].find(other => other !== self)
      if (oldest !== undefined) dropProvider(hash, oldest)
    }
    const keys = keysOf.get(peer)
    if (keys !== undefined && keys.size >= BOOK_LIMITS.keysOfPeer) dropProvider(first(keys), peer)
    if (records >= BOOK_LIMITS.providers) {
      const [most] = [...keysOf].filter(([other]) => other !== self).sort(([, a], [, b]) => b.size - a.size)
      if (most !== undefined) dropProvider(first(most[1]), most[0])
    }
    const ofKey = providers.get(hash) ?? new Map()
    const ofPeer = keysOf.get(peer) ?? new Set()
    providers.set(hash, ofKey.set(peer, { pair, at: clock.now() }))
    keysOf.set(peer, ofPeer.add(hash))
    records++
  }

  /** Valid ones whose addresses are known; the library fails as a whole when asked for one that has none. */
  function validOf(hash: string): [PeerId, Pair][] {
    const since = clock.now() - BOOK_LIMITS.providerValidityMs
    const all = [...(providers.get(hash) ?? [])]
    for (const [peer, { at }] of all) if (at < since) dropProvider(hash, peer)
    return all
      .filter(([peer, { at }]) => at >= since && peers.has(peerKey(peer)))
      .map(([peer, { pair }]): [PeerId, Pair] => [peer, pair])
      .reverse()
  }

  function putPeer(name: string, pair: Pair): void {
    if (name !== own && pair.value.length > BOOK_LIMITS.peerBytes) throw refused(name)
    peers.delete(name)
    peers.set(name, pair)
    if (peers.size <= BOOK_LIMITS.peers) return
    const oldest = [...peers.keys()].find(other => other !== own)
    if (oldest !== undefined) peers.delete(oldest)
  }

  function find(name: string): Pair | undefined {
    const provider = PROVIDER.exec(name)
    if (provider !== null) return providers.get(provider[1] ?? '')?.get(provider[2] ?? '')?.pair
    const pair = peers.get(name)
    // Who is asked for stays: the order is that of use.
    if (pair !== undefined && peers.delete(name)) peers.set(name, pair)
    return pair
  }

  function select({ prefix = '', filters = [], orders = [], offset = 0, limit }: Query): Pair[] {
    const hash = PROVIDERS_OF.exec(prefix)?.[1]
    const all =
      hash !== undefined
        ? validOf(hash).map(([, pair]) => pair)
        : prefix.startsWith('/dht/provider')
          ? [...providers.values()].flatMap(ofKey => [...ofKey.values()].map(({ pair }) => pair))
          : [...peers.values()].filter(({ key }) => key.toString().startsWith(prefix))
    const found = all.filter(pair => filters.every(filter => filter(pair)))
    for (const order of orders) found.sort(order)
    return found.slice(offset, limit === undefined ? undefined : offset + limit)
  }

  const datastore: Datastore = {
    put(key, value) {
      const name = key.toString()
      const provider = PROVIDER.exec(name)
      if (provider !== null) putProvider(provider[1] ?? '', provider[2] ?? '', { key, value })
      else if (PEER.test(name)) putPeer(name, { key, value })
      else throw refused(name)
      return key
    },
    get(key) {
      const pair = find(key.toString())
      if (pair === undefined) throw new NotFoundError('not here')
      return pair.value
    },
    has: key => find(key.toString()) !== undefined,
    delete(key) {
      const name = key.toString()
      const provider = PROVIDER.exec(name)
      if (provider !== null) dropProvider(provider[1] ?? '', provider[2] ?? '')
      else peers.delete(name)
    },
    async *putMany(source) {
      for await (const { key, value } of source) yield datastore.put(key, value)
    },
    async *getMany(source) {
      for await (const key of source) yield { key, value: await datastore.get(key) }
    },
    async *deleteMany(source) {
      for await (const key of source) {
        await datastore.delete(key)
        yield key
      }
    },
    batch: () => {
      throw refused('batch')
    },
    async *query(query) {
      yield* select(query)
    },
    async *queryKeys({ prefix, filters = [], orders = [] }) {
      const keys = select(prefix === undefined ? {} : { prefix })
        .map(({ key }) => key)
        .filter(key => filters.every(filter => filter(key)))
      for (const order of orders) keys.sort(order)
      yield* keys
    },
  }

  return {
    datastore,
    providersOf: key => validOf(textOf(key, 'base32')).map(([peer]) => peer),
    get counts() {
      return { peers: peers.size, providers: records }
    },
  }
}

function first(keys: Iterable<string>): string {
  for (const key of keys) return key
  return ''
}

function refused(name: string): Error {
  return new Error(`not kept here: ${name.slice(0, 80)}`)
}

/** As the peer store of libp2p writes it. */
function peerKey(peer: PeerId): string {
  return `/peers/${peerIdFromString(peer).toCID().toString()}`
}
