import type { Command } from 'commander'
import { CodedError } from '../../../src/rejection.ts'
import { addCommand, type Cli, run } from '../command.ts'
import { isSocietyId } from '../named-society.ts'
import { addNodeOptions, runNode } from '../run-node.ts'

/** A node without a society: it holds and checks the logs of others, signs none, and is named in no law. */
export function observer(cli: Cli, program: Command): void {
  const command = addCommand(
    program,
    'observer',
    'run a node without a society: follow and check logs of others',
    false,
  )
  command.option(
    '--follow <society>',
    'id of a society whose log to follow; can be repeated',
    (text, before: readonly string[] = []) => [...before, idOf(text)],
  )
  run<Record<string, unknown>>(cli, addNodeOptions(command), call => {
    const followed = (call.options.follow ?? []) as readonly string[]
    return runNode(call, {
      observer: true,
      async started({ service }) {
        for (const society of followed) await service.operator.policy(society, { follow: true })
      },
    })
  })
}

function idOf(text: string): string {
  if (!isSocietyId(text)) throw new CodedError('BAD_REQUEST', `no society id: ${text}`)
  return text
}
