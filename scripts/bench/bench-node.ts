import { createNode, type RunningNode } from '../../node/compose.ts'
import type { Config } from '../../node/config/options.ts'
import { readConfig } from '../../node/config/read.ts'
import { createLogger } from '../../node/observe/logger.ts'
import type { SocietyLog } from '../../src/driver/society-log.ts'
import type { Verifier } from '../../src/ports.ts'
import { hashText, identity } from '../../test/support/identity.ts'
import { memoryRing } from '../../test/support/rings.ts'
import { keysOfSociety, type TestSociety } from '../../test/support/society.ts'
import { framesOf } from './ingest-log.ts'

/** Nothing stored for so long: something was lost, and nobody would ever fetch it. */
const STALLED_MS = 30_000
/** Set-up goes in groups of this size. */
const GROUP = 1_024

export interface BenchNodeOptions {
  readonly dir: string
  /** Its keys are those of the test society of this name. */
  readonly slug: string
  /** As on the command line. */
  readonly flags?: Readonly<Record<string, string>>
  /** Default: a pool with a thread for each core. */
  readonly verifier?: Verifier
}

/** The node of `web4 start`, without HTTP: LevelDB in `dir`, libp2p over loopback TCP. Not started. */
export function createBenchNode({ dir, slug, flags = {}, verifier }: BenchNodeOptions): Promise<RunningNode> {
  const read = readConfig({ env: {}, flags: { dir, federation: 'bench', ...flags } })
  if (!read.ok) throw new Error(read.problems.join('; '))
  const keys = {
    society: memoryRing(slug),
    witness: keysOfSociety(slug).witness,
    transportSeed: identity(`${slug} transport`).raw,
    entityRef: async (entity: string) => hashText(entity),
  }
  const components = { logger: createLogger({ level: 'warn' }), keys, api: false } as const
  return createNode(read.config as Config, verifier === undefined ? components : { ...components, verifier })
}

/** Brings a log made in memory into a node that holds its key; the node writes it from then on. */
export async function adoptLog({ federation }: RunningNode, society: TestSociety): Promise<SocietyLog> {
  await federation.setPolicy(society.id, { follow: true, witness: true, block: false })
  const log = await federation.follow(society.id)
  const entries = society.entries.map(({ bytes }) => bytes)
  for (const { bytes, size } of framesOf(society, entries, [], GROUP)) {
    const stored = storedUpTo(log, size)
    await log.follower.onGroup(bytes)
    await stored
  }
  await federation.adopt(society.id)
  const barred = federation.sequencerBarrier()
  if (barred !== undefined) throw new Error(`${barred.code} ${barred.detail ?? ''}`)
  return log
}

/** Settles when `size` entries are on the disk. `onCommit` gets each size on the way. */
export async function storedUpTo(
  { replica }: SocietyLog,
  size: number,
  onCommit: (size: number) => void = () => {},
): Promise<void> {
  const done = Promise.withResolvers<void>()
  const stop = replica.onCommit(({ tip }) => {
    onCommit(tip.size)
    if (tip.size >= size) done.resolve()
  })
  if (replica.tip.size >= size) done.resolve()
  let before = -1
  const watch = setInterval(() => {
    if (replica.tip.size === before) done.reject(new Error(`nothing came after entry ${before} of ${size}`))
    before = replica.tip.size
  }, STALLED_MS)
  try {
    await done.promise
  } finally {
    clearInterval(watch)
    stop()
  }
}
