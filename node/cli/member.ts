import { readFile, writeFile } from 'node:fs/promises'
import { isAbsolute, join, sep } from 'node:path'
import type { Command } from 'commander'
import type { Signer } from '../../src/ports.ts'
import { lctPattern } from '../../src/records/fields.ts'
import { homeOf } from '../../src/records/names.ts'
import { CodedError } from '../../src/rejection.ts'
import type { LctId } from '../../src/units.ts'
import type { CliContext } from './context.ts'
import { dataFolder, type NodeOptions } from './find-node.ts'

/** Key files of members: where they are, whose they are, and how they are opened. */

export interface MemberOptions extends NodeOptions {
  readonly key?: string
  readonly as?: string
  readonly passphraseFile?: string
}

/** Who acts, with the key to sign. */
export interface Member {
  readonly lct: LctId
  readonly home: string
  readonly signer: Signer
}

export function addMemberOptions(command: Command, required = true): Command {
  const flag = '--key <file>'
  const text = "the member's key file, or its name in the keys folder"
  if (required) command.requiredOption(flag, text)
  else command.option(flag, text)
  return command
    .option('--as <lct>', 'the LCT that acts; default: the one noted beside the key file')
    .option('--passphrase-file <file>', 'file whose first line opens the key file')
}

/** A path as given, or a plain name as `<data folder>/keys/<name>.key`. */
export function keyPath(key: string, options: NodeOptions, env: CliContext['env']): string {
  if (isAbsolute(key) || key.includes('/') || key.includes(sep) || key.endsWith('.key')) return key
  return join(dataFolder(options, env), 'keys', `${key}.key`)
}

function lctPath(path: string): string {
  return path.replace(/(\.key)?$/, '.lct')
}

/** The LCT noted when the key was born. */
export async function readLct(path: string): Promise<LctId | undefined> {
  const text = await readFile(lctPath(path), 'utf8').catch(() => undefined)
  return text?.trim()
}

export async function writeLct(path: string, lct: LctId): Promise<void> {
  await writeFile(lctPath(path), `${lct}\n`)
}

export async function passphraseFor(
  path: string,
  { passphraseFile }: { readonly passphraseFile?: string },
  { env, terminal }: CliContext,
  confirm = false,
): Promise<string> {
  const { resolvePassphrase } = await import('../keys/passphrase.ts')
  return resolvePassphrase({
    ...(passphraseFile === undefined ? {} : { file: passphraseFile }),
    env,
    terminal,
    question: `Passphrase of ${path}: `,
    confirm,
  })
}

export async function openMember(key: string, options: MemberOptions, context: CliContext): Promise<Member> {
  const path = keyPath(key, options, context.env)
  const lct = options.as ?? (await readLct(path))
  if (lct === undefined) {
    throw new CodedError(
      'BAD_REQUEST',
      `whose key is ${path}? Say it with --as LCT, or ask for its birth: web4 birth --key ${path}`,
    )
  }
  if (!new RegExp(`^${lctPattern}$`).test(lct)) throw new CodedError('BAD_REQUEST', `no LCT: ${lct}`)
  const { openKeyFile } = await import('../keys/keystore.ts')
  const signer = await openKeyFile(path, await passphraseFor(path, options, context))
  if (signer.purpose !== 'member')
    throw new CodedError('KEY_FILE', `${path} is the ${signer.purpose} key, not a member's`)
  return { lct, home: homeOf(lct), signer }
}
