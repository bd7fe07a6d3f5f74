import { type Static, Type } from 'typebox'
import { WITNESSES_MAX } from '../limits.ts'
import { DAY_MS, MICRO } from '../units.ts'
import { countField, keyField, strictObject, textField } from './fields.ts'

/**
 * The law of a society, complete from the first day. Lists of keys are sorted and without repetition.
 * Whatever only guides decisions about trust and authorization (`norms`, `procedures`, `windows.attestation_ms`) is
 * agreed text here and is applied by each node's own view, never by the log's rules.
 */
const sortedKeys = (maxItems: number) => Type.Array(keyField, { maxItems })

const operand = Type.Union([
  textField(256, 0),
  countField,
  Type.Boolean(),
  Type.Array(textField(256, 0), { maxItems: 64 }),
])

const normSchema = strictObject({
  condition: Type.Optional(textField(512)),
  id: textField(64),
  operator: Type.Enum(['<=', '<', '>=', '>', '==', '!=', 'in', 'not_in']),
  priority: countField,
  reason: Type.Optional(textField(256)),
  selector: textField(128),
  type: Type.Enum(['allow', 'deny', 'require', 'limit', 'procedure']),
  value: operand,
})

const procedureSchema = strictObject({
  id: textField(64),
  quorum: countField,
  steps: Type.Array(textField(128), { maxItems: 32 }),
  timeout_ms: countField,
  triggers: Type.Array(textField(256), { maxItems: 32 }),
  witnesses: countField,
})

export const lawSchema = strictObject({
  /** quorum: signatures of a birth, two at least since two other societies are needed; witnesses: the keys that may give them. */
  birth: strictObject({ quorum: Type.Integer({ minimum: 2, maximum: WITNESSES_MAX }), witnesses: sortedKeys(64) }),
  /** micro-ATP per window of 30 days: all mints together; the charges of each single producer. */
  ceilings: strictObject({ charge: countField, mint: countField }),
  /** base_ppm per 30 days, a tenth of it below grace_ms, nothing left at max_age_ms. */
  decay: strictObject({ base_ppm: countField, grace_ms: countField, max_age_ms: countField }),
  /** Multiaddresses at which this society's node can be reached: the addresses of record. */
  endpoints: Type.Array(textField(256), { maxItems: 16 }),
  /** Who makes entries final, and how many of them it takes. Both empty and 0: a practice log. */
  finality: strictObject({ quorum: countField, witnesses: sortedKeys(64) }),
  norms: Type.Array(normSchema, { maxItems: 128 }),
  /** 0 in the charter, then one more with each law.update. */
  number: countField,
  procedures: Type.Array(procedureSchema, { maxItems: 64 }),
  /** The rules in force. */
  protocol: Type.Integer({ minimum: 1, maximum: 65_535 }),
  /** Birth keys; an empty list means the society itself. */
  roles: strictObject({ producer: sortedKeys(64), treasury: sortedKeys(64) }),
  /** attestation_ms: how fresh an attestation must be to count; rotation_ms: the longest overlap of an old key. */
  windows: strictObject({ attestation_ms: countField, rotation_ms: countField }),
  witness_key: keyField,
})
export type Law = Static<typeof lawSchema>

/** The newest rules that this software knows; a law with a higher number stops a replica until it is updated. */
export const PROTOCOL = 1

/** Decay presets, ppm per 30 days. */
export const DECAY_PRESETS = { none: 0, low: 10_000, moderate: 50_000, high: 100_000, aggressive: 200_000 } as const

/** q = n − ⌊(n−1)/3⌋: what tolerates the most liars that n witnesses can. 0 for a practice log. */
export function defaultQuorum(witnesses: number): number {
  return witnesses === 0 ? 0 : witnesses - Math.floor((witnesses - 1) / 3)
}

/** A law with the defaults of docs/protocol.md; keys are what no default can know. */
export function defaultLaw(keys: { witness_key: string; finality: readonly string[]; birth: readonly string[] }): Law {
  const finality = [...keys.finality].sort()
  return {
    birth: { quorum: 3, witnesses: [...keys.birth].sort() },
    ceilings: { charge: 1_000_000 * MICRO, mint: 100_000_000 * MICRO },
    decay: { base_ppm: DECAY_PRESETS.moderate, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS },
    endpoints: [],
    finality: { quorum: defaultQuorum(finality.length), witnesses: finality },
    norms: [],
    number: 0,
    procedures: [],
    protocol: 1,
    roles: { producer: [], treasury: [] },
    windows: { attestation_ms: 300_000, rotation_ms: DAY_MS },
    witness_key: keys.witness_key,
  }
}
