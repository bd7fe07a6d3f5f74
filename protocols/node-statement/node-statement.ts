import type { Stream } from '@libp2p/interface'
import type { PeerId, PeerInfo } from '../../src/driver/net.ts'
import type { Clock, Signer, Verifier } from '../../src/ports.ts'
import { rejection } from '../../src/rejection.ts'
import { fail, type Result } from '../../src/result.ts'
import type { SocietyId } from '../../src/units.ts'
import { drained } from '../framing/chunks.ts'
import { deadline } from '../framing/deadline.ts'
import { readFrames, writeFrames } from '../framing/framing.ts'
import type { ProtocolHost } from '../host.ts'
import { decodeRefusal, encodeRefusal } from '../json.ts'
import { createRateLimit } from '../rate-limit.ts'
import type { Observe } from '../request.ts'
import {
  STATEMENT_BYTES_MAX,
  STATEMENT_GRACE_MS,
  STATEMENT_PROTOCOL,
  STATEMENT_RATE,
  STATEMENT_RETRY_MS,
  STATEMENT_RETRY_MS_MAX,
  STATEMENT_STREAMS_MAX,
  STATEMENT_TIMEOUT_MS,
} from './constants.ts'
import { takenFrame } from './schema.ts'
import { checkStatement, makeStatement } from './statement.ts'

/**
 * Both ends of a connection say for whom they speak. A peer is *open* when its statement held here and ours held there:
 * so whoever hears of an open peer can ask it at once, and no question runs ahead of the statement that it needs.
 */
export interface Statements {
  start(): Promise<void>
  stop(): Promise<void>
  /** A connection to the peer opened. */
  connected(peer: PeerId): void
  /** Its last connection closed. */
  disconnected(peer: PeerId): void
  /** This node speaks for another society now: says so on every connection. */
  restate(): void
  /** The valid statement of a peer, whatever it thinks of ours: whether to answer it. */
  peerOf(peer: PeerId): PeerInfo | undefined
  open(): readonly PeerInfo[]
  isOpen(peer: PeerId): boolean
}

export interface StatementComponents {
  readonly host: ProtocolHost
  readonly clock: Clock
  readonly signer: Signer
  readonly verifier: Verifier
  readonly self: PeerId
  currentSociety(): SocietyId | ''
  opened(peer: PeerInfo): void
  closed(peer: PeerInfo): void
  /** Closes every connection to a peer. */
  hangUp(peer: PeerId): void
  readonly observe?: Observe | undefined
}

interface PeerState {
  /** What the peer proved. */
  info?: PeerInfo
  /** The peer took a statement of ours. */
  taken: boolean
  /** As told to `opened`. */
  opened?: PeerInfo
  telling: boolean
  /** Another statement is due as soon as the one on its way is done. */
  again: boolean
  failures: number
  cancelRetry: () => void
  cancelGrace: () => void
}

