import type { Stream, StreamMessageEvent } from '@libp2p/interface'
import { decode, encode } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import { concat } from 'uint8arrays/concat'
import { type Rejection, rejection } from '../../src/rejection.ts'
import { fail, ok, type Result } from '../../src/result.ts'
import { chunks } from './chunks.ts'
import { LENGTH_BYTES_MAX, PIECE_BYTES } from './constants.ts'
import { plain } from './plain.ts'

type Chunk = StreamMessageEvent['data']

export interface ReadLimits {
  readonly maxFrames: number
  /** Of all frames together, without their length prefixes. */
  readonly maxBytes: number
  /** Aborts when the time is over. */
  readonly signal: AbortSignal
}

/** Sends frames, each behind its unsigned varint length, and closes this half of the stream. */
export async function writeFrames(
  stream: Stream,
  frames: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<Result<void>> {
  try {
    await pipe(
      frames,
      source => encode(source),
      async source => {
        for await (const chunk of together(source)) {
          signal.throwIfAborted()
          if (!stream.send(chunk)) await stream.onDrain({ signal })
        }
      },
    )
    await stream.close({ signal })
    return ok(undefined)
  } catch {
    return fail(rejection(signal.aborted ? 'PEER_SILENT' : 'PEER_UNREACHABLE'))
  }
}

/**
 * Small frames travel together: each piece that is sent is a frame of yamux, encrypted alone and answered with a window update.
 * One for each entry of a range took half of the main thread's time of a node that catches up (`npm run bench -- replicate`).
 */
async function* together(source: AsyncIterable<Chunk> | Iterable<Chunk>): AsyncGenerator<Uint8Array> {
  let waiting: Uint8Array[] = []
  let length = 0
  for await (const chunk of source) {
    waiting.push(chunk.subarray())
    length += chunk.byteLength
    if (length < PIECE_BYTES) continue
    yield concat(waiting)
    waiting = []
    length = 0
  }
  if (length > 0) yield concat(waiting)
}

class TooMuch extends Error {}

/**
 * Reads frames until the other end closes its half. A length is judged before its bytes are waited for:
 * PEER_TOO_MUCH above a limit, PEER_GARBAGE for what is not framed or cut off, PEER_SILENT when the signal aborts,
 * PEER_UNREACHABLE when the stream is reset.
 */
export async function readFrames(stream: Stream, limits: ReadLimits): Promise<Result<readonly Uint8Array[]>> {
  const frames: Uint8Array[] = []
  let bytes = 0
  let count = 0
  const onLength = (length: number) => {
    count += 1
    bytes += length
    if (count > limits.maxFrames || bytes > limits.maxBytes) throw new TooMuch()
  }
  try {
    await pipe(
      chunks(stream, limits.signal),
      source => decode(source, { maxDataLength: limits.maxBytes, maxLengthLength: LENGTH_BYTES_MAX, onLength }),
      async source => {
        for await (const frame of source) frames.push(plain(frame.subarray()))
      },
    )
    return ok(frames)
  } catch (error) {
    return fail(readFailure(error, limits.signal))
  }
}

/** The decoder's errors are told apart by name, so that a second copy of the package does not matter. */
function readFailure(error: unknown, signal: AbortSignal): Rejection {
  if (error instanceof TooMuch) return rejection('PEER_TOO_MUCH')
  switch (error instanceof Error ? error.name : '') {
    case 'InvalidDataLengthError':
      return rejection('PEER_TOO_MUCH')
    case 'InvalidDataLengthLengthError':
    case 'InvalidMessageLengthError':
      return rejection('PEER_GARBAGE', 'frame length')
    case 'UnexpectedEOFError':
      return rejection('PEER_GARBAGE', 'cut off')
    default:
      return rejection(signal.aborted ? 'PEER_SILENT' : 'PEER_UNREACHABLE')
  }
}
