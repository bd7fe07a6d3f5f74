import { type Command, Option } from 'commander'
import { LANE_MAX } from '../../../src/limits.ts'
import { lctPattern } from '../../../src/records/fields.ts'
import { homeOf } from '../../../src/records/names.ts'
import { rulesOf } from '../../../src/records/registry.ts'
import { type Code, CodedError } from '../../../src/rejection.ts'
import type { LctId, MicroAtp } from '../../../src/units.ts'
import { makeRecord } from '../../api/sign.ts'
import type { RecordView } from '../../service.ts'
import { addCommand, atpAmount, atpText, type Call, type Cli, count, type Outcome, run } from '../command.ts'
import { EVIDENCE_HELP, evidenceOf } from '../evidence.ts'
import { dataFolder } from '../find-node.ts'
import { addMemberOptions, type Member, type MemberOptions, openMember } from '../member.ts'
import { deathBy, deathError, deathOf, isWithout, unlessEntered } from '../pay/fate.ts'
import { newsText, tell } from '../pay/news.ts'
import { prepare } from '../pay/prepare.ts'
import { final, retried, type Step, type Way } from '../pay/way.ts'
import { bytesOf, Payment, type PaymentTerms } from '../payment.ts'

interface PayOptions extends MemberOptions {
  readonly key: string
  readonly to: LctId
  readonly memo?: string
  readonly id?: string
  readonly lane: number
}

/** Everything that one run works with. */
interface Run {
  readonly call: Call<PayOptions>
  readonly member: Member
  readonly payment: Payment
  readonly terms: PaymentTerms
  readonly steps: Step[]
}

const LCT = new RegExp(`^${lctPattern}$`)
/** The node begins again: the same record a moment later. */
const SOON: ReadonlySet<Code> = new Set(['STARTING'])
/** The payee may have to be introduced, or brought up to date, once more. */
const PAYEE: ReadonlySet<Code> = new Set(['ACCOUNT_UNKNOWN', 'ACCOUNT_INACTIVE'])
/** What is refused with these may be refused for ever. */
const PERHAPS_FOR_EVER: ReadonlySet<Code> = new Set([...PAYEE, 'AUTHOR_INACTIVE', 'FROZEN', 'VOID_ENTRY'])

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
  const memo = options.memo === undefined ? {} : { memo: await evidenceOf(options.memo) }
  const terms = { amount, from: member.lct, to: options.to, ...memo }
  const payment = await Payment.open(dataFolder(options, context.env), terms, options.id)
  try {
    return await outcome({ call, member, payment, terms, steps: [] })
  } finally {
    await payment.close()
  }
}

async function outcome(work: Run): Promise<Outcome> {
  const { payment, steps, terms } = work
  // What is known for ever is said without asking anybody.
  if (payment.dead !== undefined) throw deathError(payment.name, payment.dead)
  if (payment.done !== undefined) {
    const news = await told(work, () => wayOf(work))
    const facts = { payment: 'paid before', record: payment.done, ...news, steps }
    return { facts, text: `${payment.name} was paid before: record ${payment.done}` }
  }
  const way = await wayOf(work)
  const { home } = way
  const record = await settled(way, work)
  await payment.finish(record.id)
  const news = await told(work, async () => way)
  const facts = { payment: 'paid', ...terms, society: home, record: record.id, seq: record.seq, ...news, steps }
  const text = `paid ${atpText(terms.amount)} of ${home} to ${terms.to}: entry ${record.seq}, final\nrecord ${record.id}`
  return { facts, text }
}

/** Nothing that goes wrong with the news undoes a payment. */
async function told({ call, payment, steps }: Run, begin: () => Promise<Way>): Promise<object> {
  const heard = await tell(payment, begin)
  if (heard === undefined) return {}
  steps.push({ step: 'news', lct: payment.terms.to, ...heard })
  if (call.options.json !== true) call.context.stdout(`${newsText(payment, heard)}\n`)
  return { news: heard.news }
}

