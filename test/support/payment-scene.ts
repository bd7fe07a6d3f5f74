import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { runCli } from '../../node/cli/program.ts'
import { sha256 } from '../../node/crypto/sodium.ts'
import { createKeyFile } from '../../node/keys/keystore.ts'
import { decodeCanonical, utf8Encode } from '../../src/canonical.ts'
import type { Clock } from '../../src/ports.ts'
import type { AnyRecord } from '../../src/records/types.ts'
import { ApiProxy } from './api-proxy.ts'
import { hashText } from './identity.ts'
import { Line } from './line.ts'
import { allFinal, type LocalMember, LocalNode, ready, steadyClock } from './local-nodes.ts'
import { until } from './until.ts'

/**
 * A payer's node and four others on real sockets, with a clock that a test can set forward. All that the payer's node says
 * to others goes over lines that can be cut; `web4 pay` runs in this process, on that clock.
 */

const PASSPHRASE = 'correct horse'
/** Its cost is tested elsewhere. */
const KDF = { opslimit: 1, memlimit: 8192 }
const ATP = 1_000_000
/** Nodes of the scene: where the payer is at home, where the payees are, and three that only witness. */
const SLUGS = ['payer', 'payee', 'w1', 'w2', 'w3']
const LIMIT_MS = 60_000

/** One command, as far as it has come. */
export interface Running {
  /** What it said to people so far. */
  readonly stderr: string
  readonly ended: Promise<End>
}

export interface End {
  readonly code: number
  readonly answer: {
    readonly error?: { readonly code: string; readonly detail: string }
    readonly [fact: string]: unknown
  }
  readonly stderr: string
}

export class PaymentScene {
  readonly clock: Clock
  readonly nodes: LocalNode[] = []
  /** In front of the API of the payer's node. */
  readonly api: ApiProxy
  readonly #lines: Line[] = []
  readonly #dir: string
  readonly #shift: { ms: number }
  /** How far the clock of the command is ahead of that of the nodes. */
  #patienceMs = 0
  #anna: LocalMember | undefined
  #births = 0

  private constructor(dir: string, clock: Clock, shift: { ms: number }, api: ApiProxy) {
    this.#dir = dir
    this.clock = clock
    this.#shift = shift
    this.api = api
  }

