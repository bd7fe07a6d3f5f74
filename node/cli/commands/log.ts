import type { Command } from 'commander'
import { utf8Decode } from '../../../src/canonical.ts'
import { CodedError } from '../../../src/rejection.ts'
import type { Client } from '../../api/client.ts'
import type { OutputOf } from '../../api/routes.ts'
import { addCommand, type Cli, count, run } from '../command.ts'
import { audit } from './log-audit.ts'

interface LogOptions {
  readonly from?: number
  readonly limit: number
  readonly checkpoint?: boolean
  readonly snapshots?: boolean
}

interface Entry {
  readonly seq: number
  readonly time: number
  readonly record: { readonly kind: string; readonly author: string }
}

export function log(cli: Cli, program: Command): void {
  const command = addCommand(program, 'log', 'entries of a log, the newest if nothing else is said')
    .argument('[society]', "default: the node's own")
    .option('--from <seq>', 'first entry', count(0, Number.MAX_SAFE_INTEGER))
    .option('--limit <n>', 'how many', count(1, 1_000), 20)
    .option('--checkpoint', 'the newest signed note instead')
    .option('--snapshots', 'sizes at which the state has a digest, and what the society claims it to be, instead')
  audit(cli, command)
  run<LogOptions>(cli, command, async ({ args, client: find, options, progress }) => {
    const client = await find()
    const society = await chosen(client, args[0])
    if (options.checkpoint === true) {
      const note = await client.checkpoint({ society })
      return { facts: { society, note }, text: note.trimEnd() }
    }
    if (options.snapshots === true) {
      const snapshots = await client.snapshots({ society })
      return { facts: { society, snapshots }, text: snapshots.map(snapshotLine).join('\n') }
    }
    const { final, size } = await client.society({ id: society })
    const from = options.from ?? Math.max(0, size - options.limit)
    const bytes = await progress('reading the log', client.entries({ society, from, limit: options.limit }))
    const entries = JSON.parse(utf8Decode(bytes) ?? '[]') as readonly Entry[]
    return { facts: { society, size, final, entries }, text: entries.map(entry => line(entry, final)).join('\n') }
  })
}

export async function chosen(client: Client, named: string | undefined): Promise<string> {
  const society = named ?? (await client.status()).society
  if (society === '') throw new CodedError('NOT_FOUND', 'the node has no society of its own yet: name one')
  return society
}

function snapshotLine({ claim, own, size, verdict }: OutputOf<'snapshots'>[number]): string {
  const claimed = claim === undefined ? [] : [`claimed at ${claim.seq} as ${claim.digest}`]
  return [String(size).padStart(8), verdict.padEnd(9), own?.digest ?? '-'.repeat(43), ...claimed].join('  ')
}

function line({ record, seq, time }: Entry, final: number): string {
  return [
    String(seq).padStart(8),
    new Date(time).toISOString(),
    seq < final ? 'final' : '  -  ',
    record.kind.padEnd(16),
    record.author,
  ].join('  ')
}
