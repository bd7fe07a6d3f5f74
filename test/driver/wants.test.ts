import assert from 'node:assert/strict'
import type { Law } from '../../src/records/law.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'

/** s0 writes a log, s1 follows it, s2 has nothing to do with it; all connected. */
async function scene(): Promise<{ cluster: Cluster; nodes: [ClusterNode, ClusterNode, ClusterNode] }> {
  const cluster = await Cluster.boot({ societies: 3 })
  const nodes = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode]
  await cluster.do(cluster.foundOne(nodes[0], []))
  return { cluster, nodes }
}

/** What a node wants, in plain lists. */
function wantsOf(cluster: Cluster, node: ClusterNode) {
  const { endpoints = new Map(), seeks = new Map(), serves = [] } = cluster.net.wants.get(node.name) ?? {}
  return { serves: [...serves], seeks: [...seeks], endpoints: [...endpoints] }
}

const nothing = { serves: [], seeks: [], endpoints: [] }

describe('what a node wants of the network', () => {
  it('is nothing for logs that it does not follow', async () => {
    const { cluster, nodes } = await scene()
    await cluster.clock.advance(3_000)
    for (const node of nodes.slice(1)) assert.deepEqual(wantsOf(cluster, node), nothing)
  })

  it('is somebody for the own log while nobody else holds it', async () => {
    const { cluster, nodes } = await scene()
    const [home, follower] = nodes
    await cluster.clock.advance(3_000)
    assert.deepEqual(wantsOf(cluster, home), { ...nothing, serves: [home.society], seeks: [[home.society, 'nobody']] })
    await cluster.clock.run(follower.federation.setPolicy(home.society, { follow: true, witness: false, block: false }))
    await cluster.clock.advance(3_000)
    assert.deepEqual(wantsOf(cluster, home), { ...nothing, serves: [home.society] })
    assert.deepEqual(wantsOf(cluster, follower), { ...nothing, serves: [home.society] })
  })

  it('is anybody for a followed log that nobody serves, and its own node when only others do', async () => {
    const { cluster, nodes } = await scene()
    const [home, follower, late] = nodes
    const policy = { follow: true, witness: false, block: false }
    await cluster.clock.run(follower.federation.setPolicy(home.society, policy))
    await cluster.clock.advance(3_000)
    cluster.net.partition(['s0'], ['s1'], ['s2'])
    await cluster.clock.run(late.federation.setPolicy(home.society, policy))
    await cluster.clock.advance(3_000)
    assert.deepEqual(wantsOf(cluster, late), { ...nothing, seeks: [[home.society, 'nobody']] })
    assert.deepEqual(wantsOf(cluster, follower).seeks, [[home.society, 'nobody']])
    cluster.net.partition(['s0'], ['s1', 's2'])
    await cluster.clock.advance(3_000)
    const others = { ...nothing, serves: [home.society], seeks: [[home.society, 'others']] }
    assert.deepEqual(wantsOf(cluster, late), others)
    assert.deepEqual(wantsOf(cluster, follower), others)
    cluster.net.heal()
    await cluster.clock.advance(3_000)
    assert.deepEqual(wantsOf(cluster, late).seeks, [])
    assert.deepEqual([...(cluster.net.wants.get('s2')?.helpers ?? [])].sort(), ['s0', 's1'])
  })

  it('is somebody else when whoever claims to serve a log gives nothing that holds', async () => {
    const { cluster, nodes } = await scene()
    const [home, liar, seeker] = nodes
    await cluster.do(home.mint(1))
    const policy = { follow: true, witness: false, block: false }
    await cluster.clock.run(liar.federation.setPolicy(home.society, policy))
    await cluster.clock.advance(3_000)
    cluster.net.partition(['s1', 's2'])
    cluster.net.reply = (by, name, result) => {
      if (by !== 's1' || name !== 'entries' || !result.ok) return result
      return { ok: true, value: { ...(result.value as object), entries: [Uint8Array.of(1)] } }
    }
    await cluster.clock.run(seeker.federation.setPolicy(home.society, policy))
    await cluster.clock.advance(1_500)
    // It has had its chances.
    await cluster.clock.advance(10_000)
    assert.deepEqual(wantsOf(cluster, seeker), { ...nothing, seeks: [[home.society, 'nobody']] })
    assert.equal(seeker.log(home.society).replica.tip.size, 0)
  })

  it('is not to be found for what is blocked, or followed no more', async () => {
    const { cluster, nodes } = await scene()
    const [home, follower] = nodes
    const set = (policy: { follow: boolean; witness: boolean; block: boolean }) =>
      cluster.clock.run(follower.federation.setPolicy(home.society, policy))
    await set({ follow: true, witness: false, block: false })
    await cluster.clock.advance(3_000)
    assert.deepEqual(wantsOf(cluster, follower).serves, [home.society])
    for (const policy of [
      { follow: true, witness: false, block: true },
      { follow: false, witness: false, block: false },
    ]) {
      await set(policy)
      await cluster.clock.advance(3_000)
      assert.deepEqual(wantsOf(cluster, follower), nothing)
    }
  })

  it('is the addresses of record of the law in force', async () => {
    const { cluster, nodes } = await scene()
    const [home, follower] = nodes
    await cluster.clock.run(follower.federation.setPolicy(home.society, { follow: true, witness: false, block: false }))
    await cluster.clock.advance(3_000)
    assert.deepEqual(wantsOf(cluster, follower).endpoints, [])
    for (const [number, endpoints] of [['/ip4/192.0.2.1/tcp/1', 'what ever'], ['/ip4/192.0.2.2/tcp/1']].entries()) {
      const law = home.log().replica.inForce?.law as Law
      await cluster.do(home.issue('law.update', { law: { ...law, number: number + 1, endpoints } }))
      await cluster.clock.advance(3_000)
      assert.deepEqual(wantsOf(cluster, follower).endpoints, [[home.society, endpoints]])
      assert.deepEqual(wantsOf(cluster, home).endpoints, [])
    }
  })
})
