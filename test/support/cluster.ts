import assert from 'node:assert/strict'
import type { FederationOptions } from '../../src/driver/federation.ts'
import { foundSociety } from '../../src/driver/genesis.ts'
import { recognize } from '../../src/driver/relations.ts'
import type { Clock, Store } from '../../src/ports.ts'
import type { Result } from '../../src/result.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { OrderedMap } from '../../src/store/ordered-map.ts'
import type { SocietyId } from '../../src/units.ts'
import { ClusterNode, type Member, type NodeSetup } from './cluster-node.ts'
import { commitment, keysOf } from './identity.ts'
import { type SeededRandom, seededRandom } from './random.ts'
import { keysOfSociety } from './society.ts'
import { VirtualClock } from './virtual-clock.ts'
import { VirtualNet, type VirtualNetOptions } from './virtual-net.ts'

/** What every disk holds, to start many runs from one moment. */
export type Disks = readonly OrderedMap[]

export interface ClusterOptions extends VirtualNetOptions {
  readonly societies?: number
  readonly seed?: number
  readonly options?: Partial<FederationOptions>
  /** Instead of memory, for the node with this index. */
  readonly store?: (index: number, content: OrderedMap) => Store
  /** Instead of the true time. */
  readonly clock?: (index: number, clock: VirtualClock) => Clock
  /** Start from here instead of founding societies. */
  readonly disks?: Disks
  /** Virtual time at the start. */
  readonly now?: number
}

/** Nodes `s0`, `s1`, … of one federation; every charter names all others as its witnesses. */
export class Cluster {
  readonly clock: VirtualClock
  readonly net: VirtualNet
  readonly random: SeededRandom
  readonly nodes: ClusterNode[] = []
  readonly seed: number
  readonly #options: Partial<FederationOptions>

  private constructor({ seed = 1, latencyMs, options = {}, now }: ClusterOptions) {
    this.seed = seed
    this.#options = options
    this.clock = new VirtualClock(now)
    this.random = seededRandom(seed)
    this.net = new VirtualNet(this.clock, this.random, latencyMs === undefined ? {} : { latencyMs })
  }

  /** Nodes that run and are connected; without societies unless `disks` hold some. */
  static async boot(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(options)
    const { societies = options.disks?.length ?? 4, store, clock } = options
    for (let index = 0; index < societies; index++) {
      const content = options.disks?.[index] ?? OrderedMap.empty
      await cluster.add({
        name: `s${index}`,
        store: store?.(index, content) ?? createMemoryStore(content),
        clock: clock?.(index, cluster.clock) ?? cluster.clock,
      })
    }
    await cluster.clock.advance(100)
    return cluster
  }

  /** Founded, and all charters final everywhere. */
  static async found(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = await Cluster.boot(options)
    for (const node of cluster.nodes) await cluster.do(cluster.foundOne(node))
    await cluster.final()
    return cluster
  }

  /**
   * A federation as after `found`, whose societies recognise each other and where anna and ben of `s0` hold 1 000 000 each;
   * every node has just been started anew. Founded once for each number of societies, then copied.
   */
  static async resume(options: Omit<ClusterOptions, 'disks' | 'now'> = {}): Promise<Cluster & { members: Members }> {
    const { societies = 4 } = options
    const founded = await (populations.get(societies) ?? populate(societies))
    const cluster = await Cluster.boot({ ...options, disks: founded.disks, now: founded.now })
    const { anna, ben } = founded.members
    return Object.assign(cluster, { members: { anna: { ...anna }, ben: { ...ben } } })
  }

