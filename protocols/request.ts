import type { Stream } from '@libp2p/interface'
import type { PeerId, PeerInfo } from '../src/driver/net.ts'
import type { Clock } from '../src/ports.ts'
import { type Code, rejection } from '../src/rejection.ts'
import { fail, type Result } from '../src/result.ts'
import { drained } from './framing/chunks.ts'
import { REFUSAL_BYTES_MAX } from './framing/constants.ts'
import { deadline, unlessAborted } from './framing/deadline.ts'
import { readFrames, writeFrames } from './framing/framing.ts'
import type { ProtocolHost } from './host.ts'
import { decodeRefusal, encodeRefusal } from './json.ts'
import { createRateLimit, type Rate } from './rate-limit.ts'

/** One request, one answer, one stream: each end sends its frames and closes its half. */

export interface RequestLimits extends Rate {
  readonly protocol: string
  readonly requestBytesMax: number
  readonly replyBytesMax: number
  readonly replyFramesMax: number
  /** From opening the stream to the last byte of the answer. */
  readonly timeoutMs: number
  /** Requests of one peer that are being answered. */
  readonly inFlightMax: number
}

/** Pure; what comes from a peer and does not fit is a Rejection, what this node cannot send throws. */
export interface RequestCodec<Request, Reply> {
  encodeRequest(request: Request): Uint8Array
  decodeRequest(frame: Uint8Array): Result<Request>
  /** The first frame says `"ok":true`. */
  encodeReply(reply: Reply): readonly Uint8Array[]
  decodeReply(frames: readonly Uint8Array[]): Result<Reply>
}

export interface RequestProtocol<Request, Reply> {
  readonly limits: RequestLimits
  readonly codec: RequestCodec<Request, Reply>
}

/** Told the outcome of every request that was answered here or sent from here. Bounded values: fit for metric labels. */
export type Observe = (side: 'served' | 'asked', protocol: string, outcome: Code | 'ok') => void

export interface RequestOptions {
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Never rejects. */
export async function request<Request, Reply>(
  { limits, codec }: RequestProtocol<Request, Reply>,
  components: { readonly host: ProtocolHost; readonly clock: Clock },
  peer: PeerId,
  value: Request,
  options: RequestOptions = {},
): Promise<Result<Reply>> {
  const time = deadline(components.clock, options.timeoutMs ?? limits.timeoutMs, options.signal)
  let stream: Stream | undefined
  try {
    const frame = codec.encodeRequest(value)
    if (frame.length > limits.requestBytesMax) return fail(rejection('PEER_TOO_MUCH', 'own request'))
    stream = await unlessAborted(
      components.host.dialProtocol(peer, limits.protocol, { signal: time.signal }),
      time.signal,
    )
    return await exchange(stream, { limits, codec }, frame, time.signal)
  } catch (error) {
    if (time.signal.aborted) return fail(rejection('PEER_SILENT'))
    return fail(rejection(error instanceof RangeError ? 'BAD_REQUEST' : 'PEER_UNREACHABLE'))
  } finally {
    time.clear()
    if (stream !== undefined && stream.status !== 'closed') stream.abort(new Error('done'))
  }
}

async function exchange<Request, Reply>(
  stream: Stream,
  { limits, codec }: RequestProtocol<Request, Reply>,
  frame: Uint8Array,
  signal: AbortSignal,
): Promise<Result<Reply>> {
  // Not awaited: a peer may refuse before it has read everything.
  const writing = writeFrames(stream, [frame], signal)
  const read = await readFrames(stream, {
    maxFrames: limits.replyFramesMax,
    maxBytes: limits.replyBytesMax + REFUSAL_BYTES_MAX,
    signal,
  })
  if (!read.ok) return read
  const [head] = read.value
  if (head === undefined) {
    const written = await writing
    return fail(written.ok ? rejection('PEER_GARBAGE', 'no frame') : written.error)
  }
  const refused = read.value.length === 1 ? decodeRefusal(head) : undefined
  return refused === undefined ? codec.decodeReply(read.value) : fail(refused)
}

export interface ServerComponents {
  readonly host: ProtocolHost
  readonly clock: Clock
  /** For whom a peer speaks; undefined without a valid statement, and then nothing is answered. */
  peerOf(peer: PeerId): PeerInfo | undefined
  readonly observe?: Observe | undefined
}

export interface Server {
  start(): Promise<void>
  /** Aborts what is being answered and waits for it. */
  stop(): Promise<void>
}

/** A request is short; who needs longer to send one is not asking. */
const READ_MS = 5_000
/** For an answer to leave and the other end to close; longer means a peer that does not read. */
const SEND_MS = 5_000

/** A request is either answered or refused with a code; no more is told to a peer, whatever fails here. */
export function createServer<Request, Reply>(
  { limits, codec }: RequestProtocol<Request, Reply>,
  handler: (peer: PeerInfo, request: Request) => Promise<Result<Reply>>,
  components: ServerComponents,
): Server {
  const { clock, host } = components
  const rate = createRateLimit(limits, clock)
  const inFlight = createCounter<PeerId>()
  const running = new Set<Promise<void>>()
  let stopping = new AbortController()

  async function within<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const time = deadline(clock, ms, stopping.signal)
    try {
      return await work(time.signal)
    } finally {
      time.clear()
    }
  }

