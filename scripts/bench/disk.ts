import { open } from 'node:fs/promises'
import { join } from 'node:path'

/** Durable writes of `bytes` a second that the disk under `dir` makes, one after another. */
export async function fsyncsPerSecond(dir: string, bytes: number, durationMs: number): Promise<number> {
  const file = await open(join(dir, 'fsync'), 'w')
  try {
    const piece = new Uint8Array(bytes)
    const start = performance.now()
    let done = 0
    while (performance.now() - start < durationMs) {
      await file.write(piece)
      await file.datasync()
      done++
    }
    return (done * 1_000) / (performance.now() - start)
  } finally {
    await file.close()
  }
}
