import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Prng } from '../../sim/prng.ts'
import {
  allFinal,
  bear,
  connectAll,
  foundAll,
  fund,
  type Member,
  recognizeAll,
  type Society,
  slugOf,
} from '../../sim/real/found.ts'
import { NodeProcess } from '../../sim/real/node-process.ts'
import { until } from '../../sim/real/until.ts'
import { MAIN } from './real-command.ts'

export const never = new AbortController().signal

/** A society whose node may be another process later. */
export interface RealSociety extends Society {
  node: NodeProcess
}

/** Real nodes on this machine, each a process with a folder of its own, which may end and begin again. */
export class RealNodes {
  readonly dir: string
  readonly societies: RealSociety[] = []
  readonly members: Member[] = []
  readonly passphrase = randomBytes(16).toString('hex')
  readonly #args: readonly string[]
  readonly nodes: NodeProcess[] = []

  private constructor(dir: string, args: readonly string[]) {
    this.dir = dir
    this.#args = args
  }

  /** `count` nodes that are connected with each other; on a failure none is left. */
  static async start(count: number, args: readonly string[] = []): Promise<RealNodes> {
    const real = new RealNodes(await mkdtemp(join(tmpdir(), 'web4-e2e-')), args)
    const starts = await Promise.allSettled(Array.from({ length: count }, (_, index) => real.#start(index, [])))
    for (const started of starts) if (started.status === 'fulfilled') real.nodes.push(started.value)
    const failed = starts.find(started => started.status === 'rejected')
    if (failed !== undefined) {
      await real.stop()
      throw failed.reason
    }
    await connectAll(real.nodes, never)
    return real
  }

  folder(index: number): string {
    return join(this.dir, slugOf(index))
  }

  async #start(index: number, peers: readonly string[], main = MAIN): Promise<NodeProcess> {
    const dir = this.folder(index)
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const args = ['--consent', 'all', '--verify-workers', '1', ...this.#args]
    return NodeProcess.start({ name: slugOf(index), dir, main, passphrase: this.passphrase, args, peers })
  }

  /** A charter of each, recognised by all others, and so many members of each with some ATP. */
  async found(members: number, prng: Prng): Promise<void> {
    for (const society of await foundAll(this.nodes, never)) this.societies.push({ ...society })
    await recognizeAll(this.societies, never)
    const evidence = Buffer.from(prng.bytes(32)).toString('base64url')
    const born = await Promise.all(
      this.societies.map(async society => {
        const mine: Member[] = []
        for (let index = 0; index < members; index++)
          mine.push(await bear(society, `${society.slug}-${index}`, 'human', prng, never))
        await fund(society, mine, evidence, never)
        return mine
      }),
    )
    this.members.push(...born.flat())
    await this.final()
  }

  /** Every log is held by every node in full, and final there. */
  final(limitMs = 120_000): Promise<void> {
    return until('all is final on every node', never, () => allFinal(this.societies, never), limitMs)
  }

  /** The process ends as if its power failed. */
  async kill(index: number): Promise<void> {
    await this.nodes[index]?.kill()
  }

  /** The node begins again on its folder, and keeps connections to the others; `alone`: to nobody. `main`: other software. */
  async restart(index: number, options: { readonly alone?: true; readonly main?: string } = {}): Promise<void> {
    const others = options.alone === true ? [] : this.nodes.filter((_, other) => other !== index)
    const peers = others.flatMap(({ addresses }) => addresses.slice(0, 1))
    const node = await this.#start(index, peers, options.main)
    this.nodes[index] = node
    const society = this.societies[index]
    if (society !== undefined) society.node = node
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(node => node.stop()))
    await rm(this.dir, { recursive: true, force: true })
  }
}
