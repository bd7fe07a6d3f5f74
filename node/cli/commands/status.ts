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
        ...(facts.logs as readonly SocietyView[]).map(logLine),
      ]
      return { facts, text: lines.join('\n') }
    },
  )
}

function logLine({ final, final_for_us, finality, own, size, society, state }: SocietyView): string {
  const { away_tolerated, liars_tolerated, n, q } = finality
  const ours = final_for_us === final ? '' : ` (for us ${final_for_us})`
  return [
    `log       ${society}${own ? ' (own)' : ''}: ${state}, ${size} entries, ${final} final${ours};`,
    `${q} of ${n} witnesses, ${liars_tolerated} may lie, ${away_tolerated} may be away`,
  ].join(' ')
}
