import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { RunningNode } from '../../node/compose.ts'
import { Prng } from '../../sim/prng.ts'
import { SWEEP_ACCOUNTS_MAX } from '../../src/limits.ts'
import type { Store, StoreOp } from '../../src/ports.ts'
import { stateKeys } from '../../src/state/model.ts'
import { rangeOf, storeKey } from '../../src/store/ledger.ts'
import type { SocietyId } from '../../src/units.ts'
import { createBenchNode } from './bench-node.ts'
import { accountId, fillLedger, foundLedger } from './economy-ledger.ts'
import type { BenchResult } from './result.ts'
import { tenths, thousandths } from './rounds.ts'

const SIZES = [100_000, 1_000_000] as const
const SEED = 4
const QUERIES = 20_000
const QUERIES_AT_ONCE = 16
const SAMPLE_MS = 2_000
const POLL_MS = 20

/** Books with a million accounts: a whole sweep through the sequencer, and what one account is worth now. */
export async function benchEconomy(): Promise<BenchResult> {
  const runs: Awaited<ReturnType<typeof runSize>>[] = []
  for (const accounts of SIZES) {
    runs.push(await runSize(accounts))
    process.stderr.write(`${accounts} accounts done\n`)
  }
  const [small, large] = runs as [(typeof runs)[0], (typeof runs)[0]]
  return {
    name: 'economy',
    unit: 'accounts/s swept',
    value: large.sweepPerSecond,
    limit: large.sweepLimit,
    ratio: thousandths(large.sweepPerSecond / large.sweepLimit),
    queriesPerSecond: large.queriesPerSecond,
    queriesLimit: large.queriesLimit,
    queriesRatio: thousandths(large.queriesPerSecond / large.queriesLimit),
    memoryRatio: thousandths(large.sweepMemoryMb / small.sweepMemoryMb),
    sizes: { accounts: SIZES[1], queries: QUERIES, entries: large.entries },
    runs,
    limit_is:
      'every account read from LevelDB and written back as it is, in batches of the same number with an fsync each; for queries: the three reads of each from LevelDB',
    memory_is:
      'highest live V8 heap and buffers during the sweep, looked at every 2 s after a collection, above those before it; memoryRatio: that of ten times the accounts',
  }
}

async function runSize(accounts: number) {
  const dir = await mkdtemp(join(tmpdir(), 'web4-bench-'))
  try {
    const society = await foundLedger(dir)
    await fillLedger(dir, society, accounts, new Prng(SEED))
    const flags = { decay_sweep: 'off', audit_minutes: '0' }
    const node = await createBenchNode({ dir, slug: society.slug, flags })
    await node.start()
    try {
      await node.federation.adopt(society.id)
      const { store } = node.federation.ports
      const queriesPerSecond = await queries(accounts, async lct => {
        const [account] = await node.service.accounts(accountId(society.id, lct), society.id)
        if (account === undefined) throw new Error('an account is missing')
      })
      const queriesLimit = await queries(accounts, async lct => {
        await store.getMany(accountKeys(society.id, lct))
      })
      const before = await writeBack(store, society.id)
      const swept = await sweep(node, accounts)
      const after = await writeBack(store, society.id)
      return { accounts, queriesPerSecond, queriesLimit, ...swept, sweepLimit: Math.round((before + after) / 2) }
    } finally {
      await node.stop()
    }
  } finally {
    await rm(dir, { recursive: true })
  }
}

/** All accounts that lost anything, which here are all. */
async function sweep(node: RunningNode, accounts: number) {
  const memory = new PeakMemory()
  const start = performance.now()
  const { decay } = node.service.operator
  const begun = await decay.sweep({})
  if (!begun.ok) throw new Error(begun.error.code)
  for (;;) {
    const view = await decay.view()
    if (!view.ok) throw new Error(view.error.code)
    const { last, why } = view.value
    if (why !== undefined) throw new Error(why)
    if (last !== undefined) {
      const seconds = (performance.now() - start) / 1_000
      if (last.swept !== accounts) throw new Error(`${last.swept} of ${accounts} accounts were swept`)
      const sweepMemoryMb = memory.stop()
      return {
        sweepPerSecond: Math.round(accounts / seconds),
        sweepMemoryMb,
        entries: last.entries,
        decayed: last.decayed,
      }
    }
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}

/** What a sweep cannot do without: each account read, and written with an fsync for each page. Accounts a second. */
async function writeBack(store: Store, society: SocietyId): Promise<number> {
  const start = performance.now()
  let count = 0
  let ops: StoreOp[] = []
  const write = async () => {
    await store.batch(ops, { sync: true })
    count += ops.length
    ops = []
  }
  for await (const [key, value] of store.range(rangeOf.accounts(society))) {
    ops.push({ type: 'put', key, value })
    if (ops.length === SWEEP_ACCOUNTS_MAX) await write()
  }
  await write()
  return (count * 1_000) / (performance.now() - start)
}

/** Of accounts in no order, some at once. */
async function queries(accounts: number, ask: (index: number) => Promise<void>): Promise<number> {
  const prng = new Prng(SEED)
  const indexes = Array.from({ length: QUERIES }, () => prng.below(accounts))
  const start = performance.now()
  let next = 0
  const work = async () => {
    for (let at = next++; at < indexes.length; at = next++) await ask(indexes[at] ?? 0)
  }
  await Promise.all(Array.from({ length: QUERIES_AT_ONCE }, work))
  return Math.round((QUERIES * 1_000) / (performance.now() - start))
}

function accountKeys(society: SocietyId, index: number): string[] {
  const lct = accountId(society, index)
  return [stateKeys.lct(lct), stateKeys.account(lct), stateKeys.decay].map(key => storeKey.state(society, key))
}

/** Looks at the live memory of this process now and then: garbage is collected first, which V8 does when it likes. */
class PeakMemory {
  readonly #collect: () => void
  readonly #before: number
  #peak: number
  readonly #timer: NodeJS.Timeout

  constructor() {
    setFlagsFromString('--expose-gc')
    this.#collect = runInNewContext('gc') as () => void
    this.#collect()
    this.#before = used()
    this.#peak = this.#before
    this.#timer = setInterval(() => this.#look(), SAMPLE_MS)
  }

  #look(): void {
    this.#collect()
    this.#peak = Math.max(this.#peak, used())
  }

  /** Megabytes above the start. */
  stop(): number {
    clearInterval(this.#timer)
    this.#look()
    return tenths((this.#peak - this.#before) / 2 ** 20)
  }
}

/** `external` has the buffers in it; `arrayBuffers` goes on counting some that a native module has freed, and ends above it. */
function used(): number {
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}
