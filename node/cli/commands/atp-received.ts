import type { Command } from 'commander'
import { addCommand, type Cli, count, run } from '../command.ts'
import type { NodeOptions } from '../find-node.ts'

interface ReceivedOptions extends NodeOptions {
  readonly from?: string
  readonly society?: string
  readonly limit: number
}

const LIMIT_MAX = 1_000

/** What others say that they paid; the payee's own node says whether it counts. */
export function received(cli: Cli, parent: Command): void {
  const command = addCommand(parent, 'received', 'what an LCT was paid in the logs of other societies, newest first')
    .argument('<lct>')
    .option('--from <lct>', 'only by this payer')
    .option('--society <id>', 'only in the ATP of this society')
    .option(
      '--limit <n>',
      `at most so many, and those of the same moment; up to ${LIMIT_MAX}`,
      count(1, LIMIT_MAX),
      100,
    )
  run<ReceivedOptions>(cli, command, async ({ args, client, options, progress }) => {
    const lct = args[0] as string
    const { from, limit, society } = options
    const filter = {
      to: lct,
      limit,
      ...(from === undefined ? {} : { from }),
      ...(society === undefined ? {} : { society }),
    }
    const payments = await progress(
      'asking the node',
      client().then(node => node.payments(filter)),
    )
    const lines = payments.map(
      ({ atp, final, final_for_us, from: payer, record, society: log, time }) =>
        `${new Date(time).toISOString()}  ${atp} ATP of ${log} from ${payer}: ${finality(final, final_for_us)}\n  record ${record}`,
    )
    return { facts: { lct, payments }, text: lines.length === 0 ? `nothing for ${lct}` : lines.join('\n') }
  })
}

function finality(final: boolean, forUs: boolean): string {
  if (forUs) return 'final'
  return final ? 'final for them, not for us' : 'not final yet'
}
