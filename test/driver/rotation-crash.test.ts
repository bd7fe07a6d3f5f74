import assert from 'node:assert/strict'
import { Cluster, type Disks } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { type CrashStore, createCrashStore } from '../support/crash-store.ts'
import { rotationOf, societyKey } from '../support/rings.ts'

/**
 * s0 changes its key, and its power fails at its n-th write, for every n around that. Whatever the log says then, the key
 * in force there signs; no note contradicts another one; and the change can be made when it was not.
 */
let founded: { readonly disks: Disks; readonly now: number }

async function crashAt(n: number): Promise<'before' | 'changed' | 'no crash'> {
  let disk: CrashStore | undefined
  const cluster = await Cluster.boot({
    ...founded,
    options: { statusMs: 500 },
    store: (index, content) => {
      const made = createCrashStore({ content })
      if (index > 0) return made.store
      disk = made
      return made.store
    },
  })
  await cluster.ready()
  await cluster.clock.advance(2_000)
  const crash = disk as CrashStore
  const last = crash.writes + n
  crash.failAt(last)
  const home = cluster.nodes[0] as ClusterNode
  const request = { changes: {}, rotation: rotationOf('s0', 1) }
  const changed = await cluster.clock.run(home.laws.update(request))
  await cluster.clock.run(Promise.allSettled([home.mint(1), home.mint(2)]))
  for (let i = 0; i < 40 && crash.writes < last; i++) await cluster.clock.advance(50)
  if (crash.writes < last) return 'no crash'

  const again = await cluster.restart(home, crash.restart(0).store)
  await cluster.clock.until(`start, n = ${n}`, () => again.federation.sequencerBarrier() === undefined, 60_000)
  const isChanged = again.log().replica.inForce?.keys.society === societyKey('s0', 1).key
  if (changed.ok) assert.ok(isChanged, `n = ${n}: it was said to be done`)
  if (!isChanged) await cluster.do(again.laws.update(request))
  await cluster.do(again.mint(3))
  await cluster.final([again])
  await cluster.assertConverged()
  for (const node of cluster.nodes) assert.equal(node.log(again.society).replica.halt, undefined, `n = ${n}`)
  const { notes, replica } = again.log()
  assert.equal(replica.inForce?.keys.society, societyKey('s0', 1).key)
  assert.equal(replica.finalitySets().handovers.length, 1)
  assert.equal(notes.lacking, undefined)
  return isChanged ? 'changed' : 'before'
}

describe('a node that loses its power while it changes its key', () => {
  before(async () => {
    const cluster = await Cluster.found()
    founded = { disks: await cluster.disks(), now: cluster.clock.now() }
    await cluster.stop()
  })

  it('goes on with the key that its log says, whichever write was the last', async function () {
    this.timeout(60_000)
    const seen = new Set<string>()
    for (let n = 1; n < 40; n++) {
      const outcome = await crashAt(n)
      seen.add(outcome)
      if (outcome === 'no crash') break
    }
    assert.deepEqual([...seen].sort(), ['before', 'changed', 'no crash'])
  })
})
