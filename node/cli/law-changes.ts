import type { Json, JsonObject } from '../../src/canonical.ts'
import { keyBytes } from '../../src/encoding.ts'
import { DECAY_PRESETS, defaultQuorum, type Law } from '../../src/records/law.ts'
import { CodedError } from '../../src/rejection.ts'
import type { KeyText } from '../../src/units.ts'
import type { Client } from '../api/client.ts'
import { parseInvitation } from '../invitation.ts'
import { lawFile } from './law-file.ts'

/** What the options of `web4 law update` say, as the merge patch that the API takes. */

export interface LawOptions {
  readonly addWitness?: readonly string[]
  readonly removeWitness?: readonly string[]
  readonly quorum?: number
  readonly addBirthWitness?: readonly string[]
  readonly removeBirthWitness?: readonly string[]
  readonly birthQuorum?: number
  readonly decay?: number
  readonly endpoint?: readonly string[]
  readonly set?: readonly string[]
  readonly file?: string
}

/** Somebody whom the law is to name: the key, and where it can be reached when an invitation said so. */
export interface Named {
  readonly key: KeyText
  readonly addresses: readonly string[]
}

export interface Asked {
  readonly changes: JsonObject
  /** Those whose invitations came with addresses. */
  readonly invited: readonly Named[]
  /** The quorum that goes with a new number of witnesses, when nobody said one. */
  readonly defaultQuorum?: number
}

export async function askedChanges(options: LawOptions, law: Law, client: Client): Promise<Asked> {
  const added = (options.addWitness ?? []).map(named)
  const births = (options.addBirthWitness ?? []).map(named)
  const removed = await Promise.all((options.removeWitness ?? []).map(text => keyOf(text, client)))
  const unborn = await Promise.all((options.removeBirthWitness ?? []).map(text => keyOf(text, client)))
  const witnesses = changedList(law.finality.witnesses, added, removed)
  const birthWitnesses = changedList(law.birth.witnesses, births, unborn)
  let changes: JsonObject = options.file === undefined ? {} : await lawFile(options.file)
  for (const assignment of options.set ?? []) changes = assigned(changes, assignment)
  const put = (path: string, value: Json | undefined) => {
    if (value !== undefined) changes = withMember(changes, path.split('.'), value)
  }
  put('finality.witnesses', witnesses)
  put('finality.quorum', options.quorum)
  put('birth.witnesses', birthWitnesses)
  put('birth.quorum', options.birthQuorum)
  put('decay.base_ppm', options.decay)
  put('endpoints', options.endpoint === undefined ? undefined : [...options.endpoint])
  const given = (changes.finality as { readonly quorum?: Json } | undefined)?.quorum
  return {
    changes,
    invited: [...added, ...births].filter(({ addresses }) => addresses.length > 0),
    ...(witnesses === undefined || given !== undefined ? {} : { defaultQuorum: defaultQuorum(witnesses.length) }),
  }
}

/** A bare key, or an invitation. */
function named(text: string): Named {
  if (keyBytes(text) !== undefined) return { key: text, addresses: [] }
  const parsed = parseInvitation(text)
  if (!parsed.ok) throw new CodedError(parsed.error.code, parsed.error.detail)
  return parsed.value
}

/** A bare key, or the slug or id of a society that the node follows: the witness key of its law. */
async function keyOf(text: string, client: Client): Promise<KeyText> {
  if (keyBytes(text) !== undefined) return text
  const found = (await client.societies()).filter(({ slug, society }) => slug === text || society === text)
  const [one] = found
  if (one === undefined) throw new CodedError('NOT_FOUND', `${text}: no key, and no society that this node follows`)
  if (found.length > 1)
    throw new CodedError('BAD_REQUEST', `${text}: several societies have that name; give the id or key`)
  const { law } = await client.law({ id: one.society })
  return (law as unknown as Law).witness_key
}

function changedList(
  held: readonly KeyText[],
  added: readonly Named[],
  removed: readonly KeyText[],
): KeyText[] | undefined {
  if (added.length === 0 && removed.length === 0) return undefined
  const missing = removed.find(key => !held.includes(key))
  if (missing !== undefined) throw new CodedError('BAD_REQUEST', `${missing} is not in the list`)
  return [...new Set([...held.filter(key => !removed.includes(key)), ...added.map(({ key }) => key)])].sort()
}

/** `decay.base_ppm=20000`: what is no JSON is text. */
function assigned(changes: JsonObject, assignment: string): JsonObject {
  const [path = '', ...rest] = assignment.split('=')
  if (rest.length === 0 || !/^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/.test(path))
    throw new CodedError('BAD_REQUEST', `${assignment}: give PATH=VALUE, for example ceilings.mint=1000000`)
  const text = rest.join('=')
  let value: Json = text
  try {
    value = JSON.parse(text) as Json
  } catch {
    // It is text.
  }
  return withMember(changes, path.split('.'), value)
}

function withMember(object: JsonObject, [name = '', ...rest]: readonly string[], value: Json): JsonObject {
  if (rest.length === 0) return { ...object, [name]: value }
  const held = object[name]
  const inner = typeof held === 'object' && held !== null && !Array.isArray(held) ? (held as JsonObject) : {}
  return { ...object, [name]: withMember(inner, rest, value) }
}

/** A preset's name, or parts per million for 30 days. */
export function decayRate(text: string): number | undefined {
  if (Object.hasOwn(DECAY_PRESETS, text)) return DECAY_PRESETS[text as keyof typeof DECAY_PRESETS]
  return /^\d{1,7}$/.test(text) ? Number(text) : undefined
}
