import type { Command } from 'commander'
import { addCommand, type Cli, run } from '../command.ts'
import { addNodeOptions, runNode } from '../run-node.ts'

export function start(cli: Cli, program: Command): void {
  const command = addCommand(program, 'start', 'run a node until SIGINT or SIGTERM', false)
  run<Record<string, unknown>>(cli, addNodeOptions(command), call => runNode(call))
}
