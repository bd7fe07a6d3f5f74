import type { Command } from 'commander'
import { CodedError } from '../../src/rejection.ts'
import type { Client } from '../api/client.ts'
import type { RecordView } from '../service.ts'
import type { Call, Outcome } from './command.ts'

export interface WaitOptions {
  readonly wait?: boolean
}

const POLL_MS = 200
/** A receipt is overdue after 60 s; finality takes a round of witnesses more. */
const WAIT_MS = 90_000

export function addWaitOption(command: Command): Command {
  return command.option('--wait', 'until the record is final')
}

/** The fate of a record that a node took: at once, or with --wait when it is final. */
export async function followed(
  call: Call<WaitOptions>,
  client: Client,
  accepted: RecordView,
  did: string,
): Promise<Outcome> {
  const record =
    call.options.wait === true
      ? await call.progress('waiting for witnesses', untilFinal(call, client, accepted))
      : accepted
  const place = record.seq === undefined ? '' : ` as entry ${record.seq}`
  return { facts: { ...accepted, ...record }, text: `${did}: ${record.status}${place}\nrecord ${record.id}` }
}

/** `forUs`: by witnesses that this node itself accepts, as payments across societies need it. */
export async function untilFinal(
  { context }: Pick<Call<object>, 'context'>,
  client: Client,
  accepted: RecordView,
  forUs = false,
): Promise<RecordView> {
  const began = context.now()
  let record: RecordView = accepted
  while (record.status !== 'final' || (forUs && record.final_for_us !== true)) {
    if (record.status === 'dead') throw new CodedError('RECORD_DEAD')
    if (record.status === 'refused') throw new CodedError(record.code ?? 'INTERNAL')
    if (context.now() - began > WAIT_MS) {
      throw new CodedError(
        'NOT_FINAL',
        record.status === 'final'
          ? `record ${record.id} is final for its society, not for this node: it follows too few of the witnesses' societies`
          : `record ${record.id} is ${record.status} after ${WAIT_MS / 1_000} s; ${record.missing?.length ?? 'some'} witnesses have not signed`,
      )
    }
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
    // What is known by code is checked by the node's own types.
    record = (await client.record({ id: accepted.id })) as RecordView
  }
  return record
}
