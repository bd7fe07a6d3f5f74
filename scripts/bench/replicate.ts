import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GROUP_ENTRIES_MAX } from '../../src/ingest/group.ts'
import { createBenchNode, storedUpTo } from './bench-node.ts'
import { heard, startChild } from './child.ts'
import type { FromSource } from './replicate-source.ts'
import type { BenchResult } from './result.ts'
import { LIMIT_IS, measureRounds, tenths } from './rounds.ts'

const ROUNDS = 3
const AUTHORS = 1_000
const TRANSFERS = 51_200

/** Cold catch-up: a new node with an empty folder fetches a whole log by range from a node in another process. */
export async function benchReplicate(): Promise<BenchResult> {
  const source = startChild(new URL('./replicate-source.ts', import.meta.url), {
    authors: AUTHORS,
    transfers: TRANSFERS,
    group: GROUP_ENTRIES_MAX,
    round: 0,
  })
  try {
    const { ready } = await heard<FromSource, 'ready'>(source, 'ready')
    const { cores, limits, median, rounds } = await measureRounds(ROUNDS, () => catchUp(ready))
    return {
      name: 'replicate',
      unit: 'entries/s',
      value: median.value,
      limit: median.limit,
      ratio: median.ratio,
      mainThreadMicrosPerEntry: median.mainThreadMicrosPerEntry,
      sizes: {
        entries: ready.size,
        authors: AUTHORS,
        bytesPerTransfer: Math.round(ready.bytes / TRANSFERS),
        rangesOfOneRound: median.commits,
        cores,
      },
      rounds,
      limits,
      limit_is: LIMIT_IS,
    }
  } finally {
    const ended = once(source, 'exit')
    source.disconnect()
    await ended
  }
}

/** The clock runs from the word to dial to the commit of the last entry. */
async function catchUp({ address, size, society }: FromSource['ready']) {
  const dir = await mkdtemp(join(tmpdir(), 'web4-bench-'))
  const node = await createBenchNode({ dir, slug: 'receiver' })
  try {
    await node.start()
    await node.federation.setPolicy(society, { follow: true, witness: false, block: false })
    const log = await node.federation.follow(society)
    let commits = 0
    const stored = storedUpTo(log, size, () => {
      commits++
    })
    const mainThread = process.threadCpuUsage()
    const start = performance.now()
    const dialled = await node.service.operator.connect(address)
    if (!dialled.ok) throw new Error(dialled.error.code)
    await stored
    const seconds = (performance.now() - start) / 1_000
    const { user, system } = process.threadCpuUsage(mainThread)
    return { value: size / seconds, mainThreadMicrosPerEntry: tenths((user + system) / size), commits }
  } finally {
    await node.stop()
    await rm(dir, { recursive: true })
  }
}
