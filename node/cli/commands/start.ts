import { mkdir, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { CodedError } from '../../../src/rejection.ts'
import { describeConfig } from '../../config/describe.ts'
import { type Config, options as table } from '../../config/options.ts'
import { readConfig } from '../../config/read.ts'
import { createLogger } from '../../observe/logger.ts'
import { addCommand, type Cli, run } from '../command.ts'
import type { CliContext } from '../context.ts'
import { removeApiFile, writeApiFile } from '../find-node.ts'

export function start(cli: Cli, program: Command): void {
  const command = addCommand(program, 'start', 'run a node until SIGINT or SIGTERM', false)
  command.option('--config <file>', 'JSON file with options')
  for (const option of describeConfig()) {
    if (option.flag === undefined) continue
    const initial = option.default === '' ? '' : `; default: ${option.default}`
    command.addOption(new Option(option.flag, `${option.description} (environment: ${option.env}${initial})`))
  }
  run<Record<string, unknown>>(cli, command, async ({ context, options, print, progress }) => {
    const config = await configOf(options, context)
    await mkdir(config.dir, { recursive: true, mode: 0o700 })
    const { createNode } = await import('../../compose.ts')
    // From here on a signal stops the node instead of ending the process.
    const ended = context.ended()
    const logger = createLogger({ level: config.log_level })
    const node = await createNode(config, { logger })
    try {
      const { addresses, apiUrl: url } = await progress('starting', node.start())
      await writeApiFile(config.dir, url)
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
  })
}

async function configOf(flags: Record<string, unknown>, { env }: CliContext): Promise<Config> {
  const path = flags.config
  const file =
    typeof path === 'string'
      ? await readFile(path, 'utf8').catch(cause => {
          throw new CodedError('BAD_REQUEST', `cannot read ${path}`, { cause })
        })
      : undefined
  const read = readConfig({ ...(file === undefined ? {} : { file }), env, flags: byName(flags) })
  if (!read.ok) throw new CodedError('BAD_REQUEST', read.problems.join('\n  '))
  return { ...read.config, dir: resolve(read.config.dir) }
}

/** commander's `apiPort` back to the table's `api_port`. */
function byName(flags: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.keys(table).map(name => [
      name,
      flags[name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())],
    ]),
  )
}
