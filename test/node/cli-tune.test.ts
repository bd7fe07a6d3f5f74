import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TuneFacts } from '../../sim/economy/report.ts'
import { rejection } from '../../src/rejection.ts'
import { fail, ok } from '../../src/result.ts'
import { DAY_MS, HOUR_MS, MICRO } from '../../src/units.ts'
import { CliScene } from './support/cli.ts'
import { LCT, OTHER, SOCIETY } from './support/fake-service.ts'

const MODERATE = { base_ppm: 50_000, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS, interval_ms: DAY_MS }
const SMALL = ['--accounts', '30', '--months', '2']

describe('web4 atp tune', function () {
  this.timeout(20_000)
  let scene: CliScene
  beforeEach(async () => {
    scene = await CliScene.open()
  })
  afterEach(() => scene.close())

  const tune = (...argv: string[]) => scene.json<TuneFacts & object>('atp', 'tune', ...argv)
  const refused = (code: string, ...argv: string[]) => scene.refused(code, 'atp', 'tune', ...argv)

  async function file(name: string, content: object | string): Promise<string> {
    const path = join(scene.dir, name)
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }

  it('compares all presets, the same bytes for the same arguments', async () => {
    const { laws, start, ...facts } = await tune(...SMALL)
    assert.deepEqual(facts, {
      seed: 1,
      months: 2,
      accounts: 30,
      minimum_velocity: 0.5,
      elasticity: 2,
      hoarders: 0.2,
    })
    assert.deepEqual(
      laws.map(({ law, name }) => [name, law.base_ppm]),
      [
        ['none', 0],
        ['low', 10_000],
        ['moderate', 50_000],
        ['high', 100_000],
        ['aggressive', 200_000],
      ],
    )
    const [none] = laws
    assert.deepEqual(Object.keys(none ?? {}), [
      'name',
      'law',
      'velocity',
      'gini',
      'decayed',
      'decayed_share',
      'expired',
      'below_minimum',
      'money',
      'by_month',
    ])
    assert.match(start.money, /^\d+\.\d{1,6}$/)
    for (const argv of [SMALL, [...SMALL, '--json']]) {
      const [first, second] = [await scene.web4(['atp', 'tune', ...argv]), await scene.web4(['atp', 'tune', ...argv])]
      assert.equal(first.code, 0)
      assert.equal(first.stdout, second.stdout)
    }
    // One law more or less changes nothing for the others.
    assert.deepEqual((await tune(...SMALL, '--law', 'high')).laws, [laws[3]])
  })

  it('shows a table of plain ASCII in 80 columns', async () => {
    const law = await file('a-law-with-a-long-name.json', { decay: { base_ppm: 30_000 } })
    const argv = ['atp', 'tune', '--accounts', '1000', '--months', '1', '--law', 'aggressive', '--law', law]
    const { stdout } = await scene.web4(argv)
    const lines = stdout.trimEnd().split('\n')
    assert.ok(lines.every(line => line.length <= 80 && /^[ -~]*$/.test(line)))
    assert.equal(lines[0], '1000 synthetic accounts')
    assert.equal(lines[1], '1 months, seed 1, elasticity 2, 20.0 % hoarders')
    const cells = lines.filter(line => line.startsWith('|')).map(line => line.split('|').map(cell => cell.trim()))
    assert.deepEqual(cells[0]?.slice(1, -1), ['law', 'velocity', 'Gini', 'income', '%', 'aged', 'slow', 'held'])
    const { laws } = await tune(...argv.slice(2))
    assert.deepEqual(
      cells.slice(1).map(([, name, velocity, gini, income, share]) => [name, velocity, gini, income, share]),
      laws.map(({ decayed, decayed_share, gini, name, velocity }) => [
        name === law ? 'a-law-with' : name,
        velocity.toFixed(3),
        gini.toFixed(3),
        decayed.replace(/\..*/, ''),
        (decayed_share * 100).toFixed(1),
      ]),
    )
    assert.match(stdout, /slow {6}% of the accounts with a velocity below 0\.5\n/)
  })

  it('takes presets, rates and files, each with its own interval', async () => {
    const path = await file('hourly.json', { law: { decay: MODERATE_DECAY }, interval_ms: HOUR_MS })
    const { laws } = await tune(...SMALL, '--law', '123457', '--law', path)
    assert.deepEqual(
      laws.map(({ law, name }) => [name, law]),
      [
        ['123457', { ...MODERATE, base_ppm: 123_457 }],
        [path, { ...MODERATE, interval_ms: HOUR_MS }],
      ],
    )
  })

  it('takes what the population and its behaviour are', async () => {
    const [plain, seeded] = [await tune(...SMALL), await tune(...SMALL, '--seed', '2')]
    assert.notDeepEqual(seeded.laws, plain.laws)
    const { elasticity, hoarders, laws, minimum_velocity } = await tune(
      ...SMALL,
      '--elasticity',
      '0',
      '--hoarders',
      '0.5',
      '--minimum-velocity',
      '0.25',
    )
    assert.deepEqual([elasticity, hoarders, minimum_velocity], [0, 0.5, 0.25])
    assert.notDeepEqual(laws, plain.laws)
  })

  it('begins with the holdings of a society, and adds the law in force', async () => {
    const service = await scene.serve()
    const inForce = service.law(SOCIETY)
    assert.ok(inForce.ok)
    const { accounts, laws, size, society, start } = await tune('--society', SOCIETY, '--months', '1')
    assert.deepEqual([accounts, society, size], [2, SOCIETY, 3])
    assert.deepEqual(
      laws.map(({ name }) => name),
      ['in force', 'none', 'low', 'moderate', 'high', 'aggressive'],
    )
    const { decay } = inForce.value.law as { decay: object }
    assert.deepEqual(laws[0]?.law, { ...decay, interval_ms: DAY_MS })
    // Both pages: 13 ATP of yesterday, worth a little less, and 7 of today.
    assert.equal(start.money, '19.997833')
    assert.deepEqual((await tune('--society', SOCIETY, '--months', '1', '--law', 'low')).laws, [laws[2]])
    const { stdout } = await scene.web4(['atp', 'tune', '--society', SOCIETY, '--months', '1'])
    assert.match(stdout, new RegExp(`^2 accounts of ${SOCIETY} at 3\n`))
  })

  it('leaves out what is dead but not yet swept, and refuses a society in which nobody can pay', async () => {
    const page = {
      society: SOCIETY,
      size: 3,
      time: 20_030 * DAY_MS,
      interval_ms: DAY_MS,
      decay: { k: 20_030, origin: 20_030, factors: [1_000_000_000_000_000] },
      accounts: [
        { lct: LCT, lots: [{ origin: 20_030, principal: MICRO }] },
        { lct: OTHER, lots: [{ origin: 20_029, principal: MICRO }] },
      ],
    }
    await scene.serve({ holdings: async () => ok(page) })
    assert.match(await refused('BAD_REQUEST', '--society', SOCIETY), /has 1 accounts with ATP/)
  })

  it('judges laws by the interval of the society', async () => {
    await scene.serve({
      holdings: async () =>
        ok({
          society: SOCIETY,
          size: 3,
          time: 20_030 * DAY_MS,
          interval_ms: 30 * DAY_MS,
          decay: { k: 667, origin: 667, factors: [1_000_000_000_000_000] },
          accounts: [LCT, OTHER].map(lct => ({ lct, lots: [{ origin: 667, principal: MICRO }] })),
        }),
    })
    const path = await file('short.json', { decay: { grace_ms: DAY_MS, max_age_ms: 10 * DAY_MS } })
    assert.match(await refused('LAW_VALUES', '--society', SOCIETY, '--law', path), /decay\.max_age_ms/)
    const { laws } = await tune('--society', SOCIETY, '--law', 'high', '--months', '1')
    assert.equal(laws[0]?.law.interval_ms, 30 * DAY_MS)
  })

  it('refuses bad input with a code', async () => {
    const broken = await file('broken.json', '{')
    const grace = await file('grace.json', { decay: { grace_ms: 400 * DAY_MS, max_age_ms: 365 * DAY_MS } })
    const cases: readonly [code: string, ...argv: string[]][] = [
      ['LAW_VALUES', '--law', '1000001'],
      ['LAW_VALUES', '--law', grace],
      ['BAD_REQUEST', '--law', 'medium'],
      ['BAD_REQUEST', '--law', join(scene.dir, 'missing.json')],
      ['BAD_REQUEST', '--law', broken],
      ['BAD_REQUEST', '--accounts', '0'],
      ['BAD_REQUEST', '--accounts', '1'],
      ['BAD_REQUEST', '--accounts', '1000001'],
      ['BAD_REQUEST', '--months', '0'],
      ['BAD_REQUEST', '--months', '121'],
      ['BAD_REQUEST', '--months', '1.5'],
      ['BAD_REQUEST', '--hoarders', '1.1'],
      ['BAD_REQUEST', '--hoarders', '-0.1'],
      ['BAD_REQUEST', '--elasticity', '100.1'],
      ['BAD_REQUEST', '--minimum-velocity', 'fast'],
      ['BAD_REQUEST', '--seed', '4294967296'],
      ['BAD_REQUEST', '--accounts', '10', '--society', SOCIETY],
      ['NODE_UNREACHABLE', '--society', SOCIETY, '--url', 'http://127.0.0.1:1'],
    ]
    for (const [code, ...argv] of cases) await refused(code, ...argv)
  })

  it('refuses a society that the node does not hold', async () => {
    const stranger = `beta-${'z'.repeat(26)}`
    await scene.serve({
      law: () => fail(rejection('NOT_FOUND')),
      holdings: async id => fail(rejection('NOT_FOUND', id)),
    })
    await refused('NOT_FOUND', '--society', stranger)
    await refused('BAD_REQUEST', '--society', 'no-society')
  })
})

const { interval_ms: _, ...MODERATE_DECAY } = MODERATE
