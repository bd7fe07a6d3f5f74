import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Prng } from '../prng.ts'
import { conserved, converged } from './checks.ts'
import { FinalWatch, percentile } from './final-watch.ts'
import { allFinal, bear, connectAll, foundAll, fund, type Member, recognizeAll, type Society, slugOf } from './found.ts'
import { Load } from './load.ts'
import { NodeProcess } from './node-process.ts'
import { Report } from './report.ts'
import { until } from './until.ts'

export interface DemoOptions {
  readonly societies: number
  readonly members: number
  readonly seconds: number
  readonly rate: number
  readonly seed?: number
  readonly keep: boolean
  readonly json: boolean
  readonly signal: AbortSignal
}

/** A birth needs witnesses of two other societies. */
const SOCIETIES_MIN = 3
const MAIN = fileURLToPath(
  new URL(`../../node/cli/main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
)

export interface DemoResult {
  readonly societies: number
  readonly entries: number
  readonly births: number
  readonly transfers: number
  readonly attestations: number
  readonly final: number
  readonly finalMs: { readonly p50: number | null; readonly p99: number | null }
  readonly converged: boolean
  readonly conserved: boolean
  readonly rejected: Readonly<Record<string, number>>
  readonly ratePerSecond: number
  readonly durationMs: number
}

/** `web4 demo`: real nodes, a real federation, a mixed load, then the checks. 0 only if everything held. */
export async function runDemo(options: DemoOptions): Promise<number> {
  const report = new Report(options.json)
  if (options.societies < SOCIETIES_MIN) {
    report.problem(`a federation needs at least ${SOCIETIES_MIN} societies: a birth is witnessed by two others`)
    return 2
  }
  const seed = options.seed ?? randomBytes(4).readUInt32LE()
  const dir = await mkdtemp(join(tmpdir(), 'web4-demo-'))
  const nodes: NodeProcess[] = []
  const watch = new FinalWatch()
  try {
    report.start(options, seed, dir)
    const result = await play(options, seed, dir, nodes, watch, report)
    report.end(result)
    return result.converged && result.conserved && result.final === result.entries ? 0 : 1
  } catch (error) {
    if (options.signal.aborted) {
      report.problem('stopped')
      return 130
    }
    report.problem(error instanceof Error ? error.message : String(error))
    return 1
  } finally {
    await watch.stop()
    await Promise.all(nodes.map(node => node.stop()))
    if (options.keep) report.kept(dir)
    else await rm(dir, { recursive: true, force: true })
  }
}

async function play(
  options: DemoOptions,
  seed: number,
  dir: string,
  nodes: NodeProcess[],
  watch: FinalWatch,
  report: Report,
): Promise<DemoResult> {
  const started = performance.now()
  const { signal } = options
  const prng = new Prng(seed)
  await startNodes(options, dir, nodes)
  report.step(`${nodes.length} nodes run, each in its own process and folder`)
  await connectAll(nodes, signal)
  for (const node of nodes) watch.listen(node)
  const societies = await foundAll(nodes, signal)
  const [facts] = (await societies[0]?.node.client.societies({}, { signal })) ?? []
  report.founded(societies, facts?.finality)
  await recognizeAll(societies, signal)
  const members = await bearAll(societies, options.members, prng, signal)
  report.step(`${members.length} members born, each with the signatures of other societies`)
  const load = new Load(societies, members, prng, watch, signal)
  const before = await entriesOf(societies, signal)
  const loadStart = performance.now()
  await load.run(options.seconds, options.rate, accepted => report.progress(accepted, options.seconds * options.rate))
  const loadMs = performance.now() - loadStart
  const after = await entriesOf(societies, signal)
  report.step(
    `${load.counts.accepted} acts of ${load.members.length} members accepted in ${(loadMs / 1000).toFixed(1)} s`,
  )
  const settled = await settle(societies, signal)
  for (const { node } of societies) report.debug(node.name, (await node.client.status({}, { signal })).rejected)
  const isConverged = await converged(societies, signal)
  const books = await conserved(societies, load.members, signal)
  const total = await entriesOf(societies, signal)
  const count = (kind: string) => books.counts.get(kind) ?? 0
  return {
    societies: societies.length,
    entries: total,
    births: count('birth'),
    transfers: count('atp.transfer'),
    attestations: count('attest'),
    final: settled ? total : await finalOf(societies, signal),
    finalMs: { p50: percentile(watch.latenciesMs, 50) ?? null, p99: percentile(watch.latenciesMs, 99) ?? null },
    converged: isConverged,
    conserved: books.ok,
    rejected: load.counts.rejected,
    ratePerSecond: Math.round(((after - before) / loadMs) * 10_000) / 10,
    durationMs: Math.round(performance.now() - started),
  }
}

async function startNodes(options: DemoOptions, dir: string, nodes: NodeProcess[]): Promise<void> {
  const starts = Array.from({ length: options.societies }, async (_, index) => {
    const name = slugOf(index)
    const folder = join(dir, name)
    await mkdir(folder, { mode: 0o700 })
    const node = await NodeProcess.start({
      name,
      dir: folder,
      main: MAIN,
      passphrase: randomBytes(16).toString('hex'),
      args: ['--consent', 'all', '--verify-workers', '1'],
    })
    nodes.push(node)
    return node
  })
  const settledStarts = await Promise.allSettled(starts)
  const failed = settledStarts.find(start => start.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  options.signal.throwIfAborted()
  nodes.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function bearAll(
  societies: readonly Society[],
  each: number,
  prng: Prng,
  signal: AbortSignal,
): Promise<Member[]> {
  const evidence = Buffer.from(prng.bytes(32)).toString('base64url')
  const types = ['human', 'ai', 'device', 'service'] as const
  const born = await Promise.all(
    societies.map(async society => {
      const members: Member[] = []
      for (let index = 0; index < each; index++)
        members.push(await bear(society, `${society.slug}-${index}`, types[index % types.length] ?? 'ai', prng, signal))
      await fund(society, members, evidence, signal)
      return members
    }),
  )
  return born.flat()
}

/** Whether every entry became final on every node. */
async function settle(societies: readonly Society[], signal: AbortSignal): Promise<boolean> {
  try {
    await until('every entry is final on every node', signal, () => allFinal(societies, signal))
    return true
  } catch (error) {
    if (signal.aborted) throw error
    return false
  }
}

async function entriesOf(societies: readonly Society[], signal: AbortSignal): Promise<number> {
  const sizes = await Promise.all(
    societies.map(async ({ id, node }) => (await node.client.society({ id }, { signal })).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Final everywhere: of each log, what the node that lags most calls final. */
async function finalOf(societies: readonly Society[], signal: AbortSignal): Promise<number> {
  const views = await Promise.all(societies.map(({ node }) => node.client.societies({}, { signal })))
  return societies.reduce(
    (sum, { id }) => sum + Math.min(...views.map(view => view.find(({ society }) => society === id)?.final ?? 0)),
    0,
  )
}