async function wayOf({ call, member, steps }: Run): Promise<Way> {
  const { context, options } = call
  const client = await call.client()
  const { society } = await client.status()
  if (society !== member.home)
    throw new CodedError(
      'NOT_SEQUENCER',
      `${options.key} is at home in ${member.home}; this is the node of ${society || 'no society'}`,
    )
  const said = (step: Step, text: string) => {
    steps.push(step)
    if (options.json !== true) context.stdout(`${text}\n`)
  }
  return { call, client, home: member.home, said }
}

/** The entry that it became: of an earlier run, or of this one. */
async function settled(way: Way, work: Run): Promise<RecordView> {
  const { payment, terms } = work
  if (payment.cancelled)
    return transferred(way, await unlessEntered(way, payment, { code: 'PAYMENT_DEAD', why: 'it was cancelled' }))
  const death = await deathOf(way, terms)
  if (death !== undefined) return transferred(way, await unlessEntered(way, payment, death))
  // Once it is signed, all that came before it had been done.
  if (payment.record === undefined) await prepared(way, work)
  return transfer(way, work)
}

async function prepared(way: Way, { payment, terms }: Run): Promise<void> {
  try {
    await prepare(way, terms.to)
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    const death = (await deathOf(way, terms)) ?? (await deathBy(way, terms.to, error.code))
    if (death === undefined) throw error
    await unlessEntered(way, payment, death)
  }
}

async function transfer(way: Way, work: Run): Promise<RecordView> {
  const { payment, terms } = work
  let isPrepared = false
  // Once a run: a clock that is wrong would make every new one as old as the last.
  let isRenewed = false
  for (;;) {
    if (payment.record === undefined) await payment.adopt(await newRecord(way, work))
    const signed = payment.record
    if (signed === undefined) throw new CodedError('INTERNAL')
    try {
      const sending = () => way.client.submit({ body: bytesOf(signed) })
      const sent = await retried(way, 'sending the record', SOON, sending)
      return await transferred(way, sent as RecordView)
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      const { code } = error
      const death = PERHAPS_FOR_EVER.has(code) ? await deathOf(way, terms) : undefined
      if (death !== undefined) return transferred(way, await unlessEntered(way, payment, death))
      if (PAYEE.has(code) && !isPrepared && homeOf(terms.to) !== way.home) {
        isPrepared = true
        await prepare(way, terms.to)
      } else if (!isRenewed && (await isDead(way, signed, error))) {
        isRenewed = true
        await payment.adopt(await newRecord(way, work))
      } else throw error
    }
  }
}

async function transferred(way: Way, sent: RecordView): Promise<RecordView> {
  const record = await final(way, sent)
  way.said(
    { step: 'transfer', society: way.home, record: record.id, seq: record.seq },
    `transferred in ${way.home}: entry ${record.seq}, final`,
  )
  return record
}

function newRecord({ client, home }: Way, { call: { context, options }, member: { lct, signer }, terms }: Run) {
  const draft = { kind: 'atp.transfer', society: home, author: lct, lane: options.lane, time: context.now() }
  return makeRecord(client, { ...draft, body: { ...terms } }, signer)
}

/** Whether a refused record can never enter the log any more, as far as what is final shows: only then may another one be made. */
async function isDead(way: Way, signed: NonNullable<Payment['record']>, refused: CodedError): Promise<boolean> {
  const { client, home } = way
  const { code } = refused
  if (code !== 'REPLAYED' && code !== 'STALE' && code !== 'RECORD_DEAD') return false
  const { time } = signed.record as { time: number }
  const { clock } = await client.status()
  // Too early is not too late: it could still come in.
  if (code === 'STALE' && clock <= time + (rulesOf('atp.transfer')?.freshnessMs ?? 0)) return false
  const { size } = await client.society({ id: home })
  return isWithout(way, signed, size)
}
