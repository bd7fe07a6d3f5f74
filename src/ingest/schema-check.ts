import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { type Rejection, rejection } from '../rejection.ts'

/** A strict check of decoded JSON against a schema: one fast yes, and on no the path and the reason. */
export function checker(schema: TSchema): (value: unknown) => Rejection | undefined {
  const compiled = Compile(schema)
  return value => {
    if (compiled.Check(value)) return undefined
    const errors = compiled.Errors(value)
    const unknown = errors.find(error => error.keyword === 'additionalProperties')
    const first = unknown ?? errors[0]
    const detail = first === undefined ? undefined : `${first.instancePath || '/'} ${first.message}`.slice(0, 200)
    return rejection(unknown === undefined ? 'FORMAT_SCHEMA' : 'FORMAT_UNKNOWN_FIELD', detail)
  }
}
