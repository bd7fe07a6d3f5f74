import assert from 'node:assert/strict'
import type { FederationOptions } from '../../src/driver/federation.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import type { OrderedMap } from '../../src/store/ordered-map.ts'
import type { Disks } from '../support/cluster.ts'
import { Cluster, contentOf, type Members } from '../support/cluster.ts'
import { type CrashStore, createCrashStore } from '../support/crash-store.ts'
import { ForkScene } from '../support/resume-scene.ts'

/**
 * The power of one node fails at its n-th write while a log is resumed, for every n: the society's own node, a follower of
 * the history that is kept, and one of the other. What it finds when it comes back is whole, and leads to epoch 1.
 */
interface Moment {
  readonly disks: Disks
  readonly now: number
  readonly members: Members
}

interface Case {
  readonly victim: 0 | 1 | 4
  readonly survivors: number
  readonly options?: Partial<FederationOptions>
}

let moment: Moment

async function boot(n: number, { victim, options = {} }: Case): Promise<{ s: ForkScene; disk: CrashStore }> {
  let disk: CrashStore | undefined
  const cluster = await Cluster.boot({
    disks: moment.disks,
    now: moment.now,
    options,
    store: (index, content) => {
      if (index !== victim) return createMemoryStore(content)
      disk = createCrashStore({ content })
      return disk.store
    },
  })
  const s = new ForkScene(Object.assign(cluster, { members: moment.members }))
  await cluster.clock.advance(3_000)
  disk?.failAt(disk.writes + n)
  return { s, disk: disk as CrashStore }
}

/** What the disk says when the power is back: how far the resume is. */
async function found(disk: CrashStore, society: string): Promise<string> {
  const keys = [storeKey.resume(society), storeKey.spent(society, 0), storeKey.fork(society)]
  const [work, spent, fork] = await disk.store.getMany(keys)
  const phase = work === undefined ? 'none' : /"phase":"(\w+)"/.exec(new TextDecoder().decode(work))?.[1]
  return `resume ${phase}, ${spent === undefined ? 'not spent' : 'spent'}, ${fork === undefined ? 'no fork' : 'fork'}`
}

async function crashAt(n: number, each: Case): Promise<string | undefined> {
  const { s, disk } = await boot(n, each)
  const { cluster, society } = s
  const writes = disk.writes + n
  const isDown = () => disk.writes >= writes
  const { size, root } = s.home.log().replica.tip
  const kept = { size, root: Buffer.from(root).toString('base64url') }
  const had = s.sizeOn(s.node(`s${each.victim}`))
  const first = await cluster.clock.run(s.resume().catch(() => undefined))
  if (first?.ok !== true) await cluster.clock.run(s.resume().catch(() => undefined))
  for (let i = 0; i < 40 && !isDown(); i++) await cluster.clock.advance(100)
  let state: string | undefined
  if (isDown()) {
    const rebooted = disk.restart(each.survivors)
    state = await found(rebooted, society)
    const name = `s${each.victim}`
    cluster.net.partition(cluster.nodes.map(node => node.name).filter(other => other !== name))
    const again = await cluster.restart(s.node(name), rebooted.store)
    const { replica } = again.log(society)
    // Alone it is in epoch 0 and takes nothing, or in epoch 1.
    if (replica.epoch === 0) {
      assert.ok(replica.halt?.mode === 'frozen' || replica.halt?.mode === 'resuming', `n = ${n}: ${replica.halt?.mode}`)
      assert.ok(replica.tip.size <= (replica.halt.mode === 'frozen' ? had : kept.size), `n = ${n}: new entries`)
      if (replica.halt.mode === 'resuming')
        assert.deepEqual(replica.halt, { mode: 'resuming', epoch: 1, ...kept }, `n = ${n}`)
    }
    const [work] = await rebooted.store.getMany([storeKey.resume(society)])
    assert.doesNotMatch(new TextDecoder().decode(work), /"phase":"back"/, 'it completes that when it opens')
    cluster.net.heal()
    await cluster.clock.advance(3_000)
  }
  if (s.epochOn(s.home) === 0) await cluster.do(s.resume())
  await s.followed()
  await cluster.ready()
  await cluster.final([s.home])
  await cluster.assertConverged()
  const late = await cluster.add({ name: 's9', store: createMemoryStore() })
  await cluster.clock.run(late.federation.setPolicy(society, { follow: true, witness: false, block: false }))
  await cluster.clock.until('a late one', () => s.sizeOn(late) === s.sizeOn(s.home))
  const [fromScratch, held] = [(await late.holdings())[society], (await s.home.holdings())[society]]
  assert.equal(held?.state, fromScratch?.state, `n = ${n}: the state of a node that synced from nothing`)
  await cluster.stop()
  return state
}

describe('a node that loses its power while a log is resumed', function () {
  this.timeout(180_000)

  before(async () => {
    // What s4 tells of the other history is more than the resumed log holds.
    const s = await ForkScene.forked({ onLeft: 2, onRight: 6 })
    assert.equal(await s.cluster.refusal(s.resume()), 'RESUME_QUORUM')
    await s.approve(s.others.slice(0, 3))
    const disks: OrderedMap[] = []
    for (const node of [s.home, ...s.others]) disks.push(await contentOf(node.setup.store))
    moment = { disks, now: s.cluster.clock.now(), members: s.cluster.members }
    await s.cluster.stop()
  })

  const [frozen, back, on, over] = [
    'resume none, not spent, fork',
    'resume back, not spent, fork',
    'resume on, not spent, fork',
    'resume none, spent, no fork',
  ] as const
  // With what the disk held after a crash at one of the writes: all of it was met, or the scene would be too small.
  const cases: readonly (readonly [Case, readonly string[]])[] = [
    [{ victim: 0, survivors: 0 }, [back, frozen, over, on]],
    [{ victim: 0, survivors: Number.POSITIVE_INFINITY }, [back, over, on]],
    [{ victim: 1, survivors: 0, options: { syncFollowed: false } }, [back, frozen, over, on]],
    [{ victim: 4, survivors: 1 }, [back, frozen, over]],
  ]
  for (const [each, states] of cases) {
    it(`waits or is in epoch 1, and comes to what all hold (${JSON.stringify(each)})`, async () => {
      const found = new Set<string>()
      for (let n = 1; ; n++) {
        const state = await crashAt(n, each)
        if (state === undefined) break
        found.add(state)
      }
      assert.deepEqual([...found].sort(), [...states].sort())
    })
  }
})
