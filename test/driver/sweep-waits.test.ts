import assert from 'node:assert/strict'
import type { Issuer } from '../../src/driver/issue.ts'
import { type Rejection, rejection } from '../../src/rejection.ts'
import { fail } from '../../src/result.ts'
import { DAY_MS, HOUR_MS } from '../../src/units.ts'
import { HOLDINGS, SweepScene } from '../support/sweep-scene.ts'

/** An issuer that answers so while `error` is set. */
function refusing(issuer: Issuer): { issuer: Issuer; error: Rejection | undefined; asked: number } {
  const found = { issuer, error: undefined as Rejection | undefined, asked: 0 }
  found.issuer = {
    issue: async (kind: string, body: never) => {
      found.asked++
      return found.error === undefined ? issuer.issue(kind, body) : fail(found.error)
    },
  } as unknown as Issuer
  return found
}

describe('sweeper that cannot go on', function () {
  this.timeout(60_000)
  let scene: SweepScene
  beforeEach(async () => {
    scene = await SweepScene.open()
  })
  afterEach(async () => {
    scene.cluster.assertNoFaults()
    await scene.stop()
  })

  it('STARTING: waits until the log may grow, without asking all the time, and counts no error', async () => {
    const { clock, net } = scene.cluster
    await scene.toMidnight(9, HOUR_MS)
    net.partition(['s1', 's2', 's3'])
    await clock.run(scene.home.stop())
    await scene.cluster.restart(scene.home)
    const { federation } = scene.home
    let asked = 0
    const barrier = federation.sequencerBarrier.bind(federation)
    federation.sequencerBarrier = () => {
      asked++
      return barrier()
    }
    const sweeper = scene.attach()
    await clock.advance(HOUR_MS)
    const state = await sweeper.state()
    assert.deepEqual([state?.waiting?.code, state?.history.totals.errors], ['STARTING', 0])
    assert.equal(state?.history.cycle, undefined, 'not begun')
    assert.equal(await scene.cluster.refusal(sweeper.request(0)), 'STARTING')
    // 1, 2, 4, … 256 s and every 5 minutes, and each time that the node says that something has changed.
    assert.ok(asked < 80, `${asked}`)
    assert.deepEqual(await scene.sweeps(), [])
    net.heal()
    await clock.until('may write', () => barrier() === undefined)
    await clock.advance(2_000)
    assert.equal((await scene.history()).last?.swept, HOLDINGS.length)
    assert.equal((await sweeper.state())?.waiting, undefined)
  })

  it('OVERLOADED: tries again with back-off, and counts no error', async () => {
    const { clock } = scene.cluster
    await scene.toMidnight(9, HOUR_MS)
    const gate = refusing(scene.home.issuer)
    gate.error = rejection('OVERLOADED')
    const sweeper = scene.attach({}, scene.home, gate.issuer)
    const attempts: number[] = []
    for (let second = 0; second < 70; second++) {
      await clock.advance(1_000)
      attempts.push(gate.asked)
    }
    // After 0, 1, 3, 7, 15, 31 and 63 seconds.
    assert.deepEqual(
      [0, 1, 3, 7, 15, 31, 63].map(second => attempts[second]),
      [1, 2, 3, 4, 5, 6, 7].map((n, index) => (index === 0 ? attempts[0] : n)),
    )
    assert.equal(gate.asked, 7)
    assert.deepEqual([(await sweeper.state())?.waiting?.code, (await scene.history()).totals.errors], ['OVERLOADED', 0])
    // At most five minutes between two attempts.
    await clock.advance(HOUR_MS)
    assert.ok(gate.asked >= 7 + 11 && gate.asked <= 7 + 14, `${gate.asked}`)
    gate.error = undefined
    await clock.advance(300_000)
    assert.equal((await scene.history()).last?.swept, HOLDINGS.length)
  })

  for (const code of ['INTERNAL', 'CONSERVATION', 'SIGNER_WRONG'] as const) {
    it(`${code}: an error, with its time, and tried again`, async () => {
      const { clock } = scene.cluster
      await scene.toMidnight(9, HOUR_MS)
      const gate = refusing(scene.home.issuer)
      gate.error = rejection(code)
      scene.attach({}, scene.home, gate.issuer)
      await clock.advance(5_000)
      const { error, totals } = await scene.history()
      assert.equal(error?.code, code)
      assert.ok((error?.time ?? 0) <= scene.now() && (error?.time ?? 0) > scene.now() - 6_000)
      assert.equal(totals.errors, 3)
      assert.deepEqual([totals.accounts, totals.swept, totals.decayed], [0, 0, '0'])
      assert.ok(scene.home.codes.has(code))
      gate.error = undefined
      await clock.advance(10_000)
      const after = await scene.history()
      assert.equal(after.last?.swept, HOLDINGS.length)
      assert.equal(after.totals.errors, 3)
    })
  }

  it('what is thrown is told once each time, and counted', async () => {
    const { clock } = scene.cluster
    await scene.toMidnight(9, HOUR_MS)
    const thrower = {
      issue: async () => {
        throw new Error('torn')
      },
    } as unknown as Issuer
    const sweeper = scene.attach({}, scene.home, thrower)
    await clock.advance(1_500)
    assert.deepEqual(
      scene.home.faults.map(({ what }) => what),
      ['sweep', 'sweep'],
    )
    scene.home.faults.length = 0
    assert.deepEqual((await sweeper.state())?.history.error?.code, 'INTERNAL')
    await scene.detach()
  })

  it('one cycle at a time: a second request joins it', async () => {
    const { clock } = scene.cluster
    await scene.toMidnight(9, HOUR_MS)
    const sweeper = scene.attach({ isScheduled: false })
    await clock.advance(1_000)
    const [one, other] = await Promise.all([sweeper.request(0), sweeper.request(10_000_000)])
    assert.ok(one.ok && other.ok)
    assert.deepEqual([one.value.joined, other.value.joined], [false, true])
    assert.deepEqual(other.value.cycle, one.value.cycle)
    assert.deepEqual([one.value.cycle.number, one.value.cycle.scheduled, one.value.cycle.minimum], [1, false, 0])
    await clock.advance(2_000)
    assert.equal((await scene.sweeps()).length, 1)
    assert.equal((await scene.history()).totals.cycles, 1)
  })

  it('a request that leaves out what the schedule would take does not stand for its cycle', async () => {
    const { clock } = scene.cluster
    scene.attach({ minimum: 10_000 })
    await scene.swept()
    await scene.toMidnight()
    await scene.detach()
    await clock.advance(1)
    const sweeper = scene.attach({ isScheduled: false, minimum: 10_000 })
    await scene.cluster.do(sweeper.request(20_000))
    await clock.advance(2_000)
    const large = await scene.history()
    assert.equal(large.last?.minimum, 20_000)
    assert.notEqual(large.done?.interval, large.last?.interval)
    await scene.cluster.do(sweeper.request(0))
    await clock.advance(2_000)
    const all = await scene.history()
    assert.equal(all.done?.interval, all.last?.interval)
    assert.equal(all.last?.interval, scene.now() / DAY_MS - ((scene.now() / DAY_MS) % 1))
  })

  it('does nothing by itself when the schedule is off, and does not end what the schedule began', async () => {
    const { clock } = scene.cluster
    await scene.toMidnight(9, HOUR_MS)
    const gate = refusing(scene.home.issuer)
    gate.error = rejection('OVERLOADED')
    scene.attach({}, scene.home, gate.issuer)
    await clock.advance(1_000)
    assert.equal((await scene.history()).cycle?.scheduled, true)
    const sweeper = await scene.restart({ isScheduled: false })
    await clock.advance(3 * HOUR_MS)
    assert.deepEqual(await scene.sweeps(), [])
    const state = await sweeper.state()
    assert.deepEqual([state?.history.cycle, state?.next], [undefined, undefined])
  })

  it('ends what an operator began after a restart, schedule or not', async () => {
    const { clock } = scene.cluster
    await scene.toMidnight(9, HOUR_MS)
    const gate = refusing(scene.home.issuer)
    gate.error = rejection('OVERLOADED')
    const sweeper = scene.attach({ isScheduled: false }, scene.home, gate.issuer)
    await scene.cluster.do(sweeper.request(0))
    await scene.restart({ isScheduled: false })
    await clock.advance(2_000)
    assert.equal((await scene.history()).last?.swept, HOLDINGS.length)
  })

  it('stops in the middle of a cycle, and writes nothing afterwards', async () => {
    const { clock } = scene.cluster
    await scene.toMidnight(9, HOUR_MS)
    const limits = { read: 2, named: 2, lots: 1_000 }
    const sweeper = scene.attach({ limits })
    await clock.until('the first page', () => scene.home.log().replica.tip.size > 0 && sweepsIn(scene) > 0)
    const before = clock.now()
    await scene.detach()
    assert.ok(clock.now() - before < 100, 'promptly')
    const history = await scene.history()
    const count = (await scene.sweeps()).length
    assert.ok(count > 0 && count < 4, `${count}`)
    assert.equal(history.cycle?.entries, count, 'what was written is known')
    assert.equal(await scene.cluster.refusal(sweeper.request(0)), 'OVERLOADED')
    await scene.toMidnight(2, HOUR_MS)
    assert.deepEqual(await scene.history(), history)
    assert.equal((await scene.sweeps()).length, count)
  })

  it('never sets a timer of more than an hour, and leaves none behind', async () => {
    const delays: number[] = []
    const open = new Set<() => void>()
    const { ports } = scene.home.federation
    const { after: later } = ports.clock
    Object.assign(ports.clock, {
      after: (ms: number, task: () => void) => {
        if (!(new Error().stack ?? '').includes('sweeper.ts')) return later(ms, task)
        delays.push(ms)
        open.add(task)
        const cancel = later(ms, () => {
          open.delete(task)
          task()
        })
        return () => {
          open.delete(task)
          cancel()
        }
      },
    })
    const limits = { read: 2, named: 2, lots: 1_000 }
    const sweeper = scene.attach({ limits })
    await scene.cluster.clock.advance(5 * HOUR_MS)
    assert.ok(delays.length >= 5)
    assert.ok(Math.max(...delays) <= HOUR_MS, `${Math.max(...delays)}`)
    assert.equal(open.size, 1)
    // In the middle of a cycle, so that its end would set the next one.
    await scene.cluster.do(sweeper.request(0))
    await scene.detach()
    assert.equal(open.size, 0)
  })
})

let seen: number
function sweepsIn(scene: SweepScene): number {
  const { size } = scene.home.log().replica.tip
  seen ??= size
  return size - seen
}
