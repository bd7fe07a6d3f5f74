import assert from 'node:assert/strict'
import type { DecayView, SweepRequest } from '../../node/decay-desk.ts'
import { rejection } from '../../src/rejection.ts'
import { fail, ok } from '../../src/result.ts'
import { CliScene } from './support/cli.ts'
import { fakeService } from './support/fake-service.ts'

describe('web4 atp sweep', () => {
  let scene: CliScene
  beforeEach(async () => {
    scene = await CliScene.open()
  })
  afterEach(() => scene.close())

  /** A service whose cycle 8 has this many views in work before it ends. */
  async function serve(inWork: number, joined = false): Promise<SweepRequest[]> {
    const asked: SweepRequest[] = []
    const { decay } = fakeService()
    const idle = await decay.view()
    assert.ok(idle.ok)
    const { last, totals } = idle.value
    assert.ok(last)
    const { ended: _ended, ...before } = last
    const cycle = { ...before, number: 8, accounts: 0, swept: 0, entries: 0, decayed: '0' }
    let views = 0
    await scene.serve({
      decay: {
        view: async () => {
          views++
          const view: DecayView =
            views > inWork
              ? { ...idle.value, last: { ...last, number: 8, ended: 1_700_000_000_000 } }
              : { ...idle.value, state: 'sweeping', cycle: { ...cycle, accounts: views }, totals }
          return ok(view)
        },
        sweep: async request => {
          asked.push(request)
          return ok({ cycle, joined })
        },
      },
    })
    return asked
  }

  it('begins a cycle over all accounts, and says how to see it', async () => {
    const asked = await serve(9)
    const { code, stdout } = await scene.web4(['atp', 'sweep'])
    assert.equal(code, 0)
    assert.equal(stdout, 'began cycle 8: `web4 atp sweep --show` shows how far it is\n')
    assert.deepEqual(asked, [{}])
    const facts = await scene.json('atp', 'sweep', '--minimum', '0.5')
    assert.deepEqual([facts.number, facts.joined, facts.accounts], [8, false, 0])
    assert.deepEqual(asked.at(-1), { minimum: 500_000 })
  })

  it('says when it joins a cycle', async () => {
    await serve(9, true)
    assert.match((await scene.web4(['atp', 'sweep'])).stdout, /^joined cycle 8/)
  })

  it('waits for the end, and prints accounts, ATP, entries and duration', async () => {
    await serve(2)
    const { code, stdout } = await scene.web4(['atp', 'sweep', '--wait'])
    assert.equal(code, 0)
    assert.deepEqual(stdout.split('\n'), [
      'cycle 8, interval 19675: ended 2023-11-14T22:13:20.000Z',
      'accounts  1204 looked at, 311 swept in 1 entries',
      'decayed   12.345678 ATP',
      'took      0.3 s',
      '',
    ])
    const facts = await scene.json('atp', 'sweep', '--wait')
    assert.deepEqual(
      [facts.number, facts.accounts, facts.swept, facts.entries, facts.decayed, facts.duration_ms],
      [8, 1_204, 311, 1, '12.345678', 300],
    )
  })

  it('shows the service without beginning anything', async () => {
    const asked = await serve(0)
    const { stdout } = await scene.web4(['atp', 'sweep', '--show'])
    assert.match(stdout, /: idle\nschedule {2}every 24 h, losses from 0\.01 ATP on\n/)
    assert.match(stdout, /\ntotals {4}7 cycles, 12\.345678 ATP in 1 entries, 2 errors\n/)
    const facts = await scene.json('atp', 'sweep', '--show')
    assert.deepEqual([facts.state, facts.minimum], ['idle', '0.01'])
    assert.deepEqual(asked, [])
  })

  for (const code of ['NOT_SEQUENCER', 'STARTING', 'FROZEN'] as const) {
    it(`${code}: the node does not sweep`, async () => {
      const { decay } = fakeService()
      await scene.serve({ decay: { ...decay, sweep: async () => fail(rejection(code)) } })
      await scene.refused(code, 'atp', 'sweep')
    })
  }

  it('NOT_SEQUENCER: nothing to show where no log is written', async () => {
    const { decay } = fakeService()
    await scene.serve({ decay: { ...decay, view: async () => fail(rejection('NOT_SEQUENCER')) } })
    await scene.refused('NOT_SEQUENCER', 'atp', 'sweep', '--show')
  })

  it('STARTING: says what a cycle waits for that has not gone on for 90 s', async () => {
    const { decay } = fakeService()
    const idle = await decay.view()
    const begun = await decay.sweep({})
    assert.ok(idle.ok && begun.ok)
    const cycle = { ...begun.value.cycle, number: 8, accounts: 512 }
    let views = 0
    scene.now = () => views * 46_000
    await scene.serve({
      decay: {
        view: async () => {
          views++
          return ok({ ...idle.value, state: 'waiting', why: 'STARTING', cycle })
        },
        sweep: async () => ok({ cycle, joined: false }),
      },
    })
    const detail = await scene.refused('STARTING', 'atp', 'sweep', '--wait')
    assert.match(detail, /cycle 8 stands at 512 accounts/)
    assert.equal(views, 2)
  })

  it('BAD_REQUEST: a minimum that is no amount', async () => {
    await serve(0)
    for (const amount of ['0', '-1', '1.0000001', 'all'])
      await scene.refused('BAD_REQUEST', 'atp', 'sweep', '--minimum', amount)
  })
})
