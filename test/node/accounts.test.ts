import assert from 'node:assert/strict'
import { accountsOf, projectionsOf } from '../../node/accounts.ts'
import type { Federation } from '../../src/driver/federation.ts'
import type { Lot } from '../../src/state/account.ts'
import { genesisDecay, projectDecay } from '../../src/state/decay.ts'
import { stateKeys } from '../../src/state/model.ts'
import { DAY_MS, type EpochMs, HOUR_MS } from '../../src/units.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode, Member } from '../support/cluster-node.ts'
import { CliScene } from './support/cli.ts'

/** Accounts of a real log, as a node shows them at any time, through its API and on the command line. */
describe('accounts', function () {
  this.timeout(60_000)
  let cluster: Cluster
  let home: ClusterNode
  let anna: Member
  let poor: Member
  /** The interval of the first charge; the second came ten intervals later. */
  let born: number
  let now: EpochMs

  const at = (time: EpochMs, lct = anna.lct, society?: string) => accountsOf(home.federation, lct, society, time)
  const one = async (time: EpochMs, lct = anna.lct) => {
    const [view, ...others] = await at(time, lct)
    assert.equal(others.length, 0)
    assert.ok(view)
    return view
  }

  before(async () => {
    const first = await Cluster.resume({ societies: 3 })
    await first.ready()
    const [host] = first.nodes
    assert.ok(host)
    poor = await first.member(host, 'poor')
    await first.do(host.mint(5_000_000))
    await first.final()
    born = Math.floor(first.clock.now() / DAY_MS)
    const disks = await first.disks()
    await first.stop()
    cluster = await Cluster.boot({ disks, now: (born + 10) * DAY_MS + 1_000 })
    await cluster.ready()
    home = cluster.nodes[0] as ClusterNode
    anna = { ...first.members.anna }
    await cluster.do(home.charge(anna, 3_000_000))
    // Of this very interval: the step out of it is by the law before, all later ones are by this.
    await cluster.do(home.laws.update({ changes: { decay: { base_ppm: 200_000 } } }))
    await cluster.final()
    now = cluster.clock.now()
  })
  after(() => cluster.stop())

  it('show each lot with its day of birth, its value and its death, and the next steps', async () => {
    const { lots, next, spendable, atp, oldest_dies } = await one(now)
    const day = (k: number) => k * DAY_MS
    // After 7 days of grace and 3 more 993848065913868 of 10^15 are left.
    assert.deepEqual(lots, [
      {
        origin: born,
        born: day(born),
        principal: 1_000_000,
        value: 993_848,
        atp: '0.993848',
        dies: day(born + 365),
      },
      {
        origin: born + 10,
        born: day(born + 10),
        principal: 3_000_000,
        value: 3_000_000,
        atp: '3',
        dies: day(born + 375),
      },
    ])
    assert.deepEqual([spendable, atp, oldest_dies], [3_993_848, '3.993848', day(born + 365)])
    assert.deepEqual(next, [
      { time: day(born + 11), spendable: 3_991_691, atp: '3.991691' },
      { time: day(born + 12), spendable: 3_983_077, atp: '3.983077' },
      { time: day(born + 13), spendable: 3_974_508, atp: '3.974508' },
    ])
  })

  it('keep what a log still holds but nobody can spend, without a death to come', async () => {
    const { lots, next, oldest_dies, spendable } = await one((born + 365) * DAY_MS)
    assert.deepEqual(lots[0], { origin: born, born: born * DAY_MS, principal: 1_000_000, value: 0, atp: '0' })
    assert.equal(oldest_dies, (born + 375) * DAY_MS)
    assert.equal(next[0]?.spendable, (await one((born + 366) * DAY_MS)).spendable)
    assert.ok(spendable > 0)
    const gone = await one((born + 375) * DAY_MS)
    assert.deepEqual([gone.atp, gone.oldest_dies, gone.lots.length], ['0', undefined, 2])
    assert.ok(gone.lots.every(({ dies, value }) => dies === undefined && value === 0))
  })

  it('bring nothing back for a clock that was set back', async () => {
    // How much of a window has passed is told by the clock.
    const [{ velocity: _, ...before }, { velocity: __, ...after }] = [await one(now - 9 * DAY_MS), await one(now)]
    assert.deepEqual(before, after)
  })

  it('are empty for an LCT that was never paid, and absent for one that nobody knows', async () => {
    const { atp, lots, next, oldest_dies, spendable } = await one(now, poor.lct)
    assert.deepEqual([atp, spendable, lots, oldest_dies], ['0', 0, [], undefined])
    assert.deepEqual([next.length, next[0]?.atp], [3, '0'])
    const stranger = `${poor.lct.slice(0, -1)}${poor.lct.endsWith('a') ? 'b' : 'a'}`
    assert.deepEqual(await at(now, stranger), [])
    assert.deepEqual(await projectionsOf(home.federation, stranger, undefined, now, 1), [])
    assert.deepEqual(await at(now, anna.lct, cluster.nodes[1]?.society), [])
    assert.equal((await at(now, anna.lct, home.society)).length, 1)
  })

  it('are what their projection said, on each day to come', async () => {
    const [view, ...others] = await projectionsOf(home.federation, anna.lct, undefined, now, 400)
    assert.equal(others.length, 0)
    assert.deepEqual([view?.society, view?.lct, view?.time], [home.society, anna.lct, now])
    assert.deepEqual(view?.law, {
      base_ppm: 200_000,
      grace_ms: 7 * DAY_MS,
      max_age_ms: 365 * DAY_MS,
      interval_ms: DAY_MS,
    })
    assert.equal(view?.points.length, 401)
    for (const { atp, day } of view?.points ?? []) assert.equal(atp, (await one(now + day * DAY_MS)).atp, `day ${day}`)
    assert.equal(view?.points[365]?.atp, '0')
    assert.notEqual(view?.points[364]?.atp, '0')
  })

  it('with a lot for each of a thousand hours leave the node turns for others', async () => {
    const law = { base_ppm: 33_337, grace_ms: 0, max_age_ms: 1_500 * HOUR_MS }
    const steeper = { ...law, base_ppm: 33_338 }
    const decay = projectDecay(genesisDecay(0, HOUR_MS, law), 1_000, HOUR_MS, law)
    const lots = Array.from({ length: 1_000 }, (_, k): Lot => [k, 1_000])
    const values: Record<string, object> = {
      [stateKeys.lct('ada')]: {},
      [stateKeys.account('ada')]: { lots },
      [stateKeys.decay]: decay,
      [stateKeys.law]: { decay: steeper },
      [stateKeys.charter]: { interval_ms: HOUR_MS },
    }
    const replica = { tip: { size: 1 }, states: async (keys: readonly string[]) => keys.map(key => values[key]) }
    const logs = new Map([['s', { society: 's', replica, notes: { final: 1 } }]])
    let turns = 0
    const others = setInterval(() => turns++, 1)
    const [view] = await projectionsOf({ logs } as unknown as Federation, 'ada', undefined, 1_000 * HOUR_MS, 70)
    clearInterval(others)
    assert.equal(view?.points.at(-1)?.atp, '0')
    assert.ok(turns > 3, `${turns} turns`)
  })

  it('come through the API and to the command line whole', async () => {
    const scene = await CliScene.open()
    try {
      await scene.serve({
        accounts: (lct, society) => accountsOf(home.federation, lct, society, now),
        projections: (lct, days, society) => projectionsOf(home.federation, lct, society, now, days),
      })
      assert.deepEqual(await scene.json('atp', 'balance', anna.lct), { lct: anna.lct, accounts: await at(now) })
      assert.deepEqual(await scene.json('atp', 'project', anna.lct, '--days', '5', '--society', home.society), {
        lct: anna.lct,
        accounts: await projectionsOf(home.federation, anna.lct, home.society, now, 5),
      })
    } finally {
      await scene.close()
    }
  })
})
