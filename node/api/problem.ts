import { type Code, CodedError, codes, type Rejection } from '../../src/rejection.ts'
import { adviceFor } from './advice.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** RFC 9457. `code` is ours and exact, `w4` the one of the standard's taxonomy. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: Code
  readonly w4: string
  readonly detail?: string
  readonly advice?: string
  /** The resource that it is about. */
  readonly instance?: string
}

/** `status` only where HTTP has a finer one than the table of codes. */
export function problemOf(
  refusal: Rejection,
  more: { readonly status?: number; readonly instance?: string } = {},
): Problem {
  const { code, detail } = refusal
  const advice = adviceFor(code)
  return {
    type: `urn:web4:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: codes[code].doc,
    status: more.status ?? codes[code].http,
    code,
    w4: codes[code].w4,
    ...(detail === undefined ? {} : { detail }),
    ...(advice === undefined ? {} : { advice }),
    ...(more.instance === undefined ? {} : { instance: more.instance }),
  }
}

/** The error that a problem document stands for; undefined if these are not the words of a node. */
export function errorOf(document: unknown): CodedError | undefined {
  if (typeof document !== 'object' || document === null) return undefined
  const { code, detail, title } = document as Partial<Problem>
  if (typeof code !== 'string' || !Object.hasOwn(codes, code)) return undefined
  return new CodedError(code, detail ?? title, { cause: document })
}
