import assert from 'node:assert/strict'
import type { ResumePlan } from '../../src/driver/resume.ts'
import { openVerified } from '../../src/driver/serve.ts'
import { toBase64url } from '../../src/encoding.ts'
import type { Store } from '../../src/ports.ts'
import type { ResumeBody } from '../../src/records/resume.ts'
import type { AnyRecord } from '../../src/records/types.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import type { Seq, SocietyId } from '../../src/units.ts'
import { Cluster, type ClusterOptions, contentOf, type Members } from './cluster.ts'
import type { ClusterNode } from './cluster-node.ts'
import { hashText, makeRecord, submissionBytes } from './identity.ts'
import { keysOfSociety } from './society.ts'

/** A log with two histories, and nodes that hold the proof of it. */

export interface ForkOptions {
  /** Payments after the parting: of s0 itself, and of the copy of its folder. */
  readonly onLeft?: number
  readonly onRight?: number
  /** Who sees the copy's history; all others see that of s0. */
  readonly right?: readonly string[]
  /** n of the first payment in anna's lane. */
  readonly n?: number
  /** Leave out that everybody learns of it. */
  readonly isSecret?: boolean
  /** Leave out that the own history becomes final. */
  readonly isOpen?: boolean
}

export class ForkScene {
  readonly cluster: Cluster & { readonly members: Members }
  readonly society: SocietyId
  /** Size where the histories part. */
  parting: Seq = 0

  constructor(cluster: Cluster & { readonly members: Members }) {
    this.cluster = cluster
    this.society = this.home.society
  }

  static async start(options: Omit<ClusterOptions, 'disks' | 'now'> = {}): Promise<ForkScene> {
    const cluster = await Cluster.resume({ societies: 5, ...options })
    await cluster.ready()
    await cluster.clock.advance(2_000)
    return new ForkScene(cluster)
  }

  /** s0 forked: s1, s2 and s3 saw one history, s4 the other one; all of them hold the proof. */
  static async forked(options: ForkOptions = {}): Promise<ForkScene> {
    const scene = await ForkScene.start()
    await scene.fork(options)
    return scene
  }

  get home(): ClusterNode {
    return this.cluster.nodes[0] as ClusterNode
  }
  node(name: string): ClusterNode {
    return this.cluster.nodes.find(node => node.name === name) as ClusterNode
  }
  /** Witnesses of s0 that run. */
  get others(): ClusterNode[] {
    return this.cluster.nodes.filter(({ name }) => /^s[1-4]$/.test(name))
  }

  async pay(node: ClusterNode, count: number, firstN: number, amount = 5): Promise<void> {
    const { cluster } = this
    const { anna, ben } = cluster.members
    for (let i = 0; i < count; i++) {
      await cluster.do(node.transfer({ ...anna, n: firstN + i }, ben, amount))
      await cluster.clock.advance(200)
    }
  }

  /** A copy of s0's folder is started where only `right` sees it, and both write. */
  async fork({
    onLeft = 2,
    onRight = 3,
    right = ['s4'],
    n = 20,
    isSecret = false,
    isOpen = false,
  }: ForkOptions = {}): Promise<void> {
    const { cluster, home } = this
    this.parting = home.log().replica.tip.size
    const store = createMemoryStore(await contentOf(home.setup.store))
    const left = cluster.nodes.map(({ name }) => name).filter(name => !right.includes(name))
    cluster.net.partition(left, ['copy', ...right])
    const copy = await cluster.add({ name: 'copy', slug: 's0', store })
    copy.log().startUp.override()
    await this.pay(home, onLeft, n)
    await this.pay(copy, onRight, n, 9)
    // An offer lasts a second: only then is the newest size cosigned.
    await cluster.clock.advance(2_000)
    const seeing = this.others.filter(({ name }) => left.includes(name))
    if (seeing.length >= 3 && !isOpen) await cluster.final([home], [home, ...seeing])
    if (!isSecret) {
      cluster.net.heal()
      await cluster.clock.until('the proof everywhere', () => [home, ...this.others].every(node => this.isFrozen(node)))
    }
    await cluster.clock.run(copy.stop())
    cluster.nodes.splice(cluster.nodes.indexOf(copy), 1)
  }

