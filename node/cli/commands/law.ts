import { readFile, writeFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError } from 'commander'
import { canonicalBytes, type Json, type JsonObject } from '../../../src/canonical.ts'
import { signedMessage } from '../../../src/crypto.ts'
import { toBase64url } from '../../../src/encoding.ts'
import type { Law } from '../../../src/records/law.ts'
import type { Sig } from '../../../src/records/types.ts'
import { CodedError } from '../../../src/rejection.ts'
import type { Client } from '../../api/client.ts'
import type { LawPlanView, LawView } from '../../law-office.ts'
import type { RecordView } from '../../service.ts'
import { canAsk, confirmed } from '../ask.ts'
import { addCommand, type Call, type Cli, count, type Outcome, run } from '../command.ts'
import { type Asked, askedChanges, decayRate, type LawOptions, type Named } from '../law-changes.ts'
import { lawText, planText } from '../law-text.ts'
import { keyPath, passphraseFor } from '../member.ts'
import { addWaitOption, followed, type WaitOptions } from '../submit.ts'

interface UpdateOptions extends LawOptions, WaitOptions {
  readonly dryRun?: true
  readonly yes?: true
  readonly prepare?: string
  readonly record?: string
  readonly amendSig?: readonly string[]
}

/** An invited node has proved for whom it speaks within this time, or does not answer. */
const OPEN_LIMIT_MS = 15_000
const POLL_MS = 200

const list = (text: string, before: readonly string[] = []): readonly string[] => [...before, text]

export function law(cli: Cli, program: Command): void {
  const parent = program.command('law').description('the law of a society, and changes of the own one')
  const show = addCommand(parent, 'show', 'the law in force').argument('[society]', 'default: the own one')
  run(cli, show, async ({ args, client }) => {
    const node = await client()
    const facts = await lawOf(node, args[0])
    return { facts, text: lawText(facts) }
  })
  update(cli, parent)
  sign(cli, parent)
}

async function lawOf(node: Client, id?: string): Promise<LawView> {
  const society = id ?? (await node.status()).society
  if (society === '') throw new CodedError('NOT_FOUND', 'this node has no society; name one')
  return (await node.law({ id: society })) as LawView
}

function update(cli: Cli, parent: Command): void {
  const command = addCommand(parent, 'update', 'change the own law; other witnesses are a handover')
    .option('--add-witness <invitation>', 'makes entries final from now on; or its key; can be repeated', list)
    .option('--remove-witness <key>', 'or the name of its society; can be repeated', list)
    .option('--quorum <n>', 'how many witnesses make an entry final; default: what tolerates most liars', count(1, 15))
    .option('--add-birth-witness <invitation>', 'may witness births; or its key; can be repeated', list)
    .option('--remove-birth-witness <key>', 'or the name of its society; can be repeated', list)
    .option('--birth-quorum <n>', 'witnesses of a birth', count(2, 15))
    .option('--decay <rate>', 'none, low, moderate, high, aggressive, or ppm per 30 days', rate)
    .option('--endpoint <address>', 'address of record; all of them, can be repeated', list)
    .option('--set <path=value>', 'any member of the law; can be repeated', list)
    .option('--file <file>', 'JSON: a law, or the members that change')
    .option('--dry-run', 'show what it means, change nothing')
    .option('--yes', 'do not ask for confirmation')
    .option('--prepare <file>', 'write the record for holders of amend keys to sign (`web4 law sign`)')
    .option('--record <file>', 'a prepared record, with --amend-sig')
    .option('--amend-sig <file>', 'signature of an amend key; can be repeated', list)
  run<UpdateOptions>(cli, addWaitOption(command), async call => {
    const node = await call.client()
    const { options } = call
    if (options.record !== undefined) return complete(call, node, options.record)
    const asked = await askedChanges(options, (await lawOf(node)).law as unknown as Law, node)
    for (const invited of asked.invited) await connect(call, node, invited)
    return change(call, node, asked)
  })
}

