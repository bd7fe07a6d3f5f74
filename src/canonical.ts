import { DEPTH_MAX } from './limits.ts'
import { type Rejection, rejection } from './rejection.ts'
import { fail, ok, type Result } from './result.ts'

/** What signed data may hold: RFC 8785 without floats. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [member: string]: Json
}

const NAME = /^[a-z][a-z0-9_]*$/
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

export function utf8Encode(text: string): Uint8Array {
  return encoder.encode(text)
}

/** The text of valid UTF-8 bytes; a byte order mark stays and is refused later as no JSON. */
export function utf8Decode(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * Canonical text of a value. Members are sorted here, so the order in which code builds an object does not matter.
 * Throws a RangeError on what signed data cannot hold: that is a programmer's error, never input.
 */
export function canonicalText(value: Json): string {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw new RangeError(`no canonical form: ${value}`)
    return String(value)
  }
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw new RangeError('no canonical form: lone surrogate')
    return JSON.stringify(value)
  }
  if (value === null || typeof value === 'boolean') return String(value)
  if (Array.isArray(value)) return `[${value.map(item => canonicalText(item as Json)).join(',')}]`
  let members = ''
  for (const name of Object.keys(value).sort()) {
    const member = (value as JsonObject)[name]
    if (member === undefined) continue
    if (!NAME.test(name)) throw new RangeError(`no canonical form: member ${name}`)
    members += `${members === '' ? '' : ','}"${name}":${canonicalText(member)}`
  }
  return `{${members}}`
}

export function canonicalBytes(value: Json): Uint8Array {
  return encoder.encode(canonicalText(value))
}

/** Decodes bytes that must be the one canonical form of their value. */
export function decodeCanonical(bytes: Uint8Array): Result<Json> {
  const text = utf8Decode(bytes)
  return text === undefined ? fail(rejection('FORMAT_UTF8')) : decodeCanonicalText(text)
}

/** As `decodeCanonical`, from text. */
export function decodeCanonicalText(text: string): Result<Json> {
  let value: Json
  try {
    value = JSON.parse(text) as Json
  } catch {
    return fail(rejection('FORMAT_JSON'))
  }
  const bad = inspect(value, 1)
  if (bad !== undefined) return fail(bad.code === 'FORMAT_NOT_CANONICAL' ? explain(text) : bad)
  // `inspect` proved sorted names, so native stringify writes the canonical form and one comparison proves the spelling.
  if (JSON.stringify(value) !== text) return fail(explain(text))
  return ok(value)
}

function inspect(value: Json, depth: number): Rejection | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : rejection('FORMAT_STRING', 'lone surrogate')
    case 'number':
      if (!Number.isInteger(value)) return rejection('FORMAT_FLOAT')
      return Number.isSafeInteger(value) ? undefined : rejection('FORMAT_INTEGER_RANGE')
    case 'boolean':
      return undefined
  }
  if (value === null) return undefined
  if (depth > DEPTH_MAX) return rejection('FORMAT_DEPTH')
  if (Array.isArray(value)) {
    for (const item of value as readonly Json[]) {
      const bad = inspect(item, depth + 1)
      if (bad !== undefined) return bad
    }
    return undefined
  }
  let last = ''
  let sorted = true
  for (const name of Object.keys(value)) {
    if (!NAME.test(name)) return rejection('FORMAT_KEY', name.slice(0, 40))
    sorted &&= name > last
    last = name
    const bad = inspect((value as JsonObject)[name] as Json, depth + 1)
    if (bad !== undefined) return bad
  }
  return sorted ? undefined : rejection('FORMAT_NOT_CANONICAL', 'members not sorted')
}

/** Slow path, only for text already refused: which of the reasons it was. */
function explain(text: string): Rejection {
  const scopes: Set<string>[] = []
  for (const token of text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?|[{}]|-?\d[\d.eE+-]*/g)) {
    const [lexeme] = token
    if (lexeme === '{') scopes.push(new Set())
    else if (lexeme === '}') scopes.pop()
    else if (token[1] !== undefined) {
      const name = JSON.parse(lexeme.slice(0, lexeme.length - token[1].length)) as string
      if (scopes.at(-1)?.has(name)) return rejection('FORMAT_DUPLICATE_KEY', name.slice(0, 40))
      scopes.at(-1)?.add(name)
    } else if (!lexeme.startsWith('"') && /[.eE]/.test(lexeme)) return rejection('FORMAT_FLOAT', lexeme.slice(0, 40))
  }
  return rejection('FORMAT_NOT_CANONICAL')
}
