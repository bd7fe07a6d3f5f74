import { readFile } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { canonicalBytes, decodeCanonical, type JsonObject } from '../../../src/canonical.ts'
import { LANE_MAX } from '../../../src/limits.ts'
import { ATTESTATION_TYPES } from '../../../src/records/attest.ts'
import { CodedError } from '../../../src/rejection.ts'
import { makeRecord, submissionOf } from '../../api/sign.ts'
import type { RecordView } from '../../service.ts'
import { addCommand, type Cli, count, run } from '../command.ts'
import { EVIDENCE_HELP, evidenceOf } from '../evidence.ts'
import { addMemberOptions, type MemberOptions, openMember } from '../member.ts'
import { addWaitOption, followed, type WaitOptions } from '../submit.ts'

interface AttestOptions extends MemberOptions, WaitOptions {
  readonly key: string
  readonly type: string
  readonly claims: string
  readonly event?: string
  readonly lane: number
}

export function attest(cli: Cli, program: Command): void {
  const command = addCommand(
    program,
    'attest',
    "witness something about an LCT or a society, in the witness's home log",
  )
    .argument('<subject>', 'LCT or society')
    .addOption(new Option('--type <type>', 'what kind of attestation').choices(ATTESTATION_TYPES).makeOptionMandatory())
    .requiredOption('--claims <json>', 'the claims that the type asks for, as JSON or @FILE')
    .option('--event <hash>', `what happened: ${EVIDENCE_HELP}`)
    .addOption(new Option('--lane <n>', "the device's lane").argParser(count(0, LANE_MAX)).default(0))
  run<AttestOptions>(cli, addWaitOption(addMemberOptions(command)), async call => {
    const { args, context, options, progress } = call
    const subject = args[0] as string
    const body: JsonObject = {
      subject,
      type: options.type,
      claims: await claimsOf(options.claims),
      ...(options.event === undefined ? {} : { event: await evidenceOf(options.event) }),
    }
    const { home, lct, signer } = await openMember(options.key, options, context)
    const client = await call.client()
    const draft = { kind: 'attest', society: home, author: lct, lane: options.lane, time: context.now(), body }
    const submission = submissionOf(await makeRecord(client, draft, signer))
    const record = await progress('sending the record', client.submit({ body: submission }))
    return followed(call, client, record as RecordView, `${options.type} attestation about ${subject}`)
  })
}

/** JSON as people write it; what signed data cannot hold is refused here, with its code. */
async function claimsOf(text: string): Promise<JsonObject> {
  const source = text.startsWith('@')
    ? await readFile(text.slice(1), 'utf8').catch(cause => {
        throw new CodedError('BAD_REQUEST', `cannot read ${text.slice(1)}`, { cause })
      })
    : text
  let claims: unknown
  try {
    claims = JSON.parse(source)
  } catch (cause) {
    throw new CodedError('FORMAT_JSON', 'the claims are no JSON', { cause })
  }
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
    throw new CodedError('CLAIMS_INVALID', 'claims are a JSON object')
  try {
    const decoded = decodeCanonical(canonicalBytes(claims as JsonObject))
    if (!decoded.ok) throw new CodedError(decoded.error.code, decoded.error.detail)
  } catch (error) {
    if (error instanceof RangeError) throw new CodedError('FORMAT_FLOAT', error.message, { cause: error })
    throw error
  }
  return claims as JsonObject
}
