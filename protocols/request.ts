import type { Stream } from '@libp2p/interface'
import type { PeerId, PeerInfo } from '../src/driver/net.ts'
import type { Clock } from '../src/ports.ts'
import { type Code, type Rejection, rejection } from '../src/rejection.ts'
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

/** A request is either answered or refused with a code; no more is told to a peer, whatever fails here. */
export function createServer<Request, Reply>(
  { limits, codec }: RequestProtocol<Request, Reply>,
  handler: (peer: PeerInfo, request: Request) => Promise<Result<Reply>>,
  components: ServerComponents,
): Server {
  const rate = createRateLimit(limits, components.clock)
  const inFlight = new Map<PeerId, number>()
  const running = new Set<Promise<void>>()
  let stopping = new AbortController()

  async function answer(stream: Stream, info: PeerInfo, signal: AbortSignal): Promise<Result<Reply>> {
    const read = await readFrames(stream, { maxFrames: 1, maxBytes: limits.requestBytesMax, signal })
    if (!read.ok) return read
    const [frame] = read.value
    if (frame === undefined) return fail(rejection('PEER_GARBAGE', 'no frame'))
    const decoded = codec.decodeRequest(frame)
    if (!decoded.ok) return decoded
    // Counted until it is done, even when the asker gave up: this is what bounds the work of a peer.
    const working = handler(info, decoded.value).finally(() => leave(info.peer))
    enter(info.peer)
    try {
      return await unlessAborted(working, signal)
    } catch {
      return fail(rejection(signal.aborted ? 'PEER_SILENT' : 'INTERNAL'))
    }
  }

  function enter(peer: PeerId) {
    inFlight.set(peer, (inFlight.get(peer) ?? 0) + 1)
  }
  function leave(peer: PeerId) {
    const left = (inFlight.get(peer) ?? 1) - 1
    if (left > 0) inFlight.set(peer, left)
    else inFlight.delete(peer)
  }

  async function admit(stream: Stream, peer: PeerId, signal: AbortSignal): Promise<Result<Reply>> {
    const info = components.peerOf(peer)
    if (info === undefined) return fail(rejection('NODE_STATEMENT'))
    if (!rate.take(peer) || (inFlight.get(peer) ?? 0) >= limits.inFlightMax) return fail(rejection('PEER_TOO_MUCH'))
    return answer(stream, info, signal)
  }

  async function serve(stream: Stream, peer: PeerId): Promise<void> {
    const time = deadline(components.clock, limits.timeoutMs, stopping.signal)
    try {
      const result = await admit(stream, peer, time.signal)
      components.observe?.('served', limits.protocol, result.ok ? 'ok' : result.error.code)
      await send(stream, encode(result), time.signal)
    } finally {
      time.clear()
      if (stream.status !== 'closed') stream.abort(new Error('done'))
    }
  }

  function encode(result: Result<Reply>): readonly Uint8Array[] {
    if (!result.ok) return [encodeRefusal(result.error.code)]
    try {
      return codec.encodeReply(result.value)
    } catch {
      return [encodeRefusal('INTERNAL')]
    }
  }

  return {
    async start() {
      stopping = new AbortController()
      // Twice the number answered at once, so that one too many still hears PEER_TOO_MUCH instead of a reset.
      await components.host.handle(
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
      await components.host.unhandle(limits.protocol)
      stopping.abort()
      await Promise.allSettled(running)
    },
  }
}

/** Sends an answer even when the time for the work is over, then lets the other end finish: a reset would overtake the frame. */
async function send(stream: Stream, frames: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
  if (signal.aborted) {
    if (stream.writeStatus === 'writable') stream.send(prefixed(frames))
    return
  }
  const written = await writeFrames(stream, frames, signal)
  if (written.ok) await drained(stream, signal)
}

export type { Rejection }
