import { type Command, InvalidArgumentError } from 'commander'
import type { Holding, Population } from '../../../sim/economy/population.ts'
import type { LawOnTrial, LawResult } from '../../../sim/economy/tune.ts'
import { DECAY_PRESETS, type Law } from '../../../src/records/law.ts'
import { refuseValues } from '../../../src/records/law-rules.ts'
import { CodedError } from '../../../src/rejection.ts'
import type { LctId } from '../../../src/units.ts'
import { addCommand, type Call, type Cli, count, type Outcome, run } from '../command.ts'
import { DECAY_PRESET_NAMES, decayOfLaw } from '../decay-law.ts'
import type { NodeOptions } from '../find-node.ts'

interface TuneOptions extends NodeOptions {
  readonly law?: readonly string[]
  readonly accounts?: number
  readonly society?: string
  readonly months: number
  readonly minimumVelocity: number
  readonly elasticity: number
  readonly hoarders: number
  readonly seed: number
}

/** Where every law begins, and the laws. */
interface Setting {
  readonly laws: readonly (LawOnTrial & { readonly population: Population })[]
  readonly facts: { readonly accounts: number; readonly society?: string; readonly size?: number }
}

const ACCOUNTS = 1_000
const ACCOUNTS_MAX = 1_000_000
const MONTHS_MAX = 120
/** min_velocity_per_month of the reference. */
const MINIMUM_VELOCITY = 0.5
const ELASTICITY = 2
const HOARDERS = 0.2
const PAGE = 1_000

const HELP = `
Accounts hold lots that decay exactly as in a ledger. How they behave is a model:
  - each pays out part of its holdings: hoarders 2 to 15 % in 30 days, the others
    40 to 120 %, a quarter of them (traders) 200 to 400 %; a real account what it
    paid out in its last whole window of 30 days, where the ledger has one;
  - what is paid on a day is divided among those that are paid on it, so that
    without decay everybody would keep about what he has;
  - with elasticity E, for each percent that a law takes in 30 days accounts
    spend E percent more; 0: nobody reacts;
  - what decayed in a month is charged again, in equal parts, to half of the
    accounts, those that work.
Synthetic holdings follow a Pareto distribution of shape 4/3, 1000 ATP on average.
The same seed draws the same behaviour under every law. More in docs/tuning.md.`

export function tune(cli: Cli, parent: Command): void {
  const command = addCommand(parent, 'tune', 'what laws would do to a society, side by side, in virtual time')
    .option(
      '--law <law>',
      `${DECAY_PRESET_NAMES}, ppm for 30 days, or a JSON file with a law; can be repeated; default: all presets, and of a --society the law in force`,
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option('--accounts <n>', `size of a synthetic population; default: ${ACCOUNTS}`, count(2, ACCOUNTS_MAX))
    .option('--society <id>', 'begin with its real holdings, from a node, instead')
    .option('--months <n>', 'of 30 days, in virtual time', count(1, MONTHS_MAX), 12)
    .option('--minimum-velocity <v>', 'count accounts that are slower', decimal(1_000), MINIMUM_VELOCITY)
    .option('--elasticity <e>', 'how much more is spent the more holding costs', decimal(100), ELASTICITY)
    .option('--hoarders <part>', 'of the accounts, 0 to 1', decimal(1), HOARDERS)
    .option('--seed <n>', 'of the behaviour', count(0, 2 ** 32 - 1), 1)
    .addHelpText('after', HELP)
  run<TuneOptions>(cli, command, async call => {
    const { accounts, society } = call.options
    if (accounts !== undefined && society !== undefined)
      throw new CodedError('BAD_REQUEST', 'give either --accounts or --society: a society has the accounts it has')
    const laws = await Promise.all((call.options.law ?? Object.keys(DECAY_PRESETS)).map(decayOfLaw))
    if (society !== undefined) return tried(call, await realSetting(call, society, laws))
    const { syntheticPopulation } = await import('../../../sim/economy/population.ts')
    const size = accounts ?? ACCOUNTS
    const population = (interval_ms: number) => syntheticPopulation(size, interval_ms, call.options.seed)
    return tried(call, {
      laws: laws.map(law => ({ ...law, population: population(law.interval_ms) })),
      facts: { accounts: size },
    })
  })
}

async function tried(call: Call<TuneOptions>, { facts: of, laws }: Setting): Promise<Outcome> {
  const { elasticity, hoarders, minimumVelocity, months, seed } = call.options
  const { startOf, tryLaw } = await import('../../../sim/economy/tune.ts')
  const { tuneText } = await import('../../../sim/economy/report.ts')
  const results: LawResult[] = []
  for (const [index, { population, ...law }] of laws.entries()) {
    const trial = { population, months, seed, minimumVelocity, elasticity, hoarders }
    results.push(await call.progress(`law ${index + 1} of ${laws.length}, ${law.name}`, tryLaw(law, trial)))
  }
  const [first] = laws
  const facts = {
    seed,
    months,
    ...of,
    minimum_velocity: minimumVelocity,
    elasticity,
    hoarders,
    start: startOf((first as Setting['laws'][number]).population),
    laws: results,
  }
  return { facts, text: tuneText(facts) }
}

/** `laws` without --law: those that everybody compares with. The interval is the charter's, whatever a file says. */
async function realSetting(call: Call<TuneOptions>, society: string, laws: readonly LawOnTrial[]): Promise<Setting> {
  const client = await call.client()
  const inForce = (await client.law({ id: society })).law as unknown as Law
  const { population, size } = await call.progress('reading accounts', readPopulation(call, society))
  const accounts = population.holdings.length
  if (accounts < 2)
    throw new CodedError('BAD_REQUEST', `${society} has ${accounts} accounts with ATP; two can pay each other`)
  const onTrial = [
    ...(call.options.law === undefined ? [{ name: 'in force', rates: inForce.decay }] : []),
    ...laws.map(({ name, rates }) => ({ name, rates })),
  ]
  for (const { name, rates } of onTrial) {
    const bad = refuseValues({ ...inForce, decay: rates }, population.interval_ms)
    if (bad !== undefined) throw new CodedError(bad.code, `${name}: ${bad.detail}`)
  }
  return { laws: onTrial.map(law => ({ ...law, population })), facts: { accounts, society, size } }
}

/** All pages. They need not be of one moment: a payment in between counts twice or not at all, which no law on trial can tell. */
async function readPopulation(call: Call<TuneOptions>, society: string) {
  const client = await call.client()
  const accounts: Awaited<ReturnType<typeof client.holdings>>['accounts'][number][] = []
  let after: LctId | undefined
  for (;;) {
    const page = await client.holdings({ society, limit: PAGE, ...(after === undefined ? {} : { after }) })
    accounts.push(...page.accounts)
    after = page.next
    if (after !== undefined) continue
    const { decay, interval_ms, size } = page
    const factors = decay.factors.toReversed()
    const holdings = accounts.flatMap(({ lots, velocity }): Holding[] => {
      const alive = lots
        .map(({ origin, principal }) => [decay.k - origin, principal] as const)
        .filter(([age]) => (factors[age] ?? 0) > 0)
      return alive.length === 0 ? [] : [{ lots: alive, ...(velocity === undefined ? {} : { velocity }) }]
    })
    return { population: { interval_ms, factors, holdings }, size }
  }
}

/** At least 0, at most six places. */
function decimal(maximum: number): (text: string) => number {
  return text => {
    const number = /^\d{1,4}(?:\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN
    if (!(number <= maximum)) throw new InvalidArgumentError(`Give a number from 0 to ${maximum}.`)
    return number
  }
}
