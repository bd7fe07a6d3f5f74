import { createGossip } from '../../protocols/gossip/gossip.ts'
import type { ScoreChoice } from '../../protocols/gossip/settings.ts'
import { createStatements, type Statements } from '../../protocols/node-statement/node-statement.ts'
import { createServer, type Observe, request, type Server, type ServerComponents } from '../../protocols/request.ts'
import { requestProtocols } from '../../protocols/requests.ts'
import type { Net, NetHandlers, PeerId, RequestName, Verdict } from '../../src/driver/net.ts'
import type { Clock, Random, Sha256, Signer, Verifier } from '../../src/ports.ts'
import { rejection } from '../../src/rejection.ts'
import { fail, type Result } from '../../src/result.ts'
import type { SocietyId } from '../../src/units.ts'
import type { FoundBy } from '../service.ts'
import type { AddressChoice, DhtMode } from './dht.ts'
import { createFinding, type Finding } from './finding.ts'
import { createHost, type Host, transportKey } from './host.ts'

export interface NetOptions {
  readonly federation: string
  /** Multiaddrs, for example `/ip4/127.0.0.1/tcp/0`. */
  readonly listen: readonly string[]
  /** Multiaddrs of peers to which a connection is kept. */
  readonly peers: readonly string[]
  /** 32 bytes, used for the transport key and nothing else. */
  readonly seed: Uint8Array
  /** Peers and networks with which no connection is made or taken; `node/net/access.ts`. */
  readonly denied?: readonly string[]
  /** If any: only these and the configured peers may be connected. */
  readonly allowed?: readonly string[]
  readonly connectionsMax?: number
  /** Default: off. */
  readonly dht?: DhtMode
  /** Which addresses of strangers are used and passed on. */
  readonly addresses?: AddressChoice
  readonly mdns?: boolean
  /** Bytes of a private network's key file. */
  readonly networkKey?: Uint8Array | undefined
  readonly scoreParams?: ScoreChoice
}

export interface NetComponents {
  readonly clock: Clock
  readonly random: Random
  readonly sha256: Sha256
  readonly verifier: Verifier
  /** The witness key: it signs `node` statements. */
  readonly signer: Signer
  /** "" before there is a charter, and for observers. */
  currentSociety(): SocietyId | ''
  readonly observe?: Observe
  /** A search for a log's providers ended: how many were named, and whom it dialled. */
  readonly searched?: (society: SocietyId, found: number, dialled: readonly PeerId[]) => void
  readonly judged?: (kind: 'group' | 'proof', verdict: Verdict) => void
}

export interface NodeNet extends Net {
  /** Start and stop may be called twice, and in turn any number of times. */
  start(handlers: NetHandlers): Promise<void>
  stop(): Promise<void>
  /** Makes a connection once; configured peers are kept connected instead. */
  connect(address: string, signal?: AbortSignal): Promise<Result<PeerId>>
  /** Where this node can be dialled, its transport name included. */
  addresses(): string[]
  /** To be called when `currentSociety` changed. */
  restate(): void
  foundBy(peer: PeerId): FoundBy
  /** What gossip thinks of a peer. */
  scoreOf(peer: PeerId): number
  /** Neighbours in a log's mesh. */
  mesh(society: SocietyId): readonly PeerId[]
}

/** What runs between start and stop; a new start makes all of it anew. */
interface Running {
  readonly host: Host
  readonly statements: Statements
  readonly servers: readonly Server[]
  readonly finding: Finding
}

/** Members of a federation, their observers and operators, and room for strangers that have not said who they are yet. */
const CONNECTIONS_MAX = 256

export async function createNet(options: NetOptions, components: NetComponents): Promise<NodeNet> {
  const { key, peer: self } = await transportKey(options.seed)
  const gossip = createGossip(options, components)
  let running: Running | undefined
  let turn: Promise<void> = Promise.resolve()

  async function start(handlers: NetHandlers): Promise<void> {
    if (running !== undefined) return
    const { allowed = [], denied = [], peers } = options
    const addresses = options.addresses ?? 'any'
    const finding = createFinding({ self, peers, addresses }, components, () => host)
    const host: Host = await createHost(
      {
        connectionsMax: CONNECTIONS_MAX,
        dht: 'off',
        mdns: false,
        ...options,
        addresses,
        key,
        access: { allowed, configured: peers, denied },
      },
      {
        ...components,
        pubsub: gossip.service,
        connected: peer => statements.connected(peer),
        disconnected(peer) {
          statements.disconnected(peer)
          finding.disconnected(peer)
        },
        seen: finding.seen,
        avoids: finding.avoids,
      },
    )
    const statements = createStatements({
      ...components,
      currentSociety: () => components.currentSociety(),
      host,
      self,
      opened(peer) {
        finding.connected(peer.peer)
        handlers.peerOpened(peer)
      },
      closed: peer => handlers.peerClosed(peer),
      hangUp: peer => host.hangUp(peer),
    })
    const servers = createServers(handlers, { ...components, host, peerOf: statements.peerOf })
    running = { host, statements, servers, finding }
    try {
      // Protocols before the door opens: the first stream may come with the first connection.
      await statements.start()
      for (const server of servers) await server.start()
      await host.start()
      gossip.start(handlers, () => statements.open().map(({ peer }) => peer))
      finding.start()
    } catch (error) {
      await stop()
      throw error
    }
  }

  async function stop(): Promise<void> {
    if (running === undefined) return
    const { host, statements, servers, finding } = running
    running = undefined
    await finding.stop()
    gossip.stop()
    await Promise.all(servers.map(server => server.stop()))
    await statements.stop()
    await host.stop()
  }

  /** Starts and stops wait for each other. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    turn = turn.then(work, work)
    return turn
  }

  return {
    self,
    start: handlers => inTurn(() => start(handlers)),
    stop: () => inTurn(stop),
    peers: () => running?.statements.open() ?? [],
    join: gossip.join,
    leave: gossip.leave,
    publishGroup: gossip.publishGroup,
    publishProof: gossip.publishProof,
    scoreOf: gossip.scoreOf,
    mesh: gossip.mesh,
    async request(peer, name, value, requestOptions) {
      if (running === undefined || !running.statements.isOpen(peer)) return fail(rejection('PEER_UNREACHABLE'))
      const protocol = requestProtocols[name]
      const result = await request(
        protocol,
        { host: running.host, clock: components.clock },
        peer,
        value,
        requestOptions,
      )
      components.observe?.('asked', protocol.limits.protocol, result.ok ? 'ok' : result.error.code)
      return result
    },
    async connect(address, signal) {
      if (running === undefined) return fail(rejection('PEER_UNREACHABLE', 'not running'))
      return running.finding.connect(address, signal ?? new AbortController().signal)
    },
    want: wants => running?.finding.want(wants),
    foundBy: peer => running?.finding.foundBy(peer) ?? 'inbound',
    addresses: () => running?.host.addresses() ?? [],
    restate: () => running?.statements.restate(),
  }
}

function createServers({ serve }: NetHandlers, components: ServerComponents): Server[] {
  const serverOf = <Name extends RequestName>(name: Name) =>
    createServer(requestProtocols[name], (peer, value) => serve[name](peer, value), components)
  return (Object.keys(requestProtocols) as RequestName[]).map(name => serverOf(name))
}
