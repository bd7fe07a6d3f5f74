import { type Command, Option } from 'commander'
import type { JsonObject } from '../../../src/canonical.ts'
import { LANE_MAX } from '../../../src/limits.ts'
import { CodedError } from '../../../src/rejection.ts'
import type { MicroAtp } from '../../../src/units.ts'
import { formatAtp } from '../../../src/units.ts'
import type { Client } from '../../api/client.ts'
import { makeRecord, submissionOf } from '../../api/sign.ts'
import type { RecordView } from '../../service.ts'
import { addCommand, atpAmount, atpText, type Call, type Cli, count, type Outcome, run } from '../command.ts'
import { EVIDENCE_HELP, evidenceOf } from '../evidence.ts'
import { addMemberOptions, type Member, type MemberOptions, openMember } from '../member.ts'
import { addWaitOption, followed, type WaitOptions } from '../submit.ts'

interface AtpOptions extends MemberOptions, WaitOptions {
  readonly to?: string
  readonly society?: string
  readonly evidence?: string
  readonly memo?: string
  readonly lane: number
}

export function atp(cli: Cli, program: Command): void {
  const parent = program.command('atp').description('energy: mint, charge, transfer, discharge, balance')
  mint(cli, parent)
  charge(cli, parent)
  transfer(cli, parent)
  discharge(cli, parent)
  balance(cli, parent)
}

function addPayment(parent: Command, name: string, description: string, memberRequired: boolean): Command {
  const command = addCommand(parent, name, description)
    .argument('<amount>', 'decimal ATP', atpAmount)
    .addOption(new Option('--lane <n>', "the device's lane").argParser(count(0, LANE_MAX)).default(0))
  return addWaitOption(addMemberOptions(command, memberRequired))
}

function mint(cli: Cli, parent: Command): void {
  const command = addPayment(parent, 'mint', 'add ADP to the pool, by the treasury', false).option(
    '--evidence <hash>',
    EVIDENCE_HELP,
  )
  run<AtpOptions>(cli, command, async call => {
    const amount = amountOf(call)
    const body = { amount, ...(await optionalHash('evidence', call.options.evidence)) }
    const client = await call.client()
    const did = `mint ${atpText(amount)}`
    if (call.options.key === undefined) return issued(call, client, 'atp.mint', body, did)
    const member = await openMember(call.options.key, call.options, call.context)
    return signed(call, client, member, member.home, { kind: 'atp.mint', body }, did)
  })
}

function charge(cli: Cli, parent: Command): void {
  const command = addPayment(
    parent,
    'charge',
    'turn ADP of the pool into ATP on an account, by a producer and the society',
    false,
  )
    .requiredOption('--to <lct>', 'whose account')
    .requiredOption('--evidence <hash>', `of value: ${EVIDENCE_HELP}`)
  run<AtpOptions>(cli, command, async call => {
    const { context, options } = call
    const amount = amountOf(call)
    const body = { amount, to: options.to as string, evidence: await evidenceOf(options.evidence as string) }
    const client = await call.client()
    const did = `charge ${atpText(amount)} to ${options.to}`
    if (options.key === undefined) return issued(call, client, 'atp.charge', body, did)
    // The producer signs here, the society adds its signature at the node.
    const { home, lct, signer } = await openMember(options.key, options, context)
    const draft = { kind: 'atp.charge', society: home, author: lct, lane: options.lane, time: context.now(), body }
    return issued(call, client, 'atp.charge', body, did, { author: lct, ...(await makeRecord(client, draft, signer)) })
  })
}

function transfer(cli: Cli, parent: Command): void {
  const command = addPayment(parent, 'transfer', 'pay another account', true)
    .requiredOption('--to <lct>', 'who is paid')
    .option('--society <id>', "in whose ATP; default: the payer's home society")
    .option('--memo <hash>', `what for: ${EVIDENCE_HELP}`)
  run<AtpOptions>(cli, command, async call => {
    const { context, options } = call
    const amount = amountOf(call)
    const member = await openMember(options.key as string, options, context)
    const body = { amount, from: member.lct, to: options.to as string, ...(await optionalHash('memo', options.memo)) }
    const did = `transfer ${atpText(amount)} to ${options.to}`
    return signed(
      call,
      await call.client(),
      member,
      options.society ?? member.home,
      { kind: 'atp.transfer', body },
      did,
    )
  })
}

