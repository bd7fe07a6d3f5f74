import { Table } from 'console-table-printer'
import type { LawResult } from './tune.ts'

/** Measures of several laws side by side, for people: plain ASCII, 80 columns. */

export interface TuneFacts {
  readonly seed: number
  readonly months: number
  readonly accounts: number
  readonly minimum_velocity: number
  readonly elasticity: number
  readonly hoarders: number
  /** Whose holdings, and the size of its log; absent for a synthetic population. */
  readonly society?: string
  readonly size?: number
  readonly start: { readonly gini: number; readonly money: string }
  readonly laws: readonly LawResult[]
}

const LINE = { left: '+', mid: '+', right: '+', other: '-' }
const STYLE = { headerTop: LINE, headerBottom: LINE, tableBottom: LINE, rowSeparator: LINE, vertical: '|' }
const NAME_MAX = 10

export function tuneText(facts: TuneFacts): string {
  const { accounts, elasticity, hoarders, laws, minimum_velocity, months, seed, size, society, start } = facts
  const who = society === undefined ? `${accounts} synthetic accounts` : `${accounts} accounts of ${society} at ${size}`
  return [
    who,
    `${months} months, seed ${seed}, elasticity ${elasticity}, ${percent(hoarders)} % hoarders`,
    `at the start ${whole(start.money)} ATP, Gini ${start.gini.toFixed(3)}`,
    tableOf(laws),
    'velocity  paid out in 30 days / held on average',
    'Gini      of what accounts held on average in the last month',
    'income    of the pool in 30 days: what decayed, in ATP and in % of holdings;',
    '          aged: % of it that reached the maximal age',
    `slow      % of the accounts with a velocity below ${minimum_velocity}`,
    'held      ATP on accounts at the end',
    'How accounts behave is assumed, not found out: docs/tuning.md.',
  ].join('\n')
}

function tableOf(laws: readonly LawResult[]): string {
  const table = new Table({
    style: STYLE,
    shouldDisableColors: true,
    defaultColumnOptions: { alignment: 'right' },
    columns: [
      { name: 'law', alignment: 'left' },
      { name: 'velocity' },
      { name: 'Gini' },
      { name: 'income' },
      { name: '%' },
      { name: 'aged' },
      { name: 'slow' },
      { name: 'held' },
    ],
  })
  for (const { below_minimum, decayed, decayed_share, expired, gini, money, name, velocity } of laws) {
    const aged = Number(decayed) === 0 ? 0 : Number(expired) / Number(decayed)
    table.addRow({
      law: shortName(name),
      velocity: velocity.toFixed(3),
      Gini: gini.toFixed(3),
      income: whole(decayed),
      '%': percent(decayed_share),
      aged: percent(aged),
      slow: percent(below_minimum),
      held: whole(money),
    })
  }
  return table.render()
}

/** Of a file the name alone, as much of it as there is room for. */
function shortName(name: string): string {
  const [last = ''] = name.split(/[/\\]/).slice(-1)
  return last.slice(0, NAME_MAX)
}

function percent(part: number): string {
  return (part * 100).toFixed(1)
}

/** Whole ATP, rounded down. */
function whole(atp: string): string {
  return atp.replace(/\..*/, '')
}
