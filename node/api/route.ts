import { type TObject, type TSchema, Type } from 'typebox'
import * as schemas from './schemas.ts'

/**
 * One way into the API. The tables of them are public-routes.ts and operator-routes.ts; routes.ts joins them.
 * Runs in a browser too.
 */
export interface Route {
  readonly method: 'GET' | 'POST'
  /** Parameters as `:name`. */
  readonly path: string
  /** `operator`: needs the bearer token of the data folder. */
  readonly auth: 'public' | 'operator'
  readonly summary: string
  readonly params?: TObject
  readonly query?: TObject
  /** JSON that fits the schema, or with `rawBody` bytes that reach the node unchanged. */
  readonly body?: TSchema
  readonly rawBody?: true
  readonly answer: Answer
}

/** `statuses` are the good ones; everything else is a problem document. */
interface Answer<Schema extends TSchema = TSchema> {
  /** bytes: JSON handed on as stored; stream: server-sent events. */
  readonly form: 'json' | 'bytes' | 'text' | 'stream'
  readonly type: string
  readonly statuses: readonly number[]
  readonly schema: Schema
}

export function json<Schema extends TSchema>(schema: Schema, statuses: readonly number[] = [200]) {
  return { form: 'json', type: 'application/json', statuses, schema } as const
}
export function bytes(description: string) {
  return {
    form: 'bytes',
    type: 'application/json',
    statuses: [200],
    schema: Type.Unsafe<unknown>({ description }),
  } as const
}
export function text(type: string, description: string) {
  return { form: 'text', type, statuses: [200], schema: Type.String({ description }) } as const
}

export const shortText = Type.String({ maxLength: 256 })
export const submitted = json(schemas.recordSchema, [200, 202])
