import type { Command } from 'commander'
import type { JsonObject } from '../../../src/canonical.ts'
import { faultTolerance } from '../../../src/log/finality.ts'
import { DECAY_PRESETS, defaultQuorum } from '../../../src/records/law.ts'
import { CodedError } from '../../../src/rejection.ts'
import type { KeyText } from '../../../src/units.ts'
import type { Client } from '../../api/client.ts'
import type { Invitation } from '../../invitation.ts'
import { withoutLoopback } from '../../net/reachable.ts'
import { ask, canAsk, confirmed } from '../ask.ts'
import { addCommand, type Call, type Cli, count, type Outcome, run } from '../command.ts'
import { DECAY_PRESET_NAMES, decayAt } from '../decay-law.ts'
import { dataFolder, type NodeOptions } from '../find-node.ts'
import { readName, slugOf } from '../folder.ts'
import { invitationList, invitationOf, meet } from '../invited.ts'
import { lawFile } from '../law-file.ts'

interface GenesisOptions extends NodeOptions {
  readonly name?: string
  readonly witness?: readonly Invitation[]
  readonly birthWitness?: readonly Invitation[]
  readonly quorum?: number
  readonly birthQuorum?: number
  readonly law?: string
  readonly practice?: true
  readonly predecessor?: string
  readonly yes?: true
}

type Body = Parameters<Client['genesis']>[0]['body']

/** A birth has two witnesses at least; three is the default of the law. */
const BIRTH_QUORUM = 3
/** Members of the law that come from the other options, or that a charter cannot choose. */
const NOT_IN_FILE = ['birth', 'finality', 'number', 'protocol', 'witness_key']
const POLL_MS = 200
const FINAL_MS = 30_000
/** As many as a law can hold. */
const ENDPOINTS_MAX = 16

export function genesis(cli: Cli, program: Command): void {
  const command = addCommand(
    program,
    'genesis',
    'found the society of this node: its witnesses are asked for consent, then its charter is written',
  )
    .option('--name <slug>', 'short name in its id; default: the one of `web4 init`')
    .option('--witness <invitation>', 'makes entries final; can be repeated', invitationList)
    .option('--birth-witness <invitation>', 'may witness births beside those; can be repeated', invitationList)
    .option(
      '--quorum <n>',
      'how many witnesses make an entry final; default: what tolerates the most liars',
      count(1, 15),
    )
    .option('--birth-quorum <n>', `witnesses of a birth; default: ${BIRTH_QUORUM}`, count(2, 15))
    .option('--law <file>', `JSON file with members of the law, or how fast money decays: ${DECAY_PRESET_NAMES}`)
    .option('--predecessor <id>', 'the log that ended, and that this one continues')
    .option('--practice', 'without witnesses: a log in which nothing is ever final')
    .option('--yes', 'do not ask for confirmation')
  run<GenesisOptions>(cli, command, found)
}

async function found(call: Call<GenesisOptions>): Promise<Outcome> {
  const { context, options, progress } = call
  const client = await call.client()
  const status = await client.status()
  if (status.society !== '') throw new CodedError('CHARTER_TWICE', `this node has its society: ${status.society}`)
  const slug = await nameOf(call)
  const witnesses = await witnessesOf(call)
  const others = distinct([...witnesses, ...(options.birthWitness ?? [])])
  const names = new Map(others.map(({ key, name }) => [key, name]))
  const quorum = quorumOf(witnesses, options.quorum, status.witness_key)
  const endpoints = withoutLoopback(status.addresses).slice(0, ENDPOINTS_MAX)
  const body: Body = {
    slug,
    witnesses: witnesses.map(({ key }) => key),
    birth_witnesses: [...names.keys(), status.witness_key],
    birth_quorum: options.birthQuorum ?? BIRTH_QUORUM,
    quorum,
    ...(options.predecessor === undefined ? {} : { predecessor: options.predecessor }),
    law: { endpoints, ...(await lawOf(options.law)) },
  }
  for (const invitation of others) await progress(`connecting to ${invitation.name}`, meet(client, invitation))
  if (options.json !== true) context.stderr(`${preview(body, names)}\n`)
  if (canAsk(context) && options.yes !== true && !(await confirmed(context, 'Write this charter?')))
    throw new CodedError('BAD_REQUEST', 'nothing was written')
  const { society } = await progress('asking the witnesses for consent', withNames(client.genesis({ body }), names))
  return report(
    society,
    await progress('waiting for the witnesses', untilFinal(client, society, witnesses.length)),
    names,
  )
}

async function nameOf({ context, options }: Call<GenesisOptions>): Promise<string> {
  const known =
    options.name ?? (options.url === undefined ? await readName(dataFolder(options, context.env)) : undefined)
  if (known !== undefined) return slugOf(known)
  if (canAsk(context)) return slugOf(await ask(context, 'Name of the society (a-z, 0-9 and -): '))
  throw new CodedError('BAD_REQUEST', 'what is the name of the society? Give --name SLUG')
}

