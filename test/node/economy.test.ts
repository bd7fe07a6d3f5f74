import assert from 'node:assert/strict'
import { accountsOf } from '../../node/accounts.ts'
import { economyOf } from '../../node/economy.ts'
import { DAY_MS, MONTH_MS } from '../../src/units.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { CliScene } from './support/cli.ts'

/** The energy of a whole society, as any node shows it that follows its log. */
describe('the economy of a society', function () {
  this.timeout(60_000)
  let cluster: Cluster
  let home: ClusterNode
  let follower: ClusterNode
  let members: Awaited<ReturnType<typeof Cluster.resume>>['members']

  before(async () => {
    const first = await Cluster.resume({ societies: 3 })
    await first.ready()
    const disks = await first.disks()
    await first.stop()
    // The tenth day of a window: its first payment finds a whole window of holdings behind it.
    const window = Math.floor(first.clock.now() / MONTH_MS) + 2
    cluster = await Cluster.boot({ disks, now: window * MONTH_MS + 10 * DAY_MS })
    await cluster.ready()
    home = cluster.nodes[0] as ClusterNode
    follower = cluster.nodes[1] as ClusterNode
    members = first.members
    const { anna, ben } = members
    await cluster.do(home.transfer(anna, ben, 400_000))
    await cluster.final()
  })
  after(() => cluster.stop())

  const at = async (node: ClusterNode, time: number) => {
    const view = await economyOf(node.federation, home.society, time)
    assert.ok(view.ok)
    return view.value
  }

  it('is what was minted, less what was slashed, in the pool and on accounts', async () => {
    const { accounts, law, minted, pool, slashed, supply } = await at(home, cluster.clock.now())
    assert.deepEqual([minted, slashed, supply], ['2', '0', '2'])
    const micro = (text: string) => Math.round(Number(text) * 1e6)
    // Either is rounded down.
    assert.equal(micro(pool) + micro(accounts), 1_999_999)
    assert.deepEqual(law, {
      base_ppm: 50_000,
      grace_ms: 7 * DAY_MS,
      max_age_ms: 365 * DAY_MS,
      interval_ms: DAY_MS,
    })
  })

  it('tells how fast money moved in this window and the one before', async () => {
    const now = Math.floor(cluster.clock.now() / MONTH_MS) * MONTH_MS + 10 * DAY_MS
    const { velocity } = await at(home, now + 10 * DAY_MS)
    assert.deepEqual([velocity.now.elapsed, velocity.now.outflow], [0.6667, '0.4'])
    // 0.4 of about 1.9 in twenty days.
    assert.equal(velocity.now.velocity, Math.round((0.4 / Number(velocity.now.holdings)) * 1.5 * 1e4) / 1e4)
    assert.deepEqual([velocity.last.elapsed, velocity.last.outflow, velocity.last.velocity], [1, '0', 0])
    const month = await at(home, now + 30 * DAY_MS)
    assert.deepEqual([month.velocity.last.outflow, month.velocity.now.velocity], ['0.4', 0])
    assert.equal(month.velocity.now.start, velocity.now.start + MONTH_MS)
  })

  it('tells the same of one account', async () => {
    const { anna, ben } = members
    const time = cluster.clock.now() + 10 * DAY_MS
    const [payer] = await accountsOf(home.federation, anna.lct, undefined, time)
    const [payee] = await accountsOf(home.federation, ben.lct, undefined, time)
    assert.equal(payer?.velocity?.now.outflow, '0.4')
    assert.equal(payee?.velocity?.now.outflow, '0')
    assert.equal(payee?.velocity?.now.velocity, 0)
  })

  it('is the same at every node that holds the log', async () => {
    const time = cluster.clock.now()
    const [here, there] = [await at(home, time), await at(follower, time)]
    assert.deepEqual({ ...there, final_for_us: 0 }, { ...here, final_for_us: 0 })
  })

  it('is NOT_FOUND for a log that is not here', async () => {
    const other = `${home.society.slice(0, -1)}${home.society.endsWith('a') ? 'b' : 'a'}`
    const view = await economyOf(home.federation, other, cluster.clock.now())
    assert.equal(view.ok ? '' : view.error.code, 'NOT_FOUND')
  })

  it('comes to the command line', async () => {
    const scene = await CliScene.open()
    try {
      const time = cluster.clock.now() + 10 * DAY_MS
      await scene.serve({ economy: society => economyOf(home.federation, society, time) })
      assert.deepEqual(await scene.json('atp', 'supply', home.society), await at(home, time))
      const { stdout } = await scene.web4(['atp', 'supply', home.society])
      assert.match(stdout, /^2 ATP and ADP of s0-/)
      assert.match(
        stdout,
        /\n {2}velocity {2}0\.\d+ a month: 0\.4 ATP paid since 20\d\d-\d\d-\d\d, of 1\.\d+ held on average; 0 in the 30 days before\n$/,
      )
    } finally {
      await scene.close()
    }
  })
})
