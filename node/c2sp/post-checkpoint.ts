import { concat } from 'uint8arrays/concat'
import { utf8Decode } from '../../src/canonical.ts'
import type { PostCheckpoint } from '../../src/driver/public-witnesses.ts'
import { rejection } from '../../src/rejection.ts'
import { fail, ok } from '../../src/result.ts'

/** A witness answers with a few lines of 150 bytes, or of 3.5 kB where it signs with ML-DSA as well. */
const BODY_BYTES_MAX = 16 * 1024
/** From the request to the last byte. A witness makes one write and one signature. */
const TIMEOUT_MS = 10_000

/** HTTP to witnesses of whom nothing is known. A redirect is an answer like any other, and followed by nobody. */
export function postCheckpoint(timeoutMs = TIMEOUT_MS): PostCheckpoint {
  return async (url, body) => {
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      const response = await globalThis.fetch(`${url}/add-checkpoint`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body,
        redirect: 'manual',
        signal,
      })
      const bytes = await readLimited(response.body)
      if (bytes === undefined) return fail(rejection('PEER_TOO_MUCH', `more than ${BODY_BYTES_MAX} bytes`))
      return ok({ status: response.status, body: utf8Decode(bytes) ?? '' })
    } catch {
      return fail(signal.aborted ? rejection('PEER_SILENT') : rejection('PEER_UNREACHABLE', url))
    }
  }
}

/** Undefined when there is more than is allowed; the rest is left where it is. */
async function readLimited(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array | undefined> {
  if (body === null) return new Uint8Array(0)
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      length += next.value.length
      if (length > BODY_BYTES_MAX) return undefined
      chunks.push(next.value)
    }
    return concat(chunks, length)
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
