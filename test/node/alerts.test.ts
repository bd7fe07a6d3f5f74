import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { DAY_MS, HOUR_MS, SECOND_MS } from '../../src/units.ts'
import { LocalNode } from '../support/local-nodes.ts'
import { GENESIS_MS } from '../support/society.ts'
import { until } from '../support/until.ts'

const RULES = new URL('../../deploy/prometheus/web4-alerts.yml', import.meta.url)
const NO_CYCLE = 'time() - web4_decay_last_cycle_timestamp_seconds > web4_decay_interval_seconds + 3600'

/** Real timers, and a time that only the test changes. */
function movableClock(start = GENESIS_MS) {
  let now = start
  return {
    now: () => now,
    after(delayMs: number, task: () => void) {
      const timer = setTimeout(task, delayMs)
      return () => clearTimeout(timer)
    },
    jump(ms: number) {
      now += ms
    },
  }
}

function gaugeOf(text: string, name: string): number {
  const found = new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1]
  assert.ok(found, `${name} in the metrics`)
  return Number(found)
}

describe('alert rules for Prometheus', function () {
  this.timeout(60_000)
  let nodes: LocalNode[] = []
  afterEach(async () => {
    await Promise.all(nodes.map(node => node.stop()))
    nodes = []
  })

  async function founded(clock: ReturnType<typeof movableClock>): Promise<LocalNode> {
    const node = await LocalNode.start({ slug: 'alpha', clock })
    nodes.push(node)
    await node.found([], [])
    return node
  }
  const metricsOf = ({ running }: LocalNode) => running.service.metrics()
  const cyclesOf = async (node: LocalNode) => {
    const view = await node.running.service.decay.view()
    return view.ok ? view.value.totals.cycles : -1
  }
  async function cycles(node: LocalNode, count: number): Promise<void> {
    let seen = -1
    await until(`${count} cycles`, () => {
      void cyclesOf(node).then(found => {
        seen = found
      })
      return seen >= count
    })
  }

  it('name only metrics that a node has', async () => {
    const rules = await readFile(RULES, 'utf8')
    const expressions = [...rules.matchAll(/^\s+expr: (.*)$/gm)].map(([, expression = '']) => expression)
    assert.equal(expressions.length, [...rules.matchAll(/^\s+- alert: /gm)].length)
    const node = await founded(movableClock())
    const text = await metricsOf(node)
    const known = new Set([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name))
    const named = new Set(expressions.flatMap(each => each.match(/\bweb4_\w+/g) ?? []))
    assert.ok(named.size >= 5)
    for (const name of named) assert.ok(known.has(name), `${name} is a metric`)
    assert.ok(expressions.includes(NO_CYCLE), 'the one that is computed below')
  })

  it('no decay cycle in 25 h: false up to the second, true after it', async () => {
    const clock = movableClock()
    const node = await founded(clock)
    await cycles(node, 1)
    const text = await metricsOf(node)
    const [last, interval] = ['last_cycle_timestamp', 'interval'].map(name =>
      gaugeOf(text, `web4_decay_${name}_seconds`),
    )
    assert.equal(last, Math.floor(GENESIS_MS / SECOND_MS))
    assert.equal(interval, DAY_MS / SECOND_MS)
    const fires = (time: number) => time - (last ?? 0) > (interval ?? 0) + 3600
    const end = (last ?? 0) + (25 * HOUR_MS) / SECOND_MS
    assert.deepEqual([fires(end), fires(end + 1)], [false, true])
  })

  it('a node that sweeps on time moves the time on, and one whose schedule is off has none', async () => {
    const clock = movableClock()
    const node = await founded(clock)
    await cycles(node, 1)
    clock.jump(DAY_MS)
    const swept = await node.running.service.decay.sweep({})
    assert.ok(swept.ok)
    await cycles(node, 2)
    const text = await metricsOf(node)
    assert.equal(gaugeOf(text, 'web4_decay_last_cycle_timestamp_seconds'), Math.floor(clock.now() / SECOND_MS))
    assert.equal(gaugeOf(text, 'web4_decay_cycles_total'), 2)
    const off = await LocalNode.start({ slug: 'beta', clock, config: { decay_sweep: false } })
    nodes.push(off)
    await off.found([], [])
    const without = await metricsOf(off)
    assert.doesNotMatch(without, /^web4_decay_last_cycle_timestamp_seconds\{/m)
    assert.match(without, /^web4_decay_interval_seconds\{/m)
  })

  it('metrics of an observer, or of a node without a society, have no line of it', async () => {
    const node = await LocalNode.start({ slug: 'alpha', clock: movableClock() })
    nodes.push(node)
    assert.doesNotMatch(await metricsOf(node), /^web4_decay_\w+\{/m)
    const view = await node.running.service.decay.view()
    assert.equal(view.ok ? 'ok' : view.error.code, 'NOT_SEQUENCER')
    const swept = await node.running.service.decay.sweep({})
    assert.equal(swept.ok ? 'ok' : swept.error.code, 'NOT_SEQUENCER')
  })
})
