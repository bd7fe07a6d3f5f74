import assert from 'node:assert/strict'
import { societyView } from '../../node/views.ts'
import { foundSociety } from '../../src/driver/genesis.ts'
import { asPredecessor, successorsOf } from '../../src/driver/succession.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { commitment, context, type Identity, keysOf } from '../support/identity.ts'
import { keysOfSociety } from '../support/society.ts'

/** s0 stands still; a new node founds a society under `key` that says to continue it. */
async function succeeded(
  key: Identity,
): Promise<{ readonly cluster: Cluster; readonly old: ClusterNode; readonly heir: ClusterNode }> {
  const cluster = await Cluster.resume()
  const [old] = cluster.nodes as [ClusterNode]
  await cluster.clock.run(old.stop())
  cluster.nodes.shift()
  const store = createMemoryStore()
  const ring = { held: [key.key], signerFor: (wanted: string) => (wanted === key.key ? key : undefined) }
  const heir = await cluster.add({ name: 'heir', store, ring })
  await cluster.clock.run(heir.federation.setPolicy(old.society, { follow: true }))
  const others = cluster.nodes.filter(node => node !== heir)
  const { size } = (others[0] as ClusterNode).log(old.society).replica.tip
  await cluster.clock.until('the old log is here', () => heir.log(old.society).replica.tip.size === size)
  // What made the old one stop does not matter here.
  for (const node of cluster.nodes) await node.log(old.society).replica.stop({ mode: 'frozen' })
  const witnesses = keysOf(others.map(({ name }) => keysOfSociety(name).witness))
  const request = {
    slug: 's0',
    witnesses,
    birth_witnesses: witnesses,
    next: commitment(keysOfSociety('heir').next),
    predecessor: asPredecessor(heir.log(old.society)),
  }
  await cluster.do(foundSociety(heir.federation, request, key))
  await cluster.final([heir])
  return { cluster, old, heir }
}

describe('a log that is continued by another one', () => {
  for (const [whose, key, proven] of [
    ['the next key', keysOfSociety('s0').next, true],
    ['the key in force', keysOfSociety('s0').society, true],
    ['a key of somebody else', keysOfSociety('heir').society, false],
  ] as const) {
    it(`under ${whose} is ${proven ? 'succeeded' : 'claimed, and nothing more'}`, async () => {
      const { cluster, old, heir } = await succeeded(key)
      for (const node of cluster.nodes) {
        const log = node.log(old.society)
        const { root, size } = asPredecessor(log)
        assert.deepEqual(successorsOf(log, node.federation.logs.values(), context.sha256), [
          { society: heir.society, size, root, proven },
        ])
        const shown = societyView(node.federation, log)
        assert.equal(shown.state, proven ? 'succeeded' : 'frozen')
        assert.deepEqual(societyView(node.federation, node.log(heir.society)).predecessor, {
          id: old.society,
          root,
          size,
        })
      }
      cluster.assertNoFaults()
    })
  }

  it('is ended when so many witnesses cosigned two histories that no quorum is left', async () => {
    const cluster = await Cluster.resume({ societies: 5 })
    const [home, node] = cluster.nodes as [ClusterNode, ClusterNode]
    const log = node.log(home.society)
    const { quorum, witnesses } = log.replica.finalitySets().current
    assert.deepEqual([witnesses.length, quorum], [4, 3])
    const stateWith = (convicted: number) => {
      log.convicted = witnesses.slice(0, convicted)
      return societyView(node.federation, log).state
    }
    assert.equal(stateWith(2), 'running')
    await log.replica.stop({ mode: 'frozen' })
    assert.deepEqual([0, 1, 2].map(stateWith), ['frozen', 'frozen', 'ended'])
  })
})
