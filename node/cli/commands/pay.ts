import { type Command, Option } from 'commander'
import { LANE_MAX } from '../../../src/limits.ts'
import { lctPattern } from '../../../src/records/fields.ts'
import { homeOf } from '../../../src/records/names.ts'
import { rulesOf } from '../../../src/records/registry.ts'
import { CodedError } from '../../../src/rejection.ts'
import type { LctId, MicroAtp, SocietyId } from '../../../src/units.ts'
import type { Client } from '../../api/client.ts'
import { makeRecord } from '../../api/sign.ts'
import type { RecordView } from '../../service.ts'
import { addCommand, atpAmount, atpText, type Call, type Cli, count, type Outcome, run } from '../command.ts'
import { EVIDENCE_HELP, evidenceOf } from '../evidence.ts'
import { dataFolder } from '../find-node.ts'
import { addMemberOptions, type Member, type MemberOptions, openMember } from '../member.ts'
import { bytesOf, Payment, recordIdOf } from '../payment.ts'
import { untilFinal } from '../submit.ts'

interface PayOptions extends MemberOptions {
  readonly key: string
  readonly to: LctId
  readonly memo?: string
  readonly id?: string
  readonly lane: number
}

interface Step {
  readonly step: 'follow' | 'recognize' | 'introduce' | 'transfer'
  readonly [fact: string]: unknown
}

/** One payment on its way. */
interface Way {
  readonly call: Call<PayOptions>
  readonly client: Client
  /** The payer's society: its log, its money. */
  readonly home: SocietyId
  readonly said: (step: Step, text: string) => void
}

const POLL_MS = 200
const WAIT_MS = 60_000
const BIRTH_MS = 5_000
const LCT = new RegExp(`^${lctPattern}$`)
/** A society has few handovers; more than these in one go is a loop. */
const HANDOVERS_MAX = 64

export function pay(cli: Cli, program: Command): void {
  const command = addCommand(
    program,
    'pay',
    'pay somebody, in this society or another one: every step until it is final',
  )
    .argument('<amount>', 'decimal ATP of the own society', atpAmount)
    .requiredOption('--to <lct>', 'who is paid')
    .option('--memo <hash>', `what for: ${EVIDENCE_HELP}`)
    .option('--id <text>', 'name of this payment: with it the same is never paid twice, however often this is run')
    .addOption(new Option('--lane <n>', "the device's lane").argParser(count(0, LANE_MAX)).default(0))
  run<PayOptions>(cli, addMemberOptions(command), paid)
}

async function paid(call: Call<PayOptions>): Promise<Outcome> {
  const { context, options } = call
  const amount = call.args[0] as unknown as MicroAtp
  if (!LCT.test(options.to)) throw new CodedError('BAD_REQUEST', `no LCT: ${options.to}`)
  const member = await openMember(options.key, options, context)
  const client = await call.client()
  const { society } = await client.status()
  if (society !== member.home)
    throw new CodedError(
      'NOT_SEQUENCER',
      `${options.key} is at home in ${member.home}; this is the node of ${society || 'no society'}`,
    )
  const steps: Step[] = []
  const said = (step: Step, text: string) => {
    steps.push(step)
    if (options.json !== true) context.stdout(`${text}\n`)
  }
  const memo = options.memo === undefined ? {} : { memo: await evidenceOf(options.memo) }
  const terms = { amount, from: member.lct, to: options.to, ...memo }
  const payment = await Payment.open(dataFolder(options, context.env), terms, options.id)
  try {
    if (payment.done !== undefined) {
      const facts = { payment: 'paid before', record: payment.done, steps }
      return { facts, text: `${options.id} was paid before: record ${payment.done}` }
    }
    const way: Way = { call, client, home: member.home, said }
    // Once it is signed, all that came before it had been done.
    if (payment.record === undefined) await prepare(way, options.to)
    const record = await transfer(way, payment, member, terms)
    await payment.finish(record.id)
    const facts = { payment: 'paid', ...terms, society, record: record.id, seq: record.seq, steps }
    return {
      facts,
      text: `paid ${atpText(amount)} of ${society} to ${options.to}: entry ${record.seq}, final\nrecord ${record.id}`,
    }
  } finally {
    await payment.close()
  }
}

/** Whatever must stand in the payer's log before a foreign account can be paid there. */
async function prepare(way: Way, payee: LctId): Promise<void> {
  const { client, home } = way
  const theirs = homeOf(payee)
  if (theirs === home) return
  await follow(way, theirs)
  for (let turn = 0; turn < HANDOVERS_MAX; turn++) if (!(await recognizeNext(way, theirs))) break
  const here = await stateOf(client, payee, home)
  const there = await way.call.progress('waiting for the birth of the payee', heldLct(client, payee, theirs))
  if (here !== undefined && here.key === there.key && here.status === there.status) return
  const record = await retried(way, `introducing ${payee}`, () => client.introduce({ body: { lct: payee } }))
  const { seq } = await final(way, record)
  const word = here === undefined ? 'introduced' : 'brought up to date'
  way.said({ step: 'introduce', lct: payee, record: record.id, seq }, `${word} ${payee}: entry ${seq}, final`)
}

