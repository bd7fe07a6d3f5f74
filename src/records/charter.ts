import { type Static, Type } from 'typebox'
import { CHARTER_BYTES_MAX, FRESHNESS_MULTI_MS, SIGNATURES_MAX, WITNESSES_MAX } from '../limits.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { genesisCeilings } from '../state/ceilings.ts'
import { genesisDecay } from '../state/decay.ts'
import { stateKeys, stateValue } from '../state/model.ts'
import { openFlow } from '../state/velocity.ts'
import type { KeyText } from '../units.ts'
import { countField, hashField, keyField, slugField, societyField, strictObject } from './fields.ts'
import { lawSchema } from './law.ts'
import { keysOfLaw, refuseInterval, refuseProtocol, refuseQuorum, refuseValues } from './law-rules.ts'
import { isSortedSet, refuseKeySpelling } from './lists.ts'
import type { RecordRules } from './types.ts'

export const charterBody = strictObject({
  /**
   * k of these keys sign every law.update as well. No more of them than finality witnesses: 15 of each, the society key
   * and the witness key are the 32 signatures that a record can carry.
   */
  amend: Type.Optional(strictObject({ k: countField, keys: Type.Array(keyField, { maxItems: WITNESSES_MAX }) })),
  /** Interval of decay. */
  interval_ms: countField,
  law: lawSchema,
  /** SHA-256 of the 32 bytes of the next society key. */
  next: hashField,
  /** The log that ended where this one starts. */
  predecessor: Type.Optional(strictObject({ id: societyField, root: hashField, size: countField })),
  slug: slugField,
  society_key: keyField,
})
export type CharterBody = Static<typeof charterBody>

/** Who must have signed a charter: each distinct key once. */
export function charterSigners(body: CharterBody): readonly KeyText[] {
  return [...new Set([body.society_key, body.law.witness_key, ...body.law.finality.witnesses])].sort()
}

/** Why this charter cannot found a society, whoever asks. */
export function refuseCharter(body: CharterBody): Rejection | undefined {
  const { amend, interval_ms, law, society_key } = body
  const refused =
    refuseProtocol(law) ??
    refuseQuorum(law, society_key) ??
    refuseInterval(interval_ms) ??
    refuseValues(law, interval_ms)
  if (refused !== undefined) return refused
  if (law.number !== 0) return rejection('LAW_VALUES', 'number')
  if (amend !== undefined && (amend.k < 1 || amend.k > amend.keys.length || !isSortedSet(amend.keys))) {
    return rejection('LAW_VALUES', 'amend')
  }
  return undefined
}

export const charterRules: RecordRules<'charter', CharterBody> = {
  kind: 'charter',
  body: charterBody,
  bytesMax: CHARTER_BYTES_MAX,
  freshnessMs: FRESHNESS_MULTI_MS,
  signatures: [1, SIGNATURES_MAX],

  check({ author, body, lane, n, society }, signers) {
    if (society !== '' || author !== '' || lane !== 0 || n !== 1)
      return rejection('FORMAT_SCHEMA', 'a charter has no society yet')
    const spelling = refuseKeySpelling([body.society_key, ...(body.amend?.keys ?? []), ...keysOfLaw(body.law)])
    if (spelling !== undefined) return spelling
    const wanted = charterSigners(body)
    const exact = wanted.length === signers.length && wanted.every(key => signers.includes(key))
    return exact ? undefined : rejection('CHARTER_SIGNATURES')
  },

  touches() {
    return [stateKeys.charter]
  },

  decide(draft, { record, time }) {
    const { amend, interval_ms, law, next, slug, society_key } = record.body
    const refused = refuseCharter(record.body)
    if (refused !== undefined) return refused
    draft.create(
      stateKeys.charter,
      stateValue(amend === undefined ? { interval_ms, slug } : { amend, interval_ms, slug }),
    )
    draft.create(stateKeys.law, stateValue(law))
    draft.create(stateKeys.keys, stateValue({ next, society: society_key }))
    draft.create(stateKeys.ceilings, stateValue(genesisCeilings(time, law)))
    draft.create(stateKeys.decay, stateValue(genesisDecay(time, interval_ms, law.decay)))
    draft.create(stateKeys.pool, stateValue({ minted: '0', pool: '0', slashed: '0' }))
    draft.create(stateKeys.flow, stateValue(openFlow(time)))
    return undefined
  },
}
