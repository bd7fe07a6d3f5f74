import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { slugPattern } from '../../src/records/fields.ts'
import { CodedError } from '../../src/rejection.ts'
import type { KeyText } from '../../src/units.ts'
import { type FolderSources, readFolderConfig, readNodeConfig } from '../config/folder.ts'
import { formatInvitation } from '../invitation.ts'
import { dialable } from '../net/reachable.ts'

/** What stands in the data folder of a node that may or may not run; no passphrase is needed for any of it. */

const SLUG = new RegExp(`^${slugPattern}$`)

export function slugOf(text: string): string {
  if (!SLUG.test(text)) throw new CodedError('SLUG_FORMAT', `${text}: 1 to 32 of a-z, 0-9 and -, and no - at the ends`)
  return text
}

/** The name that `web4 init` gave; undefined for a folder without one. */
export async function readName(dir: string): Promise<string | undefined> {
  const text = await readFolderConfig(dir)
  try {
    const { name } = JSON.parse(text ?? '{}') as { name?: unknown }
    return typeof name === 'string' && SLUG.test(name) ? name : undefined
  } catch {
    throw new CodedError('BAD_REQUEST', `${join(dir, 'config.json')} is not JSON`)
  }
}

/** The open part of a key file. */
export async function publicKey(dir: string, name: string): Promise<KeyText> {
  const path = join(dir, 'keys', `${name}.key`)
  const text = await readFile(path, 'utf8').catch(cause => {
    throw new CodedError('KEY_FILE', `no key file ${path}: \`web4 init --name SLUG\` makes it`, { cause })
  })
  try {
    const { key } = JSON.parse(text) as { key?: unknown }
    if (typeof key === 'string') return key
  } catch {
    // Said below.
  }
  throw new CodedError('KEY_FILE', `${path} is damaged`)
}

/** The invitation by what the folder holds: fixed ports, and the name that the transport's seed gives. */
export async function folderInvitation(dir: string, env: FolderSources['env'], name: string): Promise<string> {
  const { listen } = await readNodeConfig({ env, flags: { dir } })
  const { transportKey } = await import('../net/host.ts')
  const seed = await readFile(join(dir, 'keys', 'transport.seed'), 'utf8').catch(cause => {
    throw new CodedError('KEY_FILE', `${dir} has no transport.seed: \`web4 init --name SLUG\` makes it`, { cause })
  })
  const { peer } = await transportKey(new Uint8Array(Buffer.from(seed.trim(), 'base64url')))
  // A port that is chosen at each start is nothing to write down.
  const fixed = listen.filter(address => !address.includes('/tcp/0'))
  return formatInvitation({ name, key: await publicKey(dir, 'witness'), addresses: dialable(fixed, peer) })
}
