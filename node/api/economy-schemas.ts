import { Type } from 'typebox'
import { countField, lctField, societyField, strictObject } from '../../src/records/fields.ts'

/** Forms of what the API says about energy (node/accounts.ts). Times in ms; amounts in micro-ATP, or as decimal ATP text. */

export const PROJECTION_DAYS_MAX = 3_650
export const PROJECTION_DAYS = 90

const atpText = Type.String({ pattern: '^\\d+(\\.\\d+)?$' })

const decayLawSchema = strictObject({
  base_ppm: countField,
  grace_ms: countField,
  max_age_ms: countField,
  interval_ms: countField,
})

const velocityWindow = strictObject({
  start: countField,
  elapsed: Type.Number({ minimum: 0, maximum: 1 }),
  outflow: atpText,
  holdings: atpText,
  velocity: Type.Optional(Type.Number({ minimum: 0, description: 'outflow ÷ average holdings, for 30 days' })),
})
const velocitySchema = strictObject({ now: velocityWindow, last: velocityWindow })

export const accountSchema = strictObject({
  society: societyField,
  lct: lctField,
  spendable: countField,
  atp: atpText,
  size: countField,
  final: countField,
  final_for_us: countField,
  lots: Type.Array(
    strictObject({
      origin: Type.Integer(),
      born: countField,
      principal: countField,
      value: countField,
      atp: atpText,
      dies: Type.Optional(countField),
    }),
    { description: 'oldest first' },
  ),
  next: Type.Array(strictObject({ time: countField, spendable: countField, atp: atpText }), {
    description: 'next decay steps: from this time on so much can be spent',
  }),
  oldest_dies: Type.Optional(countField),
  velocity: Type.Optional(velocitySchema),
})

export const economySchema = strictObject({
  society: societyField,
  time: countField,
  size: countField,
  final: countField,
  final_for_us: countField,
  minted: atpText,
  slashed: atpText,
  supply: atpText,
  pool: atpText,
  accounts: atpText,
  law: decayLawSchema,
  velocity: velocitySchema,
})

export const HOLDINGS_LIMIT = 500
export const HOLDINGS_LIMIT_MAX = 5_000

export const holdingsSchema = strictObject({
  society: societyField,
  size: countField,
  time: countField,
  interval_ms: countField,
  decay: strictObject({
    k: Type.Integer(),
    origin: Type.Integer(),
    factors: Type.Array(countField, {
      description: 'what is left of one unit of origin, origin + 1, …, k, in units of 10^-15',
    }),
  }),
  accounts: Type.Array(
    strictObject({
      lct: lctField,
      lots: Type.Array(strictObject({ origin: Type.Integer(), principal: countField })),
      velocity: Type.Optional(Type.Number({ minimum: 0 })),
    }),
    { description: 'those that hold anything, by LCT' },
  ),
  next: Type.Optional(lctField),
})

export const projectionSchema = strictObject({
  society: societyField,
  lct: lctField,
  time: countField,
  law: decayLawSchema,
  points: Type.Array(strictObject({ day: countField, atp: atpText })),
})
