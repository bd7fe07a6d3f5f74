import type { Federation } from '../src/driver/federation.ts'
import { finalForUs } from '../src/driver/relations.ts'
import type { Law } from '../src/records/law.ts'
import { rejection } from '../src/rejection.ts'
import { fail, ok, type Result } from '../src/result.ts'
import { BOOK_ONE, meanHolding } from '../src/state/account.ts'
import { circulating, supplyOf } from '../src/state/books.ts'
import type { AccountState, CharterState, DecayRates, FlowState, PoolState } from '../src/state/model.ts'
import { stateKeys } from '../src/state/model.ts'
import { type Velocity, velocities } from '../src/state/velocity.ts'
import { type EpochMs, formatAtp, MONTH_MS, type Seq, type SocietyId } from '../src/units.ts'

/** The energy of a society as a whole, and how fast it moves. Amounts are decimal ATP text, rounded down. */

export interface VelocityWindow {
  /** Start of the window of 30 days, and how much of it has passed, 0 to 1. */
  readonly start: EpochMs
  readonly elapsed: number
  /** What was paid and discharged in it, and what was held on average. */
  readonly outflow: string
  readonly holdings: string
  /** outflow ÷ holdings, for 30 days; absent when nothing was held. */
  readonly velocity?: number
}

export interface VelocityView {
  readonly now: VelocityWindow
  readonly last: VelocityWindow
}

export interface EconomyView {
  readonly society: SocietyId
  readonly time: EpochMs
  /** Of the log at that moment; below these it is final, for its society's witnesses and for us. */
  readonly size: Seq
  readonly final: Seq
  readonly final_for_us: Seq
  /** Since the charter. */
  readonly minted: string
  readonly slashed: string
  /** minted − slashed = pool + accounts; what decayed since accounts were last touched still counts as theirs. */
  readonly supply: string
  readonly pool: string
  readonly accounts: string
  readonly law: DecayRates & { readonly interval_ms: number }
  readonly velocity: VelocityView
}

/** Codes: NOT_FOUND. */
export async function economyOf(node: Federation, society: SocietyId, now: EpochMs): Promise<Result<EconomyView>> {
  const held = node.held(society)
  if (!held.ok) return held
  const log = held.value
  const { size } = log.replica.tip
  const keys = [stateKeys.pool, stateKeys.flow, stateKeys.law, stateKeys.charter]
  const [pool, flow, law, charter] = await log.replica.states(keys)
  if (pool === undefined || flow === undefined || law === undefined || charter === undefined)
    return fail(rejection('NOT_FOUND', 'no charter yet'))
  const books = pool as unknown as PoolState
  const { base_ppm, grace_ms, max_age_ms } = (law as unknown as Law).decay
  const onAccounts = circulating(books)
  return ok({
    society,
    time: now,
    size,
    final: log.notes.final,
    final_for_us: finalForUs(node, society),
    minted: formatAtp(BigInt(books.minted)),
    slashed: formatAtp(BigInt(books.slashed)),
    supply: formatAtp(supplyOf(books)),
    pool: formatAtp(BigInt(books.pool) / BOOK_ONE),
    accounts: formatAtp(onAccounts / BOOK_ONE),
    law: { base_ppm, grace_ms, max_age_ms, interval_ms: (charter as unknown as CharterState).interval_ms },
    velocity: velocityView(flow as unknown as FlowState, now, onAccounts / BOOK_ONE),
  })
}

/** Of one account; `worthNow`: its book value by the table of `now`. */
export function accountVelocity({ book, flow }: AccountState, now: EpochMs, worthNow: bigint): VelocityView {
  return velocityView(flow, now, meanHolding(BigInt(book), worthNow))
}

function velocityView(flow: FlowState, time: EpochMs, holding: bigint): VelocityView {
  const { last, now } = velocities(flow, time, holding)
  return { now: windowView(now), last: windowView(last) }
}

function windowView({ elapsed, held, out, perMonth, window }: Velocity): VelocityWindow {
  return {
    start: window * MONTH_MS,
    elapsed: Math.round(elapsed * 1e4) / 1e4,
    outflow: formatAtp(out),
    holdings: formatAtp(held),
    ...(perMonth === undefined ? {} : { velocity: Math.round(perMonth * 1e4) / 1e4 }),
  }
}
