import assert from 'node:assert/strict'
import { createMemoryStore } from '../../src/store/memory.ts'
import { contentOf } from '../support/cluster.ts'
import { ClusterNode } from '../support/cluster-node.ts'
import { peerOf } from '../support/forge.ts'
import { makeRecord } from '../support/identity.ts'
import { keyRing, rotationOf, societyKey } from '../support/rings.ts'
import { keyOf, rotate, rotationScene } from '../support/rotation-scene.ts'

describe('whose word counts for a society', () => {
  it('is the key in force, the next one, and a replaced one until its replacement is final', async () => {
    const s = await rotationScene()
    const { cluster, home } = s
    const log = (cluster.nodes[1] as ClusterNode).log(home.society)
    const counting = () => [0, 1, 2].filter(n => log.speaks(keyOf(n)))
    assert.deepEqual(counting(), [0, 1])
    cluster.net.passes = (_from, _to, name) => name !== 'cosign'
    await cluster.do(home.laws.update({ changes: {}, rotation: rotationOf('s0', 1) }))
    await cluster.clock.until('the change', () => log.replica.tip.size === home.log().replica.tip.size)
    assert.deepEqual(counting(), [0, 1, 2])
    cluster.net.passes = () => true
    await cluster.final([home])
    assert.deepEqual(counting(), [1, 2])
  })
})

describe('a key ring', () => {
  it('without the key in force writes and signs nothing, and says which key that is', async () => {
    const s = await rotationScene()
    const { cluster, home } = s
    await rotate(s, 1)
    await cluster.clock.run(home.stop())
    const store = createMemoryStore(await contentOf(home.setup.store))
    const old = new ClusterNode({ ...home.setup, store, ring: keyRing(societyKey('s0', 0)) })
    cluster.nodes[0] = old
    await cluster.clock.run(old.start())
    await cluster.clock.until('start', () => old.federation.sequencerBarrier()?.code !== 'STARTING')
    assert.deepEqual(old.federation.sequencerBarrier(), {
      code: 'NOT_SEQUENCER',
      detail: `the log's key is ${keyOf(1)}, this folder holds ${keyOf(0)}`,
    })
    assert.equal(await cluster.refusal(old.mint(1)), 'NOT_SEQUENCER')
    const asker = peerOf(cluster.nodes[1] as ClusterNode)
    const { anna } = cluster.members
    assert.equal(await cluster.refusal(old.federation.serve.standing(asker, { lct: anna.lct })), 'NOT_SEQUENCER')
  })

  it('does not let its log pass to a key that it does not hold', async () => {
    const s = await rotationScene()
    const { cluster, home } = s
    await cluster.clock.run(home.stop())
    const poor = new ClusterNode({ ...home.setup, ring: keyRing(societyKey('s0', 0)) })
    cluster.nodes[0] = poor
    await cluster.clock.run(poor.start())
    await cluster.ready()
    const { law } = poor.log().replica.inForce ?? {}
    const { key, next } = rotationOf('s0', 1)
    const body = { law: { ...law, number: 1 }, next, society_key: key }
    const time = cluster.clock.now()
    const record = makeRecord('law.update', body, { author: poor.society, lane: 3, society: poor.society, time })
    const refused = await cluster.clock.run(poor.submit(record, [societyKey('s0', 1)]))
    assert.deepEqual(refused, {
      ok: false,
      error: { code: 'NOT_SEQUENCER', detail: `the log's key is ${key}, this folder holds ${keyOf(0)}` },
    })
  })

  it('changes only to the key that was committed', async () => {
    const { cluster, home } = await rotationScene()
    const rotation = { ...rotationOf('s0', 2) }
    assert.equal(await cluster.refusal(home.laws.update({ changes: {}, rotation })), 'LAW_NEXT_KEY')
  })
})
