import assert from 'node:assert/strict'
import { writeApiFile } from '../../node/cli/find-node.ts'
import { canonicalBytes, type Json } from '../../src/canonical.ts'
import { ok } from '../../src/result.ts'
import { stateKeys } from '../../src/state/model.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { LocalNode, steadyClock } from '../support/local-nodes.ts'
import { until } from '../support/until.ts'
import { CliScene } from './support/cli.ts'
import { audited, fakeService, SOCIETY } from './support/fake-service.ts'

describe('web4 log audit', function () {
  this.timeout(30_000)
  let scene: CliScene
  let node: LocalNode | undefined

  beforeEach(async () => {
    scene = await CliScene.open()
  })
  afterEach(async () => {
    await node?.stop()
    node = undefined
    await scene.close()
  })

  /** A society by itself, without witnesses, whose node this data folder has. */
  async function society(): Promise<LocalNode> {
    const started = await LocalNode.start({
      slug: 'alpha',
      clock: steadyClock(),
      config: { dir: scene.dir, audit_minutes: 0 },
      api: true,
    })
    node = started
    await started.found([], [])
    await started.issue('atp.mint', { amount: 1_000_000 })
    await writeApiFile(scene.dir, started.apiUrl)
    return started
  }

  async function setPool(home: LocalNode, pool: Json): Promise<void> {
    const key = storeKey.state(home.society, stateKeys.pool)
    await home.store.batch([{ type: 'put', key, value: canonicalBytes(pool) }], { sync: true })
  }

  async function metrics(home: LocalNode): Promise<Record<string, number>> {
    const text = await (await fetch(`${home.apiUrl}/metrics`)).text()
    const lines = text.matchAll(/^(web4_(?:conservation|audit|log_state)[a-z_]*)\{([^}]*)\} (\S+)$/gm)
    return Object.fromEntries(
      [...lines].map(([, name = '', labels = '', value]) => {
        const state = /state="([a-z-]+)"/.exec(labels)?.[1]
        return [state === undefined ? name : `${name} ${state}`, Number(value)]
      }),
    )
  }

  it('of a damaged disk: stops the log, says so on every way, and repairs it', async () => {
    const home = await society()
    const { size } = home.log().replica.tip
    const sound = await scene.web4(['log', 'audit'])
    assert.deepEqual([sound.code, sound.stdout], [0, `${home.society}: 0 accounts at ${size} entries: sound\n`])
    const at = Math.floor(home.setup.clock.now() / 1000)
    const good = await metrics(home)
    assert.ok(at - (good.web4_audit_last_timestamp_seconds ?? 0) <= 5)
    assert.deepEqual(
      { ...good, web4_audit_last_timestamp_seconds: 0 },
      {
        web4_audit_accounts: 0,
        web4_audit_last_timestamp_seconds: 0,
        web4_audits_total: 1,
        web4_conservation_difference: 0,
        'web4_log_state running': 1,
      },
    )

    const events: object[] = []
    home.running.service.subscribe(({ data, type }) => {
      if (type === 'halted') events.push(data)
    })
    const missing = { minted: '1000000', pool: '999999999999999999990', slashed: '0' }
    await setPool(home, missing)
    const found = await scene.web4(['log', 'audit', home.society, '--replay'])
    const difference = '10 units of 10^-15 micro-ATP missing'
    const differs = ['1 keys are not as the entries make them:', 'state/pool: another value']
    assert.equal(found.code, 1)
    assert.deepEqual(found.stdout.split('\n  '), [
      `${home.society}: 0 accounts at ${size} entries: not sound`,
      difference,
      ...differs,
      `found sound at ${size} entries\n`,
    ])
    const detail = `at ${size} entries 10 units of 10^-15 micro-ATP are missing; 1 keys are not as the entries make them, first state/pool`
    assert.deepEqual(events, [{ society: home.society, code: 'CONSERVATION', detail }])
    const bad = await metrics(home)
    assert.deepEqual(
      [bad.web4_conservation_difference, bad['web4_log_state unsound'], bad['web4_log_state running']],
      [-10, 1, undefined],
    )
    const { stdout: status } = await scene.web4(['status'])
    assert.ok(status.includes(`(own): unsound, ${size} entries`), status)
    assert.ok(status.includes(`the books do not balance: ${detail}`), status)
    const { reasons } = home.running.service.ready()
    assert.deepEqual(reasons, [`CONSERVATION: ${detail}`])
    const mint = await scene.web4(['atp', 'mint', '5'])
    assert.deepEqual([mint.code, mint.stderr.includes('web4: CONSERVATION: ')], [1, true])
    assert.match(mint.stderr, /`web4 log audit SOCIETY --replay`/)

    const repaired = await scene.web4(['log', 'audit', '--repair'])
    assert.deepEqual(
      [repaired.code, repaired.stdout.split('\n  ')],
      [
        0,
        [
          `${home.society}: 0 accounts at ${size} entries: sound`,
          '1 keys were put right',
          'state and tree are as the entries make them\n',
        ],
      ],
    )
    assert.deepEqual((await metrics(home)).web4_conservation_difference, 0)
    assert.equal((await scene.web4(['atp', 'mint', '5'])).code, 0)
  })

  it('audits by the clock, soon after the start', async () => {
    const steady = steadyClock()
    const delays: number[] = []
    const clock = {
      now: steady.now,
      after(delayMs: number, task: () => void) {
        const isAudit = delayMs === 10_000 || delayMs === 3_600_000
        if (isAudit) delays.push(delayMs)
        return steady.after(isAudit ? 1 : delayMs, task)
      },
    }
    const config = { dir: scene.dir, audit_minutes: 60 }
    const started = await LocalNode.start({ slug: 'alpha', clock, config, api: true })
    node = started
    await started.found([], [])
    let mark = ''
    const isThere = () => {
      const reading = started.store.getMany([storeKey.audit(started.society)])
      void reading.then(([bytes]) => {
        mark = Buffer.from(bytes ?? []).toString()
      })
      return mark !== ''
    }
    await until('an audit of the society, an hour after the first at most', isThere)
    assert.equal(mark, '{"good":1}')
    assert.ok(delays.includes(10_000) && delays.includes(3_600_000))
  })

  it('shows the first of many findings and how many more there are', async () => {
    const faults = Array.from({ length: 20 }, (_, index) => ({ key: `account/${index}`, why: 'wrong' }))
    const differences = [{ key: 'state/law', is: 'missing' as const }]
    const work: object[] = []
    await scene.serve({
      operator: {
        ...fakeService().operator,
        audit: async (_society, asked) => {
          work.push(asked)
          const { good: _, ...rest } = audited
          const entry = { seq: 2, code: 'FORMAT_JSON' as const }
          const replay =
            asked.repair === true ? { entry, differing: 0, differences: [] } : { differing: 3, differences }
          return ok({ ...rest, sound: false, difference: '7', faulty: 25, faults, replay })
        },
      },
    })
    const { code, stdout } = await scene.web4(['log', 'audit', SOCIETY, '--replay'])
    assert.equal(code, 1)
    assert.deepEqual(stdout.trimEnd().split('\n  ').slice(1), [
      '7 units of 10^-15 micro-ATP too many',
      ...faults.map(({ key }) => `${key}: wrong`),
      'and 5 more',
      '3 keys are not as the entries make them:',
      'state/law: missing',
      'and 2 more',
      'no audit found it sound before',
    ])
    const damaged = await scene.web4(['log', 'audit', SOCIETY, '--repair'])
    assert.ok(damaged.stdout.includes('\n  stored entry 2 cannot be decided again: FORMAT_JSON\n'))
    assert.deepEqual(work, [{ replay: true }, { repair: true }])
  })
})
