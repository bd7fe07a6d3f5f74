import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKeyFile } from '../../node/keys/keystore.ts'
import { SocietyKeyFiles } from '../../node/keys/society-ring.ts'
import { Prng } from '../../sim/prng.ts'
import { readLog } from '../../sim/real/checks.ts'
import { allFinal, bear, connectAll, foundAll, fund, type Member, slugOf } from '../../sim/real/found.ts'
import { NodeProcess } from '../../sim/real/node-process.ts'
import { until } from '../../sim/real/until.ts'
import type { JsonObject } from '../../src/canonical.ts'
import { ApiProxy } from './api-proxy.ts'
import { type Command, MAIN, startWeb4 } from './real-command.ts'
import { never, type RealSociety } from './real-nodes.ts'

/**
 * Five real nodes, each a process with a folder of its own, and `web4 pay` as real processes against them. Each society
 * knows two others, as a birth needs it: the neighbours of a society in this ring have yet to be recognised by it.
 */

const COUNT = 5
/** Of its four witnesses three make an entry final: a payment waits for no single one of them. */
const KNOWN = [2, 3]
/** A key file of these costs no second of a processor: they are opened forty times, and their cost is tested elsewhere. */
const KDF = { opslimit: 1, memlimit: 8192 }
const LIMIT_MS = 60_000

export interface Payer extends Member {
  readonly keyFile: string
}

export interface Terms {
  readonly payer: Payer
  readonly to: string
  /** ATP; also the name by which a test finds it in the log, so no two payments have the same one. */
  readonly amount: number
}

export class PaymentNodes {
  readonly dir: string
  readonly nodes: NodeProcess[] = []
  readonly societies: RealSociety[] = []
  /** One in front of each API. */
  readonly proxies: ApiProxy[] = []
  readonly #passphrase = randomBytes(16).toString('hex')
  readonly #prng: Prng
  #members = 0
  readonly #paused = new Set<number>()

  private constructor(dir: string, seed: number) {
    this.dir = dir
    this.#prng = new Prng(seed)
  }

  static async start(seed: number): Promise<PaymentNodes> {
    const scene = new PaymentNodes(await mkdtemp(join(tmpdir(), 'web4-pay-')), seed)
    // Sixty short processes, each of which would strip and compile the same files again.
    process.env.NODE_COMPILE_CACHE = join(scene.dir, 'cache')
    try {
      await scene.#begin()
    } catch (error) {
      await scene.stop()
      throw error
    }
    return scene
  }

