import type { Command } from 'commander'
import { addCommand, type Cli, run } from '../command.ts'

export function peers(cli: Cli, program: Command): void {
  const parent = addCommand(program, 'peers', 'who is connected, and what they think of this node')
  run(cli, parent, async ({ client, progress }) => {
    const { peers: connected } = await progress(
      'asking the node',
      client().then(node => node.status()),
    )
    const lines = connected.map(({ found_by, peer, society, verdict_on_us }) =>
      [peer, society === '' ? 'no society' : society, found_by, verdict_on_us ?? ''].join('  ').trimEnd(),
    )
    return { facts: { peers: connected }, text: lines.length === 0 ? 'no peers' : lines.join('\n') }
  })
  const connect = addCommand(parent, 'connect', 'connect to a node').argument('<address>', 'multiaddress')
  run(cli, connect, async ({ args, client, progress }) => {
    const address = args[0] as string
    const facts = await progress(
      'connecting',
      client().then(node => node.connect({ body: { address } })),
    )
    return { facts, text: `connected to ${facts.peer}` }
  })
}