function discharge(cli: Cli, parent: Command): void {
  const command = addPayment(parent, 'discharge', 'ATP becomes ADP because work was paid', true)
    .requiredOption('--evidence <hash>', `of work: ${EVIDENCE_HELP}`)
    .option('--society <id>', "in whose ATP; default: the holder's home society")
  run<AtpOptions>(cli, command, async call => {
    const { context, options } = call
    const amount = amountOf(call)
    const evidence = await evidenceOf(options.evidence as string)
    const member = await openMember(options.key as string, options, context)
    const body = { amount, from: member.lct, evidence }
    const did = `discharge ${atpText(amount)}`
    return signed(
      call,
      await call.client(),
      member,
      options.society ?? member.home,
      { kind: 'atp.discharge', body },
      did,
    )
  })
}

function balance(cli: Cli, parent: Command): void {
  const command = addCommand(parent, 'balance', 'what an LCT can spend, and whether it is final')
    .argument('<lct>')
    .option('--society <id>', 'only in the ATP of this society')
    .option('--wait', 'until all that is here is final')
  run<AtpOptions>(cli, command, async ({ args, client, options, progress }) => {
    const lct = args[0] as string
    const query = { lct, ...(options.society === undefined ? {} : { society: options.society }) }
    const node = await client()
    const accounts = await progress(
      options.wait === true ? 'waiting for witnesses' : 'asking the node',
      accountsOf(node, query, options.wait === true),
    )
    if (accounts.length === 0) throw new CodedError('ACCOUNT_UNKNOWN', `no account of ${lct} here`)
    const lines = accounts.map(
      account => `${formatAtp(account.spendable)} ATP of ${account.society}: ${finality(account)}`,
    )
    return { facts: { lct, accounts }, text: lines.join('\n') }
  })
}

type Account = Awaited<ReturnType<Client['accounts']>>[number]

const POLL_MS = 200
const WAIT_MS = 90_000

async function accountsOf(
  node: Client,
  query: Parameters<Client['accounts']>[0],
  wait: boolean,
): Promise<readonly Account[]> {
  for (let waited = 0; ; waited += POLL_MS) {
    const accounts = await node.accounts(query)
    const settled = accounts.length > 0 && accounts.every(({ final_for_us, size }) => final_for_us >= size)
    if (!wait || settled || waited >= WAIT_MS) return accounts
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}

function finality({ final, final_for_us, size }: Account): string {
  if (final < size) return `not all final yet (entry ${size - 1} is the newest, below ${final} all are)`
  return final_for_us < size ? 'final for them, not for us' : 'final'
}

function amountOf(call: Call<AtpOptions>): MicroAtp {
  return call.args[0] as unknown as MicroAtp
}

async function optionalHash(name: string, text: string | undefined): Promise<Record<string, string>> {
  return text === undefined ? {} : { [name]: await evidenceOf(text) }
}

async function issued(
  call: Call<AtpOptions>,
  client: Client,
  kind: string,
  body: JsonObject,
  did: string,
  more: object = {},
): Promise<Outcome> {
  const record = await call.progress('asking the society', client.issue({ body: { kind, body, ...more } }))
  return followed(call, client, record as RecordView, did)
}

async function signed(
  call: Call<AtpOptions>,
  client: Client,
  { lct, signer }: Member,
  society: string,
  what: { readonly kind: string; readonly body: JsonObject },
  did: string,
): Promise<Outcome> {
  const draft = { ...what, society, author: lct, lane: call.options.lane, time: call.context.now() }
  const submission = submissionOf(await makeRecord(client, draft, signer))
  const record = await call.progress('sending the record', client.submit({ body: submission }))
  return followed(call, client, record as RecordView, did)
}
