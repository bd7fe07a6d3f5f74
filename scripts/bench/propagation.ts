import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningNode } from '../../node/compose.ts'
import type { NodeNet } from '../../node/net/net.ts'
import { createVerifierPool } from '../../node/verify/pool.ts'
import { encodeGroup } from '../../src/ingest/group.ts'
import { ENTRY_BYTES_MAX } from '../../src/limits.ts'
import { formatNote } from '../../src/log/note.ts'
import type { SocietyId } from '../../src/units.ts'
import { createBenchNode } from './bench-node.ts'
import { PlainFanOut } from './plain-fan-out.ts'
import type { BenchResult } from './result.ts'
import { tenths, thousandths } from './rounds.ts'

const NODES = 20
/** Whom each node dials, by distance in the ring: eight neighbours each, so most messages need two hops, some three. */
const DIALLED = [1, 2, 5, 9]
const WARM_UP = 10
const MESSAGES = 300
/** On a machine that does much else there are fewer messages rather than a longer wait; `sizes` says how many. */
const SEND_MS = 60_000
const READY_MS = 60_000

/**
 * One record is published, and when every other node has it on its disk, the next one. All nodes run in this process, each
 * with its own TCP connections and LevelDB: two cores have no use for twenty processes, and one clock measures all of them.
 */
export async function benchPropagation(): Promise<BenchResult> {
  const root = await mkdtemp(join(tmpdir(), 'web4-bench-'))
  const verifier = createVerifierPool({ workers: 0 })
  const nodes: RunningNode[] = []
  const plain = await PlainFanOut.start(join(root, 'plain'), NODES - 1)
  try {
    const addresses: string[] = []
    for (let index = 0; index < NODES; index++) {
      const dir = join(root, `${index}`)
      await mkdir(dir)
      const node = await createBenchNode({ dir, slug: `node-${index}`, flags: { group_ms: '0' }, verifier })
      nodes.push(node)
      addresses.push((await node.start()).addresses[0] ?? '')
    }
    const society = await gather(nodes, addresses)
    const waits: number[] = []
    const limits: number[] = []
    for (let index = 0; index < WARM_UP; index++) await publishOne(nodes, society)
    const bytes = await messageBytes(nodes[0] as RunningNode, society)
    for (let index = 0; index < WARM_UP; index++) await plain.send(bytes)
    const start = performance.now()
    while (waits.length < MESSAGES && performance.now() - start < SEND_MS) {
      const wait = await publishOne(nodes, society)
      const limit = await plain.send(bytes)
      waits.push(wait)
      limits.push(limit)
    }
    return report(waits, limits, bytes)
  } finally {
    await plain.close()
    await Promise.all(nodes.map(node => node.stop()))
    await verifier.close()
    await rm(root, { recursive: true })
  }
}

function report(waits: readonly number[], limits: readonly number[], bytes: number): BenchResult {
  const value = quantile(waits, 0.5)
  const limit = quantile(limits, 0.5)
  return {
    name: 'propagation',
    unit: 'ms from publish to stored on all (p50)',
    value: tenths(value),
    limit: tenths(limit),
    ratio: thousandths(value / limit),
    p50: tenths(value),
    p99: tenths(quantile(waits, 0.99)),
    limitP50: tenths(limit),
    limitP99: tenths(quantile(limits, 0.99)),
    sizes: { nodes: NODES, neighbours: 2 * DIALLED.length, messages: waits.length, bytes },
    limit_is:
      'p50 of as many bytes over plain TCP to as many files of this process, each made durable (fdatasync), in turns with the messages; the ratio says how many times that the nodes need: lower is better',
  }
}

/** A practice society on the first node, held by all, everybody connected. */
async function gather(nodes: readonly RunningNode[], addresses: readonly string[]): Promise<SocietyId> {
  const [first, ...others] = nodes as [RunningNode, ...RunningNode[]]
  const founded = await first.service.operator.genesis({ slug: 'node-0', witnesses: [], birth_witnesses: [] })
  if (!founded.ok) throw new Error(founded.error.code)
  const { society } = founded.value
  for (const [index, node] of nodes.entries()) {
    for (const distance of DIALLED) await dial(node, addresses[(index + distance) % NODES] ?? '')
  }
  for (const node of others) await node.federation.setPolicy(society, { follow: true, witness: false, block: false })
  const end = performance.now() + READY_MS
  const isReady = (node: RunningNode) =>
    (node.federation.ports.net as NodeNet).mesh(society).length > 0 &&
    node.federation.logs.get(society)?.replica.tip.size === 1
  while (!nodes.every(isReady)) {
    if (performance.now() > end) throw new Error('the nodes did not come together')
    await sleep(50)
  }
  return society
}

/** Twenty nodes in one thread can be too busy to answer in time. */
async function dial(node: RunningNode, address: string): Promise<void> {
  const end = performance.now() + READY_MS
  for (;;) {
    const dialled = await node.service.operator.connect(address)
    if (dialled.ok) return
    if (performance.now() > end) throw new Error(`${dialled.error.code} ${dialled.error.detail ?? ''}`)
  }
}

/** Milliseconds from the commit at the publisher, after which it publishes, to the last commit elsewhere. */
async function publishOne(nodes: readonly RunningNode[], society: SocietyId): Promise<number> {
  const [first] = nodes as [RunningNode]
  const stops: (() => void)[] = []
  const times = nodes.map(node => {
    const stored = Promise.withResolvers<number>()
    const stop = node.federation.logs.get(society)?.replica.onCommit(() => stored.resolve(performance.now()))
    if (stop !== undefined) stops.push(stop)
    return stored.promise
  })
  const issued = await first.service.operator.issue({ kind: 'atp.mint', body: { amount: 1 } })
  if (!issued.ok) throw new Error(issued.error.code)
  const [published = 0, ...stored] = await Promise.all(times)
  for (const stop of stops) stop()
  return Math.max(...stored) - published
}

/** Size of a message with one record, as gossip carries it. */
async function messageBytes({ federation }: RunningNode, society: SocietyId): Promise<number> {
  const log = federation.logs.get(society)
  const note = log?.notes.latest
  if (log === undefined || note === undefined) throw new Error('nothing was published')
  const first = log.replica.tip.size - 1
  const entries = await log.replica.entries(first, 1, ENTRY_BYTES_MAX)
  return encodeGroup({ first, entries, checkpoint: formatNote(note), notes: [] }).length
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0
}
