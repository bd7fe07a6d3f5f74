import { readFile } from 'node:fs/promises'
import { Type } from 'typebox'
import type { WatchedLog } from '../../src/driver/checkpoint-witness.ts'
import type { PublicWitness } from '../../src/driver/public-witnesses.ts'
import { checker } from '../../src/ingest/schema-check.ts'
import { parseVerifierKey } from '../../src/log/c2sp/verifier-key.ts'
import { TYPE_COSIGNATURE } from '../../src/log/note.ts'
import { strictObject } from '../../src/records/fields.ts'
import { CodedError } from '../../src/rejection.ts'
import { sha256 } from '../crypto/sodium.ts'

/** Files that the operator writes: which public witnesses see the own log, and which logs this node's public witness knows. */

/** Each is asked after every growth of the log, on a connection of its own. */
const WITNESSES_MAX = 16
/** A network of public logs has some dozens; each costs one key in memory and one value in the store. */
const LOGS_MAX = 1_000
/** What a witness key that counts signs with: nothing else may look like it. */
const COUNTED_NAMES = 'web4/witness/'

const textField = Type.String({ minLength: 1, maxLength: 1_024 })
const checkWitnesses = checker(
  Type.Array(strictObject({ key: textField, url: textField }), { maxItems: WITNESSES_MAX }),
)
const checkLogs = checker(Type.Array(strictObject({ key: textField, origin: textField }), { maxItems: LOGS_MAX }))

/** `[{"key": "<vkey of type 0x04>", "url": "https://…"}]`; none when there is no file. CodedError with all problems. */
export async function readPublicWitnesses(path: string): Promise<readonly PublicWitness[]> {
  if (path === '') return []
  const items = (await readList(path, checkWitnesses)) as readonly { readonly key: string; readonly url: string }[]
  const problems: string[] = []
  const witnesses = items.flatMap(({ key: text, url }, index) => {
    const key = parseVerifierKey(text, sha256)
    if (key?.type !== TYPE_COSIGNATURE) problems.push(`${index}: key is no verifier key of a cosigner (type 0x04)`)
    else if (key.name.startsWith(COUNTED_NAMES))
      problems.push(`${index}: ${key.name} is the name of a witness that counts`)
    if (!isPrefix(url)) problems.push(`${index}: url is not http(s)://host/path`)
    return key === undefined ? [] : [{ key, url: url.replace(/\/+$/, '') }]
  })
  if (new Set(items.map(({ key }) => key.split('+').at(-1))).size !== items.length) problems.push('a key twice')
  return good(path, problems, witnesses)
}

/** `[{"origin": "…", "key": "<vkey>"}]`, several keys of one log as several items. CodedError with all problems. */
export async function readWatchedLogs(path: string): Promise<readonly WatchedLog[]> {
  const items = (await readList(path, checkLogs)) as readonly { readonly key: string; readonly origin: string }[]
  const problems: string[] = []
  const logs = new Map<string, WatchedLog>()
  for (const [index, { key: text, origin }] of items.entries()) {
    const key = parseVerifierKey(text, sha256)
    if (key === undefined) problems.push(`${index}: key is no Ed25519 verifier key`)
    else logs.set(origin, { origin, keys: [...(logs.get(origin)?.keys ?? []), key] })
  }
  return good(path, problems, [...logs.values()])
}

async function readList(path: string, check: ReturnType<typeof checker>): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(cause => {
    throw new CodedError('BAD_REQUEST', `cannot read ${path}`, { cause })
  })
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new CodedError('BAD_REQUEST', `${path} is not JSON`, { cause })
  }
  const bad = check(value as Parameters<typeof check>[0])
  if (bad !== undefined) throw new CodedError('BAD_REQUEST', `${path}: ${bad.detail ?? bad.code}`)
  return value
}

function isPrefix(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) return false
  return url.search === '' && url.hash === '' && url.username === '' && url.password === ''
}

function good<T>(path: string, problems: readonly string[], value: T): T {
  if (problems.length > 0) throw new CodedError('BAD_REQUEST', `${path}:\n  ${problems.join('\n  ')}`)
  return value
}