/** Without the payee's log nothing about it can be checked. */
async function follow({ call, client, said }: Way, society: SocietyId): Promise<void> {
  const known = (await client.societies()).find(view => view.society === society)
  if (known?.policy.block === true)
    throw new CodedError('PEER_BLOCKED', `this node blocks ${society}: \`web4 block ${society} --off\``)
  if (known?.policy.follow !== true) {
    await client.policy({ body: { society, policy: { follow: true } } })
    said({ step: 'follow', society }, `follows ${society}`)
  }
  const arrived = poll(async () => (await client.society({ id: society })).size > 0 || undefined)
  if ((await call.progress(`waiting for the log of ${society}`, arrived)) === undefined)
    throw new CodedError('PEER_UNREACHABLE', `no peer here serves the log of ${society}`)
}

/** The charter, or the next handover that came since; false when there is none. */
async function recognizeNext(way: Way, society: SocietyId): Promise<boolean> {
  const { client } = way
  const record = await retried(way, `recognising ${society}`, () => client.recognize({ body: { society } })).catch(
    (error: unknown) => {
      if (error instanceof CodedError && error.code === 'PEER_OLDER') return undefined
      throw error
    },
  )
  if (record === undefined) return false
  const { seq } = await final(way, record)
  way.said({ step: 'recognize', society, record: record.id, seq }, `recognised ${society}: entry ${seq}, final`)
  return true
}

async function transfer(way: Way, payment: Payment, member: Member, terms: object): Promise<RecordView> {
  const { call, client, home, said } = way
  for (;;) {
    if (payment.record === undefined) await payment.adopt(await newRecord(way, member, terms))
    const signed = payment.record
    if (signed === undefined) throw new CodedError('INTERNAL')
    const id = recordIdOf(signed)
    try {
      const sent = await call.progress('sending the record', client.submit({ body: bytesOf(signed) }))
      const record = await final(way, sent)
      said(
        { step: 'transfer', society: home, record: id, seq: record.seq },
        `transferred in ${home}: entry ${record.seq}, final`,
      )
      return record
    } catch (error) {
      if (!(error instanceof CodedError) || !(await isDead(way, id, signed.record, error))) throw error
      await payment.adopt(await newRecord(way, member, terms))
    }
  }
}

function newRecord({ call, client, home }: Way, { lct, signer }: Member, body: object) {
  const { context, options } = call
  const draft = { kind: 'atp.transfer', society: home, author: lct, lane: options.lane, time: context.now() }
  return makeRecord(client, { ...draft, body: { ...body } }, signer)
}

/** Whether a refused record can never enter the log any more, as far as what is final shows: only then may another one be made. */
async function isDead({ call, client, home }: Way, id: string, record: object, refused: CodedError): Promise<boolean> {
  const { code } = refused
  if (code !== 'REPLAYED' && code !== 'STALE' && code !== 'RECORD_DEAD') return false
  const { time } = record as { time: number }
  const { clock } = await client.status()
  // Too early is not too late: it could still come in.
  if (code === 'STALE' && clock <= time + (rulesOf('atp.transfer')?.freshnessMs ?? 0)) return false
  const { size } = await client.society({ id: home })
  const settled = poll(async () => (await client.society({ id: home })).final >= size || undefined)
  if ((await call.progress('waiting for witnesses', settled)) === undefined) return false
  const { status } = await client.record({ id })
  return status !== 'sequenced' && status !== 'final'
}

function final({ call, client }: Way, record: unknown): Promise<RecordView> {
  return call.progress('waiting for witnesses', untilFinal(call, client, record as RecordView, true))
}

/** What is only not final yet, here or there, is in a moment. */
async function retried<T>({ call }: Way, what: string, task: () => Promise<T>): Promise<T> {
  let last: CodedError | undefined
  const done = await call.progress(
    what,
    poll(async () => {
      try {
        return await task()
      } catch (error) {
        if (!(error instanceof CodedError) || (error.code !== 'NOT_FINAL' && error.code !== 'STARTING')) throw error
        last = error
        return undefined
      }
    }),
  )
  if (done === undefined) throw last ?? new CodedError('NOT_FINAL')
  return done
}

interface LctFacts {
  readonly key?: unknown
  readonly status?: unknown
}

async function stateOf(client: Client, id: LctId, society: SocietyId): Promise<LctFacts | undefined> {
  return client.lct({ id, society }).catch((error: unknown) => {
    if (error instanceof CodedError && error.code === 'NOT_FOUND') return undefined
    throw error
  })
}

/** Its society may have just born it. */
async function heldLct(client: Client, id: LctId, society: SocietyId): Promise<LctFacts> {
  const found = await poll(() => stateOf(client, id, society), BIRTH_MS)
  if (found !== undefined) return found
  const { size } = await client.society({ id: society })
  throw new CodedError('LCT_UNKNOWN', `${id} is in none of the ${size} entries of its society that are here`)
}

async function poll<T>(look: () => Promise<T | undefined>, limitMs = WAIT_MS): Promise<T | undefined> {
  for (let waited = 0; ; waited += POLL_MS) {
    const found = await look()
    if (found !== undefined || waited >= limitMs) return found
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}
