import assert from 'node:assert/strict'
import { accountsOf } from '../../node/accounts.ts'
import { type HoldingsPage, holdingsOf } from '../../node/holdings.ts'
import { bookValue } from '../../src/state/account.ts'
import { DAY_MS, MONTH_MS } from '../../src/units.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'

/** All accounts of a real log, as a node shows them page by page. */
describe('holdings', function () {
  this.timeout(60_000)
  let cluster: Cluster
  let home: ClusterNode
  let holders: string[]

  const page = async (limit: number, after?: string, now = cluster.clock.now()): Promise<HoldingsPage> => {
    const found = await holdingsOf(home.federation, home.society, {
      limit,
      now,
      ...(after === undefined ? {} : { after }),
    })
    assert.ok(found.ok)
    return found.value
  }

  before(async () => {
    const founded = await Cluster.resume({ societies: 3 })
    cluster = founded
    await cluster.ready()
    home = cluster.nodes[0] as ClusterNode
    const { anna, ben } = founded.members
    const [cleo, dora] = [await cluster.member(home, 'cleo'), await cluster.member(home, 'dora')]
    await cluster.member(home, 'poor')
    const rich = [anna, ben, cleo, dora]
    await cluster.do(home.mint(9_000_000))
    for (const member of [anna, cleo, dora]) await cluster.do(home.charge(member, 2_000_000))
    await cluster.final()
    holders = rich.map(({ lct }) => lct).sort()
  })
  after(() => cluster.stop())

  it('come in pages of any size, each account once, by LCT', async () => {
    for (const limit of [1, 2, 3, 50]) {
      const seen: string[] = []
      for (let after: string | undefined, pages = 0; ; pages++) {
        const { accounts, next, size, society } = await page(limit, after)
        assert.deepEqual([society, size], [home.society, home.log().replica.tip.size])
        assert.ok(accounts.length <= limit && pages <= holders.length)
        seen.push(...accounts.map(({ lct }) => lct))
        if (next === undefined) break
        after = next
      }
      assert.deepEqual(seen, holders)
    }
  })

  it('have the lots and the value that each account has, now and later', async () => {
    const now = cluster.clock.now()
    for (const time of [now, now + 40 * DAY_MS, now + 364 * DAY_MS, now + 366 * DAY_MS]) {
      const { accounts, decay, interval_ms } = await page(50, undefined, time)
      assert.deepEqual([interval_ms, decay.k], [DAY_MS, Math.floor(time / DAY_MS)])
      for (const { lct, lots } of accounts) {
        const [view] = await accountsOf(home.federation, lct, home.society, time)
        assert.deepEqual(
          lots,
          view?.lots.map(({ origin, principal }) => ({ origin, principal })),
        )
        const pairs = lots.map(({ origin, principal }) => [origin, principal] as const)
        const account = { book: '0', flow: { held: '0', out: '0', since: 0, window: 0 }, lots: pairs }
        const table = { ...decay, rates: { base_ppm: 0, grace_ms: 0, max_age_ms: 0 } }
        assert.equal(Number(bookValue(account, table) / 10n ** 15n), view?.spendable)
      }
    }
  })

  it('have a velocity once a window of 30 days has ended', async () => {
    const now = cluster.clock.now()
    const [first] = (await page(1)).accounts
    assert.ok(first)
    assert.equal(first.velocity, undefined)
    const boundary = Math.ceil(now / MONTH_MS) * MONTH_MS
    const [later] = (await page(1, undefined, boundary + 1)).accounts
    assert.equal(later?.velocity, 0)
  })

  it('of a log that is not held here are not found', async () => {
    const found = await holdingsOf(home.federation, `beta-${'z'.repeat(26)}`, { limit: 1, now: 0 })
    assert.equal(found.ok ? 'ok' : found.error.code, 'NOT_FOUND')
  })
})
