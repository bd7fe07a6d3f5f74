import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { CodedError } from '../../../src/rejection.ts'
import { configPath, readFolderConfig, readNodeConfig, writeFolderConfig } from '../../config/folder.ts'
import { formatInvitation } from '../../invitation.ts'
import { freePort, isLoopback, withoutLoopback, withPort } from '../../net/reachable.ts'
import { addCommand, type Call, type Cli, type Outcome, run } from '../command.ts'
import { dataFolder, type NodeOptions } from '../find-node.ts'
import { folderInvitation, publicKey, readName, slugOf } from '../folder.ts'
import { passphraseFor } from '../member.ts'

interface InitOptions extends NodeOptions {
  readonly name: string
  readonly listen?: readonly string[]
  readonly passphraseFile?: string
  readonly societyKey?: string
  readonly societyKeyPassphraseFile?: string
}

const ADVICE_NEXT =
  'Take it offline: move it to a medium that you keep elsewhere. Whoever has it can take over the society, and it alone\n' +
  '  replaces a lost or stolen society.key.'

/** From an empty folder to keys, options and an invitation. Nothing that is there is ever overwritten. */
export function init(cli: Cli, program: Command): void {
  const command = addCommand(
    program,
    'init',
    'set up a data folder: keys, options, and the invitation for others',
    false,
  )
    .requiredOption('--name <slug>', 'short name of the society: a-z, 0-9 and -')
    .option('--dir <folder>', 'data folder (environment: WEB4_DIR)')
    .option('--listen <address...>', 'where other nodes can connect; port 0 takes a free one and keeps it', repeated)
    .option('--passphrase-file <file>', 'file whose first line will open the key files')
    .option('--society-key <file>', 'to continue a log that ended: its next key, which becomes the society key here')
    .option('--society-key-passphrase-file <file>', 'opens that file; default: as the new key files')
  run<InitOptions>(cli, command, setUp)
}

export function repeated(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(',').filter(part => part !== '')]
}

async function setUp(call: Call<InitOptions>): Promise<Outcome> {
  const { context, options, progress } = call
  const name = slugOf(options.name)
  const dir = dataFolder(options, context.env)
  await refuseTaken(dir)
  const given = options.listen === undefined ? {} : { listen: options.listen }
  const config = await readNodeConfig({ env: context.env, flags: { dir, ...given } })
  const listen = await Promise.all(config.listen.map(withPort))
  // Several nodes of one machine need several ports, and commands find theirs by the folder.
  const api_port = context.env.WEB4_API_PORT === undefined ? await freePort(config.api_host) : config.api_port
  const { resolvePassphrase } = await import('../../keys/passphrase.ts')
  const passphrase = await resolvePassphrase({
    ...(options.passphraseFile === undefined ? {} : { file: options.passphraseFile }),
    env: context.env,
    terminal: context.terminal,
    question: `Passphrase for the new keys in ${dir}: `,
    confirm: true,
  })
  const { openNodeKeys } = await import('../../data-folder.ts')
  await mkdir(dir, { recursive: true, mode: 0o700 })
  if (options.societyKey !== undefined) await takeOver(options.societyKey, dir, passphrase, call)
  await progress(
    'making keys',
    openNodeKeys(dir, async () => passphrase),
  )
  await writeFolderConfig(dir, { name, listen, api_port })
  return report(dir, name, listen, api_port, await folderInvitation(dir, context.env, name))
}

/** The next key of another society under the purpose that lets it sign here, and under this folder's passphrase. */
async function takeOver(file: string, dir: string, passphrase: string, call: Call<InitOptions>): Promise<void> {
  const { createKeyFile, readSeed } = await import('../../keys/keystore.ts')
  const passphraseFile = call.options.societyKeyPassphraseFile
  const theirs = passphraseFile === undefined ? passphrase : await passphraseFor(file, { passphraseFile }, call.context)
  const { key, seed } = await readSeed(file, theirs)
  try {
    const path = join(dir, 'keys', 'society.key')
    await mkdir(join(dir, 'keys'), { recursive: true, mode: 0o700 })
    // Cut off last time, it is there already.
    if ((await publicKey(dir, 'society').catch(() => undefined)) === key) return
    await createKeyFile(path, 'society', passphrase, { seed })
  } finally {
    seed.fill(0)
  }
}

/** An `init` that was cut off before its last file is finished by the next one, with the keys that are there. */
async function refuseTaken(dir: string): Promise<void> {
  if ((await readFolderConfig(dir)) === undefined) return
  const name = await readName(dir)
  const key = await publicKey(dir, 'witness').catch(() => undefined)
  const keys = key === undefined ? 'no witness key' : `witness key ${key}`
  throw new CodedError('FOLDER_TAKEN', `${configPath(dir)} exists: ${name ?? 'a node without a name'}, ${keys}`)
}

async function report(
  dir: string,
  name: string,
  listen: readonly string[],
  apiPort: number,
  invitation: string,
): Promise<Outcome> {
  const file = (key: string) => join(dir, 'keys', `${key}.key`)
  const [society, witness] = await Promise.all([publicKey(dir, 'society'), publicKey(dir, 'witness')])
  const lines = [
    `${name} is set up in ${dir}`,
    `society key ${society}  signs the log`,
    `witness key ${witness}  signs for the logs of others`,
    `next key in ${file('next')}`,
    `  ${ADVICE_NEXT}`,
    `listens on ${listen.join(', ')}`,
    ...(listen.every(isLoopback)
      ? ['  Only nodes of this machine can connect; for others: --listen /ip4/0.0.0.0/tcp/PORT, in an empty folder.']
      : []),
    '',
    'Invitation, one line, for the operators of other nodes:',
    invitation,
  ]
  const facts = {
    dir,
    name,
    society_key: society,
    witness_key: witness,
    next_key_file: file('next'),
    listen,
    api_port: apiPort,
    invitation,
  }
  return { facts, text: lines.join('\n') }
}

/** The same line again; with the addresses of the moment when the node runs. */
export function invitation(cli: Cli, program: Command): void {
  const command = addCommand(program, 'invitation', 'the line that invites other nodes: name, witness key, addresses')
  command.option('--name <slug>', 'the name in it, for a folder without one')
  run<NodeOptions & { readonly name?: string }>(cli, command, async ({ client, context, options }) => {
    const dir = dataFolder(options, context.env)
    const name = options.name === undefined ? await readName(dir) : slugOf(options.name)
    if (name === undefined) throw new CodedError('BAD_REQUEST', `${dir} has no name: give --name SLUG`)
    const line = (await ofRunning(client, name)) ?? (await folderInvitation(dir, context.env, name))
    return { facts: { invitation: line }, text: line }
  })
}

async function ofRunning(client: Call<NodeOptions>['client'], name: string): Promise<string | undefined> {
  try {
    const { addresses, witness_key: key } = await (await client()).status()
    return formatInvitation({ name, key, addresses: withoutLoopback(addresses).slice(0, 16) })
  } catch (error) {
    if (error instanceof CodedError && error.code === 'NODE_UNREACHABLE') return undefined
    throw error
  }
}
