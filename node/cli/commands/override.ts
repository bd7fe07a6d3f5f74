import type { Command } from 'commander'
import { addCommand, type Cli, count, run } from '../command.ts'

interface OverrideOptions {
  readonly size: number
}

/** The operator decides what the peers cannot: that nothing was signed beyond what the node holds. */
export function override(cli: Cli, program: Command): void {
  const command = addCommand(
    program,
    'override',
    'sign without having heard enough others after a start; look at `web4 status` first',
  )
    .argument('<society>', 'the log')
    .requiredOption('--size <n>', 'entries that the node holds, said again', count(0, Number.MAX_SAFE_INTEGER))
  run<OverrideOptions>(cli, command, async ({ args, client: find, options }) => {
    const society = args[0] as string
    const client = await find()
    const view = await client.override({ body: { society, size: options.size } })
    return {
      facts: view,
      text: `${society}: signs from ${view.size} entries on, until the node stops. If it signed more before, the log forks.`,
    }
  })
}
