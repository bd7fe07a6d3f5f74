import type { Command } from 'commander'
import { homeOf } from '../../../src/records/names.ts'
import { CodedError } from '../../../src/rejection.ts'
import { addCommand, atpText, type Call, type Cli, type Outcome, run } from '../command.ts'
import { dataFolder, type NodeOptions } from '../find-node.ts'
import { fateOf } from '../pay/fate.ts'
import { newsText, tell } from '../pay/news.ts'
import { final, poll, type Way } from '../pay/way.ts'
import { Payment, type PaymentFacts } from '../payment.ts'

interface PaymentsOptions extends NodeOptions {
  readonly wait?: boolean
}

/** The five minutes in which a record may enter its log, and the next entry of one that is not quite idle. */
const DEATH_MS = 600_000

/** Payments of `web4 pay` that this folder knows of. */
export function payments(cli: Cli, program: Command): void {
  const parent = addCommand(program, 'payments', 'what became of the payments of this data folder', false).option(
    '--dir <folder>',
    'data folder (environment: WEB4_DIR)',
  )
  run<PaymentsOptions>(cli, parent, async ({ context, options }) => {
    const found = await Payment.list(dataFolder(options, context.env))
    return { facts: { payments: found }, text: found.length === 0 ? 'no payments' : found.map(lineOf).join('\n') }
  })
  const cancel = addCommand(parent, 'cancel', 'give an open payment up: nothing of it is sent any more')
    .argument('<name>', 'its --id, or what `web4 payments` calls it')
    .option('--wait', 'until its signed record can no longer enter the log')
  run<PaymentsOptions>(cli, cancel, call => withPayment(call, cancelled))
  const again = addCommand(parent, 'tell', "tell the payee's node of a payment once more").argument(
    '<name>',
    'its --id, or the record with which it was paid',
  )
  run<PaymentsOptions>(cli, again, call => withPayment(call, told))
}

function lineOf({ name, news, record, state, terms, why }: PaymentFacts): string {
  const what = terms === undefined ? '' : `${atpText(terms.amount)} to ${terms.to}`
  const more = [record === undefined ? '' : `record ${record}`, news === undefined ? '' : `news ${news}`, why ?? '']
  return [name, state, what, ...more].filter(part => part !== '').join('  ')
}

async function withPayment(
  call: Call<PaymentsOptions>,
  work: (call: Call<PaymentsOptions>, payment: Payment) => Promise<Outcome>,
): Promise<Outcome> {
  const payment = await Payment.find(dataFolder(call.options, call.context.env), call.args[0] as string)
  try {
    return await work(call, payment)
  } finally {
    await payment.close()
  }
}

async function cancelled(call: Call<PaymentsOptions>, payment: Payment): Promise<Outcome> {
  const { name } = payment
  if (payment.done !== undefined) return paidAfterAll(name, payment.done)
  if (payment.dead !== undefined)
    return { facts: { name, state: 'dead', why: payment.dead.why }, text: payment.dead.why }
  // Before anybody is asked: a run that comes in between sends nothing any more.
  await payment.cancel()
  const { record: signed } = payment
  if (signed !== undefined) {
    const way = await wayOf(call, payment)
    const decided = async () => {
      const fate = await fateOf(way, signed)
      return fate.fate === 'open' ? undefined : fate
    }
    const fate =
      call.options.wait === true
        ? await call.progress('waiting until its record is dead', poll(way, decided, DEATH_MS))
        : await decided()
    if (fate === undefined) throw await stillOpen(way, payment)
    if (fate.fate === 'entered') {
      const { id } = await final(way, fate.record)
      await payment.finish(id)
      return paidAfterAll(name, id)
    }
  }
  await payment.die({ code: 'PAYMENT_DEAD', why: 'it was cancelled' })
  return { facts: { name, state: 'cancelled' }, text: `${name} is cancelled: it was not paid and cannot be any more` }
}

async function stillOpen(way: Way, { name, record: signed }: Payment): Promise<CodedError> {
  const fate = signed === undefined ? undefined : await fateOf(way, signed)
  const until = fate?.fate === 'open' ? new Date(fate.until).toISOString() : 'now'
  return new CodedError(
    'PAYMENT_WAITS',
    `nothing of ${name} is sent any more; its signed record is dead for certain when the log of ${way.home} has a final entry later than ${until}`,
  )
}

function paidAfterAll(name: string, record: string): Outcome {
  const facts = { name, state: 'paid', record }
  return { facts, text: `${name} was paid all the same: record ${record}`, exitCode: 1 }
}

async function told(call: Call<PaymentsOptions>, payment: Payment): Promise<Outcome> {
  const { done, name } = payment
  if (done === undefined) throw new CodedError('NOT_FINAL', `${name} is not paid`)
  const heard = await tell(payment, () => wayOf(call, payment))
  if (heard === undefined) throw new CodedError('BAD_REQUEST', 'a payment within one society needs no news')
  return { facts: { name, record: done, ...heard }, text: newsText(payment, heard) }
}

async function wayOf(call: Call<PaymentsOptions>, { terms }: Payment): Promise<Way> {
  const client = await call.client()
  const { society } = await client.status()
  const home = homeOf(terms.from)
  if (society !== home)
    throw new CodedError(
      'NOT_SEQUENCER',
      `the payer is at home in ${home}; this is the node of ${society || 'no society'}`,
    )
  return { call, client, home, said: () => undefined }
}
