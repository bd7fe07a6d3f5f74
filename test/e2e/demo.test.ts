import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import type { DemoResult } from '../../sim/real/demo.ts'
import { until as untilAsync } from '../../sim/real/until.ts'
import { type Command, childrenOf, startWeb4, stillRunning, web4 } from '../support/real-command.ts'
import { until } from '../support/until.ts'

const MEMBERS = [
  'societies',
  'entries',
  'births',
  'transfers',
  'attestations',
  'final',
  'finalMs',
  'converged',
  'conserved',
  'rejected',
  'ratePerSecond',
  'durationMs',
]
const LIMIT_MS = 120_000
const never = new AbortController().signal

/** Where a demo keeps its nodes, as it says itself. */
function folderOf(stderr: string): string {
  const folder = /^data in (.+)$/m.exec(stderr)?.[1]
  assert.ok(folder, stderr)
  return folder
}

describe('web4 demo', function () {
  this.timeout(300_000)
  let running: Command | undefined

  afterEach(async () => {
    running?.child.kill('SIGKILL')
    await running?.ended
    running = undefined
  })

  /** A demo that would take long, once `sign` stands on its stderr, with its nodes. */
  async function demoAt(sign: string): Promise<{ demo: Command; nodes: number[]; folder: string }> {
    const demo = startWeb4('demo', '--societies', '3', '--members', '2', '--seconds', '600', '--rate', '20', '--json')
    running = demo
    await until(sign, () => demo.stderr.includes(sign) || demo.child.exitCode !== null, LIMIT_MS)
    assert.ok(demo.stderr.includes(sign), demo.stderr)
    const nodes = await childrenOf(demo.pid)
    assert.equal(nodes.length, 3)
    return { demo, nodes, folder: folderOf(demo.stderr) }
  }

  function allEnded(nodes: readonly number[]): Promise<void> {
    return untilAsync('its nodes end', never, async () => (await stillRunning(nodes)).length === 0, LIMIT_MS)
  }

  it('lets three societies meet, and proves that all of it is final, the same everywhere and conserved', async () => {
    const options = ['--societies', '3', '--members', '2', '--seconds', '3', '--rate', '20', '--seed', '7', '--json']
    const { code, stdout, stderr } = await web4('demo', ...options)
    assert.equal(code, 0, stderr)
    const last = stdout.trimEnd().split('\n').at(-1) ?? ''
    const result = JSON.parse(last) as DemoResult
    assert.deepEqual(Object.keys(result).sort(), [...MEMBERS].sort())
    assert.deepEqual(Object.keys(result.finalMs), ['p50', 'p99'])
    assert.equal(result.societies, 3)
    assert.equal(result.converged, true)
    assert.equal(result.conserved, true)
    assert.equal(result.final, result.entries)
    assert.ok(result.births >= 6 && result.transfers > 0 && result.attestations > 0, last)
    // Charters, recognitions, births, mints and first charges come on top of what is counted apart.
    assert.ok(result.entries >= result.births + result.transfers + result.attestations + 3 + 6 + 3 + 6, last)
    const { p50, p99 } = result.finalMs
    assert.ok(p50 !== null && p99 !== null && p50 > 0 && p99 >= p50, last)
    for (const [rejected, count] of Object.entries(result.rejected)) {
      assert.match(rejected, /^[A-Z_]+$/)
      assert.ok(Number.isInteger(count) && count > 0, last)
    }
    assert.ok(result.ratePerSecond > 0 && result.durationMs > 3_000, last)
    assert.match(stderr, /n = 2 witnesses and is final with q = 2: 1 may lie, 0 may be away/)
    assert.equal(existsSync(folderOf(stderr)), false)
  })

  it('leaves no process and no folder behind after Ctrl-C in the middle of the load', async () => {
    const { demo, nodes, folder } = await demoAt('load:')
    demo.child.kill('SIGINT')
    assert.equal((await demo.ended).code, 130)
    await allEnded(nodes)
    assert.equal(existsSync(folder), false)
  })

  it('leaves no process behind when it is killed itself', async () => {
    const { demo, nodes, folder } = await demoAt('✓ 3 nodes run')
    demo.child.kill('SIGKILL')
    assert.equal((await demo.ended).signal, 'SIGKILL')
    await allEnded(nodes)
    await rm(folder, { recursive: true })
  })

  it('says why two societies are too few', async () => {
    const { code, stdout, stderr } = await web4('demo', '--societies', '2', '--json')
    assert.equal(code, 2)
    assert.equal(stdout, '')
    assert.match(stderr, /at least 3 societies: a birth is witnessed by two others/)
  })
})
