import { readFile } from 'node:fs/promises'
import type { Json, JsonObject } from '../../src/canonical.ts'
import { CodedError } from '../../src/rejection.ts'

/** The JSON object in a file: a law, or some of its members. `hint`: what else could have been given. BAD_REQUEST for anything else. */
export async function lawFile(path: string, hint = ''): Promise<JsonObject> {
  const text = await readFile(path, 'utf8').catch(cause => {
    throw new CodedError('BAD_REQUEST', `cannot read ${path}${hint}`, { cause })
  })
  try {
    const value = JSON.parse(text) as Json
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  } catch {
    // Said below.
  }
  throw new CodedError('BAD_REQUEST', `${path} is not a JSON object: a law, or some of its members`)
}
