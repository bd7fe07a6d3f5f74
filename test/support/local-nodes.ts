import assert from 'node:assert/strict'
import { createNode, type RunningNode } from '../../node/compose.ts'
import { type Config, options } from '../../node/config/options.ts'
import { sha256 } from '../../node/crypto/sodium.ts'
import type { NodeKeys } from '../../node/data-folder.ts'
import type { NodeNet } from '../../node/net/net.ts'
import { nullLogger } from '../../node/observe/logger.ts'
import { type Json, utf8Encode } from '../../src/canonical.ts'
import type { SocietyLog } from '../../src/driver/society-log.ts'
import type { Clock, Store } from '../../src/ports.ts'
import type { AnyRecord } from '../../src/records/types.ts'
import type { Result } from '../../src/result.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import type { OrderedMap } from '../../src/store/ordered-map.ts'
import type { LctId, Seq, SocietyId } from '../../src/units.ts'
import { hashText, type Identity, identity, keysOf, makeRecord, signRecord, submissionBytes } from './identity.ts'
import { verifier } from './net.ts'
import { memoryRing } from './rings.ts'
import { GENESIS_MS, keysOfSociety } from './society.ts'
import { until } from './until.ts'

/** Whole nodes in this process, on real sockets: keys from names, memory for a disk, time from a fixed moment on. */

const LIMIT_MS = 60_000

/** Runs with real timers, and begins in the middle of a decay interval whatever the time of day. */
export function steadyClock(start = GENESIS_MS): Clock {
  const begun = performance.now()
  return {
    now: () => start + Math.floor(performance.now() - begun),
    after(delayMs, task) {
      const timer = setTimeout(task, delayMs)
      return () => clearTimeout(timer)
    },
  }
}

export interface LocalNodeSetup {
  /** Whose keys it holds. Two nodes of one slug are two copies of one society. */
  readonly slug: string
  /** Whose transport key it has; default: the slug. */
  readonly transport?: string
  readonly clock: Clock
  readonly content?: OrderedMap
  readonly config?: Partial<Config>
  /** With an HTTP server; needs `config.dir`. */
  readonly api?: true
}

export interface LocalMember {
  readonly lct: LctId
  readonly identity: Identity
  n: number
}

export class LocalNode {
  readonly setup: LocalNodeSetup
  readonly keys: ReturnType<typeof keysOfSociety>
  readonly store: Store
  readonly running: RunningNode
  /** Faults of the node itself; whatever others do to it, there should be none. */
  readonly faults: unknown[]
  apiUrl = ''
  address = ''

  private constructor(setup: LocalNodeSetup, store: Store, running: RunningNode, faults: unknown[]) {
    this.setup = setup
    this.keys = keysOfSociety(setup.slug)
    this.store = store
    this.running = running
    this.faults = faults
  }

  static async start(setup: LocalNodeSetup): Promise<LocalNode> {
    const { api, clock, config = {}, content, slug, transport = slug } = setup
    // What it holds outlives the node.
    const store: Store = { ...createMemoryStore(content), close: async () => {} }
    const faults: unknown[] = []
    const error = (message: string, facts?: object) => {
      if (message === 'fault') faults.push(facts)
    }
    const logger = { ...nullLogger, error }
    const parts = { logger, clock, store, keys: nodeKeys(slug, transport), verifier }
    const running = await createNode(nodeConfig(config), api === true ? parts : { ...parts, api: false })
    const node = new LocalNode(setup, store, running, faults)
    const { addresses, apiUrl } = await running.start()
    node.apiUrl = apiUrl
    node.address = addresses[0] ?? ''
    return node
  }

  stop(): Promise<void> {
    return this.running.stop()
  }

  get slug(): string {
    return this.setup.slug
  }

  get society(): SocietyId {
    return this.running.federation.ownSociety
  }

  get net(): NodeNet {
    return this.running.federation.ports.net as NodeNet
  }

