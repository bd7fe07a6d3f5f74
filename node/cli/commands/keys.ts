import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { CodedError } from '../../../src/rejection.ts'
import type { RecordView } from '../../service.ts'
import { addCommand, type Cli, run } from '../command.ts'
import type { CliContext } from '../context.ts'
import { dataFolder, type NodeOptions } from '../find-node.ts'
import { keyPath, passphraseFor, readLct } from '../member.ts'
import { addWaitOption, followed, type WaitOptions } from '../submit.ts'

interface KeysOptions extends NodeOptions {
  readonly passphraseFile?: string
  readonly out?: string
  readonly purpose: string
}

/** Key files of the data folder; none of them is opened to list them. */
export function keys(cli: Cli, program: Command): void {
  const parent = addFolder(addCommand(program, 'keys', 'list the key files of the data folder', false))
  run<KeysOptions>(cli, parent, async ({ context, options }) => {
    const found = await listKeys(join(dataFolder(options, context.env), 'keys'))
    const lines = found.map(({ file, key, lct, purpose }) =>
      [key, purpose.padEnd(8), file, lct ?? ''].join('  ').trimEnd(),
    )
    return { facts: { keys: found }, text: lines.length === 0 ? 'no key files' : lines.join('\n') }
  })
  exportKey(cli, parent)
  importKey(cli, parent)
  rotateKey(cli, parent)
}

function addFolder(command: Command): Command {
  return command.option('--dir <folder>', 'data folder (environment: WEB4_DIR)')
}

function exportKey(cli: Cli, parent: Command): void {
  const command = addFolder(
    addCommand(parent, 'export', 'write a private key as encrypted PKCS#8, for other programs', false),
  )
    .argument('<key>', 'key file, or its name in the keys folder')
    .requiredOption('--out <file>', 'PEM file to write')
    .option('--passphrase-file <file>', 'opens the key file, and the PEM file')
  run<KeysOptions>(cli, command, async ({ args, context, options }) => {
    const path = keyPath(args[0] as string, options, context.env)
    const { readSeed } = await import('../../keys/keystore.ts')
    const { exportPkcs8 } = await import('../../keys/pkcs8.ts')
    const passphrase = await passphraseFor(path, options, context)
    const { key, purpose, seed } = await readSeed(path, passphrase)
    try {
      await writePrivate(options.out as string, exportPkcs8(seed, passphrase))
    } finally {
      seed.fill(0)
    }
    context.stderr('PKCS#8 protects a passphrase far less than a key file does: delete it once it is imported.\n')
    return { facts: { key, purpose, file: options.out }, text: `${key} in ${options.out}` }
  })
}

function importKey(cli: Cli, parent: Command): void {
  const command = addFolder(addCommand(parent, 'import', 'make a key file of a PKCS#8 private key', false))
    .argument('<file>', 'PEM file')
    .requiredOption('--out <key>', 'key file to write, or its name in the keys folder')
    .option('--purpose <purpose>', 'what the key is for', 'member')
    .option('--passphrase-file <file>', 'opens the PEM file, and the key file')
  run<KeysOptions>(cli, command, async ({ args, context, options }) => {
    const file = args[0] as string
    const pem = await readFile(file, 'utf8').catch(cause => {
      throw new CodedError('KEY_FILE', `cannot read ${file}`, { cause })
    })
    const path = keyPath(options.out as string, options, context.env)
    const { createKeyFile } = await import('../../keys/keystore.ts')
    const { importPkcs8 } = await import('../../keys/pkcs8.ts')
    const passphrase = await passphraseFor(file, options, context)
    const seed = importPkcs8(pem, pem.includes('ENCRYPTED') ? passphrase : undefined)
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      const key = await createKeyFile(path, options.purpose, passphrase, { seed })
      return { facts: { key, purpose: options.purpose, file: path }, text: `${key} in ${path}` }
    } finally {
      seed.fill(0)
    }
  })
}

interface RotateOptions extends NodeOptions, WaitOptions {
  readonly next?: string
  readonly nextPassphraseFile?: string
  readonly passphraseFile?: string
}

function rotateKey(cli: Cli, parent: Command): void {
  const command = addCommand(
    parent,
    'rotate',
    'bring the next society key into force; the node must run on this folder',
  )
    .option('--next <file>', 'key file of the next key, when it is not in the data folder')
    .option('--next-passphrase-file <file>', 'opens that file')
    .option('--passphrase-file <file>', 'passphrase of the data folder, for --next')
  run<RotateOptions>(cli, addWaitOption(command), async call => {
    const { context, options } = call
    const folder = join(dataFolder(options, context.env), 'keys')
    const client = await call.client()
    const brought = options.next === undefined ? undefined : await bringNext(folder, options.next, options, context)
    let record: RecordView
    try {
      record = (await call.progress('changing the key', client.rotateKeys({ body: {} }))) as RecordView
    } catch (error) {
      // What was refused leaves the key offline, where it was.
      if (brought !== undefined && error instanceof CodedError && error.code !== 'INTERNAL')
        await rm(brought, { force: true })
      throw error
    }
    const outcome = await followed(call, client, record, 'society key changed')
    const next = join(folder, 'next.key')
    return { ...outcome, text: `${outcome.text}\n${next} holds the key after it: take it offline, leave next.pub` }
  })
}

/** The next key from elsewhere, under the passphrase of the folder. */
async function bringNext(folder: string, file: string, options: RotateOptions, context: CliContext): Promise<string> {
  const { createKeyFile, readSeed } = await import('../../keys/keystore.ts')
  const path = join(folder, 'next.key')
  const passphraseFile = options.nextPassphraseFile
  const theirs = await passphraseFor(file, passphraseFile === undefined ? {} : { passphraseFile }, context)
  const { key, seed } = await readSeed(file, theirs)
  try {
    const expected = await readFile(join(folder, 'next.pub'), 'utf8').catch(() => '')
    if (expected.trim() !== key)
      throw new CodedError('KEY_FILE', `${file} holds ${key}, the next key is ${expected.trim() || 'unknown here'}`)
    await createKeyFile(path, 'next', await passphraseFor(path, options, context), { seed })
    return path
  } finally {
    seed.fill(0)
  }
}

interface ListedKey {
  readonly key: string
  readonly purpose: string
  readonly file: string
  readonly lct?: string
}

async function listKeys(folder: string): Promise<readonly ListedKey[]> {
  const names = await readdir(folder).catch(() => [])
  const listed = names
    .filter(name => name.endsWith('.key'))
    .sort()
    .map(async (name): Promise<ListedKey[]> => {
      const file = join(folder, name)
      const { key, purpose } = await describe(file)
      if (key === undefined || purpose === undefined) return []
      const lct = await readLct(file)
      return [{ key, purpose, file, ...(lct === undefined ? {} : { lct }) }]
    })
  return (await Promise.all(listed)).flat()
}

/** The open part of a key file. */
async function describe(file: string): Promise<{ readonly key?: string; readonly purpose?: string }> {
  try {
    const { key, purpose } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>
    return typeof key === 'string' && typeof purpose === 'string' ? { key, purpose } : {}
  } catch {
    return {}
  }
}

async function writePrivate(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw new CodedError('KEY_FILE', `${path} ${cause.code === 'EEXIST' ? 'exists' : 'cannot be created'}`, { cause })
  })
  try {
    await file.writeFile(text)
  } finally {
    await file.close()
  }
}
