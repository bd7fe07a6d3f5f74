import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AccountView } from '../../node/accounts.ts'
import type { NodeService } from '../../node/service.ts'
import type { JsonObject } from '../../src/canonical.ts'
import { defaultLaw } from '../../src/records/law.ts'
import { ok } from '../../src/result.ts'
import { DAY_MS, formatAtp, HOUR_MS } from '../../src/units.ts'
import { CliScene } from './support/cli.ts'
import { fakeService, HASH, KEY, LCT, SOCIETY } from './support/fake-service.ts'

interface Projection {
  readonly law: object
  readonly points: readonly { readonly day: number; readonly atp: string }[]
}

const MODERATE = { base_ppm: 50_000, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS, interval_ms: DAY_MS }
const BORN = 20_000

function account(lots: number): AccountView {
  const views = Array.from({ length: lots }, (_, i) => ({
    origin: BORN + i,
    born: (BORN + i) * DAY_MS,
    principal: 1_000_000,
    value: 900_000 + i,
    atp: formatAtp(900_000 + i),
    dies: (BORN + i + 365) * DAY_MS,
  }))
  const dead = { origin: BORN - 400, born: (BORN - 400) * DAY_MS, principal: 7, value: 0, atp: '0' }
  const next = { time: (BORN + 50) * DAY_MS + 7 * HOUR_MS, spendable: 12_000_000, atp: '12' }
  return {
    society: SOCIETY,
    lct: LCT,
    spendable: 12_500_000,
    atp: '12.5',
    size: 3,
    final: 3,
    final_for_us: 3,
    lots: [dead, ...views],
    next: lots === 0 ? [] : [next],
    ...(lots === 0 ? {} : { oldest_dies: (BORN + 365) * DAY_MS }),
  }
}

