import { makeBundle } from '../../src/driver/evidence.ts'
import { serveNotice } from '../../src/driver/notice.ts'
import { introduce, recognize } from '../../src/driver/relations.ts'
import type { Result } from '../../src/result.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import type { RecordId, Seq } from '../../src/units.ts'
import { Cluster, type ClusterOptions, contentOf, type Disks } from './cluster.ts'
import type { ClusterNode, Member } from './cluster-node.ts'
import { peerOf } from './forge.ts'
import { context } from './identity.ts'

/**
 * Anna of s0 pays dora of s5, whose node does not hold the log of s0: it knows that log's witnesses s1 to s4 alone, three of
 * whom make an entry final. Everybody holds the log of s5.
 */
export class NoticeScene {
  readonly cluster: Cluster
  readonly anna: Member
  readonly dora: Member

  private constructor(cluster: Cluster, anna: Member, dora: Member) {
    this.cluster = cluster
    this.anna = { ...anna }
    this.dora = { ...dora }
  }

  /** Dora is introduced, anna has 1 000 000. Founded once, then copied; every node has just been started anew. */
  static async start(options: Pick<ClusterOptions, 'options'> = {}): Promise<NoticeScene> {
    populated ??= populate()
    const { anna, disks, dora, now } = await populated
    const cluster = await Cluster.boot({ ...options, disks, now })
    await cluster.ready()
    await cluster.clock.advance(2_000)
    return new NoticeScene(cluster, anna, dora)
  }

  node(index: number): ClusterNode {
    return this.cluster.nodes[index] as ClusterNode
  }
  get home(): ClusterNode {
    return this.node(0)
  }
  get theirs(): ClusterNode {
    return this.node(5)
  }

  /** A payment that is final for s0; its seq and record. */
  async pay(amount = 5, to = this.dora): Promise<{ readonly seq: Seq; readonly record: RecordId }> {
    const paid = await this.transfer(amount, to)
    await this.cluster.final([this.home], [this.home])
    return paid
  }

  async transfer(amount = 5, to = this.dora): Promise<{ readonly seq: Seq; readonly record: RecordId }> {
    const { cluster, home } = this
    const seq = await cluster.do(home.transfer(this.anna, to, amount))
    return { seq, record: await this.recordAt(seq) }
  }

  async recordAt(seq: Seq): Promise<RecordId> {
    const log = this.home.log()
    for await (const [key, value] of this.home.setup.store.range({
      gte: `record/${log.society}/`,
      lt: `record/${log.society}0`,
    }))
      if (new TextDecoder().decode(value) === String(seq)) return key.slice(-43)
    throw new Error(`no record of entry ${seq}`)
  }

  async bundle(seq: Seq): Promise<Uint8Array> {
    return this.cluster.do(makeBundle(this.home.log(), seq, context.sha256))
  }

  /** As if `from` had brought it. */
  notice(bundle: Uint8Array, from = this.home): ReturnType<typeof serveNotice> {
    return serveNotice(this.theirs.federation, peerOf(from), bundle)
  }

  async refusal(work: Promise<Result<unknown>>): Promise<string | undefined> {
    return this.cluster.refusal(work)
  }

  /** What s5 tells of its own accord. */
  get told(): readonly RecordId[] {
    return this.theirs.received.map(({ record }) => record)
  }

  list(node = this.theirs, limit = 100) {
    return this.cluster.clock.run(node.federation.payments.list({ to: this.dora.lct, limit }))
  }

  /** s5 does not count these witnesses. */
  async refuse(...indexes: readonly number[]): Promise<void> {
    for (const index of indexes) await this.theirs.federation.policies.set(this.node(index).society, { block: true })
  }
  async accept(...indexes: readonly number[]): Promise<void> {
    for (const index of indexes) await this.theirs.federation.policies.set(this.node(index).society, { block: false })
  }

  /** s5 holds the log of s0 from now on. */
  async follow(): Promise<void> {
    const { cluster, home, theirs } = this
    await cluster.clock.run(theirs.federation.setPolicy(home.society, { follow: true }))
    await cluster.final([home], [theirs])
    await cluster.clock.run(theirs.federation.payments.idle())
  }

  /** A copy of s0's folder runs where s1 to s4 see it, and neither s0 nor s5. */
  async copyOfHome(): Promise<ClusterNode> {
    const { cluster, home } = this
    const store = createMemoryStore(await contentOf(home.setup.store))
    cluster.net.partition(['s0', 's5'], ['copy', 's1', 's2', 's3', 's4'])
    const copy = await cluster.add({ name: 'copy', slug: 's0', store })
    copy.log().startUp.override()
    return copy
  }

  introduce(lct = this.dora.lct): ReturnType<typeof introduce> {
    return introduce(this.home.federation, this.home.issuer, lct)
  }
}

interface Population {
  readonly disks: Disks
  readonly now: number
  readonly anna: Member
  readonly dora: Member
}
let populated: Promise<Population> | undefined

async function populate(): Promise<Population> {
  const cluster = await Cluster.boot({ societies: 6 })
  const [home, s1, s2, s3, s4, theirs] = cluster.nodes as [
    ClusterNode,
    ClusterNode,
    ClusterNode,
    ClusterNode,
    ClusterNode,
    ClusterNode,
  ]
  const between = [s1, s2, s3, s4]
  await cluster.do(cluster.foundOne(home, ['s1', 's2', 's3', 's4']))
  for (const node of [...between, theirs]) await cluster.do(cluster.foundOne(node))
  const settled = () => Promise.all([cluster.final([home], [home, ...between]), cluster.final([...between, theirs])])
  await settled()
  for (const node of [home, theirs])
    for (const peer of between) await cluster.do(recognize(node.federation, node.issuer, peer.society))
  await cluster.do(recognize(home.federation, home.issuer, theirs.society))
  const [anna, dora] = [await cluster.member(home, 'anna'), await cluster.member(theirs, 'dora')]
  await cluster.do(home.mint(2_000_000))
  await cluster.do(home.charge(anna, 1_000_000))
  await settled()
  await cluster.do(introduce(home.federation, home.issuer, dora.lct))
  await settled()
  await cluster.clock.advance(1_000)
  const disks = await cluster.disks()
  const now = cluster.clock.now()
  await cluster.stop()
  return { disks, now, anna, dora }
}