  async #begin(): Promise<void> {
    await writeFile(this.#passphraseFile, this.#passphrase, { mode: 0o600 })
    for (let index = 0; index < COUNT; index++) {
      const keys = join(this.folder(index), 'keys')
      await mkdir(keys, { recursive: true, mode: 0o700 })
      await SocietyKeyFiles.open(keys, this.#passphrase, { kdf: KDF })
      await createKeyFile(join(keys, 'witness.key'), 'witness', this.#passphrase, { kdf: KDF })
    }
    // A command that is killed leaves nothing in the cache.
    const whole = startWeb4('payments', '--dir', this.dir, '--json').ended
    const starts = await Promise.allSettled(Array.from({ length: COUNT }, (_, index) => this.#start(index)))
    for (const started of starts) if (started.status === 'fulfilled') this.nodes.push(started.value)
    for (const started of starts) if (started.status === 'rejected') throw started.reason
    await whole
    for (const { url } of this.nodes) this.proxies.push(await ApiProxy.before(url))
    await connectAll(this.nodes, never)
    for (const society of await foundAll(this.nodes, never)) this.societies.push({ ...society })
    await until('all nodes may write', never, async () => (await Promise.all(this.nodes.map(isReady))).every(Boolean))
    for (const [index, { node }] of this.societies.entries())
      for (const other of KNOWN)
        await node.client.recognize({ body: { society: this.society((index + other) % COUNT).id } })
    await this.final()
  }

  get #passphraseFile(): string {
    return join(this.dir, 'passphrase')
  }

  folder(index: number): string {
    return join(this.dir, slugOf(index))
  }

  society(index: number): RealSociety {
    const society = this.societies[index]
    if (society === undefined) throw new Error(`no society ${index}`)
    return society
  }

  #node(index: number): NodeProcess {
    const node = this.nodes[index]
    if (node === undefined) throw new Error(`no node ${index}`)
    return node
  }

  proxy(index: number): ApiProxy {
    const proxy = this.proxies[index]
    if (proxy === undefined) throw new Error(`no node ${index}`)
    return proxy
  }

  #start(index: number): Promise<NodeProcess> {
    const args = ['--consent', 'all', '--verify-workers', '1', '--status-ms', '500']
    const name = slugOf(index)
    return NodeProcess.start({ name, dir: this.folder(index), main: MAIN, passphrase: this.#passphrase, args })
  }

  /** A new member of a society, whose key lies in a file as its owner would have it. */
  async member(index: number): Promise<Payer> {
    const seed = this.#prng.uint32()
    const name = `member-${this.#members++}`
    const member = await bear(this.society(index), name, 'human', new Prng(seed), never)
    const keyFile = join(this.folder(index), 'keys', `${name}.key`)
    // The same generator gives the same key again.
    await createKeyFile(keyFile, 'member', this.#passphrase, { seed: new Prng(seed).bytes(32), kdf: KDF })
    return { ...member, keyFile }
  }

  /** The same, with 1 000 ATP. */
  async payer(index: number): Promise<Payer> {
    const payer = await this.member(index)
    await fund(this.society(index), [payer], Buffer.from(this.#prng.bytes(32)).toString('base64url'), never)
    return payer
  }

  /** `web4 pay`, by way of the proxy before the payer's node. */
  pay(index: number, { amount, payer, to }: Terms, id: string): Command {
    this.proxy(index).begin()
    const where = ['--dir', this.folder(index), '--url', this.proxy(index).url]
    const who = ['--key', payer.keyFile, '--as', payer.lct, '--passphrase-file', this.#passphraseFile]
    return startWeb4('pay', String(amount), '--to', to, '--id', id, '--json', ...where, ...who)
  }

  async kill(index: number): Promise<void> {
    await this.#node(index).kill()
  }

  /** Whether the other node has noticed that this one is gone. */
  async isMissed(index: number, by: number): Promise<boolean> {
    const { id } = this.society(index)
    const { peers } = await this.#node(by).client.status()
    return peers.every(({ society }) => society !== id)
  }

  /** The node begins again on its folder; alone, it writes nothing until `meet`. */
  async restart(index: number): Promise<void> {
    const node = await this.#start(index)
    this.nodes[index] = node
    this.society(index).node = node
    this.proxy(index).target = node.url
  }

  /** A node that has begun again is connected with all others, and may write. */
  async meet(index: number): Promise<void> {
    const { client } = this.#node(index)
    const others = this.nodes.filter((_, other) => other !== index)
    await Promise.all(others.map(({ addresses }) => client.connect({ body: { address: addresses[0] ?? '' } })))
    const hasMet = async () => (await client.status()).peers.length === others.length
    await until(`${slugOf(index)} has met all`, never, hasMet)
    await until(`${slugOf(index)} may write again`, never, () => isReady(this.#node(index)))
  }

  /** Records of a kind in a log, as its own node tells it, that `matches`. */
  async records(index: number, kind: string, matches: (body: JsonObject) => boolean): Promise<readonly JsonObject[]> {
    const entries = (await readLog(this.society(index), never)) as unknown as readonly { readonly record: JsonObject }[]
    return entries
      .map(({ record }) => record)
      .filter(record => record.kind === kind && matches(record.body as JsonObject))
  }

  /** Every log is held by every node in full, and final there. */
  final(): Promise<void> {
    return until('all is final on every node', never, () => allFinal(this.societies, never), LIMIT_MS)
  }

  /** These nodes stand still, and go on where they were. */
  pause(indexes: readonly number[]): void {
    for (const { pid } of indexes.map(index => this.#node(index))) {
      if (pid === undefined) continue
      process.kill(pid, 'SIGSTOP')
      this.#paused.add(pid)
    }
  }

  resume(): void {
    for (const pid of this.#paused) process.kill(pid, 'SIGCONT')
    this.#paused.clear()
  }

  async stop(): Promise<void> {
    delete process.env.NODE_COMPILE_CACHE
    this.resume()
    await Promise.all(this.proxies.map(proxy => proxy.stop()))
    await Promise.all(this.nodes.map(node => node.stop()))
    await rm(this.dir, { recursive: true, force: true })
  }
}

async function isReady({ client }: NodeProcess): Promise<boolean> {
  return (await client.readyz()).ready
}
