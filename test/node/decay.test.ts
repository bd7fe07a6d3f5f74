import assert from 'node:assert/strict'
import { showDecay } from '../../node/observe/decay-metrics.ts'
import { createMetrics } from '../../node/observe/metrics.ts'
import type { SweeperState } from '../../src/driver/sweeper.ts'
import { bookOf } from '../../src/state/account.ts'
import { DAY_MS, HOUR_MS } from '../../src/units.ts'
import { contentOf } from '../support/cluster.ts'
import { LocalNode } from '../support/local-nodes.ts'
import { GENESIS_MS } from '../support/society.ts'
import { until } from '../support/until.ts'

const schedule = { isScheduled: true, minimum: 10_000 }
const counts = { accounts: 1_204, swept: 311, entries: 2, decayed: (bookOf(12_345_678) + 999n).toString() }
const last = { ...counts, number: 7, interval: 19_675, minimum: 0, scheduled: true, began: 1, spent: 1_500, ended: 2 }
const found: SweeperState = {
  intervalMs: HOUR_MS,
  history: { done: { interval: 19_675, time: 1_700_000_000_999 }, last, totals: { ...counts, cycles: 7, errors: 2 } },
}

describe('metrics of the decay service', () => {
  it('show what is kept, however often they are asked for', async () => {
    const metrics = createMetrics({ process: false })
    for (let i = 0; i < 3; i++) showDecay(metrics.decay, 'oak', found, schedule)
    const text = await metrics.text()
    const lines = [...text.matchAll(/^web4_decay_(\w+)\{society="oak"\} (\S+)$/gm)].map(([, name, value]) => [
      name,
      value,
    ])
    assert.deepEqual(Object.fromEntries(lines), {
      cycles_total: '7',
      accounts_total: '1204',
      swept_accounts_total: '311',
      entries_total: '2',
      atp_total: '12.345678',
      errors_total: '2',
      last_cycle_timestamp_seconds: '1700000000',
      last_cycle_duration_seconds: '1.5',
      interval_seconds: '3600',
    })
  })

  it('no time of a last cycle while the schedule is off; 0 before the first', async () => {
    const metrics = createMetrics({ process: false })
    showDecay(metrics.decay, 'oak', found, { ...schedule, isScheduled: false })
    assert.doesNotMatch(await metrics.text(), /last_cycle_timestamp_seconds\{/)
    const totals = { accounts: 0, swept: 0, entries: 0, decayed: '0', cycles: 0, errors: 0 }
    showDecay(metrics.decay, 'oak', { intervalMs: DAY_MS, history: { totals } }, schedule)
    assert.match(await metrics.text(), /last_cycle_timestamp_seconds\{society="oak"\} 0\n/)
    showDecay(metrics.decay, '', undefined, schedule)
    assert.doesNotMatch(await metrics.text(), /^web4_decay_\w+\{/m)
  })
})

describe('decay service of a node', function () {
  this.timeout(60_000)
  const nodes: LocalNode[] = []
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(node => node.stop()))
  })

  it('begins with the society, ends with the node, and remembers its cycles', async () => {
    let now = GENESIS_MS
    const clock = {
      now: () => now,
      after(delayMs: number, task: () => void) {
        const timer = setTimeout(task, delayMs)
        return () => clearTimeout(timer)
      },
    }
    const first = await LocalNode.start({ slug: 'alpha', clock })
    nodes.push(first)
    const { service } = first.running
    const before = await service.decay.view()
    assert.equal(before.ok ? 'ok' : before.error.code, 'NOT_SEQUENCER')
    await first.found([], [])
    const ended = async ({ running }: LocalNode, cycles: number) => {
      let view = await running.service.decay.view()
      await until(`${cycles} cycles`, () => {
        void running.service.decay.view().then(newer => {
          view = newer
        })
        return view.ok && view.value.totals.cycles >= cycles && view.value.state === 'idle'
      })
      assert.ok(view.ok)
      return view.value
    }
    const { done, interval_ms, last, minimum, next, scheduled, totals } = await ended(first, 1)
    assert.deepEqual([interval_ms, minimum, scheduled, totals.errors], [DAY_MS, '0.01', true, 0])
    assert.deepEqual([last?.number, last?.scheduled, last?.decayed], [1, true, '0'])
    assert.equal(done?.interval, Math.floor(GENESIS_MS / DAY_MS))
    const midnight = (Math.floor(GENESIS_MS / DAY_MS) + 1) * DAY_MS
    assert.ok(next !== undefined && next >= midnight && next < midnight + 180_000)
    await first.stop()
    nodes.splice(0)
    assert.deepEqual(first.faults, [])

    now += 3 * DAY_MS
    const again = await LocalNode.start({ slug: 'alpha', clock, content: await contentOf(first.store) })
    nodes.push(again)
    const after = await ended(again, 2)
    assert.equal(after.done?.interval, Math.floor(now / DAY_MS))
    const asked = await again.running.service.decay.sweep({ minimum: 500_000 })
    assert.ok(asked.ok)
    assert.deepEqual([asked.value.joined, asked.value.cycle.number, asked.value.cycle.minimum], [false, 3, '0.5'])
    assert.equal((await ended(again, 3)).last?.scheduled, false)
    assert.match(await again.running.service.metrics(), /^web4_decay_cycles_total\{society="alpha-\w+"\} 3$/m)
    assert.deepEqual(again.faults, [])
  })
})
