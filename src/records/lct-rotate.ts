import type { Static } from 'typebox'
import { FRESHNESS_MULTI_MS } from '../limits.ts'
import { rejection } from '../rejection.ts'
import { type LctState, readState, stateKeys, stateValue } from '../state/model.ts'
import { present } from '../state/present.ts'
import { exactSigners } from '../state/signers.ts'
import { isKeyTaken } from './birth.ts'
import { countField, keyField, strictObject } from './fields.ts'
import { LIFE_CYCLE_BYTES_MAX, withoutOverlap } from './lct-status.ts'
import { refuseKeySpelling } from './lists.ts'
import { homeOf } from './names.ts'
import type { RecordRules } from './types.ts'

export const lctRotateBody = strictObject({
  key: keyField,
  /** The key in force until now. */
  old: keyField,
  /** So long the old key still signs for this LCT. */
  overlap_ms: countField,
})
export type LctRotateBody = Static<typeof lctRotateBody>

/** The author changes its key; old and new one sign, the society does not. */
export const lctRotateRules: RecordRules<'lct.rotate', LctRotateBody> = {
  kind: 'lct.rotate',
  body: lctRotateBody,
  bytesMax: LIFE_CYCLE_BYTES_MAX,
  freshnessMs: FRESHNESS_MULTI_MS,
  signatures: [2, 2],

  check({ body }) {
    return refuseKeySpelling([body.key, body.old])
  },

  touches({ author, body }) {
    return [stateKeys.law, stateKeys.keys, stateKeys.lct(author), stateKeys.key(body.key)]
  },

  decide(draft, entry) {
    const { author, body, society } = entry.record
    const law = present(readState.law(draft))
    if (author === society) return rejection('AUTHOR_FORBIDDEN')
    const state = readState.lct(draft, author)
    if (state === undefined) return rejection('AUTHOR_UNKNOWN')
    if (body.old !== state.key || !exactSigners(entry, [body.old, body.key])) return rejection('SIGNER_WRONG')
    if (body.overlap_ms > law.windows.rotation_ms) return rejection('LAW_VALUES', 'overlap_ms')
    if (isKeyTaken(draft, body.key)) return rejection('KEY_TAKEN')
    if (homeOf(author) !== society) return rejection('LCT_FOREIGN')

    // Both summands are below 2^53 but their sum need not be: the largest time stands for ever.
    const until = Math.min(entry.time + body.overlap_ms, Number.MAX_SAFE_INTEGER)
    const overlap = body.overlap_ms > 0 ? { overlap: { key: body.old, until } } : {}
    const rotated: LctState = { ...withoutOverlap(state), key: body.key, ...overlap }
    draft.set(stateKeys.lct(author), stateValue(rotated))
    draft.set(stateKeys.key(body.key), author)
    return undefined
  },
}
