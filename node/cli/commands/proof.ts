import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { CodedError } from '../../../src/rejection.ts'
import { addCommand, type Cli, run } from '../command.ts'

interface ProofOptions {
  readonly out?: string
}

export function proof(cli: Cli, program: Command): void {
  const command = addCommand(program, 'proof', 'bundle that proves a final record, or the birth of an LCT, offline')
    .argument('<id>', 'record id, or LCT')
    .option('--out <file>', 'write it there instead of to stdout')
  run<ProofOptions>(cli, command, async ({ args, client: find, options, progress }) => {
    const id = args[0] as string
    const client = await find()
    const work = id.startsWith('lct:') ? client.certificate({ id }) : client.proof({ id })
    const bytes = await progress('making the bundle', work)
    // Byte for byte, without a line end: it would be one byte too many for `web4 verify`.
    if (options.out === undefined) return { facts: {}, text: '', bytes }
    await writeFile(options.out, bytes).catch(cause => {
      throw new CodedError('BAD_REQUEST', `cannot write ${options.out}`, { cause })
    })
    return { facts: { id, file: options.out, bytes: bytes.length }, text: `${bytes.length} bytes in ${options.out}` }
  })
}
