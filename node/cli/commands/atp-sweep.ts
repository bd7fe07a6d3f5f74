import type { Command } from 'commander'
import { CodedError } from '../../../src/rejection.ts'
import type { MicroAtp } from '../../../src/units.ts'
import type { Client } from '../../api/client.ts'
import { addCommand, atpAmount, type Call, type Cli, type Outcome, run } from '../command.ts'

interface SweepOptions {
  readonly minimum?: MicroAtp
  readonly wait?: boolean
  readonly show?: boolean
}

type Decay = Awaited<ReturnType<Client['decay']>>
type Cycle = Awaited<ReturnType<Client['sweep']>>['cycle']

const POLL_MS = 200
/** A cycle that has not gone on for so long waits for something that the operator must know of. */
const STUCK_MS = 90_000

export function sweep(cli: Cli, parent: Command): void {
  const command = addCommand(parent, 'sweep', 'bring the decay of all accounts into the books, by the society')
    .option('--minimum <atp>', 'only accounts that lost at least so much since their last entry', atpAmount)
    .option('--wait', 'until all accounts are done')
    .option('--show', 'begin nothing, only show what the decay service has done')
  run<SweepOptions>(cli, command, async call => {
    const { client, options, progress } = call
    const node = await client()
    if (options.show === true) return shown(await node.decay())
    const body = options.minimum === undefined ? {} : { minimum: options.minimum }
    const { cycle, joined } = await node.sweep({ body })
    if (options.wait !== true) {
      const text = `${joined ? 'joined' : 'began'} cycle ${cycle.number}: \`web4 atp sweep --show\` shows how far it is`
      return { facts: { joined, ...cycle }, text }
    }
    const ended = await progress('sweeping', untilEnded(call, node, cycle))
    return { facts: { joined, ...ended }, text: cycleText(ended) }
  })
}

/** The cycle when it has ended, or, if others have ended meanwhile, the newest of them. */
async function untilEnded({ context }: Call<SweepOptions>, node: Client, begun: Cycle): Promise<Cycle> {
  let seen = begun.accounts
  let since = context.now()
  for (;;) {
    const { cycle, error, last, why } = await node.decay()
    if (last !== undefined && last.number >= begun.number) return last
    const accounts = cycle?.accounts ?? 0
    if (accounts !== seen) [seen, since] = [accounts, context.now()]
    if (context.now() - since > STUCK_MS) {
      const code = (why ?? error?.code ?? 'OVERLOADED') as CodedError['code']
      throw new CodedError(code, `cycle ${begun.number} stands at ${seen} accounts for ${STUCK_MS / 1_000} s`)
    }
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}

function shown(decay: Decay): Outcome {
  const { cycle, done, error, last, minimum, next, scheduled, state, totals, why } = decay
  const lines = [
    `${decay.society}: ${state}${why === undefined ? '' : `, ${why}`}`,
    scheduled
      ? `schedule  every ${decay.interval_ms / 3_600_000} h, losses from ${minimum} ATP on${next === undefined ? '' : `; next ${dateOf(next)}`}`
      : 'schedule  off',
    ...(done === undefined ? [] : [`in books  interval ${done.interval}, since ${dateOf(done.time)}`]),
    `totals    ${totals.cycles} cycles, ${totals.decayed} ATP in ${totals.entries} entries, ${totals.errors} errors`,
    ...(error === undefined ? [] : [`error     ${error.code}, ${dateOf(error.time)}`]),
    ...[cycle, last].flatMap(each => (each === undefined ? [] : [cycleText(each)])),
  ]
  return { facts: decay, text: lines.join('\n') }
}

function cycleText(cycle: Cycle & { readonly ended?: number }): string {
  return [
    `cycle ${cycle.number}, interval ${cycle.interval}: ${cycle.ended === undefined ? 'in work' : `ended ${dateOf(cycle.ended)}`}`,
    `accounts  ${cycle.accounts} looked at, ${cycle.swept} swept in ${cycle.entries} entries`,
    `decayed   ${cycle.decayed} ATP`,
    `took      ${cycle.duration_ms / 1_000} s`,
  ].join('\n')
}

function dateOf(time: number): string {
  return new Date(time).toISOString()
}