export function createStatements(components: StatementComponents): Statements {
  const { host, clock } = components
  const rate = createRateLimit(STATEMENT_RATE, clock)
  const peers = new Map<PeerId, PeerState>()
  const running = new Set<Promise<unknown>>()
  let stopping = new AbortController()

  function track<T>(task: Promise<T>): Promise<T> {
    running.add(task)
    const done = () => running.delete(task)
    task.then(done, done)
    return task
  }

  async function within<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const time = deadline(clock, STATEMENT_TIMEOUT_MS, stopping.signal)
    try {
      return await work(time.signal)
    } finally {
      time.clear()
    }
  }

  /** Tells the core what changed: another society or key is another peer to it. */
  function settle(state: PeerState): void {
    const now = state.taken ? state.info : undefined
    const before = state.opened
    if (before?.society === now?.society && before?.witnessKey === now?.witnessKey) return
    delete state.opened
    if (before !== undefined) components.closed(before)
    if (now === undefined) return
    state.opened = now
    components.opened(now)
  }

  async function tell(peer: PeerId, signal: AbortSignal): Promise<Result<unknown>> {
    let stream: Stream | undefined
    try {
      const frame = await makeStatement(components.signer, {
        peer: components.self,
        society: components.currentSociety(),
        time: clock.now(),
      })
      stream = await host.dialProtocol(peer, STATEMENT_PROTOCOL, { signal })
      const written = await writeFrames(stream, [frame], signal)
      if (!written.ok) return written
      const read = await readFrames(stream, { maxFrames: 1, maxBytes: STATEMENT_BYTES_MAX, signal })
      if (!read.ok) return read
      const [answer] = read.value
      if (answer === undefined) return fail(rejection('PEER_GARBAGE'))
      const refused = decodeRefusal(answer)
      return refused === undefined ? takenFrame.decode(answer) : fail(refused)
    } catch {
      return fail(rejection(signal.aborted ? 'PEER_SILENT' : 'PEER_UNREACHABLE'))
    } finally {
      if (stream !== undefined && stream.status !== 'closed') stream.abort(new Error('done'))
    }
  }

  /** One statement to a peer at a time, so that a newer one never arrives before an older. */
  async function announce(peer: PeerId, state: PeerState): Promise<void> {
    state.cancelRetry()
    state.again = true
    if (state.telling) return
    state.telling = true
    while (state.again && peers.get(peer) === state) {
      state.again = false
      const result = await within(signal => tell(peer, signal))
      if (stopping.signal.aborted || peers.get(peer) !== state) return
      components.observe?.('asked', STATEMENT_PROTOCOL, result.ok ? 'ok' : result.error.code)
      state.taken ||= result.ok
      state.failures = result.ok ? 0 : state.failures + 1
      settle(state)
    }
    state.telling = false
    if (state.failures === 0) return
    const delayMs = Math.min(STATEMENT_RETRY_MS_MAX, STATEMENT_RETRY_MS * 2 ** (state.failures - 1))
    state.cancelRetry = clock.after(delayMs, () => void track(announce(peer, state)))
  }

  async function hear(stream: Stream, peer: PeerId, signal: AbortSignal): Promise<Result<PeerInfo>> {
    if (!rate.take(peer)) return fail(rejection('PEER_TOO_MUCH'))
    const read = await readFrames(stream, { maxFrames: 1, maxBytes: STATEMENT_BYTES_MAX, signal })
    if (!read.ok) return read
    const [frame] = read.value
    return frame === undefined ? fail(rejection('PEER_GARBAGE')) : checkStatement(frame, peer, components)
  }

  async function serve(stream: Stream, peer: PeerId): Promise<void> {
    try {
      const result = await within(signal => hear(stream, peer, signal).catch(() => fail(rejection('INTERNAL'))))
      components.observe?.('served', STATEMENT_PROTOCOL, result.ok ? 'ok' : result.error.code)
      const state = peers.get(peer)
      if (result.ok && state !== undefined) {
        state.info = result.value
        state.cancelGrace()
        settle(state)
      }
      const answer = result.ok ? takenFrame.encode({ ok: true }) : encodeRefusal(result.error.code)
      await within(async signal => {
        const written = await writeFrames(stream, [answer], signal)
        if (written.ok) await drained(stream, signal)
      })
    } finally {
      if (stream.status !== 'closed') stream.abort(new Error('done'))
    }
  }

  function stateOf(peer: PeerId): PeerState {
    const known = peers.get(peer)
    if (known !== undefined) return known
    const cancelGrace = clock.after(STATEMENT_GRACE_MS, () => components.hangUp(peer))
    const state: PeerState = {
      taken: false,
      telling: false,
      again: false,
      failures: 0,
      cancelRetry: () => {},
      cancelGrace,
    }
    peers.set(peer, state)
    return state
  }

  function forget(peer: PeerId, state: PeerState): void {
    peers.delete(peer)
    state.cancelGrace()
    state.cancelRetry()
    if (state.opened !== undefined) components.closed(state.opened)
  }

  return {
    async start() {
      stopping = new AbortController()
      await host.handle(STATEMENT_PROTOCOL, (stream, peer) => track(serve(stream, peer)), STATEMENT_STREAMS_MAX)
    },
    async stop() {
      await host.unhandle(STATEMENT_PROTOCOL)
      stopping.abort()
      for (const [peer, state] of peers) forget(peer, state)
      await Promise.allSettled(running)
    },
    connected(peer) {
      if (!stopping.signal.aborted) void track(announce(peer, stateOf(peer)))
    },
    disconnected(peer) {
      const state = peers.get(peer)
      if (state !== undefined) forget(peer, state)
    },
    restate() {
      for (const [peer, state] of peers) void track(announce(peer, state))
    },
    peerOf: peer => peers.get(peer)?.info,
    open: () => [...peers.values()].flatMap(state => state.opened ?? []),
    isOpen: peer => peers.get(peer)?.opened !== undefined,
  }
}
