import type { Command } from 'commander'
import { CodedError } from '../../../src/rejection.ts'
import { genesisDecay } from '../../../src/state/decay.ts'
import { DecayCourse, projectDays } from '../../../src/state/projection.ts'
import { formatAtp, type MicroAtp } from '../../../src/units.ts'
import { PROJECTION_DAYS, PROJECTION_DAYS_MAX } from '../../api/economy-schemas.ts'
import { decayText, projectionText } from '../account-text.ts'
import { addCommand, atpAmount, atpText, type Call, type Cli, count, type Outcome, run } from '../command.ts'
import { DECAY_PRESET_NAMES, decayOfLaw } from '../decay-law.ts'
import type { NodeOptions } from '../find-node.ts'

interface ProjectOptions extends NodeOptions {
  readonly amount?: MicroAtp
  readonly days: number
  readonly law?: string
  readonly society?: string
}

export function project(cli: Cli, parent: Command): void {
  const command = addCommand(
    parent,
    'project',
    'what will be left day by day, if nothing moves and the law stays: of an LCT, or without a node of an amount',
  )
    .argument('[lct]', 'whose accounts; or give --amount')
    .option('--amount <atp>', 'of new ATP, under --law', atpAmount)
    .option('--days <n>', 'how far ahead', count(0, PROJECTION_DAYS_MAX), PROJECTION_DAYS)
    .option(
      '--law <law>',
      `for --amount: ${DECAY_PRESET_NAMES}, ppm for 30 days, or a JSON file: a law, members of it, or what law show --json says; default: moderate`,
    )
    .option('--society <id>', 'only in the ATP of this society')
  run<ProjectOptions>(cli, command, call => {
    const lct = call.args[0]
    const { amount, law, society } = call.options
    if (lct === undefined && amount === undefined)
      throw new CodedError('BAD_REQUEST', 'of what? Give an LCT, or --amount ATP')
    if (lct !== undefined && amount !== undefined)
      throw new CodedError('BAD_REQUEST', 'give either an LCT or --amount: an account holds what it holds')
    if (lct !== undefined && law !== undefined)
      throw new CodedError('BAD_REQUEST', '--law goes with --amount: an account is under the law of its society')
    if (amount !== undefined && society !== undefined)
      throw new CodedError('BAD_REQUEST', '--society goes with an LCT; for --amount give --law')
    return lct === undefined ? projectAmount(call, amount as MicroAtp) : projectAccounts(call, lct)
  })
}

/** A lot that comes into being at the start of an interval; no node, no clock. */
async function projectAmount({ options }: Call<ProjectOptions>, amount: MicroAtp): Promise<Outcome> {
  const { name, rates, interval_ms } = await decayOfLaw(options.law ?? 'moderate')
  const law = { ...rates, interval_ms }
  const course = new DecayCourse(genesisDecay(0, interval_ms, rates), interval_ms, rates)
  const points = [...projectDays(course, [[0, amount]], 0, options.days)].map(({ day, spendable }) => ({
    day,
    atp: formatAtp(spendable),
  }))
  const text = [`${atpText(amount)} under ${name}`, `  ${decayText(law)}`, ...(await projectionText(points))]
  return { facts: { law, points }, text: text.join('\n') }
}

async function projectAccounts(call: Call<ProjectOptions>, lct: string): Promise<Outcome> {
  const { days, society } = call.options
  const client = await call.client()
  const asked = client.projection({ lct, days, ...(society === undefined ? {} : { society }) })
  const accounts = await call.progress('asking the node', asked)
  if (accounts.length === 0) throw new CodedError('ACCOUNT_UNKNOWN', `no account of ${lct} here`)
  const blocks: string[] = []
  for (const { law, points, society: of, time } of accounts) {
    const lines = [`${points[0]?.atp} ATP of ${of}`, `  ${decayText(law)}`, ...(await projectionText(points, time))]
    blocks.push(lines.join('\n'))
  }
  return { facts: { lct, accounts }, text: blocks.join('\n\n') }
}
