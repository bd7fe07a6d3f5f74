import { type Code, CodedError } from '../../src/rejection.ts'

/** What LevelDB and Node say when space ran out: LevelDB passes on the system's text (strerror), Node its code. */
const FULL = /no space left|disk quota exceeded|not enough space/i
const FULL_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT']
const CLOSED_CODES: readonly unknown[] = [
  'LEVEL_DATABASE_NOT_OPEN',
  'LEVEL_ITERATOR_NOT_OPEN',
  'LEVEL_SNAPSHOT_NOT_OPEN',
]

/** A failure of LevelDB as one of our codes; `cause` keeps the original for the log of this node. */
export function levelError(error: unknown, detail?: string): CodedError {
  if (error instanceof CodedError) return error
  const chain = causesOf(error)
  const some = (test: (cause: Error & { code?: unknown }) => boolean) => chain.some(test)
  const coded = (code: Code) => new CodedError(code, detail, { cause: error })
  if (some(cause => cause.code === 'LEVEL_LOCKED')) return coded('STORE_LOCKED')
  if (some(cause => cause.code === 'LEVEL_CORRUPTION')) return coded('STORE_CORRUPT')
  if (some(cause => FULL_CODES.includes(cause.code) || FULL.test(cause.message))) return coded('STORE_FULL')
  // abstract-level wraps whatever stopped it from opening in "not open"; alone, it means that the store was closed.
  if (chain.length === 1 && some(cause => CLOSED_CODES.includes(cause.code))) return coded('STORE_CLOSED')
  return coded('STORE_FAILED')
}

function causesOf(error: unknown): (Error & { code?: unknown })[] {
  return error instanceof Error ? [error, ...causesOf(error.cause)] : []
}
