import assert from 'node:assert/strict'
import { createMemoryStore } from '../../src/store/memory.ts'
import { DAY_MS, HOUR_MS } from '../../src/units.ts'
import { HOLDINGS, SweepScene } from '../support/sweep-scene.ts'

const N = HOLDINGS.length
const DELAY_MS = 180_000
const zero = (units: readonly bigint[]) => units.every(each => each === 0n)

describe('sweeper', function () {
  this.timeout(60_000)
  let scene: SweepScene
  afterEach(async () => {
    scene.cluster.assertNoFaults()
    await scene.stop()
  })

  it('books the decay of every account at each midnight UTC, at most three minutes later', async () => {
    scene = await SweepScene.open()
    scene.attach()
    const first = await scene.swept()
    assert.deepEqual([first.totals.cycles, first.totals.entries, first.totals.accounts], [1, 0, N])
    const lcts = [...(await scene.accounts()).keys()]
    let before = 0n
    for (let day = 1; day <= 3; day++) {
      await scene.toMidnight()
      const midnight = scene.now() + 1
      assert.equal((await scene.sweeps()).length, day - 1, 'not before')
      await scene.cluster.clock.advance(1 + DELAY_MS)
      const history = await scene.history()
      assert.deepEqual(history.done?.interval, midnight / DAY_MS)
      const sweeps = await scene.sweeps()
      assert.equal(sweeps.length, day)
      const { accounts, time = 0 } = sweeps.at(-1) ?? {}
      assert.deepEqual(accounts, lcts)
      assert.ok(time >= midnight && time < midnight + DELAY_MS, `${time - midnight} ms`)
      assert.ok(zero(await scene.unbooked()))
      assert.ok(BigInt(history.totals.decayed) > before)
      before = BigInt(history.totals.decayed)
    }
  })

  it('draws the delay behind midnight', async () => {
    const delays = new Set<number>()
    for (const seed of [1, 2, 3]) {
      const other = await SweepScene.open({ seed })
      other.attach()
      await other.swept()
      await other.toMidnight(1, DELAY_MS)
      const { time = 0 } = (await other.sweeps()).at(-1) ?? {}
      delays.add(time % DAY_MS)
      await other.stop()
      scene = other
    }
    assert.equal(delays.size, 3, [...delays].join())
  })

  it('catches up after ten days as if it had swept on each of them', async () => {
    scene = await SweepScene.open()
    scene.attach()
    for (let day = 0; day < 10; day++) {
      await scene.swept()
      await scene.toMidnight(1, 0)
    }
    await scene.swept()
    const daily = await scene.books()
    assert.equal((await scene.sweeps()).length, 10)
    const { decayed } = (await scene.history()).totals
    await scene.stop()

    scene = await SweepScene.open()
    scene.attach()
    await scene.swept()
    await scene.detach()
    await scene.cluster.clock.run(scene.home.stop())
    await scene.toMidnight(10, HOUR_MS)
    await scene.restart()
    const started = scene.now()
    const history = await scene.swept()
    assert.ok(scene.now() - started <= 2_000, 'at once')
    assert.deepEqual(await scene.books(), daily)
    assert.equal((await scene.sweeps()).length, 1)
    assert.equal(history.totals.decayed, decayed)
    assert.equal(history.totals.cycles, 2)
    await scene.cluster.final([scene.home])
    await scene.cluster.assertConverged()
  })

  it('goes on behind the last page, each account once', async () => {
    scene = await SweepScene.open()
    await scene.toMidnight(9, HOUR_MS)
    scene.attach({ limits: { read: 3, named: 2, lots: 1_000 } })
    const { last } = await scene.swept()
    const sweeps = await scene.sweeps()
    assert.deepEqual(
      sweeps.map(({ accounts }) => accounts.length),
      [2, 2, 2, 1],
    )
    assert.deepEqual(
      sweeps.flatMap(({ accounts }) => accounts),
      [...(await scene.accounts()).keys()],
    )
    assert.deepEqual([last?.accounts, last?.swept, last?.entries], [N, N, 4])
    assert.ok(zero(await scene.unbooked()))
    await scene.cluster.final([scene.home])
    await scene.cluster.assertConverged()
  })

  it('leaves losses below the minimum until they have grown', async () => {
    scene = await SweepScene.open()
    // 900 and 1000 ATP lose 0.15 and 0.167 ATP a day in their grace; 70 ATP lose 0.0117; 33 ATP 0.0056.
    scene.attach({ minimum: 10_000 })
    const named: number[] = []
    for (let day = 0; day < 2; day++) {
      await scene.swept()
      await scene.toMidnight(1, 0)
      await scene.swept()
      named.push((await scene.sweeps()).at(-1)?.accounts.length ?? 0)
      assert.ok((await scene.unbooked()).every(units => units < 10n ** 19n))
    }
    assert.deepEqual(named, [3, 4])
    assert.equal((await scene.history()).totals.accounts, 3 * N)
  })

  it('never sweeps an interval again when the clock is set back', async () => {
    scene = await SweepScene.open()
    scene.attach()
    await scene.swept()
    await scene.toMidnight(1, 0)
    const { done } = await scene.swept()
    const [books, sweeps] = [await scene.books(), (await scene.sweeps()).length]
    scene.jump(-2 * DAY_MS)
    await scene.toMidnight(1, HOUR_MS)
    await scene.toMidnight(1, HOUR_MS)
    assert.deepEqual((await scene.history()).done, done)
    assert.deepEqual(await scene.books(), books)
    assert.equal((await scene.sweeps()).length, sweeps)
    // The interval after the newest that was swept, by this clock.
    await scene.toMidnight(1, DELAY_MS)
    assert.equal((await scene.history()).done?.interval, (done?.interval ?? 0) + 1)
    assert.equal((await scene.sweeps()).length, sweeps + 1)
  })

  it('is only a matter of the node that writes the log', async () => {
    scene = await SweepScene.open()
    const options = { statusMs: 30 * DAY_MS }
    const guest = await scene.cluster.add({ name: 's9', store: createMemoryStore(), options })
    await scene.cluster.clock.run(guest.federation.setPolicy(scene.home.society, { follow: true }))
    const observer = scene.attach({}, guest)
    const witness = scene.cluster.nodes[1]
    assert.ok(witness)
    scene.attach({}, witness)
    await scene.toMidnight(2, HOUR_MS)
    assert.equal(await scene.cluster.refusal(observer.request(0)), 'NOT_SEQUENCER')
    assert.equal(await observer.state(), undefined)
    assert.deepEqual(await scene.sweeps(), [])
    assert.equal((await scene.history(witness)).done?.interval, Math.floor(scene.now() / DAY_MS))
  })

  it('keeps what it counted over a restart', async () => {
    scene = await SweepScene.open()
    await scene.toMidnight(9, HOUR_MS)
    scene.attach()
    const history = await scene.swept()
    const sweeper = await scene.restart()
    await scene.cluster.clock.advance(HOUR_MS)
    assert.deepEqual((await scene.cluster.clock.run(sweeper.state()))?.history, history)
    assert.equal(history.totals.swept, N)
  })
})
