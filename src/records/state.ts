import type { Static } from 'typebox'
import { FRESHNESS_MS } from '../limits.ts'
import { rejection } from '../rejection.ts'
import { readState, stateKeys, stateValue } from '../state/model.ts'
import { countField, hashField, strictObject } from './fields.ts'
import { refuseUnlessSociety } from './lct-status.ts'
import type { RecordRules } from './types.ts'

export const stateBody = strictObject({
  /** Of the state after the entries below `size`: src/state/digest.ts. */
  digest: hashField,
  size: countField,
})
export type StateBody = Static<typeof stateBody>

/**
 * What the society says its state was at one of the sizes of which everyone takes a snapshot. Whether the digest is right is not
 * judged here: that needs a state of the past. Witnesses computed it, and cosign nothing past a wrong one.
 */
export const stateRules: RecordRules<'state', StateBody> = {
  kind: 'state',
  body: stateBody,
  /** A hash, a number, the head and one signature. */
  bytesMax: 1_024,
  freshnessMs: FRESHNESS_MS,
  signatures: [1, 1],
  check: () => undefined,
  touches: ({ body }) => [stateKeys.snapshot(body.size)],

  decide(draft, entry) {
    const refused = refuseUnlessSociety(draft, entry)
    if (refused !== undefined) return refused
    const { digest, size } = entry.record.body
    const snapshot = readState.snapshot(draft, size)
    if (snapshot === undefined) return rejection('STATE_SIZE', String(size))
    if (snapshot.digest !== undefined) return rejection('STATE_CLAIMED', `at ${snapshot.seq}`)
    draft.set(stateKeys.snapshot(size), stateValue({ digest, seq: entry.seq }))
    return undefined
  },
}
