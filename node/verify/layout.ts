import type { SignatureJob } from '../../src/ports.ts'

/**
 * Many jobs in one ArrayBuffer, which moves to a worker without a copy. All integers are u32 of this machine (the buffer
 * never leaves the process):
 *
 *   count | end of each message, `count` times | key ‖ signature (96 bytes), `count` times | messages, one after another
 *
 * An end counts from the first byte of the messages. The answer is a bitmap: job i is bit i % 8 of byte i / 8.
 */
const PAIR_BYTES = 96

/** Only jobs of these lengths have a place in the layout; any other is invalid without asking a worker. */
export function fitsLayout(job: SignatureJob): boolean {
  return job.key.length === 32 && job.signature.length === 64
}

export function packJobs(jobs: readonly SignatureJob[]): ArrayBuffer {
  const start = messagesStart(jobs.length)
  let size = start
  for (const job of jobs) size += job.message.length
  const buffer = new ArrayBuffer(size)
  const header = new Uint32Array(buffer, 0, jobs.length + 1)
  const bytes = new Uint8Array(buffer)
  header[0] = jobs.length
  let pair = 4 * header.length
  let end = 0
  for (const [i, job] of jobs.entries()) {
    bytes.set(job.key, pair)
    bytes.set(job.signature, pair + 32)
    bytes.set(job.message, start + end)
    pair += PAIR_BYTES
    end += job.message.length
    header[i + 1] = end
  }
  return buffer
}

/** Checks what `packJobs` packed and returns the bitmap. */
export function verifyPacked(
  buffer: ArrayBuffer,
  verify: (key: Uint8Array, signature: Uint8Array, message: Uint8Array) => boolean,
): Uint8Array<ArrayBuffer> {
  const count = new Uint32Array(buffer, 0, 1)[0] ?? 0
  const ends = new Uint32Array(buffer, 4, count)
  const bytes = new Uint8Array(buffer)
  const bitmap = new Uint8Array(Math.ceil(count / 8))
  let pair = 4 + 4 * count
  let from = messagesStart(count)
  for (let i = 0; i < count; i++) {
    const to = messagesStart(count) + (ends[i] ?? 0)
    const key = bytes.subarray(pair, pair + 32)
    const signature = bytes.subarray(pair + 32, pair + PAIR_BYTES)
    if (verify(key, signature, bytes.subarray(from, to))) bitmap[i >> 3] = (bitmap[i >> 3] ?? 0) | (1 << (i & 7))
    pair += PAIR_BYTES
    from = to
  }
  return bitmap
}

export function bitAt(bitmap: Uint8Array, i: number): boolean {
  return (((bitmap[i >> 3] ?? 0) >> (i & 7)) & 1) === 1
}

function messagesStart(count: number): number {
  return 4 + (4 + PAIR_BYTES) * count
}
