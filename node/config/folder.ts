import { open, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { CodedError } from '../../src/rejection.ts'
import type { Config } from './options.ts'
import { readConfig } from './read.ts'

/** What `web4 init` wrote and `web4 start` reads: the options of one data folder. */
const CONFIG_FILE = 'config.json'

export function configPath(dir: string): string {
  return join(dir, CONFIG_FILE)
}

/** The text of the folder's own file; undefined when it has none. */
export async function readFolderConfig(dir: string): Promise<string | undefined> {
  const path = configPath(dir)
  return readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined
    throw new CodedError('BAD_REQUEST', `cannot read ${path}`, { cause })
  })
}

/** Never over another one: two that set up one folder cannot both win. */
export async function writeFolderConfig(dir: string, values: Partial<Config>): Promise<void> {
  const path = configPath(dir)
  const file = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'EEXIST'
      ? new CodedError('FOLDER_TAKEN', `${path} exists`, { cause })
      : new CodedError('BAD_REQUEST', `cannot write ${path}`, { cause })
  })
  try {
    await file.writeFile(`${JSON.stringify(values, undefined, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

export interface FolderSources {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly flags: Readonly<Record<string, unknown>>
  /** A file that was named takes the place of the folder's own. */
  readonly file?: string
}

/** All options of a node, with those of its data folder; every problem is told at once. */
export async function readNodeConfig(sources: FolderSources): Promise<Config> {
  const { env, file, flags } = sources
  // The folder's name comes from flags, environment or the named file: its own file cannot move it.
  const named = good(readConfig({ env, flags, ...(file === undefined ? {} : { file }) }))
  const dir = resolve(named.dir)
  if (file !== undefined) return { ...named, dir }
  const own = await readFolderConfig(dir)
  return own === undefined
    ? { ...named, dir }
    : { ...good(readConfig({ env, flags, file: own }), configPath(dir)), dir }
}

function good(read: ReturnType<typeof readConfig>, path = ''): Config {
  if (read.ok) return read.config
  const problems = read.problems.map(problem => problem.replace(/^file\b/, path === '' ? 'file' : path))
  throw new CodedError('BAD_REQUEST', problems.join('\n  '))
}
