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
import { createHost, type Host, transportKey } from './host.ts'
import { createReconnect, type Reconnect } from './reconnect.ts'

export interface NetOptions {
  readonly federation: string
  /** Multiaddrs, for example `/ip4/127.0.0.1/tcp/0`. */
  readonly listen: readonly string[]
  /** Multiaddrs of peers to which a connection is kept. */
  readonly peers: readonly string[]
  /** 32 bytes, used for the transport key and nothing else. */
  readonly seed: Uint8Array
  /** Transport names with which no connection is made or taken. */
  readonly denied?: readonly PeerId[]
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
  readonly reconnect: Reconnect
}

export async function createNet(options: NetOptions, components: NetComponents): Promise<NodeNet> {
  const { key, peer: self } = await transportKey(options.seed)
  const gossip = createGossip(options, components)
  let running: Running | undefined
  let turn: Promise<void> = Promise.resolve()

  async function start(handlers: NetHandlers): Promise<void> {
    if (running !== undefined) return
    const host = await createHost(
      { key, listen: options.listen, denied: new Set(options.denied) },
      {
        pubsub: gossip.service,
        connected: peer => statements.connected(peer),
        disconnected(peer) {
          statements.disconnected(peer)
          reconnect.disconnected(peer)
        },
      },
    )
    const statements = createStatements({
      ...components,
      currentSociety: () => components.currentSociety(),
      host,
      self,
      opened: peer => handlers.peerOpened(peer),
      closed: peer => handlers.peerClosed(peer),
      hangUp: peer => host.hangUp(peer),
    })
    const reconnect = createReconnect(options.peers, { ...components, dial: host.dial })
    const servers = createServers(handlers, { ...components, host, peerOf: statements.peerOf })
    running = { host, statements, servers, reconnect }
    try {
      // Protocols before the door opens: the first stream may come with the first connection.
      await statements.start()
      for (const server of servers) await server.start()
      await host.start()
      gossip.start(handlers, () => statements.open().map(({ peer }) => peer))
      reconnect.start()
    } catch (error) {
      await stop()
      throw error
    }
  }

  async function stop(): Promise<void> {
    if (running === undefined) return
    const { host, statements, servers, reconnect } = running
    running = undefined
    await reconnect.stop()
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
      return running.host.dial(address, signal ?? new AbortController().signal)
    },
    addresses: () => running?.host.addresses() ?? [],
    restate: () => running?.statements.restate(),
  }
}

function createServers({ serve }: NetHandlers, components: ServerComponents): Server[] {
  const serverOf = <Name extends RequestName>(name: Name) =>
    createServer(requestProtocols[name], (peer, value) => serve[name](peer, value), components)
  return (Object.keys(requestProtocols) as RequestName[]).map(name => serverOf(name))
}
