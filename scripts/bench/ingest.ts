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
import { RateThreads } from './rate-threads.ts'
import type { BenchResult } from './result.ts'

const ROUNDS = 3
const AUTHORS = 1_000
const TRANSFERS = 51_200
/**
 * The most that a group may hold (some 600 kB of these): each account and lane that a group touches is written once, each group
 * costs one fsync, and the fewer there are the better. Groups of 512 cost the main thread about a sixth more, groups of 256 a third.
 */
const GROUP = GROUP_ENTRIES_MAX
const LIMIT_MS = 2_000

interface Speed {
  readonly perSecond: number
  /** CPU time of the node's main thread, where no signature of a record is verified. */
  readonly mainThreadMicrosPerRecord: number
  /** CPU time of all threads of the node: verification, store and garbage collection as well. */
  readonly nodeMicrosPerRecord: number
}

interface Measured {
  readonly speed: Speed
  readonly groups: number
  readonly bytes: number
}

interface Round extends Speed {
  readonly limit: number
  readonly ratio: number
}

/**
 * From gossip to disk: another process sends a society's log, this node verifies every signature, applies the entries and
 * stores them durably. Each round has a new log, a new sender, a new node and a new folder.
 */
export async function benchIngest(): Promise<BenchResult> {
  const threads = new RateThreads()
  const limits = [await threads.measure('libsodium', 'verify', LIMIT_MS)]
  const measured: Measured[] = []
  for (let round = 0; round < ROUNDS; round++) {
    measured.push(await runRound({ authors: AUTHORS, transfers: TRANSFERS, group: GROUP, round }))
    limits.push(await threads.measure('libsodium', 'verify', LIMIT_MS))
    process.stderr.write(`round ${round + 1} of ${ROUNDS} done\n`)
  }
  await threads.close()

  const rounds = measured.map(({ speed }, index): Round => {
    const limit = ((limits[index] ?? 0) + (limits[index + 1] ?? 0)) / 2
    return {
      perSecond: Math.round(speed.perSecond),
      limit: Math.round(limit),
      ratio: Math.round((speed.perSecond / limit) * 1000) / 1000,
      mainThreadMicrosPerRecord: tenths(speed.mainThreadMicrosPerRecord),
      nodeMicrosPerRecord: tenths(speed.nodeMicrosPerRecord),
    }
  })
  const [median] = [...rounds].sort((a, b) => a.ratio - b.ratio).slice((ROUNDS - 1) / 2) as [Round]
  const [{ groups, bytes }] = measured as [Measured]
  return {
    name: 'ingest',
    unit: 'entries/s',
    value: median.perSecond,
    limit: median.limit,
    ratio: median.ratio,
    mainThreadMicrosPerRecord: median.mainThreadMicrosPerRecord,
    nodeMicrosPerRecord: median.nodeMicrosPerRecord,
    sizes: {
      records: TRANSFERS,
      authors: AUTHORS,
      bytesPerEntry: Math.round(bytes / TRANSFERS),
      groups,
      entriesPerGroup: GROUP,
      cores: threads.cores,
    },
    rounds,
    limits: limits.map(Math.round),
    limit_is:
      'crypto_sign_verify_detached of libsodium in a loop on all cores, mean of before and after the round; value, limit, ratio and times are those of the round with the median ratio',
    times_are:
      'user and system time within the round: of the main thread of the node (process.threadCpuUsage), which verifies no signature of a record, and of all its threads (process.cpuUsage)',
  }
}

/** The clock runs from the word to send the first group, a moment before it goes out, to the commit of the last. */
async function runRound(shape: LogShape): Promise<Measured> {
  const sender = startChild('./ingest-sender.ts', shape)
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
    const perRecord = ({ user, system }: NodeJS.CpuUsage) => (user + system) / shape.transfers
    const speed = {
      perSecond: shape.transfers / seconds,
      mainThreadMicrosPerRecord: perRecord(process.threadCpuUsage(mainThread)),
      nodeMicrosPerRecord: perRecord(process.cpuUsage(allThreads)),
    }
    return { speed, groups: signed.groups, bytes: signed.bytes }
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

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