  static async open(): Promise<PaymentScene> {
    const steady = steadyClock()
    const shift = { ms: 0 }
    const clock = { ...steady, now: () => steady.now() + shift.ms }
    const dir = await mkdtemp(join(tmpdir(), 'web4-partition-'))
    const scene = new PaymentScene(dir, clock, shift, await ApiProxy.before(''))
    await scene.#begin().catch(async error => {
      await scene.close()
      throw error
    })
    return scene
  }

  async #begin(): Promise<void> {
    for (const slug of SLUGS) {
      const config = { dir: slug === 'payer' ? this.#dir : join(this.#dir, slug), dht: 'off', status_ms: 500 } as const
      this.nodes.push(
        await LocalNode.start({ slug, clock: this.clock, config, ...(slug === 'payer' ? { api: true } : {}) }),
      )
    }
    const [payer, ...others] = this.nodes as [LocalNode, ...LocalNode[]]
    this.api.target = payer.apiUrl
    for (const [index, node] of others.entries()) await node.connect(...others.slice(0, index))
    for (const { address } of others) this.#lines.push(await Line.to(Number(/\/tcp\/(\d+)/.exec(address)?.[1])))
    await this.heal()
    for (const node of this.nodes)
      await node.found(
        this.nodes.filter(other => other !== node),
        this.nodes,
      )
    await ready(this.nodes)
    await this.final()
    for (const a of this.nodes)
      for (const b of this.nodes) {
        if (a === b || (a === payer && b === others[0])) continue
        const { ok } = await a.running.service.operator.recognize(b.society)
        assert.ok(ok, `${a.slug} ${b.slug}`)
      }
    this.#anna = await payer.birth('anna')
    await payer.issue('atp.mint', { amount: 10_000 * ATP })
    await payer.issue('atp.charge', { amount: 1_000 * ATP, evidence: hashText('work'), to: this.#anna.lct })
    await createKeyFile(this.#keyFile, 'member', PASSPHRASE, { kdf: KDF, seed: sha256(utf8Encode('payer anna')) })
    await this.final()
  }

  get #keyFile(): string {
    return join(this.#dir, 'anna.key')
  }

  get payer(): LocalNode {
    return this.nodes[0] as LocalNode
  }

  get payee(): LocalNode {
    return this.nodes[1] as LocalNode
  }

  /** A new member of the payee's society, of whom everybody has heard. */
  async newPayee(): Promise<LocalMember> {
    const born = await this.payee.birth(`payee ${this.#births++}`)
    await this.final()
    return born
  }

  /** Sets the clock of all nodes, and of commands, forward. */
  move(ms: number): void {
    this.#shift.ms += ms
  }

  /** For the command that runs alone: it has waited so much longer. */
  wait(ms: number): void {
    this.#patienceMs += ms
  }

  /** The payer's node reaches nobody, or all but these. */
  async cut(...except: readonly LocalNode[]): Promise<void> {
    const gone = this.#others.filter(([node]) => !except.includes(node))
    for (const [, line] of gone) line.cut()
    const isCut = () => gone.every(([node]) => !this.#isConnected(node))
    await until('the cut is noticed', isCut, LIMIT_MS)
  }

  async heal(): Promise<void> {
    for (const [node, line] of this.#others) {
      line.mend()
      if (this.#isConnected(node)) continue
      const address = node.address.replace(/\/tcp\/\d+/, `/tcp/${line.port}`)
      assert.ok((await this.payer.running.service.operator.connect(address)).ok, `to ${node.slug}`)
    }
    await until('all are met again', () => this.#others.every(([node]) => this.#isConnected(node)), LIMIT_MS)
  }

  get #others(): readonly (readonly [LocalNode, Line])[] {
    return this.#lines.map((line, index) => [this.nodes[index + 1] as LocalNode, line])
  }

  /** Both ends know of it. */
  #isConnected(node: LocalNode): boolean {
    const sees = (a: LocalNode, b: LocalNode) => a.net.peers().some(({ peer }) => peer === b.net.self)
    return sees(this.payer, node) || sees(node, this.payer)
  }

  final(): Promise<void> {
    return allFinal(this.nodes, this.nodes)
  }

  /** `web4 pay` of the one payer. */
  pay(amount: number, to: string, id: string, ...more: readonly string[]): Running {
    const who = ['--key', this.#keyFile, '--as', this.#anna?.lct ?? '']
    return this.web4('pay', String(amount), '--to', to, '--id', id, ...who, ...more)
  }

  web4(...args: readonly string[]): Running {
    this.api.begin()
    this.#patienceMs = 0
    let stdout = ''
    let stderr = ''
    const say = (text: string | Uint8Array) => {
      stderr += Buffer.from(text).toString()
    }
    const ended = runCli([...args, '--json', '--dir', this.#dir, '--url', this.api.url], {
      env: { WEB4_PASSPHRASE: PASSPHRASE },
      stdout: piece => {
        stdout += Buffer.from(piece).toString()
      },
      stderr: say,
      terminal: { stdin: new PassThrough(), stderr: new PassThrough().on('data', say) },
      now: () => this.clock.now() + this.#patienceMs,
      ended: () => Promise.resolve(),
    })
    return {
      get stderr() {
        return stderr
      },
      ended: ended.then(code => ({ code, stderr, answer: JSON.parse(stdout) as End['answer'] })),
    }
  }

  /** Records of a kind in the payer's log, as this node holds it, that `matches`. */
  async records(kind: string, matches: (body: AnyRecord['body']) => boolean, at = this.payer): Promise<AnyRecord[]> {
    const { replica } = at.log(this.payer.society)
    const entries = await replica.entries(0, replica.tip.size)
    const records = entries.map(bytes => {
      const decoded = decodeCanonical(bytes)
      assert.ok(decoded.ok)
      return (decoded.value as unknown as { readonly record: AnyRecord }).record
    })
    return records.filter(record => record.kind === kind && matches(record.body))
  }

  async close(): Promise<void> {
    await this.api.stop()
    await Promise.all(this.#lines.map(line => line.stop()))
    await Promise.all(this.nodes.map(node => node.stop()))
    await rm(this.#dir, { recursive: true, force: true })
  }
}
