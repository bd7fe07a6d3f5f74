import { setImmediate } from 'node:timers/promises'
import type { Federation } from '../src/driver/federation.ts'
import { finalForUs } from '../src/driver/relations.ts'
import type { SocietyLog } from '../src/driver/society-log.ts'
import type { Law } from '../src/records/law.ts'
import { bookOf, type Lot } from '../src/state/account.ts'
import type { AccountState, CharterState, DecayRates, DecayState } from '../src/state/model.ts'
import { stateKeys } from '../src/state/model.ts'
import { DecayCourse, diesAt, LotWalk, nextSteps, projectDays } from '../src/state/projection.ts'
import { type EpochMs, formatAtp, type LctId, type MicroAtp, type Seq, type SocietyId } from '../src/units.ts'
import { accountVelocity, type VelocityView } from './economy.ts'

/** Accounts as the API shows them: what they are worth now, and what will be left if nothing moves and the law stays. */

export interface LotView {
  /** Number of the interval in which it came into being, and its start. */
  readonly origin: number
  readonly born: EpochMs
  readonly principal: MicroAtp
  /** Value now, micro-ATP rounded down; the whole account rounds once, so these may add up to a little less. */
  readonly value: MicroAtp
  readonly atp: string
  /** Start of the first interval in which nothing is left; absent when nothing is left now. */
  readonly dies?: EpochMs
}

export interface AccountView {
  readonly society: SocietyId
  readonly lct: LctId
  /** Value now, micro-ATP rounded down, and as decimal ATP text. */
  readonly spendable: MicroAtp
  readonly atp: string
  /** Of the log at that moment: the account is as of `size`; below these it is final, for its society's witnesses and for us. */
  readonly size: Seq
  readonly final: Seq
  readonly final_for_us: Seq
  /** Oldest first. */
  readonly lots: readonly LotView[]
  /** The next boundaries of intervals, and what can be spent from each of them on. */
  readonly next: readonly { readonly time: EpochMs; readonly spendable: MicroAtp; readonly atp: string }[]
  /** When the oldest lot dies that has anything left; absent when nothing is held. */
  readonly oldest_dies?: EpochMs
  /** Absent where nothing was ever held, or nothing moved for long. */
  readonly velocity?: VelocityView
}

export interface ProjectionView {
  readonly society: SocietyId
  readonly lct: LctId
  /** Of day 0. */
  readonly time: EpochMs
  readonly law: DecayRates & { readonly interval_ms: number }
  readonly points: readonly { readonly day: number; readonly atp: string }[]
}

const NEXT_STEPS = 3
/** An account with a lot for each hour of a year keeps this thread busy for a second: everybody else gets a turn in between. */
const TURN_MS = 10

/** Accounts of an LCT in every log held here, or in that of `society`, with their value at `now`. */
export async function accountsOf(
  node: Federation,
  lct: LctId,
  society: SocietyId | undefined,
  now: EpochMs,
): Promise<readonly AccountView[]> {
  const views: AccountView[] = []
  for (const log of logsOf(node, society)) {
    // Taken first: what the account shows is at least as new as the size that goes with it.
    const { size } = log.replica.tip
    const held = await holdingOf(log, lct)
    if (held === undefined) continue
    const { final } = log.notes
    views.push({
      society: log.society,
      lct,
      size,
      final,
      final_for_us: finalForUs(node, log.society),
      ...(await worth(held, now)),
    })
  }
  return views
}

/** The same accounts, one point for each day from `now` on. */
export async function projectionsOf(
  node: Federation,
  lct: LctId,
  society: SocietyId | undefined,
  now: EpochMs,
  days: number,
): Promise<readonly ProjectionView[]> {
  const views: ProjectionView[] = []
  for (const log of logsOf(node, society)) {
    const held = await holdingOf(log, lct)
    if (held === undefined) continue
    const { base_ppm, grace_ms, max_age_ms } = held.rates
    const law = { base_ppm, grace_ms, max_age_ms, interval_ms: held.intervalMs }
    const points: { day: number; atp: string }[] = []
    const breathe = breathing()
    for (const { day, spendable } of projectDays(held.course, held.lots, now, days)) {
      points.push({ day, atp: formatAtp(spendable) })
      await breathe()
    }
    views.push({ society: log.society, lct, time: now, law, points })
  }
  return views
}

interface Holding {
  readonly account: AccountState | undefined
  readonly lots: readonly Lot[]
  readonly course: DecayCourse
  readonly rates: DecayRates
  readonly intervalMs: number
}

/** Undefined: the log does not know this LCT. */
async function holdingOf(log: SocietyLog, lct: LctId): Promise<Holding | undefined> {
  const keys = [stateKeys.lct(lct), stateKeys.account(lct), stateKeys.decay, stateKeys.law, stateKeys.charter]
  const [known, account, decay, law, charter] = await log.replica.states(keys)
  if (known === undefined || decay === undefined || law === undefined || charter === undefined) return undefined
  const { interval_ms: intervalMs } = charter as unknown as CharterState
  const { decay: rates } = law as unknown as Law
  const course = new DecayCourse(decay as unknown as DecayState, intervalMs, rates)
  const held = account as unknown as AccountState | undefined
  return { account: held, lots: held?.lots ?? [], course, rates, intervalMs }
}

type Worth = Pick<AccountView, 'spendable' | 'atp' | 'lots' | 'next' | 'oldest_dies' | 'velocity'>

async function worth({ account, course, lots }: Holding, now: EpochMs): Promise<Worth> {
  const walk = new LotWalk(course, lots).to(course.intervalAt(now))
  const spendable = walk.spendable()
  const breathe = breathing()
  const views: LotView[] = []
  for (const [index, [origin, principal]] of lots.entries()) {
    const value = walk.valueOf(index)
    const dies = diesAt(course, origin, now)
    views.push({
      origin,
      born: course.startOf(origin),
      principal,
      value,
      atp: formatAtp(value),
      ...(dies === undefined ? {} : { dies }),
    })
    await breathe()
  }
  const oldest = views.find(({ dies }) => dies !== undefined)?.dies
  return {
    spendable,
    atp: formatAtp(spendable),
    lots: views,
    next: nextSteps(course, lots, now, NEXT_STEPS).map(step => ({ ...step, atp: formatAtp(step.spendable) })),
    ...(oldest === undefined ? {} : { oldest_dies: oldest }),
    ...(account === undefined ? {} : { velocity: accountVelocity(account, now, bookOf(spendable)) }),
  }
}

function logsOf(node: Federation, society: SocietyId | undefined): readonly SocietyLog[] {
  return [...node.logs.values()].filter(log => society === undefined || log.society === society)
}

function breathing(): () => Promise<void> {
  let began = performance.now()
  return async () => {
    if (performance.now() - began < TURN_MS) return
    await setImmediate()
    began = performance.now()
  }
}
