import { mkdir, open, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { CodedError } from '../../../src/rejection.ts'
import { addCommand, type Cli, run } from '../command.ts'
import { dataFolder, type NodeOptions } from '../find-node.ts'
import { keyPath, passphraseFor, readLct } from '../member.ts'

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
