import type { Law } from '../records/law.ts'
import { type EpochMs, type MicroAtp, MONTH_MS } from '../units.ts'
import type { CeilingsState, WindowState } from './model.ts'

/**
 * Ceilings of all laws in force within the last 30 days. The lowest holds: whoever takes over a society for an hour
 * cannot raise its own limit and use it, while a cut binds at once.
 */
type Ceilings = Pick<Law, 'ceilings'>

export function genesisCeilings(time: EpochMs, law: Ceilings): CeilingsState {
  return [{ charge: law.ceilings.charge, mint: law.ceilings.mint, since: time }]
}

/** The list from an entry of `time` on that brings `law` into force. Equal ceilings add nothing. */
export function updateCeilings(ceilings: CeilingsState, time: EpochMs, law: Ceilings): CeilingsState {
  const { charge, mint } = law.ceilings
  const last = ceilings.at(-1)
  const same = last?.charge === charge && last.mint === mint
  return recent(same ? ceilings : [...ceilings, { charge, mint, since: time }], time)
}

export function lowestCeiling(ceilings: CeilingsState, time: EpochMs, which: 'charge' | 'mint'): MicroAtp {
  return Math.min(...recent(ceilings, time).map(held => held[which]))
}

/** The window's count with `amount` more, or undefined when that is above the ceiling. */
export function useWindow(
  used: WindowState | undefined,
  time: EpochMs,
  amount: MicroAtp,
  ceiling: MicroAtp,
): WindowState | undefined {
  const window = Math.floor(time / MONTH_MS)
  const before = used?.window === window ? used.used : 0
  return amount > ceiling - before ? undefined : { used: before + amount, window }
}

/** Without those that ended more than 30 days ago. */
function recent(ceilings: CeilingsState, time: EpochMs): CeilingsState {
  return ceilings.filter((_, index) => {
    const next = ceilings[index + 1]
    return next === undefined || time - next.since <= MONTH_MS
  })
}
