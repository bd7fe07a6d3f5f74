import type { Command } from 'commander'
import type { OutputOf } from '../../api/routes.ts'
import { addCommand, type Cli, run } from '../command.ts'
import { chosen } from './log.ts'

interface AuditOptions {
  readonly replay?: boolean
  readonly repair?: boolean
}

export function audit(cli: Cli, parent: Command): void {
  const command = addCommand(parent, 'audit', 'hold the books of a log, as stored here, against what they must be')
    .argument('[society]', "default: the node's own")
    .option('--replay', 'decide all entries again, and compare the whole state with what is stored')
    .option('--repair', 'the same, and write what differs as the entries make it')
  run<AuditOptions>(cli, command, async ({ args, client: find, options: { repair, replay }, progress }) => {
    const client = await find()
    const society = await chosen(client, args[0])
    const work = { ...(replay === true ? { replay } : {}), ...(repair === true ? { repair } : {}) }
    const facts = await progress(`auditing ${society}`, client.audit({ body: { society, ...work } }))
    return { facts, text: textOf(facts), exitCode: facts.sound ? 0 : 1 }
  })
}

function textOf(found: OutputOf<'audit'>): string {
  const { accounts, difference, faults, faulty, good, repaired, replay, size, society, sound } = found
  const lines = [`${society}: ${accounts} accounts at ${size} entries: ${sound ? 'sound' : 'not sound'}`]
  if (repaired !== undefined) lines.push(`${repaired} keys were put right`)
  if (difference !== '0')
    lines.push(
      `${difference.replace('-', '')} units of 10^-15 micro-ATP ${difference.startsWith('-') ? 'missing' : 'too many'}`,
    )
  lines.push(...faults.map(({ key, why }) => `${key}: ${why}`), ...more(faulty, faults))
  if (replay?.entry !== undefined)
    lines.push(`stored entry ${replay.entry.seq} cannot be decided again: ${replay.entry.code}`)
  if (replay !== undefined && replay.entry === undefined)
    lines.push(
      replay.differing === 0
        ? 'state and tree are as the entries make them'
        : `${replay.differing} keys are not as the entries make them:`,
      ...replay.differences.map(({ is, key }) => `${key}: ${is === 'other' ? 'another value' : is}`),
      ...more(replay.differing, replay.differences),
    )
  if (!sound) lines.push(good === undefined ? 'no audit found it sound before' : `found sound at ${good} entries`)
  return lines.map((line, index) => (index === 0 ? line : `  ${line}`)).join('\n')
}

/** Behind a list that holds only the first. */
function more(all: number, listed: readonly unknown[]): string[] {
  return all > listed.length ? [`and ${all - listed.length} more`] : []
}