  async function readRequest(stream: Stream): Promise<Result<Request>> {
    const read = await within(READ_MS, signal =>
      readFrames(stream, { maxFrames: 1, maxBytes: limits.requestBytesMax, signal }),
    )
    if (!read.ok) return read
    const [frame] = read.value
    return frame === undefined ? fail(rejection('PEER_GARBAGE', 'no frame')) : codec.decodeRequest(frame)
  }

  async function answer(stream: Stream, peer: PeerId): Promise<Result<Reply>> {
    const info = components.peerOf(peer)
    if (info === undefined) return fail(rejection('NODE_STATEMENT'))
    if (!rate.take(peer) || inFlight.of(peer) >= limits.inFlightMax) return fail(rejection('PEER_TOO_MUCH'))
    const leave = inFlight.enter(peer)
    const decoded = await readRequest(stream)
    if (!decoded.ok) {
      leave()
      return decoded
    }
    // Counted until the work is done, even when the asker gave up: this is what bounds the work for one peer.
    const working = handler(info, decoded.value).finally(leave)
    return within(limits.timeoutMs, async signal => {
      try {
        return await unlessAborted(working, signal)
      } catch {
        return fail(rejection(signal.aborted ? 'PEER_SILENT' : 'INTERNAL'))
      }
    })
  }

  function encode(result: Result<Reply>): readonly Uint8Array[] {
    if (!result.ok) return [encodeRefusal(result.error.code)]
    try {
      return codec.encodeReply(result.value)
    } catch {
      return [encodeRefusal('INTERNAL')]
    }
  }

  async function serve(stream: Stream, peer: PeerId): Promise<void> {
    try {
      const result = await answer(stream, peer)
      components.observe?.('served', limits.protocol, result.ok ? 'ok' : result.error.code)
      // Then the other end may finish what it sends: a reset would overtake the answer.
      await within(SEND_MS, async signal => {
        const written = await writeFrames(stream, encode(result), signal)
        if (written.ok) await drained(stream, signal)
      })
    } finally {
      if (stream.status !== 'closed') stream.abort(new Error('done'))
    }
  }

  return {
    async start() {
      stopping = new AbortController()
      // Twice the number answered at once, so that one too many still hears PEER_TOO_MUCH instead of a reset.
      await host.handle(
        limits.protocol,
        async (stream, peer) => {
          const task = serve(stream, peer)
          running.add(task)
          await task.finally(() => running.delete(task))
        },
        2 * limits.inFlightMax + 2,
      )
    },
    async stop() {
      await host.unhandle(limits.protocol)
      stopping.abort()
      await Promise.allSettled(running)
    },
  }
}

/** Counts what is going on per key; a key with nothing going on takes no memory. */
function createCounter<Key>() {
  const counts = new Map<Key, number>()
  return {
    of: (key: Key) => counts.get(key) ?? 0,
    enter(key: Key): () => void {
      counts.set(key, (counts.get(key) ?? 0) + 1)
      return () => {
        const left = (counts.get(key) ?? 1) - 1
        if (left > 0) counts.set(key, left)
        else counts.delete(key)
      }
    },
  }
}
