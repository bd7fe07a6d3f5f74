import assert from 'node:assert/strict'
import { INSTANCE_MS } from '../../src/driver/instances.ts'
import { overrideStartUp } from '../../src/driver/own-start.ts'
import { assertNoFork, pay, scene, sizeOf, tryPay } from '../support/backup-scene.ts'
import type { ClusterNode } from '../support/cluster-node.ts'

describe('two processes on copies of one folder', () => {
  /** Both run, the twin on a copy, and neither has signed since. `hidden`: no peer tells that it hears two. */
  async function twins(hidden: boolean) {
    const s = await scene()
    const { cluster } = s
    if (hidden)
      cluster.net.reply = (_by, name, result) => {
        if (name !== 'status' || !result.ok) return result
        const { twin: _twin, ...message } = result.value as { readonly twin?: true }
        return { ok: true, value: message }
      }
    const home = await cluster.restart(s.home)
    await cluster.clock.advance(1_000)
    const twin = await cluster.add({ name: 'twin', slug: 's0', store: s.backup })
    await cluster.ready(hidden ? [home, twin] : [home])
    return { ...s, home, twin }
  }

  it('STARTING: witnesses that hear the first one tell the second one, before it signs anything', async () => {
    const s = await twins(false)
    const { cluster, home, size, twin } = s
    await cluster.clock.advance(60_000)
    const detail = '3 witnesses hear another process with the keys of this node'
    assert.deepEqual(twin.federation.sequencerBarrier(), { code: 'STARTING', detail })
    assert.ok(!twin.barriers.includes('ready'))
    assert.equal(await tryPay(s, twin, 600), 'STARTING')
    assert.equal(home.federation.sequencerBarrier(), undefined, 'the first one is not told')
    // The first one ends: the second one was no mistake.
    await cluster.clock.run(home.stop())
    cluster.nodes.splice(cluster.nodes.indexOf(home), 1)
    await cluster.ready([twin])
    assert.equal(sizeOf(twin), size)
    await pay(s, twin, 1, 600)
    await cluster.final([twin])
    assertNoFork(cluster)
  })

  it('a node that begins again at once is not its own second one', async () => {
    const { cluster, home } = await scene()
    const restarted = await cluster.restart(home)
    await cluster.clock.advance(INSTANCE_MS / 3)
    assert.equal(restarted.federation.sequencerBarrier(), undefined)
  })

  it('a witness that hears a second one cannot stop a log that is being written, nor one whose operator decided', async () => {
    const s = await twins(true)
    const { cluster, home, twin } = s
    await pay(s, home, 1)
    const tell = (node: ClusterNode) => {
      for (const key of node.log().replica.finalitySets().current.witnesses) node.log().startUp.twin(key, true)
    }
    tell(home)
    assert.equal(home.federation.sequencerBarrier(), undefined)
    tell(twin)
    await cluster.clock.advance(0)
    const idle = await cluster.restart(cluster.nodes[1] as ClusterNode)
    await cluster.ready([idle])
    tell(idle)
    assert.equal(idle.federation.sequencerBarrier()?.code, 'STARTING')
    assert.ok(overrideStartUp(idle.federation, idle.society, sizeOf(idle)).ok)
    assert.equal(idle.federation.sequencerBarrier(), undefined)
  })

  it('KEY_IN_USE: the one that did not write sees that somebody else did, and signs nothing any more', async () => {
    const s = await twins(true)
    const { cluster, home, size, twin } = s
    await pay(s, home, 1)
    await cluster.final()
    assert.equal(await tryPay(s, twin, 600), 'KEY_IN_USE')
    assert.deepEqual(overrideStartUp(twin.federation, twin.society, sizeOf(twin)), {
      ok: false,
      error: { code: 'KEY_IN_USE' },
    })
    assert.equal(twin.barriers.at(-1), 'KEY_IN_USE')
    await cluster.clock.advance(60_000)
    assert.equal(await tryPay(s, twin, 600), 'KEY_IN_USE', 'until a restart')
    await pay(s, home, 1, 700)
    await cluster.final()
    await cluster.assertConverged()
    assertNoFork(cluster)
    assert.equal(sizeOf(home), size + 2)
  })

  it('KEY_IN_USE: the one that wrote before stops when the other one writes', async () => {
    const s = await twins(true)
    const { cluster, home, twin } = s
    await pay(s, home, 1)
    await cluster.final()
    await cluster.clock.run(home.stop())
    cluster.nodes.splice(cluster.nodes.indexOf(home), 1)
    const again = await cluster.restart(twin)
    await cluster.ready([again])
    await pay(s, again, 1, 700)
    const late = await cluster.add({ name: 's0', store: home.setup.store })
    await cluster.ready([late])
    await pay(s, late, 1, 800)
    await cluster.clock.advance(2_000)
    assert.equal(await tryPay(s, again, 900), 'KEY_IN_USE')
    assertNoFork(cluster)
  })
})
