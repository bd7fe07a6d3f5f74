import { peerIdFromString } from '@libp2p/peer-id'
import type { PeerId, Wants } from '../../src/driver/net.ts'
import type { Clock, Random } from '../../src/ports.ts'
import type { Result } from '../../src/result.ts'
import type { SocietyId } from '../../src/units.ts'
import type { FoundBy } from '../service.ts'
import { type Announcer, createAnnouncer } from './announcer.ts'
import type { AddressChoice } from './dht.ts'
import { ENDPOINT_PAUSE_MS_MAX, recordedAddresses } from './endpoints.ts'
import { createHints, type Hints } from './hints.ts'
import type { Host } from './host.ts'
import { createReconnect, type Reconnect } from './reconnect.ts'
import { createSeeker, type Seeker } from './seeker.ts'

/** Everything that makes connections: configured peers, addresses of record, and hints. */
export interface Finding {
  start(): void
  stop(): Promise<void>
  want(wants: Wants): void
  /** The operator wants a connection: made once, and kept from being given up. */
  connect(address: string, signal: AbortSignal): Promise<Result<PeerId>>
  seen(peer: PeerId, addresses: readonly string[]): void
  avoids(peer: PeerId): boolean
  connected(peer: PeerId): void
  disconnected(peer: PeerId): void
  foundBy(peer: PeerId): FoundBy
}

export interface FindingOptions {
  readonly self: PeerId
  readonly peers: readonly string[]
  readonly addresses: AddressChoice
}

export interface FindingComponents {
  readonly clock: Clock
  readonly random: Random
  readonly searched?: ((society: SocietyId, found: number, dialled: readonly PeerId[]) => void) | undefined
}

export function createFinding(options: FindingOptions, components: FindingComponents, host: () => Host): Finding {
  const byOperator = new Set<PeerId>()
  let helpers: ReadonlySet<PeerId> = new Set()
  let stopping = new AbortController()
  const keeps = (peer: PeerId) => configured.keeps(peer) || recorded.keeps(peer) || byOperator.has(peer)
  const dialKept = {
    ...components,
    async dial(address: string, signal: AbortSignal) {
      const named = /\/p2p\/([^/]+)$/.exec(address)?.[1]
      if (named !== undefined) hints.pardon(named)
      const result = await host().dial(address, signal)
      if (result.ok) host().prefer(result.value)
      return result
    },
  }
  const configured: Reconnect = createReconnect(options.peers, dialKept)
  const recorded: Reconnect = createReconnect([], dialKept, ENDPOINT_PAUSE_MS_MAX)
  const hints: Hints = createHints({
    ...components,
    dial: (peer, addresses, signal) => host().dialPeer(peer, addresses, signal),
    isConnected: peer => host().isConnected(peer),
    isInbound: peer => host().isInbound(peer),
    keeps: peer => keeps(peer) || helpers.has(peer),
    hangUp: peer => host().hangUp(peer),
  })
  let announcer: Announcer | undefined
  let seeker: Seeker | undefined

  return {
    start() {
      stopping = new AbortController()
      const { directory, isConnected } = host()
      if (directory !== undefined) {
        announcer = createAnnouncer({ ...components, directory })
        seeker = createSeeker({ ...components, directory, hints, isConnected })
        announcer.start()
        seeker.start()
      }
      configured.start()
      recorded.start()
    },
    async stop() {
      stopping.abort()
      await Promise.all([configured.stop(), recorded.stop(), announcer?.stop(), seeker?.stop()])
      recorded.set([])
      byOperator.clear()
    },
    want({ endpoints, helpers: given, seeks, serves }) {
      helpers = given
      const id = peerIdFromString(options.self)
      recorded.set(recordedAddresses(endpoints, { id, addresses: host().addresses(), choice: options.addresses }))
      announcer?.serve(serves)
      seeker?.seek(seeks)
    },
    async connect(address, signal) {
      const result = await dialKept.dial(address, signal)
      if (result.ok) byOperator.add(result.value)
      return result
    },
    seen(peer, addresses) {
      if (!stopping.signal.aborted && peer !== options.self) void hints.seen(peer, addresses, stopping.signal)
    },
    avoids: peer => hints.avoids(peer),
    connected: () => announcer?.met(),
    disconnected(peer) {
      byOperator.delete(peer)
      hints.disconnected(peer)
      configured.disconnected(peer)
      recorded.disconnected(peer)
    },
    foundBy(peer) {
      if (configured.keeps(peer)) return 'configured'
      if (recorded.keeps(peer)) return 'endpoint'
      if (byOperator.has(peer)) return 'operator'
      return hints.sourceOf(peer) ?? (host().isInbound(peer) ? 'inbound' : 'dht')
    },
  }
}