describe('web4 atp', function () {
  this.timeout(20_000)
  let scene: CliScene
  beforeEach(async () => {
    scene = await CliScene.open()
  })
  afterEach(() => scene.close())

  async function text(...argv: string[]): Promise<string> {
    const { code, stderr, stdout } = await scene.web4(['atp', ...argv])
    assert.equal(code, 0, stderr)
    const wide = stdout.split('\n').filter(line => !line.includes(SOCIETY) && line.length > 80)
    assert.deepEqual(wide, [], 'lines of more than 80 columns')
    return stdout
  }

  describe('balance', () => {
    const serve = (...accounts: AccountView[]) => scene.serve({ accounts: async () => accounts })

    it('shows lots, next steps and the next death; dates in UTC, times only where an interval has one', async () => {
      await serve(account(2))
      assert.equal(
        await text('balance', LCT),
        [
          `12.5 ATP of ${SOCIETY}: final`,
          '  born        ATP left  dies',
          '  2024-10-04       0.9  2025-10-04',
          '  2024-10-05  0.900001  2025-10-05',
          '  next decay steps',
          '  2024-11-23T07:00:00Z  12',
          '  the oldest lot dies 2025-10-04',
          '',
        ].join('\n'),
      )
    })

    it('shows ten lots at most, and says how many more there are; all of them as data', async () => {
      await serve(account(11))
      const shown = await text('balance', LCT)
      assert.equal(shown.match(/^ {2}2024-10-\d\d {2}/gm)?.length, 10)
      assert.match(shown, /^ {2}and 1 younger lot; --json shows all$/m)
      const { accounts } = await scene.json<{ accounts: AccountView[] }>('atp', 'balance', LCT)
      assert.deepEqual(accounts, [account(11)])
    })

    it('shows ten lots without a word about others', async () => {
      await serve(account(10))
      const shown = await text('balance', LCT)
      assert.equal(shown.match(/^ {2}2024-10-\d\d {2}/gm)?.length, 10)
      assert.doesNotMatch(shown, /younger/)
    })

    it('says of an empty account what it holds, and no more', async () => {
      await serve({ ...account(0), atp: '0', spendable: 0 })
      assert.equal(await text('balance', LCT), `0 ATP of ${SOCIETY}: final\n`)
    })
  })

  describe('project LCT', () => {
    it('draws a chart of each society, with days and dates', async () => {
      await scene.serve()
      const shown = await text('project', LCT, '--days', '30')
      assert.match(
        shown,
        new RegExp(`^1000 ATP of ${SOCIETY}\n  5 % in 30 d, 0.5 % for the first 7 d, nothing left at `),
      )
      assert.match(shown, /^1000┤━.*\n(?:.*\n)+ 970┤.*━$/m)
      assert.match(shown, /^ {2}day 0 +1000 {2}2024-11-03\n(?:.*\n)+ {2}day 30 +970 {2}2024-12-03\n$/m)
      assert.doesNotMatch(shown, /nothing is left from/)
    })

    it('gives 90 days unless told otherwise, and asks for one society when told', async () => {
      const asked: unknown[] = []
      const { projections } = fakeService()
      await scene.serve({
        projections: (...request) => {
          asked.push(request)
          return projections(...request)
        },
      })
      const { accounts, lct } = await scene.json<{ accounts: Projection[]; lct: string }>('atp', 'project', LCT)
      assert.deepEqual([lct, accounts[0]?.points.length], [LCT, 91])
      await scene.json('atp', 'project', LCT, '--days', '0', '--society', SOCIETY)
      assert.deepEqual(asked, [
        [LCT, 90, undefined],
        [LCT, 0, SOCIETY],
      ])
    })

    it('ACCOUNT_UNKNOWN: nobody here knows the LCT', async () => {
      await scene.serve({ projections: async () => [] })
      await scene.refused('ACCOUNT_UNKNOWN', 'atp', 'project', LCT)
    })

    it('BAD_REQUEST: nothing to project, two things, or an option of the other one', async () => {
      assert.match(await scene.refused('BAD_REQUEST', 'atp', 'project'), /an LCT, or --amount/)
      assert.match(await scene.refused('BAD_REQUEST', 'atp', 'project', LCT, '--amount', '1'), /either/)
      assert.match(await scene.refused('BAD_REQUEST', 'atp', 'project', LCT, '--law', 'low'), /--law/)
      const foreign = ['atp', 'project', '--amount', '1', '--society', SOCIETY]
      assert.match(await scene.refused('BAD_REQUEST', ...foreign), /--society/)
    })
  })

  describe('project --amount, without a node', () => {
    const project = (...more: string[]) => scene.json<Projection>('atp', 'project', '--amount', ...more)
    async function lawFile(value: unknown): Promise<string> {
      const path = join(scene.dir, 'law.json')
      await writeFile(path, typeof value === 'string' ? value : JSON.stringify(value))
      return path
    }
    const lastUnder = async (law: string, days: string) =>
      (await project('1000000000', '--days', days, '--law', law)).points.at(-1)?.atp

    it('is exact to the micro-ATP under the default law', async () => {
      const { law, points, ...rest } = await project('1000000000', '--days', '400')
      assert.deepEqual(rest, {})
      assert.deepEqual(law, MODERATE)
      assert.deepEqual(
        points.map(({ day }) => day),
        Array.from({ length: 401 }, (_, day) => day),
      )
      const atp = (day: number) => points[day]?.atp
      assert.deepEqual([0, 1, 7, 8, 30, 364, 365, 400].map(atp), [
        '1000000000',
        '999833333.333333',
        '998833916.504653',
        '997169193.310478',
        '961239119.621443',
        '550645997.627357',
        '0',
        '0',
      ])
    })

    for (const [law, left] of [
      ['none', '1000000000'],
      ['low', '992129851.126407'],
      ['moderate', '961239119.621443'],
      ['high', '923921237.831694'],
      ['aggressive', '853410204.886767'],
      ['20000', '984319116.676404'],
    ] as const) {
      it(`leaves ${left} after 30 days under ${law}`, async () => {
        assert.equal(await lastUnder(law, '30'), left)
      })
    }

    it('takes a law from a file, whole or in part', async () => {
      const decay = { base_ppm: 200_000, grace_ms: 0, max_age_ms: 10 * DAY_MS }
      const whole = defaultLaw({ witness_key: KEY, finality: [KEY], birth: [KEY] })
      for (const law of [{ decay }, { ...whole, decay }]) {
        const { law: used, points } = await project('1', '--days', '10', '--law', await lawFile(law))
        assert.deepEqual(used, { ...decay, interval_ms: DAY_MS })
        assert.deepEqual([points[1]?.atp, points[9]?.atp, points[10]?.atp], ['0.993333', '0.941575', '0'])
      }
      const part = await project('1', '--law', await lawFile({ decay: { base_ppm: 10_000 } }))
      assert.deepEqual(part.law, { ...MODERATE, base_ppm: 10_000 })
      const other = await project('1', '--law', await lawFile({ endpoints: [] }))
      assert.deepEqual(other.law, MODERATE)
    })

    it('takes what web4 law show --json prints, with its interval', async () => {
      const law = defaultLaw({ witness_key: KEY, finality: [KEY], birth: [KEY] }) as unknown as JsonObject
      const view = { ...viewOf(fakeService()), law, interval_ms: 36 * HOUR_MS }
      await scene.serve({ law: () => ok(view) })
      const path = await lawFile(await scene.json('law', 'show', SOCIETY))
      const { law: used, points } = await project('1000', '--days', '4', '--law', path)
      assert.deepEqual(used, { ...MODERATE, interval_ms: 36 * HOUR_MS })
      // Steps at 1.5 and 3 days: 36 h of 0.5 % in 30 days are 0.025 %.
      assert.deepEqual(
        points.map(({ atp }) => atp),
        ['1000', '1000', '999.75', '999.500062', '999.500062'],
      )
    })

    it('reads as text', async () => {
      const shown = await text('project', '--amount', '1000', '--days', '400')
      assert.match(
        shown,
        /^1000 ATP under moderate\n {2}5 % in 30 d, 0.5 % for the first 7 d, nothing left at 365 d, steps of 1 d\n/,
      )
      assert.match(shown, /┤━/)
      assert.match(shown, /\n {2}day 0 +1000\n(?:.*\n)+ {2}day 400 +0\n {2}nothing is left from day 365 on\n$/)
      const flat = await text('project', '--amount', '9007199254.740991', '--days', '1', '--law', 'none')
      assert.doesNotMatch(flat, /┤/)
      assert.match(flat, /\n {2}day 1 {2}9007199254.740991\n$/)
      assert.match(await text('project', '--amount', '0.000001', '--days', '0'), /\n {2}day 0 {2}0.000001\n$/)
    })

    for (const [why, code, law] of [
      ['a rate above 100 %', 'LAW_VALUES', { decay: { base_ppm: 1_000_001 } }],
      ['a grace longer than the maximal age', 'LAW_VALUES', { decay: { grace_ms: 2 * DAY_MS, max_age_ms: DAY_MS } }],
      ['a maximal age below one interval', 'LAW_VALUES', { decay: { grace_ms: 0, max_age_ms: DAY_MS - 1 } }],
      ['a maximal age of too many intervals', 'LAW_VALUES', { decay: { max_age_ms: 10_001 * DAY_MS } }],
      ['an interval that is too short', 'LAW_VALUES', { law: {}, interval_ms: HOUR_MS - 1 }],
      ['an interval that is none', 'FORMAT_SCHEMA', { law: {}, interval_ms: 'a day' }],
      ['an interval that is not whole', 'FORMAT_SCHEMA', { law: {}, interval_ms: DAY_MS + 0.5 }],
      ['a negative rate', 'FORMAT_SCHEMA', { decay: { base_ppm: -1 } }],
      ['a rate that is not whole', 'FORMAT_SCHEMA', { decay: { base_ppm: 0.5 } }],
      ['a decay that is no object', 'FORMAT_SCHEMA', { decay: 5 }],
      ['a member that no law has', 'FORMAT_UNKNOWN_FIELD', { decay: { base: 5 } }],
      ['rules of the future', 'UNKNOWN_PROTOCOL', { protocol: 2 }],
      ['a list', 'BAD_REQUEST', []],
      ['no JSON', 'BAD_REQUEST', '{'],
    ] as const) {
      it(`${code}: ${why}`, async () => {
        const path = await lawFile(law)
        assert.ok((await scene.refused(code, 'atp', 'project', '--amount', '1', '--law', path)).startsWith(path))
      })
    }

    it('LAW_VALUES: ppm above 100 %', async () => {
      const said = await scene.refused('LAW_VALUES', 'atp', 'project', '--amount', '1', '--law', '1000001')
      assert.equal(said, '1000001: decay.base_ppm')
    })

    it('BAD_REQUEST: no such preset or file, or a folder', async () => {
      const said = await scene.refused('BAD_REQUEST', 'atp', 'project', '--amount', '1', '--law', 'gentle')
      assert.equal(said, 'cannot read gentle: no file, and none of none, low, moderate, high, aggressive')
      await mkdir(join(scene.dir, 'law'))
      await scene.refused('BAD_REQUEST', 'atp', 'project', '--amount', '1', '--law', join(scene.dir, 'law'))
    })

    for (const amount of ['-5', '0', '0.0000001', '1.0000001', '9007199254.740992', '99999999999', '1e3', '1,5', '']) {
      it(`BAD_REQUEST: an amount of ${JSON.stringify(amount)}`, async () => {
        const said = await scene.refused('BAD_REQUEST', 'atp', 'project', '--amount', amount)
        assert.match(said, /from 0\.000001 to 9007199254\.740991\.$/)
      })
    }

    for (const days of ['1.5', '-1', '3651', 'many', '']) {
      it(`BAD_REQUEST: ${JSON.stringify(days)} days`, async () => {
        const said = await scene.refused('BAD_REQUEST', 'atp', 'project', '--amount', '1', '--days', days)
        assert.match(said, /a whole number from 0 to 3650\.$/)
      })
    }
  })
})

function viewOf(service: NodeService) {
  const law = service.law(SOCIETY)
  assert.ok(law.ok && law.value.keys.next === HASH)
  return law.value
}