async function witnessesOf({ context, options }: Call<GenesisOptions>): Promise<readonly Invitation[]> {
  const given = [...(options.witness ?? [])]
  while (options.witness === undefined && options.practice !== true && canAsk(context)) {
    const line = await ask(context, `Invitation of ${given.length === 0 ? 'a' : 'another'} witness (empty: no more): `)
    if (line === '') break
    given.push(invitationOf(line))
  }
  if (given.length === 0 && options.practice !== true) {
    throw new CodedError(
      'BAD_REQUEST',
      'who are the witnesses? Give --witness INVITATION for each; --practice makes a log in which nothing is ever final',
    )
  }
  if (given.length > 0 && options.practice === true)
    throw new CodedError('BAD_REQUEST', 'a practice log has no witnesses: leave out --practice or --witness')
  return distinct(given)
}

function distinct(invitations: readonly Invitation[]): readonly Invitation[] {
  return [...new Map(invitations.map(invitation => [invitation.key, invitation])).values()]
}

/** The rules of the log, told with numbers before anybody is asked. */
function quorumOf(witnesses: readonly Invitation[], given: number | undefined, own: KeyText): number {
  const n = witnesses.length
  const q = given ?? defaultQuorum(n)
  const self = witnesses.find(({ key }) => key === own)
  if (self !== undefined) throw new CodedError('LAW_QUORUM', `${self.name} is this node: others make a log final`)
  if (n > 15) throw new CodedError('LAW_QUORUM', `${n} witnesses; a log has 15 at most`)
  if (q > n) throw new CodedError('LAW_QUORUM', `a quorum of ${q} cannot be met by ${n} witnesses`)
  if (n > 0 && 2 * q <= n) {
    throw new CodedError(
      'LAW_QUORUM',
      `with ${q} of ${n} two halves could make two histories final: at least ${Math.floor(n / 2) + 1}`,
    )
  }
  return q
}

async function lawOf(text: string | undefined): Promise<JsonObject> {
  if (text === undefined) return {}
  const preset = Object.entries(DECAY_PRESETS).find(([name]) => name === text)
  if (preset !== undefined) return { decay: { ...decayAt(preset[1]) } }
  const law = await lawFile(text, `: no file, and none of ${DECAY_PRESET_NAMES}`)
  const fixed = Object.keys(law).find(name => NOT_IN_FILE.includes(name))
  if (fixed !== undefined)
    throw new CodedError(
      'BAD_REQUEST',
      `${fixed} in ${text}: witnesses and quorums are options, the rest is not chosen`,
    )
  return law
}

/** What is about to be written, in words. */
function preview(body: Body, names: ReadonlyMap<KeyText, string>): string {
  const { birth_quorum, birth_witnesses, law = {}, quorum = 0, slug, witnesses } = body
  const { liars, away } = faultTolerance({ n: witnesses.length, q: quorum })
  const { decay } = law as { decay?: { base_ppm?: number } }
  const ppm = decay?.base_ppm ?? DECAY_PRESETS.moderate
  const others = birth_witnesses.filter(key => names.has(key)).length
  const finality =
    witnesses.length === 0
      ? ['no witnesses: a practice log, nothing in it is ever final']
      : [
          `final when ${quorum} of ${witnesses.length} witnesses have signed: ${liars} may lie, ${away} may be away`,
          ...witnesses.map(key => `  ${names.get(key) ?? ''}  ${key}`),
        ]
  return [
    `The charter of ${slug}:`,
    ...finality,
    `births need ${birth_quorum} of ${others + 1} witnesses, ours among them, and those of two other societies`,
    ...(others < 2 ? ['  too few for now: name more with --birth-witness, or later by `web4 law update`'] : []),
    `money loses ${ppm / 10_000} % in 30 days`,
    `reached at ${(law as { endpoints?: string[] }).endpoints?.join(', ') || 'no address'}`,
  ].join('\n')
}

/** A refusal names keys; people know names. */
async function withNames<T>(work: Promise<T>, names: ReadonlyMap<KeyText, string>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    let text = error.message
    for (const [key, name] of names) text = text.replaceAll(key, `${name} (${key})`)
    throw new CodedError(error.code, `no charter was written; ${text}`, { cause: error })
  }
}

type View = Awaited<ReturnType<Client['society']>>

/** The charter stands; whether its witnesses have signed is worth a moment. */
async function untilFinal(client: Client, society: string, witnesses: number): Promise<View> {
  let view = await client.society({ id: society })
  for (let waited = 0; witnesses > 0 && view.final === 0 && waited < FINAL_MS; waited += POLL_MS) {
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
    view = await client.society({ id: society })
  }
  return view
}

function report(society: string, view: View, names: ReadonlyMap<KeyText, string>): Outcome {
  const missing = view.witnesses.filter(({ cosigned }) => cosigned === 0).map(({ key }) => key)
  const facts = { society, final: view.final > 0, missing }
  if (view.final > 0) return { facts, text: `founded ${society}\nits charter is final` }
  if (view.witnesses.length === 0)
    return { facts, text: `founded ${society}\na practice log: nothing in it is ever final` }
  const waits = missing.map(key => names.get(key) ?? key).join(', ')
  return { facts, text: `founded ${society}\nits charter waits for ${waits}; \`web4 status\` shows when it is final` }
}
