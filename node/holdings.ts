import type { Federation } from '../src/driver/federation.ts'
import { decodeState } from '../src/driver/session.ts'
import { rejection } from '../src/rejection.ts'
import { fail, ok, type Result } from '../src/result.ts'
import { type Account, bookValue, meanHolding } from '../src/state/account.ts'
import { projectDecay } from '../src/state/decay.ts'
import type { AccountState, DecayState } from '../src/state/model.ts'
import { stateKeys } from '../src/state/model.ts'
import { velocities } from '../src/state/velocity.ts'
import { keyPart, rangeOf, storeKey } from '../src/store/ledger.ts'
import type { EpochMs, LctId, MicroAtp, Seq, SocietyId } from '../src/units.ts'

/** All accounts of a society, page by page: what a policy is tuned on. */

export interface HoldingsPage {
  readonly society: SocietyId
  /** Of the log: a page is of one moment, several of them need not be of the same. */
  readonly size: Seq
  readonly time: EpochMs
  readonly interval_ms: number
  /** In the interval of `time`: what is left of one unit of origin, origin + 1, …, k, in units of 10^-15. */
  readonly decay: { readonly k: number; readonly origin: number; readonly factors: readonly number[] }
  /** Those that hold lots, by LCT. */
  readonly accounts: readonly {
    readonly lct: LctId
    /** Oldest first. */
    readonly lots: readonly { readonly origin: number; readonly principal: MicroAtp }[]
    /** Outflow ÷ average holdings in the last whole window of 30 days; absent when nothing was held in it. */
    readonly velocity?: number
  }[]
  /** The next page begins behind this account; absent after the last page. */
  readonly next?: LctId
}

/** An old account has thousands of lots: a page ends with the account that fills it. */
const LOTS_MAX = 10_000

/** Accounts behind `after`, `limit` of them at most and fewer when they have more than `lots` lots together; NOT_FOUND for a log that is not held here. Memory does not grow with their number. */
export async function holdingsOf(
  node: Federation,
  society: SocietyId,
  {
    after,
    limit,
    lots: lotsMax = LOTS_MAX,
    now,
  }: { readonly after?: LctId; readonly limit: number; readonly lots?: number; readonly now: EpochMs },
): Promise<Result<HoldingsPage>> {
  const held = node.held(society)
  if (!held.ok) return held
  const { inForce } = held.value.replica
  const snapshot = await node.ports.store.snapshot()
  try {
    const [tip, table] = await snapshot.getMany([storeKey.tip(society), storeKey.state(society, stateKeys.decay)])
    if (tip === undefined || table === undefined || inForce === undefined)
      return fail(rejection('NOT_FOUND', 'no entries yet'))
    const { size } = decodeState(tip) as { size: Seq }
    const { interval_ms } = inForce.charter
    const decay = projectDecay(
      decodeState(table) as unknown as DecayState,
      Math.floor(now / interval_ms),
      interval_ms,
      inForce.law.decay,
    )
    const accounts: HoldingsPage['accounts'][number][] = []
    let [read, lots] = [0, 0]
    let next: LctId | undefined
    for await (const [key, bytes] of snapshot.range({ ...rangeOf.accounts(society, after), limit })) {
      const lct = keyPart.last(key)
      const account = decodeState(bytes) as unknown as AccountState
      lots += account.lots.length
      read++
      if (account.lots.length > 0) accounts.push({ lct, ...holding(account, decay, now) })
      if (read < limit && lots < lotsMax) continue
      next = lct
      break
    }
    const { factors, k, origin } = decay
    const page = { society, size, time: now, interval_ms, decay: { k, origin, factors }, accounts }
    return ok(next === undefined ? page : { ...page, next })
  } finally {
    await snapshot.close()
  }
}

function holding(account: NonNullable<Account>, decay: DecayState, now: EpochMs) {
  const held = meanHolding(BigInt(account.book), bookValue(account, decay))
  const { perMonth } = velocities(account.flow, now, held).last
  const lots = account.lots.map(([origin, principal]) => ({ origin, principal }))
  return perMonth === undefined ? { lots } : { lots, velocity: perMonth }
}
