import { DAY_MS, type EpochMs, formatAtp, HOUR_MS } from '../../src/units.ts'
import type { AccountView, ProjectionView } from '../accounts.ts'
import type { VelocityView } from '../economy.ts'

/** Accounts and projections in words, 80 columns wide. */

type Points = ProjectionView['points']

const LOTS_MAX = 10
const CHART_WIDTH = 76
const CHART_HEIGHT = 10
const ROWS_MAX = 7

/** The lots that have anything left, and what comes next; empty for an empty account. */
export function holdingsText({ lots, next, oldest_dies, velocity }: AccountView): string[] {
  const living = lots.filter(({ dies }) => dies !== undefined)
  if (oldest_dies === undefined) return velocity === undefined ? [] : velocityText(velocity)
  const rows = [
    ['born', 'ATP left', 'dies'],
    ...living.slice(0, LOTS_MAX).map(({ atp, born, dies }) => [utcText(born), atp, utcText(dies ?? 0)]),
  ]
  const more = living.length - LOTS_MAX
  return [
    ...table(rows),
    ...(more > 0 ? [`  and ${more} younger ${more === 1 ? 'lot' : 'lots'}; --json shows all`] : []),
    '  next decay steps',
    ...table(next.map(({ atp, time }) => [utcText(time), atp])),
    `  the oldest lot dies ${utcText(oldest_dies)}`,
    ...(velocity === undefined ? [] : velocityText(velocity)),
  ]
}

/** Chart and some of the points. `time`: of day 0, where there is one. */
export async function projectionText(points: Points, time?: EpochMs): Promise<string[]> {
  const rows = spread(points.length, ROWS_MAX).map(index => {
    const { atp, day } = points[index] as Points[number]
    return [`day ${day}`, atp, ...(time === undefined ? [] : [utcText(time + day * DAY_MS).slice(0, 10)])]
  })
  const gone = points.find(({ atp }) => atp === '0')
  return [
    ...(await chart(points)),
    ...table(rows),
    ...(gone === undefined || gone.day === 0 ? [] : [`  nothing is left from day ${gone.day} on`]),
  ]
}

/** How fast it moves, in this window of 30 days and the one before; nothing while that would say nothing. */
export function velocityText({ last, now }: VelocityView): string[] {
  if (now.velocity === undefined || (now.outflow === '0' && last.velocity === undefined)) return []
  const paid = `${now.outflow} ATP paid since ${utcText(now.start)}, of ${now.holdings} held on average`
  const before = last.velocity === undefined ? '' : `; ${pace(last.velocity)} in the 30 days before`
  return [`  velocity  ${pace(now.velocity)} a month: ${paid}${before}`]
}

/** Who pays out at once what comes in has held nearly nothing. */
function pace(velocity: number): string {
  return velocity > 100 ? 'above 100' : String(velocity)
}

export function decayText({ base_ppm, grace_ms, interval_ms, max_age_ms }: ProjectionView['law']): string {
  const grace =
    base_ppm === 0 || grace_ms === 0 ? '' : `, ${percent(Math.floor(base_ppm / 10))} for the first ${span(grace_ms)}`
  return `${percent(base_ppm)} in 30 d${grace}, nothing left at ${span(max_age_ms)}, steps of ${span(interval_ms)}`
}

/** The day alone at midnight, where intervals of days begin. */
export function utcText(time: EpochMs): string {
  const text = new Date(time).toISOString()
  return time % DAY_MS === 0 ? text.slice(0, 10) : text.replace('.000Z', 'Z')
}

function percent(ppm: number): string {
  return `${ppm / 10_000} %`
}

function span(ms: number): string {
  if (ms % DAY_MS === 0) return `${ms / DAY_MS} d`
  return ms % HOUR_MS === 0 ? `${ms / HOUR_MS} h` : `${ms} ms`
}

/** Columns as wide as their longest text; amounts, the second, to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows.map(row =>
    `  ${row.map((text, column) => (column === 1 ? text.padStart(widths[1] ?? 0) : text.padEnd(widths[column] ?? 0))).join('  ')}`.trimEnd(),
  )
}

/** Indexes from the first to the last of `length`, evenly spread. */
function spread(length: number, count: number): number[] {
  const steps = Math.min(length, count) - 1
  return Array.from({ length: steps + 1 }, (_, i) => (steps === 0 ? 0 : Math.round((i * (length - 1)) / steps)))
}

/** From the least to the most, not from 0: a month of a usual law would be a flat line. Nothing for what does not change. */
async function chart(points: Points): Promise<string[]> {
  const line = points.map(({ atp, day }): [number, number] => [day, Number(atp)])
  const [most, least] = [line[0]?.[1] ?? 0, line.at(-1)?.[1] ?? 0]
  if (most === least) return []
  const levels = [0, 1, 2, 3].map(i => least + ((most - least) * i) / 3)
  const labels = Math.max(...levels.map(level => label(level).length))
  const { plot } = await import('simple-ascii-chart')
  const text = plot(line, {
    width: CHART_WIDTH - labels,
    height: CHART_HEIGHT,
    customXAxisTicks: spread(points.length, 5),
    customYAxisTicks: levels,
    formatter: (value, { axis }) => (axis === 'y' ? label(value) : value),
  })
  return text.split('\n').flatMap(row => (row.trim() === '' ? [] : [row.trimEnd()]))
}

/** Short, as beside an axis: the exact amounts stand below. */
function label(atp: number): string {
  return atp >= 1_000 ? formatAtp(BigInt(Math.round(atp)) * 1_000_000n) : String(Number(atp.toPrecision(4)))
}
