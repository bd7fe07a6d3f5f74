import type { Command } from 'commander'
import type { SocietyView } from '../../service.ts'
import { addCommand, type Cli, run } from '../command.ts'

export function status(cli: Cli, program: Command): void {
  run(
    cli,
    addCommand(program, 'status', 'who the node is, and how far it holds each log'),
    async ({ client, progress }) => {
      const facts = await progress(
        'asking the node',
        client().then(node => node.status()),
      )
      const lines = [
        `society   ${facts.society === '' ? 'none yet' : facts.society}`,
        `witness   ${facts.witness_key}`,
        `peers     ${facts.peers.length}`,
        `version   ${facts.version}`,
        ...(facts.logs as readonly SocietyView[]).flatMap(log => [logLine(log), ...startUpLines(log)]),
      ]
      return { facts, text: lines.join('\n') }
    },
  )
}

/** What an operator needs to know to wait, or to override: who told what, and what came with it. */
function startUpLines({ own, start_up: waits, state }: SocietyView): string[] {
  if (state === 'key-in-use')
    return [
      '          another process signs with its key: nothing is signed here. Stop that one, then restart this node.',
    ]
  if (waits === undefined) return []
  const { here, needed, newest, peers } = waits
  const heard = peers.filter(({ told }) => told !== undefined).length
  const missing = newest > here ? `others hold ${newest} entries, here are ${here}; ` : ''
  return [
    `          ${own ? 'appends' : 'cosigns'} nothing yet: ${missing}${heard} of ${peers.length} heard, ${needed} needed`,
    ...peers.map(({ key, shown = 0, told }) => {
      if (told === undefined) return `          ${key} not heard`
      const proof =
        told <= here
          ? ''
          : shown >= told
            ? ', and shows a note of it'
            : `, but the newest note that came with it is of ${shown}`
      return `          ${key} told ${told}${proof}`
    }),
  ]
}

function logLine({ final, final_for_us, finality, own, size, society, state }: SocietyView): string {
  const { away_tolerated, liars_tolerated, n, q } = finality
  const ours = final_for_us === final ? '' : ` (for us ${final_for_us})`
  return [
    `log       ${society}${own ? ' (own)' : ''}: ${state}, ${size} entries, ${final} final${ours};`,
    `${q} of ${n} witnesses, ${liars_tolerated} may lie, ${away_tolerated} may be away`,
  ].join(' ')
}
