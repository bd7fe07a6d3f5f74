import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunningNode } from '../../node/compose.ts'
import type { SocietyLog } from '../../src/driver/society-log.ts'
import { GROUP_ENTRIES_MAX } from '../../src/ingest/group.ts'
import { createBenchNode, storedUpTo } from './bench-node.ts'
import { heard, startChild, tell } from './child.ts'
import type { LogShape } from './ingest-log.ts'
import type { FromSender, ToSender } from './ingest-sender.ts'
import type { BenchResult } from './result.ts'
import { LIMIT_IS, measureRounds, tenths } from './rounds.ts'

const ROUNDS = 3
const AUTHORS = 1_000
const TRANSFERS = 51_200
/**
 * The most that a group may hold (some 600 kB of these): each account and lane that a group touches is written once, each group
 * costs one fsync, and the fewer there are the better. Groups of 512 cost the main thread about a sixth more, groups of 256 a third.
 */
const GROUP = GROUP_ENTRIES_MAX

/**
 * From gossip to disk: another process sends a society's log, this node verifies every signature, applies the entries and
 * stores them durably. Each round has a new log, a new sender, a new node and a new folder.
 */
export async function benchIngest(): Promise<BenchResult> {
  const shape = { authors: AUTHORS, transfers: TRANSFERS, group: GROUP }
  const { cores, limits, median, rounds } = await measureRounds(ROUNDS, round => runRound({ ...shape, round }))
  const { bytesPerEntry, groups, mainThreadMicrosPerRecord, nodeMicrosPerRecord } = median
  return {
    name: 'ingest',
    unit: 'entries/s',
    value: median.value,
    limit: median.limit,
    ratio: median.ratio,
    mainThreadMicrosPerRecord,
    nodeMicrosPerRecord,
    sizes: { records: TRANSFERS, authors: AUTHORS, bytesPerEntry, groups, entriesPerGroup: GROUP, cores },
    rounds,
    limits,
    limit_is: LIMIT_IS,
    times_are:
      'user and system time within the round: of the main thread of the node (process.threadCpuUsage), which verifies no signature of a record, and of all its threads (process.cpuUsage)',
  }
}

/** The clock runs from the word to send the first group, a moment before it goes out, to the commit of the last. */
async function runRound(shape: LogShape) {
  const sender = startChild(new URL('./ingest-sender.ts', import.meta.url), shape)
  const dir = await mkdtemp(join(tmpdir(), 'web4-bench-'))
  let node: RunningNode | undefined
  try {
    const { signed } = await heard<FromSender, 'signed'>(sender, 'signed')
    // Gossip alone has to bring everything.
    node = await createBenchNode({ dir, slug: 'receiver', flags: { range_fetch: 'off' } })
    const { addresses } = await node.start()
    await node.federation.setPolicy(signed.society, { follow: true, witness: false, block: false })
    const log = await node.federation.follow(signed.society)
    const connected = heard<FromSender, 'connected'>(sender, 'connected')
    say(sender, { dial: addresses[0] ?? '' })
    await connected
    await deliver(sender, log, 1)
    await deliver(sender, log, signed.setUp)

    const mainThread = process.threadCpuUsage()
    const allThreads = process.cpuUsage()
    const start = performance.now()
    await deliver(sender, log, signed.size)
    const seconds = (performance.now() - start) / 1000
    const perRecord = ({ user, system }: NodeJS.CpuUsage) => tenths((user + system) / shape.transfers)
    return {
      value: shape.transfers / seconds,
      mainThreadMicrosPerRecord: perRecord(process.threadCpuUsage(mainThread)),
      nodeMicrosPerRecord: perRecord(process.cpuUsage(allThreads)),
      groups: signed.groups,
      bytesPerEntry: Math.round(signed.bytes / shape.transfers),
    }
  } finally {
    sender.kill()
    await node?.stop()
    await rm(dir, { recursive: true })
  }
}

/** Has the sender bring the log to `size` and waits until all of it is on the disk. */
function deliver(sender: ChildProcess, log: SocietyLog, size: number): Promise<void> {
  const done = storedUpTo(log, size, committed => say(sender, { committed }))
  say(sender, { until: size })
  return done
}

function say(sender: ChildProcess, message: ToSender): void {
  tell(sender, message)
}
