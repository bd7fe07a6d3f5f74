import { type Command, Option } from 'commander'
import type { JsonObject } from '../../../src/canonical.ts'
import { LANE_MAX } from '../../../src/limits.ts'
import type { MicroAtp } from '../../../src/units.ts'
import type { Client } from '../../api/client.ts'
import { makeRecord, submissionOf } from '../../api/sign.ts'
import type { RecordView } from '../../service.ts'
import { addCommand, atpAmount, atpText, type Call, type Cli, count, type Outcome, run } from '../command.ts'
import { EVIDENCE_HELP, evidenceOf } from '../evidence.ts'
import { addMemberOptions, type Member, type MemberOptions, openMember } from '../member.ts'
import { addWaitOption, followed, type WaitOptions } from '../submit.ts'
import { balance } from './atp-balance.ts'
import { project } from './atp-project.ts'
import { received } from './atp-received.ts'
import { supply } from './atp-supply.ts'
import { sweep } from './atp-sweep.ts'
import { tune } from './atp-tune.ts'

interface AtpOptions extends MemberOptions, WaitOptions {
  readonly to?: string
  readonly society?: string
  readonly evidence?: string
  readonly memo?: string
  readonly lane: number
}

export function atp(cli: Cli, program: Command): void {
  const parent = program
    .command('atp')
    .description('energy: mint, charge, transfer, discharge, sweep, balance, received, supply, project, tune')
  mint(cli, parent)
  charge(cli, parent)
  transfer(cli, parent)
  discharge(cli, parent)
  sweep(cli, parent)
  balance(cli, parent)
  received(cli, parent)
  supply(cli, parent)
  project(cli, parent)
  tune(cli, parent)
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