async function change(call: Call<UpdateOptions>, node: Client, asked: Asked): Promise<Outcome> {
  const { changes } = asked
  const { dryRun, prepare } = call.options
  const body = { changes, ...(prepare === undefined ? {} : { prepare: true }) }
  const plan = (await call.progress('trying it', node.planLaw({ body }))) as LawPlanView
  const text = planText(plan, asked.defaultQuorum)
  if (dryRun === true) return { facts: plan, text: `${text}\nnothing was changed` }
  if (prepare !== undefined) {
    await writeFile(prepare, canonicalBytes(plan.record as Json))
    return { facts: { ...plan, file: prepare }, text: `${text}\nto be signed: ${prepare}` }
  }
  call.context.stderr(`${text}\n`)
  if (canAsk(call.context) && call.options.yes !== true && !(await confirmed(call.context, 'Change the law?')))
    throw new CodedError('BAD_REQUEST', 'nothing was changed')
  const record = await call.progress('asking the new witnesses', node.changeLaw({ body: { changes } }))
  return followed(call, node, record as RecordView, `law ${String((plan.law as JsonObject).number)}`)
}

async function complete(call: Call<UpdateOptions>, node: Client, path: string): Promise<Outcome> {
  const record = await jsonFile(path)
  const sigs = (await Promise.all((call.options.amendSig ?? []).map(jsonFile))) as unknown as Sig[]
  const done = await call.progress('asking the new witnesses', node.completeLaw({ body: { record, sigs } }))
  return followed(call, node, done as RecordView, 'law')
}

/** One address that works is enough; then it takes a moment until both ends have said who they are. */
async function connect(call: Call<UpdateOptions>, node: Client, { addresses, key }: Named): Promise<void> {
  const isOpen = async () => (await node.status()).peers.some(({ witness_key }) => witness_key === key)
  if (await isOpen()) return
  let refusal: unknown
  for (const address of addresses) {
    try {
      await node.connect({ body: { address } })
      refusal = undefined
      break
    } catch (error) {
      refusal = error
    }
  }
  if (refusal !== undefined) throw refusal
  const end = call.context.now() + OPEN_LIMIT_MS
  while (!(await isOpen())) {
    if (call.context.now() > end)
      throw new CodedError('PEER_UNREACHABLE', `nobody at the addresses of the invitation speaks for ${key}`)
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
}

interface SignOptions {
  readonly key: string
  readonly out: string
  readonly passphraseFile?: string
  readonly dir?: string
}

function sign(cli: Cli, parent: Command): void {
  const command = addCommand(
    parent,
    'sign',
    'sign a prepared change of a law with an amend key; no node is needed',
    false,
  )
    .argument('<record>', 'file that --prepare wrote')
    .requiredOption('--key <file>', 'key file, or its name in the keys folder')
    .requiredOption('--out <file>', 'where the signature is written')
    .option('--dir <folder>', 'data folder (environment: WEB4_DIR)')
    .option('--passphrase-file <file>', 'opens the key file')
  run<SignOptions>(cli, command, async ({ args, context, options }) => {
    const record = await jsonFile(args[0] as string)
    if (record.kind !== 'law.update') throw new CodedError('BAD_REQUEST', `${args[0]} is no change of a law`)
    const path = keyPath(options.key, options, context.env)
    const { openKeyFile } = await import('../../keys/keystore.ts')
    const signer = await openKeyFile(path, await passphraseFor(path, options, context))
    const sig = toBase64url(await signer.sign(signedMessage('record', canonicalBytes(record))))
    const facts = { by: signer.key, sig }
    await writeFile(options.out, `${JSON.stringify(facts)}\n`)
    return { facts, text: `signed by ${signer.key}: ${options.out}` }
  })
}

async function jsonFile(path: string): Promise<JsonObject> {
  const text = await readFile(path, 'utf8').catch(cause => {
    throw new CodedError('BAD_REQUEST', `cannot read ${path}`, { cause })
  })
  try {
    return JSON.parse(text) as JsonObject
  } catch (cause) {
    throw new CodedError('BAD_REQUEST', `${path} is not JSON`, { cause })
  }
}

function rate(text: string): number {
  const ppm = decayRate(text)
  if (ppm === undefined) throw new InvalidArgumentError('Give a preset, or parts per million for 30 days.')
  return ppm
}