  log(society: SocietyId = this.society): SocietyLog {
    const log = this.running.federation.logs.get(society)
    assert.ok(log, `${this.slug} does not hold ${society}`)
    return log
  }

  async connect(...others: readonly LocalNode[]): Promise<void> {
    for (const { address } of others) good(await this.running.service.operator.connect(address))
  }

  /** Its society, with these nodes for witnesses; everybody named may witness births. */
  async found(witnesses: readonly LocalNode[], births: readonly LocalNode[]): Promise<SocietyId> {
    const keys = (nodes: readonly LocalNode[]) => keysOf(nodes.map(node => node.keys.witness))
    const request = { slug: this.slug, witnesses: keys(witnesses), birth_witnesses: keys(births) }
    return good(await this.running.service.operator.genesis(request)).society
  }

  follow(society: SocietyId): Promise<unknown> {
    return this.running.service.operator.policy(society, { follow: true, witness: false, block: false })
  }

  /** A record of the society itself. */
  async issue(kind: string, body: Json): Promise<Seq> {
    return good(await this.running.service.operator.issue({ kind, body })).seq ?? -1
  }

  async birth(name: string): Promise<LocalMember> {
    const { operator } = this.running.service
    const subject = identity(`${this.slug} ${name}`)
    const prepared = good(await operator.prepareBirth({ key: subject.key, entity_type: 'human', entity: name }))
    const sigs = signRecord(prepared.record as unknown as AnyRecord, [subject])
    const { lct } = good(await operator.birth({ record: prepared.record, sigs }))
    return { lct, identity: subject, n: 1 }
  }

  /** A record that one of its members signed. */
  async submit(author: LocalMember, kind: string, body: object): Promise<Seq> {
    const { lct, n } = author
    author.n += 1
    const record = makeRecord(kind, body, { author: lct, society: this.society, n, time: this.setup.clock.now() })
    return good(await this.running.service.submit(submissionBytes(record, [author.identity]))).seq ?? -1
  }
}

function nodeKeys(slug: string, transport: string): NodeKeys {
  return {
    society: memoryRing(slug),
    witness: keysOfSociety(slug).witness,
    transportSeed: sha256(utf8Encode(`${transport} transport`)),
    entityRef: async entity => hashText(`${slug} ${entity}`),
  }
}

function nodeConfig(changes: Partial<Config>): Config {
  const defaults = Object.fromEntries(Object.entries(options).map(([name, option]) => [name, option.default]))
  return { ...(defaults as unknown as Config), store: 'memory', consent: 'all', api_port: 0, ...changes }
}

function good<T>(result: Result<T>): T {
  assert.ok(result.ok, result.ok ? '' : `${result.error.code} ${result.error.detail ?? ''}`)
  return result.value
}

/** Every node with every other one; returns when all know for whom the others speak. */
export async function connectAll(nodes: readonly LocalNode[]): Promise<void> {
  for (const [index, node] of nodes.entries()) await node.connect(...nodes.slice(0, index))
  await until('all know all', () => nodes.every(node => node.net.peers().length >= nodes.length - 1), LIMIT_MS)
}

/** Until these nodes hold these logs in full, and all of it is final on each of them. */
export async function allFinal(societies: readonly LocalNode[], on: readonly LocalNode[]): Promise<void> {
  const isFinal = (node: LocalNode, home: LocalNode) => {
    const log = node.running.federation.logs.get(home.society)
    const { size } = home.log().replica.tip
    return log?.replica.tip.size === size && log.notes.final === size
  }
  const done = () => societies.every(home => on.every(node => isFinal(node, home)))
  await until('final everywhere', done, LIMIT_MS)
}

export async function ready(nodes: readonly LocalNode[]): Promise<void> {
  const isReady = ({ running }: LocalNode) => running.federation.sequencerBarrier() === undefined
  await until('all may write', () => nodes.every(isReady), LIMIT_MS)
}
