import type { Command } from 'commander'
import { CodedError } from '../../../src/rejection.ts'
import type { SocietyId } from '../../../src/units.ts'
import type { Client } from '../../api/client.ts'
import { isInvitation } from '../../invitation.ts'
import { addCommand, type Call, type Cli, type Outcome, run, together } from '../command.ts'
import { invitationOf, type Met, meet } from '../invited.ts'
import { namedSociety, SOCIETY_HELP } from '../named-society.ts'

/** What the operator lets this node do for other societies. Each switch for itself: none of them moves another one. */

interface SwitchOptions {
  readonly off?: true
}

const POLL_MS = 100
/** Longer than gossip and a range take; who is away is not waited for. */
const FIRST_ENTRIES_MS = 5_000

export function policy(cli: Cli, program: Command): void {
  const command = addCommand(program, 'policy', 'what this node does for which society, and for whose to come')
  run(cli, command, async ({ client }) => {
    const facts = await (await client()).policies()
    const lines = facts.societies.map(({ society, ...switches }) => `${society}: ${words(switches)}`)
    const founders = facts.founders.map(key => `${key}: consents to witness what it founds`)
    return { facts, text: [...lines, ...founders].join('\n') || 'nothing yet' }
  })
}

export function follow(cli: Cli, program: Command): void {
  const command = addSwitch(program, 'follow', 'hold, verify and serve the log of a society')
  run<SwitchOptions>(cli, command, call =>
    each(call, async (client, text) => {
      const society = await namedSociety(client, text)
      return call.options.off === true ? unfollowed(client, society) : followed(client, society)
    }),
  )
}

export function unfollow(cli: Cli, program: Command): void {
  const command = addCommand(program, 'unfollow', 'follow a society no longer').argument('<society...>', SOCIETY_HELP)
  run(cli, command, call => each(call, async (client, text) => unfollowed(client, await namedSociety(client, text))))
}

export function witness(cli: Cli, program: Command): void {
  const command = addSwitch(
    program,
    'witness',
    'consent to witness a society; by its invitation before it is founded, since it has no id then',
  )
  run<SwitchOptions>(cli, command, call =>
    each(call, (client, text) =>
      isInvitation(text)
        ? consented(client, text, call.options.off !== true)
        : witnessed(client, text, call.options.off !== true),
    ),
  )
}

export function block(cli: Cli, program: Command): void {
  const command = addSwitch(program, 'block', 'no dealings with a society: nothing is signed for it or served to it')
  run<SwitchOptions>(cli, command, call =>
    each(call, async (client, text) => {
      const society = await namedSociety(client, text)
      const on = call.options.off !== true
      await client.policy({ body: { society, policy: { block: on } } })
      return { facts: { society, block: on }, text: on ? `blocks ${society}` : `${society} is no longer blocked` }
    }),
  )
}

function addSwitch(program: Command, name: string, description: string): Command {
  return addCommand(program, name, description).argument('<society...>', SOCIETY_HELP).option('--off', 'take it back')
}

/** The same for every society that was named; what is wrong with one stops at it. */
async function each<Options>(
  { args, client: find }: Call<Options>,
  change: (client: Client, text: string) => Promise<Outcome>,
): Promise<Outcome> {
  const client = await find()
  const outcomes: Outcome[] = []
  for (const text of args) outcomes.push(await change(client, text))
  return together(outcomes)
}

async function followed(client: Client, society: SocietyId): Promise<Outcome> {
  let view = await client.policy({ body: { society, policy: { follow: true } } })
  for (let waited = 0; (view?.size ?? 0) === 0 && waited < FIRST_ENTRIES_MS; waited += POLL_MS) {
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
    view = await client.society({ id: society })
  }
  const size = view?.size ?? 0
  const held = size === 0 ? 'nothing of it yet, no peer here serves it' : `${size} entries, ${view?.final ?? 0} final`
  return { facts: { society, follow: true, size }, text: `follows ${society}: ${held}` }
}

async function unfollowed(client: Client, society: SocietyId): Promise<Outcome> {
  const { societies } = await client.policies()
  // Its witnesses need its entries; and a consent is never taken back in passing.
  if (societies.some(known => known.society === society && known.witness))
    throw new CodedError('BAD_REQUEST', `this node witnesses ${society}: first \`web4 witness ${society} --off\``)
  await client.policy({ body: { society, policy: { follow: false } } })
  return { facts: { society, follow: false }, text: `no longer follows ${society}; what is held stays` }
}

async function witnessed(client: Client, text: string, on: boolean): Promise<Outcome> {
  const society = await namedSociety(client, text)
  await client.policy({ body: { society, policy: on ? { follow: true, witness: true } : { witness: false } } })
  return {
    facts: { society, witness: on },
    text: on ? `consents to witness ${society}` : `no longer consents to witness ${society}`,
  }
}

/** By key: for a charter that is still to be written, and for laws that will name this node. */
async function consented(client: Client, text: string, on: boolean): Promise<Outcome> {
  const invitation = invitationOf(text)
  const { key, name } = invitation
  await client.consent({ body: { key, consent: on } })
  // It may be away: the consent stands all the same.
  const met = await meet(client, invitation).catch((error: unknown) => {
    if (error instanceof CodedError && (error.code === 'PEER_UNREACHABLE' || error.code === 'NODE_STATEMENT'))
      return error
    throw error
  })
  const known = met instanceof CodedError || met.society === '' ? undefined : met.society
  // A law that will name this node is judged by the log, so that is fetched now.
  if (known !== undefined && on) await followed(client, known)
  if (known !== undefined && !on) await client.policy({ body: { society: known, policy: { witness: false } } })
  return {
    facts: { name, key, witness: on, ...(known === undefined ? {} : { society: known }) },
    text: said(name, key, on, met),
  }
}

function said(name: string, key: string, on: boolean, met: Met | CodedError): string {
  const what = on ? `consents to witness what ${name} founds` : `no longer consents to witness what ${name} founds`
  const more = met instanceof CodedError ? `; ${met.message}` : met.society === '' ? '' : `; it is ${met.society}`
  return `${what} (${key})${more}`
}

function words(switches: Readonly<Record<string, boolean>>): string {
  return (
    Object.entries(switches)
      .flatMap(([name, on]) => (on ? [name] : []))
      .join(', ') || 'nothing'
  )
}
