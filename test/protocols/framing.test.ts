import assert from 'node:assert/strict'
import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { PIECE_BYTES } from '../../protocols/framing/constants.ts'
import { deadline } from '../../protocols/framing/deadline.ts'
import { readFrames, writeFrames } from '../../protocols/framing/framing.ts'
import type { Code } from '../../src/rejection.ts'
import { manualClock } from '../support/manual-clock.ts'

const never = new AbortController().signal
const limits = { maxFrames: 4, maxBytes: 1_000, signal: never }

/** What arrives before the reader looks, as for a handler that starts late. */
const arrived = (stream: Stream, bytes: number) =>
  new Promise<void>(resolve => {
    const look = () => (stream.readBufferLength >= bytes ? resolve() : setImmediate(look))
    look()
  })

describe('frames over a stream', () => {
  let here: Stream
  let there: Stream

  beforeEach(async () => {
    ;[here, there] = await streamPair()
  })
  afterEach(() => {
    for (const stream of [here, there]) stream.abort(new Error('test over'))
  })

  it('come out as they went in', async () => {
    const frames = [Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(300).fill(7)]
    const [written, read] = await Promise.all([writeFrames(here, frames, never), readFrames(there, limits)])
    assert.deepEqual(written, { ok: true, value: undefined })
    assert.deepEqual(
      read.ok && read.value.map(frame => [...frame]),
      frames.map(frame => [...frame]),
    )
  })

  it('travel together when they are small, and alone when they fill a piece', async () => {
    const sizes: number[] = []
    const send = here.send.bind(here)
    here.send = piece => {
      sizes.push(piece.byteLength)
      return send(piece)
    }
    const frames = Array.from({ length: 1_000 }, (_, index) => new Uint8Array(50).fill(index))
    frames.push(new Uint8Array(PIECE_BYTES), new Uint8Array(1))
    const roomy = { maxFrames: 2_000, maxBytes: 1_000_000, signal: never }
    const [, read] = await Promise.all([writeFrames(here, frames, never), readFrames(there, roomy)])
    assert.ok(read.ok)
    assert.deepEqual(
      read.value.map(frame => frame.slice()),
      frames,
    )
    // A prefix of one byte each, of three for the large one; it goes with what had gathered before it.
    assert.deepEqual(sizes, [1_000 * 51 + 3 + PIECE_BYTES, 2])
  })

  it('are read when the other end had finished before anybody looked', async () => {
    await writeFrames(here, [Uint8Array.of(9)], never)
    await arrived(there, 2)
    while (there.remoteWriteStatus !== 'closed') await new Promise(setImmediate)
    const read = await readFrames(there, limits)
    assert.deepEqual(read.ok && read.value.map(frame => [...frame]), [[9]])
  })

  it('are none when the other end says nothing and closes', async () => {
    await here.close()
    assert.deepEqual(await readFrames(there, limits), { ok: true, value: [] })
  })

  it('go through a window smaller than they are', async () => {
    const frames = Array.from({ length: 16 }, () => new Uint8Array(256 * 1024).fill(5))
    const [written, read] = await Promise.all([
      writeFrames(here, frames, never),
      readFrames(there, { maxFrames: 16, maxBytes: 16 * 256 * 1024, signal: never }),
    ])
    assert.equal(written.ok, true)
    assert.equal(read.ok && read.value.length, 16)
  })

  const cases: readonly { id: string; bytes: readonly number[]; close: boolean; code: Code }[] = [
    { id: 'cut off inside a frame', bytes: [5, 1, 2], close: true, code: 'PEER_GARBAGE' },
    { id: 'cut off inside a length', bytes: [0x80], close: true, code: 'PEER_GARBAGE' },
    {
      id: 'a length of too many bytes',
      bytes: [0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
      close: false,
      code: 'PEER_GARBAGE',
    },
    { id: 'a frame above the limit, before its bytes came', bytes: [0xe9, 0x07], close: false, code: 'PEER_TOO_MUCH' },
    {
      id: 'frames above the limit together',
      bytes: [0, 0xe8, 0x07, ...Array(1_000).fill(1), 1],
      close: false,
      code: 'PEER_TOO_MUCH',
    },
    { id: 'too many frames', bytes: [0, 0, 0, 0, 0], close: false, code: 'PEER_TOO_MUCH' },
  ]
  for (const { id, bytes, close, code } of cases) {
    it(`are refused: ${id}`, async () => {
      here.send(Uint8Array.from(bytes))
      if (close) await here.close()
      const read = await readFrames(there, limits)
      assert.equal(!read.ok && read.error.code, code)
    })
  }

  it('are refused when nothing comes in time', async () => {
    const clock = manualClock()
    const time = deadline(clock, 50)
    const reading = readFrames(there, { ...limits, signal: time.signal })
    here.send(Uint8Array.of(5, 1))
    clock.advance(49)
    assert.equal(time.signal.aborted, false)
    clock.advance(1)
    assert.deepEqual(await reading, { ok: false, error: { code: 'PEER_SILENT' } })
    time.clear()
  })

  it('end with PEER_UNREACHABLE when the stream is reset, for reader and writer', async () => {
    const reading = readFrames(there, limits)
    here.abort(new Error('reset'))
    assert.deepEqual(await reading, { ok: false, error: { code: 'PEER_UNREACHABLE' } })
    assert.deepEqual(await writeFrames(there, [Uint8Array.of(1)], never), {
      ok: false,
      error: { code: 'PEER_UNREACHABLE' },
    })
  })

  it('are not written when the time is over', async () => {
    const time = deadline(manualClock(), 50, AbortSignal.abort())
    assert.deepEqual(await writeFrames(here, [Uint8Array.of(1)], time.signal), {
      ok: false,
      error: { code: 'PEER_SILENT' },
    })
    time.clear()
  })
})

describe('a deadline', () => {
  it('aborts with its outer signal and leaves no timer behind', () => {
    const clock = manualClock()
    const outer = new AbortController()
    const time = deadline(clock, 1_000, undefined, outer.signal)
    assert.deepEqual(clock.pending(), [1_000])
    outer.abort()
    assert.equal(time.signal.aborted, true)
    time.clear()
    assert.deepEqual(clock.pending(), [])
  })
})
