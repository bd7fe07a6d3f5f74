import { mkdir, readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { CodedError } from '../../src/rejection.ts'
import type { RunningNode } from '../compose.ts'
import { describeConfig, type OptionDescription } from '../config/describe.ts'
import { readNodeConfig } from '../config/folder.ts'
import { type Config, options as table } from '../config/options.ts'
import { createLogger } from '../observe/logger.ts'
import type { Call } from './command.ts'
import type { CliContext } from './context.ts'
import { removeApiFile, writeApiFile } from './find-node.ts'
import { addressesOf } from './invited.ts'

/** What `web4 start` and `web4 observer` share: a node in this process until a signal ends it. */

export function addNodeOptions(command: Command): Command {
  command.option('--config <file>', "JSON file with options, instead of the folder's own config.json")
  for (const option of describeConfig()) {
    if (option.flag === undefined) continue
    const initial = option.default === '' ? '' : `; default: ${option.default}`
    const text = `${option.description} (environment: ${option.env}${initial})`
    command.addOption(isList(option) ? listOption(option.flag, text) : new Option(option.flag, text))
  }
  return command
}

function isList({ name }: OptionDescription): boolean {
  return table[name].type === 'addresses'
}

/** One of many, or many with commas: the singular is what people type. */
function listOption(flag: string, text: string): Option {
  const flags = flag.startsWith('--peers ')
    ? '--peer, --peers <address...>'
    : flag.replace('<addresses>', '<address...>')
  return new Option(flags, text).argParser((one, before: readonly string[] = []) => [...before, one])
}

export async function configOf(flags: Record<string, unknown>, { env }: CliContext): Promise<Config> {
  const path = flags.config
  const file =
    typeof path === 'string'
      ? await readFile(path, 'utf8').catch(cause => {
          throw new CodedError('BAD_REQUEST', `cannot read ${path}`, { cause })
        })
      : undefined
  return readNodeConfig({ env, flags: byName(flags), ...(file === undefined ? {} : { file }) })
}

/** commander's `apiPort` back to the table's `api_port`; lists may hold invitations. */
function byName(flags: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(table).map(name => {
      const value = flags[name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())]
      return [name, Array.isArray(value) ? addressesOf(value as string[]) : value]
    }),
  )
}

export interface RunOptions {
  readonly observer?: true
  /** Once it runs, before it is said. */
  readonly started?: (node: RunningNode) => Promise<void>
}

/** Returns when the node has stopped. */
export async function runNode(call: Call<Record<string, unknown>>, run: RunOptions = {}): Promise<undefined> {
  const { context, options, print, progress } = call
  const config = await configOf(options, context)
  await mkdir(config.dir, { recursive: true, mode: 0o700 })
  const { createNode } = await import('../compose.ts')
  // From here on a signal stops the node instead of ending the process.
  const ended = context.ended()
  const logger = createLogger({ level: config.log_level })
  const node = await createNode(config, { logger, observer: run.observer === true })
  try {
    const { addresses, apiUrl: url } = await progress('starting', node.start())
    await writeApiFile(config.dir, url)
    await run.started?.(node)
    print({
      facts: { url, addresses, dir: config.dir },
      text: `node runs on ${config.dir}\nAPI ${url}\n${addresses.join('\n')}`,
    })
    await ended
  } finally {
    await removeApiFile(config.dir)
    await progress('stopping', node.stop())
  }
  return undefined
}
