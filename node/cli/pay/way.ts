import { type Code, CodedError } from '../../../src/rejection.ts'
import type { LctId, SocietyId } from '../../../src/units.ts'
import type { Client } from '../../api/client.ts'
import type { RecordView } from '../../service.ts'
import type { Call } from '../command.ts'
import { untilFinal } from '../submit.ts'

export interface Step {
  readonly step: 'follow' | 'recognize' | 'introduce' | 'transfer' | 'news'
  readonly [fact: string]: unknown
}

/** One payment on its way. */
export interface Way {
  readonly call: Pick<Call<object>, 'context' | 'progress'>
  readonly client: Client
  /** The payer's society: its log, its money. */
  readonly home: SocietyId
  readonly said: (step: Step, text: string) => void
}

const POLL_MS = 200
/** Witnesses, and nodes that begin again, need seconds; who waits longer is told why and comes back. */
export const WAIT_MS = 60_000

export async function poll<T>(
  { call: { context } }: Pick<Way, 'call'>,
  look: () => Promise<T | undefined>,
  limitMs = WAIT_MS,
): Promise<T | undefined> {
  const began = context.now()
  for (;;) {
    const found = await look()
    if (found !== undefined || context.now() - began >= limitMs) return found
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}

/** Does it again while it is refused with one of these codes, and says once for what it waits; at last the refusal itself. */
export async function retried<T>(
  way: Pick<Way, 'call'>,
  what: string,
  codes: ReadonlySet<Code>,
  task: () => Promise<T>,
  limitMs = WAIT_MS,
): Promise<T> {
  let last: CodedError | undefined
  const attempt = async () => {
    try {
      return { value: await task() }
    } catch (error) {
      if (!(error instanceof CodedError) || !codes.has(error.code)) throw error
      if (error.code !== last?.code) way.call.context.stderr(`${what}: waits: ${error.code}: ${error.message}\n`)
      last = error
      return undefined
    }
  }
  const done = await way.call.progress(what, poll(way, attempt, limitMs))
  if (done === undefined) throw last ?? new CodedError('INTERNAL')
  return done.value
}

/** Final by witnesses that this node accepts. */
export function final({ call, client }: Way, record: unknown): Promise<RecordView> {
  return call.progress('waiting for witnesses', untilFinal(call, client, record as RecordView, true))
}

interface LctFacts {
  readonly key?: unknown
  readonly status?: unknown
}

/** An LCT as the log of `society` has it; undefined: not there, or that log is not here. */
export async function stateOf(client: Client, id: LctId, society: SocietyId): Promise<LctFacts | undefined> {
  return client.lct({ id, society }).catch((error: unknown) => {
    if (error instanceof CodedError && error.code === 'NOT_FOUND') return undefined
    throw error
  })
}
