import assert from 'node:assert/strict'
import { decodeGroup } from '../../src/ingest/group.ts'
import { CodedError } from '../../src/rejection.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { Cluster, contentOf } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'

const first = (cluster: Cluster) => cluster.nodes[0] as ClusterNode
/** [first seq, number of entries] of the groups that a node published. */
const groupsOf = (cluster: Cluster, node: ClusterNode) =>
  cluster.net.published.flatMap(({ from, kind, society, frame }) => {
    const group = kind === 'group' && from === node.name && society === node.society ? decodeGroup(frame) : undefined
    return group?.ok === true && group.value.entries.length > 0 ? [[group.value.first, group.value.entries.length]] : []
  })

describe('sequencer', () => {
  it('answers the same record with the same seq, at once, while it waits, and later', async () => {
    const cluster = await Cluster.resume()
    await cluster.ready()
    const home = first(cluster)
    const { anna, ben } = cluster.members
    const size = home.log().replica.tip.size
    const record = home.draft(anna, 'atp.transfer', { amount: 5, from: anna.lct, to: ben.lct })
    const send = () => home.submit(record, [anna.identity])
    const together = await cluster.clock.run(Promise.all([send(), send(), send()]))
    await cluster.clock.advance(100)
    const later = await cluster.clock.run(send())
    for (const result of [...together, later]) assert.deepEqual(result, { ok: true, value: size })
    assert.equal(home.log().replica.tip.size, size + 1)
    const restarted = await cluster.restart(home)
    assert.deepEqual(await cluster.clock.run(restarted.submit(record, [anna.identity])), { ok: true, value: size })
  })

  it('leaves no trace of what it refuses', async () => {
    const cluster = await Cluster.resume()
    await cluster.ready()
    const home = first(cluster)
    const { anna, ben } = cluster.members
    await cluster.clock.advance(2_000)
    const disk = await contentOf(home.setup.store)
    const holdings = await home.holdings()
    assert.equal(await cluster.refusal(home.transfer(anna, ben, 9_000_000)), 'BALANCE_INSUFFICIENT')
    const replayed = { ...home.draft(anna, 'atp.transfer', { amount: 5, from: anna.lct, to: ben.lct }), time: 0 }
    assert.equal(await cluster.refusal(home.submit(replayed, [anna.identity])), 'STALE')
    assert.equal(await cluster.refusal(home.mint(2 ** 52)), 'MINT_CEILING')
    assert.deepEqual(await home.holdings(), holdings)
    assert.deepEqual(await contentOf(home.setup.store), disk)
    assert.deepEqual(groupsOf(cluster, home), [])
  })

  it('puts records that come together into one group, without those that it refuses', async () => {
    const cluster = await Cluster.resume()
    await cluster.ready()
    const home = first(cluster)
    const { anna, ben } = cluster.members
    const size = home.log().replica.tip.size
    const amounts = [10, 5_000_000, 20, 6_000_000, 30]
    const results = await cluster.clock.run(Promise.all(amounts.map(amount => home.transfer(anna, ben, amount))))
    assert.deepEqual(
      results.map(result => (result.ok ? result.value : result.error.code)),
      [size, 'BALANCE_INSUFFICIENT', size + 1, 'BALANCE_INSUFFICIENT', size + 2],
    )
    assert.deepEqual(groupsOf(cluster, home), [[size, 3]])
    await cluster.final()
    await cluster.assertConverged()
  })

  it('counts what the group itself spends', async () => {
    const cluster = await Cluster.resume()
    await cluster.ready()
    const home = first(cluster)
    const { anna, ben } = cluster.members
    const results = await cluster.clock.run(
      Promise.all([700_000, 700_000].map(amount => home.transfer(anna, ben, amount))),
    )
    assert.deepEqual(
      results.map(result => (result.ok ? 'ok' : result.error.code)),
      ['ok', 'BALANCE_INSUFFICIENT'],
    )
  })

  it('does not write before a quorum of its witnesses has told what it cosigned', async () => {
    const cluster = await Cluster.resume()
    const home = await cluster.restart(first(cluster))
    const { anna, ben } = cluster.members
    cluster.net.partition(['s0', 's1', 's2'], ['s3'])
    await cluster.clock.advance(10_000)
    const asked = await cluster.restart(home)
    await cluster.clock.advance(10_000)
    assert.equal(await cluster.refusal(asked.transfer(anna, ben, 5)), 'STARTING')
    assert.deepEqual(groupsOf(cluster, asked), [])
    cluster.net.heal()
    await cluster.clock.advance(2_000)
    await cluster.do(asked.transfer(anna, ben, 5))
    await cluster.final()
  })

  it('restored from an old backup fetches what it had published, and goes on without a fork', async () => {
    const cluster = await Cluster.resume()
    await cluster.ready()
    const home = first(cluster)
    const { anna, ben } = cluster.members
    const backup = await contentOf(home.setup.store)
    for (let i = 0; i < 6; i++) await cluster.do(home.transfer(anna, ben, 100 + i))
    await cluster.final()
    const { size } = home.log().replica.tip
    const old = groupsOf(cluster, home).length
    const restored = await cluster.restart(home, createMemoryStore(backup))
    assert.ok(restored.log().replica.tip.size < size)
    assert.equal(await cluster.refusal(restored.transfer(anna, ben, 7)), 'STARTING')
    await cluster.clock.advance(3_000)
    assert.equal(groupsOf(cluster, restored).length, old)
    assert.equal(restored.log().replica.tip.size, size)
    assert.ok(cluster.net.answered.some(({ name, to, result }) => name === 'entries' && to === 's0' && result.ok))
    assert.equal(await cluster.do(restored.transfer(anna, ben, 8)), size)
    await cluster.final()
    await cluster.assertConverged()
    for (const node of cluster.nodes) assert.equal(node.log(restored.society).replica.halt, undefined)
  })

  for (const [skewMs, code] of [
    [61_000, 'CLOCK_SKEW'],
    [-61_000, 'CLOCK_SKEW'],
    [59_000, undefined],
    [-59_000, undefined],
  ] as const) {
    it(`with a clock ${skewMs} ms off is ${code ?? 'not stopped'}`, async () => {
      const cluster = await Cluster.resume({ clock: (index, clock) => (index === 0 ? clock.skewed(skewMs) : clock) })
      await cluster.clock.advance(3_000)
      const { anna, ben } = cluster.members
      assert.equal(await cluster.refusal(first(cluster).transfer(anna, ben, 5)), code)
    })
  }

  it('dates nothing before its last entry when its clock is set back', async () => {
    let backMs = 0
    const cluster = await Cluster.resume({
      clock: (index, clock) =>
        index === 0 ? { now: () => clock.now() - backMs, after: (ms, task) => clock.after(ms, task) } : clock,
    })
    await cluster.clock.advance(3_000)
    const home = first(cluster)
    const { anna, ben } = cluster.members
    await cluster.do(home.transfer(anna, ben, 1))
    const { size, time } = home.log().replica.tip
    backMs = 30_000
    assert.equal(await cluster.do(home.transfer(anna, ben, 2)), size)
    assert.equal(home.log().replica.tip.time, time)
    await cluster.clock.advance(backMs + 5)
    assert.equal(await cluster.do(home.transfer(anna, ben, 3)), size + 1)
    assert.ok(home.log().replica.tip.time > time)
    await cluster.final()
    await cluster.assertConverged()
  })

  it('stops when the store fails once, publishes nothing of it, and goes on after a restart', async () => {
    let isFailing = false
    const cluster = await Cluster.resume({
      store: (index, content) => {
        const store = createMemoryStore(content)
        if (index > 0) return store
        return {
          ...store,
          batch: async (ops, options) => {
            if (isFailing && ops.some(({ key }) => key.startsWith('entry/'))) {
              isFailing = false
              throw new CodedError('STORE_FAILED')
            }
            return store.batch(ops, options)
          },
        }
      },
    })
    await cluster.ready()
    await cluster.clock.advance(3_000)
    const home = first(cluster)
    const { anna, ben } = cluster.members
    isFailing = true
    const both = Promise.all([5, 6].map(amount => cluster.refusal(home.transfer(anna, ben, amount))))
    assert.deepEqual(await cluster.clock.run(both), ['INTERNAL', 'INTERNAL'])
    assert.equal(await cluster.refusal(home.transfer(anna, ben, 7)), 'INTERNAL', 'until a restart finds out what holds')
    await cluster.clock.advance(100)
    assert.deepEqual(groupsOf(cluster, home), [])
    assert.deepEqual(
      home.faults.map(({ what }) => what),
      ['sequencer'],
    )
    const restarted = await cluster.restart(home)
    await cluster.ready()
    await cluster.do(restarted.transfer(anna, ben, 8))
    await cluster.final()
    await cluster.assertConverged()
  })

  it('ends with an answer for everybody who waits', async () => {
    const cluster = await Cluster.resume({ options: { groupMs: 1_000 } })
    await cluster.ready()
    const { anna, ben } = cluster.members
    const waiting = first(cluster).transfer(anna, ben, 5)
    await cluster.clock.advance(1)
    await cluster.clock.run(first(cluster).stop())
    assert.equal(await cluster.refusal(waiting), 'OVERLOADED')
  })
})
