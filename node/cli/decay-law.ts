import { Type } from 'typebox'
import type { JsonObject } from '../../src/canonical.ts'
import { checker } from '../../src/ingest/schema-check.ts'
import { DECAY_PRESETS, defaultLaw, type Law, lawSchema } from '../../src/records/law.ts'
import { refuseInterval, refuseProtocol, refuseValues } from '../../src/records/law-rules.ts'
import { CodedError, type Rejection, rejection } from '../../src/rejection.ts'
import type { DecayRates } from '../../src/state/model.ts'
import { DAY_MS } from '../../src/units.ts'
import { decayRate } from './law-changes.ts'
import { lawFile } from './law-file.ts'

/** What a law says about decay, without a node: for projections and for comparing laws. */
export interface DecayLaw {
  /** As it was given: a preset, a rate, or a file. */
  readonly name: string
  readonly rates: DecayRates
  readonly interval_ms: number
}

export const DECAY_PRESET_NAMES = Object.keys(DECAY_PRESETS).join(', ')

const DEFAULT_LAW = defaultLaw({ witness_key: '', finality: [], birth: [] })
const checkMembers = checker(Type.Partial(lawSchema))

/** The defaults of a law, with another rate. */
export function decayAt(base_ppm: number): DecayRates {
  return { ...DEFAULT_LAW.decay, base_ppm }
}

/**
 * A preset, ppm for 30 days, or a file: a law, members of it (what it leaves out is as in the default law), or what
 * `web4 law show --json` prints. BAD_REQUEST when there is no such thing; FORMAT_SCHEMA, FORMAT_UNKNOWN_FIELD,
 * UNKNOWN_PROTOCOL and LAW_VALUES as a log would refuse that law.
 */
export async function decayOfLaw(text: string): Promise<DecayLaw> {
  const base_ppm = decayRate(text)
  if (base_ppm !== undefined) return judged(text, { decay: { ...decayAt(base_ppm) } }, DAY_MS)
  const file = await lawFile(text, `: no file, and none of ${DECAY_PRESET_NAMES}`)
  const shown = objectIn(file, 'law')
  return shown === undefined ? judged(text, file, DAY_MS) : judged(text, shown, file.interval_ms ?? DAY_MS)
}

function judged(name: string, members: JsonObject, interval: unknown): DecayLaw {
  const decay = objectIn(members, 'decay')
  const given = decay === undefined ? members : { ...members, decay: { ...DEFAULT_LAW.decay, ...decay } }
  const law = { ...DEFAULT_LAW, ...given } as unknown as Law
  const bad = checkMembers(given) ?? refuseProtocol(law) ?? refuse(law, interval)
  if (bad !== undefined) throw new CodedError(bad.code, `${name}: ${bad.detail ?? 'no law'}`)
  const { base_ppm, grace_ms, max_age_ms } = law.decay
  return { name, rates: { base_ppm, grace_ms, max_age_ms }, interval_ms: interval as number }
}

function refuse(law: Law, interval: unknown): Rejection | undefined {
  if (typeof interval !== 'number' || !Number.isSafeInteger(interval))
    return rejection('FORMAT_SCHEMA', '/interval_ms must be an integer')
  return refuseInterval(interval) ?? refuseValues(law, interval)
}

function objectIn(object: JsonObject, name: string): JsonObject | undefined {
  const value = object[name]
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
}
