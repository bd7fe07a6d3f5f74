import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBenchNode, storedUpTo } from './bench-node.ts'
import { type LogShape, signLog } from './ingest-log.ts'

/** What the source tells. */
export type FromSource = {
  readonly ready: {
    readonly address: string
    readonly society: string
    readonly size: number
    readonly bytes: number
  }
}

/** Another process than the node that is measured: a node that holds a whole log and answers who asks for ranges. */
async function main(shape: LogShape): Promise<void> {
  const { society, frames, bytes } = signLog(shape)
  const dir = mkdtempSync(join(tmpdir(), 'web4-bench-'))
  process.on('exit', () => rmSync(dir, { recursive: true }))
  const node = await createBenchNode({ dir, slug: 'source' })
  const { addresses } = await node.start()
  await node.federation.setPolicy(society, { follow: true, witness: false, block: false })
  const log = await node.federation.follow(society)
  for (const { bytes: frame, size } of frames) {
    const stored = storedUpTo(log, size)
    await log.follower.onGroup(frame)
    await stored
  }
  // Told to end, or left alone.
  process.on('disconnect', () => void node.stop().then(() => process.exit()))
  const told: FromSource = { ready: { address: addresses[0] ?? '', society, size: frames.at(-1)?.size ?? 0, bytes } }
  process.send?.(told)
}

await main(JSON.parse(process.argv[2] ?? '') as LogShape)
