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
        ...(facts.logs as readonly SocietyView[]).flatMap(log => [
          logLine(log),
          ...troubleLines(log),
          ...startUpLines(log),
        ]),
      ]
      return { facts, text: lines.join('\n') }
    },
  )
}

/** What happened to the log, and who can do what about it. */
function troubleLines(log: SocietyView): string[] {
  const { disputed, own, predecessor, resumed, successors = [], void_at: bad, void_code: code } = log
  if (log.state === 'unsound')
    return [
      `          the books do not balance: ${log.void_detail ?? `entry ${bad}`}`,
      `          nothing of it is sequenced, applied or cosigned here; \`web4 log audit ${log.society} --replay\` says why`,
    ]
  const lines: string[] = []
  if (disputed !== undefined)
    lines.push(`it has two histories; entries from ${disputed.from} to ${disputed.to - 1} are disputed`)
  if (bad !== undefined) lines.push(`entry ${bad} is at fault (${code ?? 'void'}); nothing above it is cosigned`)
  if (own && (disputed !== undefined || bad !== undefined)) lines.push('`web4 resume` shows what can be kept')
  if (log.convicted !== undefined) lines.push(`cosigned both histories: ${log.convicted.join(', ')}`)
  if (resumed.length > 0) lines.push(`resumed, keeping ${resumed.join(', then ')} entries; epoch ${log.epoch}`)
  if (predecessor !== undefined) lines.push(`says to continue ${predecessor.id} from ${predecessor.size} entries on`)
  for (const { proven, society } of successors)
    lines.push(
      `continued by ${society}${proven ? ', with a key of this log' : ', it says; no key of this log proves it'}`,
    )
  return lines.map(line => `          ${line}`)
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
