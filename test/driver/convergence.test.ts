import assert from 'node:assert/strict'
import { Cluster, type Members } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'

/** Some of everything, from several societies at once. */
async function load(cluster: Cluster, { anna, ben }: Members): Promise<void> {
  const [home, other] = cluster.nodes as [ClusterNode, ClusterNode]
  await cluster.ready()
  const work = []
  for (let i = 0; i < 8; i++) {
    work.push(home.transfer(anna, ben, 1_000 + i), other.mint(500))
    if (i % 3 === 0) work.push(home.attest(ben, anna.lct))
    await cluster.clock.advance(cluster.random.integer(120))
  }
  for (const result of await cluster.clock.run(Promise.all(work))) assert.ok(result.ok)
}

describe('replicas of a federation', () => {
  it('reach finality and one state from charters, births, charges, transfers and attestations', async () => {
    const cluster = await Cluster.found({ societies: 4, latencyMs: [1, 40], seed: 11 })
    await cluster.recognise()
    const home = cluster.nodes[0] as ClusterNode
    const [anna, ben] = [await cluster.member(home, 'anna'), await cluster.member(home, 'ben')]
    await cluster.do(home.mint(1_000_000))
    await cluster.do(home.charge(anna, 500_000))
    await cluster.do(home.transfer(anna, ben, 1_000))
    await cluster.do(home.attest(anna, ben.lct))
    await cluster.final()
    await cluster.assertConverged()
    cluster.assertNoFaults()
  })

  for (const seed of [1, 2, 3]) {
    it(`converge over a network that loses and delays (seed ${seed})`, async () => {
      const cluster = await Cluster.resume({ latencyMs: [0, 300], seed })
      cluster.net.gossip = ({ frame }) => (cluster.random.integer(10) < 4 ? [] : [frame])
      cluster.net.passes = () => cluster.random.integer(10) > 0
      await load(cluster, cluster.members)
      await cluster.final()
      await cluster.assertConverged()
      cluster.assertNoFaults()
    })
  }

  it('fetch by range what gossip never brought', async () => {
    const cluster = await Cluster.resume()
    const [home, , deaf] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode]
    cluster.net.gossip = ({ frame, to }) => (to === deaf.name ? [] : [frame])
    await load(cluster, cluster.members)
    await cluster.final()
    await cluster.assertConverged()
    const fetched = cluster.net.answered.filter(({ name, to }) => name === 'entries' && to === deaf.name)
    assert.ok(fetched.some(({ result }) => result.ok))
    assert.ok(deaf.log(home.society).notes.final > 0)
  })

  it('catch up after a partition', async () => {
    const cluster = await Cluster.resume()
    cluster.net.partition(['s0', 's1', 's2'], ['s3'])
    await load(cluster, cluster.members)
    await cluster.clock.advance(5_000)
    const [home, , , away] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode, ClusterNode]
    assert.ok(home.log().notes.final < home.log().replica.tip.size, 'no quorum, nothing final')
    assert.ok(away.log(home.society).replica.tip.size < home.log().replica.tip.size)
    cluster.net.heal()
    await cluster.final()
    await cluster.assertConverged()
  })
})
