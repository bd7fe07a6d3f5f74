import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { CodedError } from '../../src/rejection.ts'
import { type Client, createClient } from '../api/client.ts'
import { readOperatorToken } from '../api/token.ts'
import { readConfig } from '../config/read.ts'

export interface NodeOptions {
  readonly url?: string
  readonly dir?: string
}

type Environment = Readonly<Record<string, string | undefined>>

/** Where a running node says how to reach it. */
const API_FILE = 'api.json'

/** The node at --url or WEB4_URL, or the one that runs on the data folder. */
export async function findNode(options: NodeOptions, env: Environment): Promise<Client> {
  const url = options.url ?? env.WEB4_URL
  if (url !== undefined) {
    if (!/^https?:\/\/[^/]/.test(url))
      throw new CodedError('BAD_REQUEST', 'the URL of a node starts with http:// or https://')
    // The folder's token goes to a named address only if both were named: elsewhere it would be given away.
    const token = env.WEB4_TOKEN ?? (options.dir === undefined ? undefined : await readOperatorToken(options.dir))
    return createClient({ url, ...(token === undefined ? {} : { token }) })
  }
  const dir = dataFolder(options, env)
  const found = await readApiFile(dir)
  if (found === undefined) throw new CodedError('NODE_UNREACHABLE', `no node runs on ${dir}`)
  const token = env.WEB4_TOKEN ?? (await readOperatorToken(dir))
  return createClient({ url: found, ...(token === undefined ? {} : { token }) })
}

/** The data folder as the node itself would find it. */
export function dataFolder({ dir }: NodeOptions, env: Environment): string {
  const read = readConfig({ env, flags: dir === undefined ? {} : { dir } })
  if (!read.ok) throw new CodedError('BAD_REQUEST', read.problems.join('; '))
  return resolve(read.config.dir)
}

async function readApiFile(dir: string): Promise<string | undefined> {
  const text = await readFile(join(dir, API_FILE), 'utf8').catch(() => '{}')
  try {
    const { url } = JSON.parse(text) as { url?: unknown }
    return typeof url === 'string' ? url : undefined
  } catch {
    return undefined
  }
}

/** Whole or not at all: a command may read it at any time. */
export async function writeApiFile(dir: string, url: string): Promise<void> {
  const temporary = join(dir, `${API_FILE}.${process.pid}.tmp`)
  await writeFile(temporary, `${JSON.stringify({ url })}\n`)
  await rename(temporary, join(dir, API_FILE))
}

export async function removeApiFile(dir: string): Promise<void> {
  await rm(join(dir, API_FILE), { force: true })
}
