import type { Command } from 'commander'
import { CodedError } from '../../../src/rejection.ts'
import { decayText, utcText, velocityText } from '../account-text.ts'
import { addCommand, type Cli, run } from '../command.ts'
import type { NodeOptions } from '../find-node.ts'
import { namedSociety, SOCIETY_HELP } from '../named-society.ts'

export function supply(cli: Cli, parent: Command): void {
  const command = addCommand(
    parent,
    'supply',
    'what a society has: minted, in the pool, on accounts, and how fast it moves',
  ).argument('[society]', `${SOCIETY_HELP}; default: the own one`)
  run<NodeOptions>(cli, command, async ({ args, client }) => {
    const node = await client()
    const named = args[0] ?? (await node.status()).society
    if (named === '') throw new CodedError('BAD_REQUEST', 'this node has no society: name one')
    const economy = await node.economy({ id: await namedSociety(node, named) })
    const { accounts, final, law, minted, pool, size, slashed, supply: all, time, velocity } = economy
    const lines = [
      `${all} ATP and ADP of ${economy.society} at ${utcText(time)}`,
      `  minted    ${minted}`,
      `  slashed   ${slashed}`,
      `  pool      ${pool}`,
      `  accounts  ${accounts}`,
      `  decay     ${decayText(law)}`,
      ...velocityText(velocity),
      ...(final < size ? [`  not all final yet (entry ${size - 1} is the newest, below ${final} all are)`] : []),
    ]
    return { facts: economy, text: lines.join('\n') }
  })
}
