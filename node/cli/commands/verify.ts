import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { CodedError } from '../../../src/rejection.ts'
import { addCommand, type Cli, keyList, run } from '../command.ts'

interface VerifyOptions {
  readonly society?: string
  readonly accept?: readonly string[]
  readonly portable?: boolean
}

/** Offline: nothing but the file, and what the reader says to know. */
export function verify(cli: Cli, program: Command): void {
  const command = addCommand(program, 'verify', 'check a bundle offline, and say whose word it is', false)
    .argument('<file>')
    .option('--society <id>', 'the society that it must be of')
    .option('--accept <key>', 'count only this witness; can be repeated', keyList)
    .option('--portable', 'check signatures without native code')
  run<VerifyOptions>(cli, command, async ({ args, options, progress }) => {
    const { accept, society } = options
    const bytes = await readFile(args[0] as string).catch(cause => {
      throw new CodedError('BAD_REQUEST', `cannot read ${args[0]}`, { cause })
    })
    const named = { ...(society === undefined ? {} : { society }), ...(accept === undefined ? {} : { accept }) }
    const check = options.portable === true ? await portable() : await native()
    const work = Promise.resolve().then(() => check(new Uint8Array(bytes), named))
    const result = await progress('checking', work)
    if (!result.ok) throw new CodedError(result.error.code, result.error.detail)
    const { record, ...verdict } = result.value
    const { id, kind, known, quorum, seq, society: of, witnesses } = verdict
    const words = `final by ${quorum} of ${witnesses.length} witnesses named by the society; known to you: ${known.length}`
    const text = `${kind} ${id}\nentry ${seq} of ${of}\n${words}`
    return { facts: { valid: true, ...verdict, words, record }, text }
  })
}

/** Loads no native code, so that there is a second opinion where the first cannot even start. */
async function portable() {
  return (await import('../../../src/log/offline.ts')).verifyBundle
}

async function native(): Promise<Awaited<ReturnType<typeof portable>>> {
  const { verifyBundle } = await import('../../../src/log/bundle.ts')
  const { sha256, verifySync } = await import('../../crypto/sodium.ts')
  return (bytes, named) => verifyBundle(bytes, { ...named, verify: verifySync, sha256 })
}