  async add(setup: Pick<NodeSetup, 'name' | 'store'> & Partial<NodeSetup>): Promise<ClusterNode> {
    const { clock, net, random } = this
    const node = new ClusterNode({ clock, net, random, options: this.#options, ...setup })
    this.nodes.push(node)
    await this.clock.run(node.start())
    return node
  }

  /** `names`: its witnesses; default: all others. */
  foundOne(node: ClusterNode, names = this.nodes.map(({ name }) => name)): Promise<Result<SocietyId>> {
    const witnesses = names.map(name => keysOfSociety(name).witness)
    return foundSociety(
      node.federation,
      {
        slug: node.name,
        witnesses: keysOf(witnesses.filter(({ key }) => key !== node.keys.witness.key)),
        birth_witnesses: keysOf(witnesses),
        next: commitment(node.keys.next),
      },
      node.keys.society,
    )
  }

  /** Every society recognises every other one. */
  async recognise(): Promise<void> {
    for (const node of this.nodes) {
      for (const peer of this.nodes) {
        if (peer !== node) await this.do(recognize(node.federation, node.issuer, peer.society))
      }
    }
  }

  /** Waits until every society may write. */
  async ready(nodes: readonly ClusterNode[] = this.nodes): Promise<void> {
    await this.clock.until('all start-ups', () => nodes.every(node => node.federation.sequencerBarrier() === undefined))
  }

  /** Waits for a result that must be good. */
  async do<T>(work: Promise<Result<T>>): Promise<T> {
    const result = await this.clock.run(work)
    assert.ok(result.ok, result.ok ? '' : `${result.error.code} ${result.error.detail ?? ''} (seed ${this.seed})`)
    return result.value
  }

  /** Waits for a refusal and gives its code. */
  async refusal(work: Promise<Result<unknown>>): Promise<string | undefined> {
    const result = await this.clock.run(work)
    return result.ok ? undefined : result.error.code
  }

  async member(node: ClusterNode, name: string): Promise<Member> {
    return this.do(node.birth(name))
  }

  /** Waits until these nodes hold these logs in full, and all of it is final. */
  async final(logs: readonly ClusterNode[] = this.nodes, on: readonly ClusterNode[] = this.nodes): Promise<void> {
    const isFinal = (node: ClusterNode, of: ClusterNode) => {
      const log = node.federation.logs.get(of.society)
      return log?.replica.tip.size === of.log().replica.tip.size && log.notes.final === log.replica.tip.size
    }
    const done = () => on.every(node => logs.every(of => isFinal(node, of)))
    await this.clock.until(`final everywhere (seed ${this.seed})`, done, 120_000)
  }

  /** Equal sizes, roots and states that each node computed itself. */
  async assertConverged(on: readonly ClusterNode[] = this.nodes): Promise<void> {
    const [first, ...others] = await Promise.all(on.map(node => node.holdings()))
    for (const [index, other] of others.entries())
      assert.deepEqual(other, first, `${on[index + 1]?.name} differs (seed ${this.seed})`)
  }

  assertNoFaults(): void {
    for (const { name, faults } of this.nodes) assert.deepEqual(faults, [], `faults of ${name} (seed ${this.seed})`)
  }

  /** The process ends and begins again, on `store` or on the same one. */
  async restart(node: ClusterNode, store: Store = node.setup.store): Promise<ClusterNode> {
    await this.clock.run(node.stop())
    const again = new ClusterNode({ ...node.setup, store })
    this.nodes[this.nodes.indexOf(node)] = again
    await this.clock.run(again.start())
    return again
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await this.clock.run(node.stop())
  }

  disks(): Promise<Disks> {
    return Promise.all(this.nodes.map(({ setup }) => contentOf(setup.store)))
  }
}

export interface Members {
  readonly anna: Member
  readonly ben: Member
}
interface Population {
  readonly disks: Disks
  readonly now: number
  readonly members: Members
}
const populations = new Map<number, Promise<Population>>()

function populate(societies: number): Promise<Population> {
  const making = (async () => {
    const cluster = await Cluster.found({ societies })
    await cluster.recognise()
    const home = cluster.nodes[0] as ClusterNode
    const members = { anna: await cluster.member(home, 'anna'), ben: await cluster.member(home, 'ben') }
    await cluster.do(home.mint(2_000_000))
    await cluster.do(home.charge(members.anna, 1_000_000))
    await cluster.do(home.charge(members.ben, 1_000_000))
    await cluster.final()
    await cluster.clock.advance(1_000)
    const disks = await cluster.disks()
    const now = cluster.clock.now()
    await cluster.stop()
    return { disks, now, members }
  })()
  populations.set(societies, making)
  return making
}

export async function contentOf(store: Store): Promise<OrderedMap> {
  let content = OrderedMap.empty
  for await (const [key, value] of store.range({ gte: '', lt: '\u0080' }))
    content = content.apply([{ type: 'put', key, value }])
  return content
}