  isFrozen(node: ClusterNode): boolean {
    return node.log(this.society).replica.halt?.mode === 'frozen'
  }
  epochOn(node: ClusterNode): number {
    return node.log(this.society).replica.epoch
  }
  sizeOn(node: ClusterNode): Seq {
    return node.log(this.society).replica.tip.size
  }

  proposalAt(node: ClusterNode) {
    return node.federation.resumes.witness.proposals().find(({ society }) => society === this.society)
  }
  resume(size?: Seq): ReturnType<ClusterNode['federation']['resumes']['resume']> {
    return this.home.federation.resumes.resume(size)
  }
  async approve(nodes: readonly ClusterNode[]): Promise<void> {
    for (const node of nodes) {
      const proposal = this.proposalAt(node)
      assert.ok(proposal, `${node.name} was asked`)
      await this.cluster.do(node.federation.resumes.witness.approve(proposal))
    }
  }
  /** Asked, approved by three of the four witnesses, and asked again. */
  async resumed(size?: Seq): Promise<ResumePlan & { readonly seq: Seq }> {
    assert.equal(await this.cluster.refusal(this.resume(size)), 'RESUME_QUORUM')
    await this.approve(this.others.slice(0, 3))
    return this.cluster.do(this.resume(size))
  }

  async followed(epoch = 1, nodes: readonly ClusterNode[] = this.cluster.nodes): Promise<void> {
    await this.cluster.clock.until(`epoch ${epoch} everywhere`, () =>
      nodes.every(node => this.epochOn(node) === epoch && node.log(this.society).replica.halt === undefined),
    )
  }

  /** All societies may write. That another process wrote with the key of s0, only a restart forgets. */
  async ready(): Promise<void> {
    const { cluster, home } = this
    if (home.federation.sequencerBarrier()?.code === 'KEY_IN_USE') await cluster.restart(home)
    await cluster.ready([this.home, ...this.others])
  }

  /** All follow, money moves, all of it is final, and everybody holds the same. */
  async whole(epoch = 1, n = 90): Promise<void> {
    const { cluster } = this
    await this.followed(epoch)
    await this.ready()
    const { home } = this
    const societies = [home, ...this.others]
    await this.pay(home, 1, n, 7)
    await cluster.final(societies, societies)
    await cluster.assertConverged(societies)
    cluster.assertNoFaults()
  }

  async stored(node: ClusterNode, key: string): Promise<Uint8Array | undefined> {
    return (await node.setup.store.getMany([key]))[0]
  }
  async proof(node: ClusterNode = this.home): Promise<Uint8Array> {
    const proof = await this.stored(node, storeKey.fork(this.society))
    assert.ok(proof, `${node.name} holds the proof`)
    return proof
  }
}

export async function copyOf(node: ClusterNode): Promise<Store> {
  return createMemoryStore(await contentOf(node.setup.store))
}

/** A resume of s0 as anybody who holds its key could write it, whatever the rules say. */
export async function resumeRecord(
  node: ClusterNode,
  size: Seq,
  changes: Partial<ResumeBody> = {},
): Promise<AnyRecord> {
  const { replica } = node.log()
  const root = toBase64url((await replica.rootAt(size)) as Uint8Array)
  const body = { cause: 'fork', epoch: replica.epoch + 1, evidence: hashText('evidence'), root, size, ...changes }
  const time = node.setup.clock.now()
  return makeRecord('resume', body, { author: node.society, society: node.society, lane: 1, n: 50, time })
}

/** The node goes back and appends it, with the word of these witnesses; nobody is asked. */
export async function forceResume(
  { cluster }: ForkScene,
  node: ClusterNode,
  size: Seq,
  witnesses: readonly string[],
): Promise<void> {
  const record = await resumeRecord(node, size)
  const signers = [node.keys.society, ...witnesses.map(name => keysOfSociety(name).witness)]
  const opened = await cluster.do(openVerified(node.federation, submissionBytes(record, signers)))
  const { epoch, root } = record.body as unknown as ResumeBody
  await cluster.clock.run(node.log().rewind({ epoch, root, size, to: size }))
  const { own } = node.federation
  assert.ok(own)
  await cluster.do(own.sequencer.resume(opened))
}
