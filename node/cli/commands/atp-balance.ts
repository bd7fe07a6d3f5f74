import type { Command } from 'commander'
import { CodedError } from '../../../src/rejection.ts'
import type { Client } from '../../api/client.ts'
import { holdingsText } from '../account-text.ts'
import { addCommand, type Cli, run } from '../command.ts'
import type { NodeOptions } from '../find-node.ts'

interface BalanceOptions extends NodeOptions {
  readonly society?: string
  readonly wait?: boolean
}

export function balance(cli: Cli, parent: Command): void {
  const command = addCommand(
    parent,
    'balance',
    'what an LCT can spend, by age, what decays next, and whether it is final',
  )
    .argument('<lct>')
    .option('--society <id>', 'only in the ATP of this society')
    .option('--wait', 'until all that is here is final')
  run<BalanceOptions>(cli, command, async ({ args, client, options, progress }) => {
    const lct = args[0] as string
    const query = { lct, ...(options.society === undefined ? {} : { society: options.society }) }
    const node = await client()
    const accounts = await progress(
      options.wait === true ? 'waiting for witnesses' : 'asking the node',
      accountsOf(node, query, options.wait === true),
    )
    if (accounts.length === 0) throw new CodedError('ACCOUNT_UNKNOWN', `no account of ${lct} here`)
    const lines = accounts.flatMap(account => [
      `${account.atp} ATP of ${account.society}: ${finality(account)}`,
      ...holdingsText(account),
    ])
    return { facts: { lct, accounts }, text: lines.join('\n') }
  })
}

type Account = Awaited<ReturnType<Client['accounts']>>[number]

const POLL_MS = 200
const WAIT_MS = 90_000

async function accountsOf(
  node: Client,
  query: Parameters<Client['accounts']>[0],
  wait: boolean,
): Promise<readonly Account[]> {
  for (let waited = 0; ; waited += POLL_MS) {
    const accounts = await node.accounts(query)
    const settled = accounts.length > 0 && accounts.every(({ final_for_us, size }) => final_for_us >= size)
    if (!wait || settled || waited >= WAIT_MS) return accounts
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}

function finality({ final, final_for_us, size }: Account): string {
  if (final < size) return `not all final yet (entry ${size - 1} is the newest, below ${final} all are)`
  return final_for_us < size ? 'final for them, not for us' : 'final'
}
