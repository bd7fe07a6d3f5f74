import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'

type Chunk = StreamMessageEvent['data']

/**
 * What arrives on a stream until the other end closed its half. Throws when the stream is reset or the signal aborts.
 * Not the stream's own async iterator: that one never ends when the other end had closed before iteration began, which
 * is common for a short request whose handler starts a moment late. Nor its `end` event alone: it fires while the
 * protocol is being negotiated, before the first bytes are handed back to the stream (both seen in libp2p 3.3.11).
 */
export async function* chunks(stream: Stream, signal: AbortSignal): AsyncGenerator<Chunk> {
  const queue: Chunk[] = []
  let failure: Error | undefined
  let wake = () => {}
  const onMessage = (event: StreamMessageEvent) => {
    queue.push(event.data)
    wake()
  }
  const onEnd = () => wake()
  const onClose = (event: StreamCloseEvent) => {
    failure = event.error
    wake()
  }
  const onAbort = () => {
    failure = new Error('aborted')
    wake()
  }
  const isOver = () =>
    stream.readBufferLength === 0 && (stream.remoteWriteStatus === 'closed' || stream.readStatus === 'closed')
  stream.addEventListener('remoteCloseWrite', onEnd)
  stream.addEventListener('end', onEnd)
  stream.addEventListener('close', onClose)
  signal.addEventListener('abort', onAbort)
  stream.addEventListener('message', onMessage)
  if (signal.aborted) onAbort()
  if (stream.status === 'aborted' || stream.status === 'reset') failure ??= new Error(stream.status)
  try {
    for (;;) {
      const chunk = queue.shift()
      if (chunk !== undefined) yield chunk
      else if (failure !== undefined) throw failure
      else if (isOver()) return
      else {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    }
  } finally {
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('remoteCloseWrite', onEnd)
    stream.removeEventListener('end', onEnd)
    stream.removeEventListener('close', onClose)
    signal.removeEventListener('abort', onAbort)
  }
}

/** Resolves when the other end has closed its half, the stream is gone, or the signal aborts. What still comes is thrown away. */
export async function drained(stream: Stream, signal: AbortSignal): Promise<void> {
  try {
    for await (const _ of chunks(stream, signal));
  } catch {
    // reset or out of time: nobody is waiting for these bytes
  }
}
