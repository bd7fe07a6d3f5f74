import assert from 'node:assert/strict'
import { toBase64url } from '../../src/encoding.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { Cluster, contentOf, type Members } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'

interface Scene {
  readonly cluster: Cluster & { readonly members: Members }
  readonly home: ClusterNode
  readonly society: string
  readonly others: () => ClusterNode[]
  /** Size where the two histories part. */
  readonly parting: number
}

/** s0 forked: s1, s2 and s3 saw one history, s4 the other one; all of them hold the proof. */
async function forked(onLeft = 2, onRight = 3): Promise<Scene> {
  const cluster = await Cluster.resume({ societies: 5 })
  await cluster.ready()
  const home = cluster.nodes[0] as ClusterNode
  await cluster.clock.advance(2_000)
  const parting = home.log().replica.tip.size
  const store = createMemoryStore(await contentOf(home.setup.store))
  cluster.net.partition(['s0', 's1', 's2', 's3'], ['copy', 's4'])
  const copy = await cluster.add({ name: 'copy', slug: 's0', store })
  copy.log().startUp.override()
  const { anna, ben } = cluster.members
  for (const [node, count, amount] of [
    [home, onLeft, 5],
    [copy, onRight, 9],
  ] as const) {
    for (let i = 0; i < count; i++) {
      await cluster.do(node.transfer({ ...anna, n: 20 + i }, ben, amount))
      await cluster.clock.advance(200)
    }
  }
  const others = () => cluster.nodes.filter(({ name }) => /^s[1-4]$/.test(name))
  await cluster.final([home], [home, ...others().slice(0, 3)])
  cluster.net.heal()
  const { society } = home
  await cluster.clock.until('the proof everywhere', () =>
    [home, ...others()].every(node => node.log(society).replica.halt?.mode === 'frozen'),
  )
  await cluster.clock.run(copy.stop())
  cluster.nodes.splice(cluster.nodes.indexOf(copy), 1)
  return { cluster, home, society, others, parting }
}

async function approveAll({ cluster, society }: Scene, nodes: readonly ClusterNode[]): Promise<void> {
  for (const node of nodes) {
    const [proposal] = node.federation.resumes.proposals().filter(each => each.society === society)
    assert.ok(proposal, `${node.name} was asked`)
    await cluster.do(node.federation.resumes.approve(proposal))
  }
}

describe('a log that forked', () => {
  it('is resumed by q countersignatures and goes on under epoch 1, on every node', async () => {
    const s = await forked()
    const { cluster, home, society, others } = s
    const { size } = home.log().replica.tip
    assert.equal(await cluster.refusal(home.federation.resumes.resume()), 'RESUME_QUORUM')
    await approveAll(s, others().slice(0, 3))
    const resumed = await cluster.do(home.federation.resumes.resume())
    assert.equal(resumed.seq, size)
    assert.equal(home.log().replica.epoch, 1)
    await cluster.clock.until('all follow', () =>
      others().every(node => node.log(society).replica.epoch === 1 && node.log(society).replica.halt === undefined),
    )
    await cluster.ready()
    const { anna, ben } = cluster.members
    await cluster.do(home.transfer({ ...anna, n: 90 }, ben, 7))
    await cluster.final()
    await cluster.assertConverged()
    assert.deepEqual(
      others().map(({ rewinds }) => rewinds),
      [[{ society, size }], [{ society, size }], [{ society, size }], [{ society, size: s.parting }]],
    )
    assert.match(home.log().notes.latest?.text ?? '', new RegExp(`^web4/${society}/epoch-1\n`))
    cluster.assertNoFaults()
  })
})
