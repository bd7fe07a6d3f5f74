import assert from 'node:assert/strict'
import { accountsOf } from '../../node/accounts.ts'
import { type HoldingsPage, holdingsOf } from '../../node/holdings.ts'
import { lawView } from '../../node/law-office.ts'
import type { TuneFacts } from '../../sim/economy/report.ts'
import { bookValue } from '../../src/state/account.ts'
import { type AccountState, stateKeys } from '../../src/state/model.ts'
import { DAY_MS, MICRO, MONTH_MS } from '../../src/units.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { CliScene } from './support/cli.ts'

/** All accounts of a real log, as a node shows them page by page. */
describe('holdings', function () {
  this.timeout(60_000)
  let cluster: Cluster
  let home: ClusterNode
  let holders: string[]
  let payer: string

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
    const rich = [anna, ben, cleo]
    await cluster.do(home.mint(9_000_000))
    for (const member of [anna, cleo, dora]) await cluster.do(home.charge(member, 2_000_000))
    await cluster.do(home.transfer(anna, ben, 250_000))
    // What is left of dora's account is a memory of her payment.
    await cluster.do(home.transfer(dora, cleo, 2_000_000))
    await cluster.final()
    payer = anna.lct
    holders = rich.map(({ lct }) => lct).sort()
  })
  after(() => cluster.stop())

  it('come in pages of any size, each account once, by LCT', async () => {
    for (const limit of [1, 2, 3, 50]) {
      const seen: string[] = []
      for (let after: string | undefined, pages = 0; ; pages++) {
        // One more account has no lots, and a full page does not know that it is the last one.
        const { accounts, next, size, society } = await page(limit, after)
        assert.deepEqual([society, size], [home.society, home.log().replica.tip.size])
        assert.ok(accounts.length <= limit && pages <= holders.length + 1)
        seen.push(...accounts.map(({ lct }) => lct))
        if (next === undefined) break
        after = next
      }
      assert.deepEqual(seen, holders)
    }
    const short = await holdingsOf(home.federation, home.society, { limit: 50, lots: 1, now: 0 })
    assert.ok(short.ok)
    assert.equal(short.value.accounts.length, 1)
    assert.equal(short.value.next, (await page(1)).next)
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
    assert.ok((await page(50)).accounts.every(({ velocity }) => velocity === undefined))
    const boundary = Math.ceil(now / MONTH_MS) * MONTH_MS
    const { accounts } = await page(50, undefined, boundary + 1)
    const [state] = await home.log().replica.states([stateKeys.account(payer)])
    const { flow } = state as unknown as AccountState
    // 0.25 of what would have been 2.75 ATP until the window ended; what decayed meanwhile makes it a little more.
    const least = (0.25 * MONTH_MS) / (2.75 * (boundary - flow.since))
    for (const { lct, velocity } of accounts) {
      if (lct !== payer) assert.equal(velocity, 0)
      else assert.ok(velocity !== undefined && velocity > least && velocity < 1.05 * least, `${velocity}, ${least}`)
    }
  })

  it('are what `web4 atp tune --society` begins with', async () => {
    const scene = await CliScene.open()
    try {
      const now = cluster.clock.now() + 10 * DAY_MS
      await scene.serve({
        law: id => lawView(home.federation, id),
        holdings: (society, { limit: _, ...from }) => holdingsOf(home.federation, society, { ...from, limit: 2, now }),
      })
      const { accounts, laws, size, start } = await scene.json<TuneFacts & object>(
        ...['atp', 'tune', '--society', home.society, '--months', '1', '--law', 'none'],
      )
      assert.deepEqual([accounts, size], [holders.length, home.log().replica.tip.size])
      const worth = await Promise.all(holders.map(lct => accountsOf(home.federation, lct, home.society, now)))
      const sum = worth.flat().reduce((total, { spendable }) => total + spendable, 0)
      const lost = Math.round(Number(start.money) * MICRO) - sum
      assert.ok(lost >= 0 && lost < holders.length, `${start.money} of ${sum}`)
      assert.deepEqual([laws[0]?.decayed, laws[0]?.money], ['0', start.money])
    } finally {
      await scene.close()
    }
  })

  it('of a log that is not held here are not found', async () => {
    const found = await holdingsOf(home.federation, `beta-${'z'.repeat(26)}`, { limit: 1, now: 0 })
    assert.equal(found.ok ? 'ok' : found.error.code, 'NOT_FOUND')
  })
})
