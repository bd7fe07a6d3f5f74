import fc from 'fast-check'
import type { Law } from '../../src/records/law.ts'
import { DECAY_PRESETS } from '../../src/records/law.ts'
import { DAY_MS, HOUR_MS, MONTH_MS } from '../../src/units.ts'

type Decay = Law['decay']

/** What the properties of the economy are drawn from. */

/** No ceiling stands in the way of what is tested here. */
export const WIDE = { ceilings: { charge: Number.MAX_SAFE_INTEGER, mint: Number.MAX_SAFE_INTEGER } }

export const interval = fc.constantFrom(DAY_MS, HOUR_MS, 5 * HOUR_MS, DAY_MS + 1, MONTH_MS)

const rate = fc.oneof(
  fc.constantFrom(0, 9, 1_000_000, ...Object.values(DECAY_PRESETS)),
  fc.integer({ min: 0, max: 1_000_000 }),
)

/** Any law with this interval that a charter could have, up to `intervals` of age. */
export function decayLaw(intervalMs: number, intervals = 60): fc.Arbitrary<Decay> {
  return fc
    .tuple(
      rate,
      fc.integer({ min: intervalMs, max: intervals * intervalMs }),
      fc.double({ min: 0, max: 1, noNaN: true }),
    )
    .map(([base_ppm, max_age_ms, part]) => ({ base_ppm, grace_ms: Math.floor(max_age_ms * part), max_age_ms }))
}

/** Small amounts meet boundaries, large ones the range. */
export const amount = fc.oneof(
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 1, max: 10 ** 9 }),
  fc.integer({ min: 1, max: 10 ** 14 }),
)

/** Within an interval, over some, or over a whole life. */
export function pause(intervalMs: number): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: 0, max: intervalMs }),
    fc.integer({ min: 0, max: 5 * intervalMs }),
    fc.integer({ min: 0, max: 70 * intervalMs }),
  )
}
