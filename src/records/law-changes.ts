import type { Json, JsonObject } from '../canonical.ts'
import { defaultQuorum, type Law } from './law.ts'
import { sameList } from './lists.ts'

/**
 * The law after `changes`, a JSON merge patch (RFC 7396) over the law in force: objects are merged, everything else is
 * replaced, and null, which no law contains, is left for the schema to refuse. Lists of keys are put in order; the number
 * goes up by one; and a change of the witnesses alone takes the default quorum of their new number with it.
 */
export function changedLaw(current: Law, changes: JsonObject): JsonObject {
  const merged = merge(current as unknown as JsonObject, changes) as JsonObject
  const law: Record<string, Json> = { ...merged, number: current.number + 1 }
  for (const [object, member] of KEY_LISTS) sortMember(law, object, member)
  const { witnesses } = (law.finality ?? {}) as { readonly witnesses?: Json }
  const { quorum } = (changes.finality ?? {}) as { readonly quorum?: Json }
  if (quorum === undefined && isTextList(witnesses) && !sameList(witnesses, current.finality.witnesses))
    law.finality = { ...(law.finality as JsonObject), quorum: defaultQuorum(witnesses.length) }
  return law
}

const KEY_LISTS = [
  ['birth', 'witnesses'],
  ['finality', 'witnesses'],
  ['roles', 'producer'],
  ['roles', 'treasury'],
] as const

function sortMember(law: Record<string, Json>, object: string, member: string): void {
  const held = law[object]
  const list = isObject(held) ? held[member] : undefined
  if (isObject(held) && isTextList(list)) law[object] = { ...held, [member]: [...new Set(list)].sort() }
}

function merge(target: Json, patch: Json): Json {
  if (!isObject(patch) || !isObject(target)) return patch
  const merged: Record<string, Json> = { ...target }
  for (const [name, value] of Object.entries(patch)) {
    const held = merged[name]
    merged[name] = held === undefined ? value : merge(held, value)
  }
  return merged
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTextList(value: Json | undefined): value is string[] {
  return Array.isArray(value) && value.every(item => typeof item === 'string')
}
