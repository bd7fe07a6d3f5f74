import { type Static, Type } from 'typebox'
import { ENTRY_BYTES_MAX, FRESHNESS_MS, SWEEP_ACCOUNTS_MAX } from '../limits.ts'
import { rejection } from '../rejection.ts'
import { settle } from '../state/books.ts'
import { readState, stateKeys } from '../state/model.ts'
import { partyTouches } from '../state/touches.ts'
import { lctField, strictObject } from './fields.ts'
import { refuseUnlessSociety } from './lct-status.ts'
import { isSortedSet } from './lists.ts'
import type { RecordRules } from './types.ts'

export const atpSweepBody = strictObject({
  /** Sorted, none twice. */
  accounts: Type.Array(lctField, { minItems: 1, maxItems: SWEEP_ACCOUNTS_MAX }),
})
export type AtpSweepBody = Static<typeof atpSweepBody>

/**
 * Brings what the named accounts lost to decay into the books, so that the pool can be charged with it. It changes when that is
 * booked, never how much: an account without holdings, or without a loss, stays as it is.
 */
export const atpSweepRules: RecordRules<'atp.sweep', AtpSweepBody> = {
  kind: 'atp.sweep',
  body: atpSweepBody,
  bytesMax: ENTRY_BYTES_MAX,
  freshnessMs: FRESHNESS_MS,
  signatures: [1, 1],
  check: ({ body }) =>
    isSortedSet(body.accounts) ? undefined : rejection('FORMAT_SCHEMA', 'accounts not a sorted set'),
  touches: ({ body }) => [stateKeys.keys, ...body.accounts.flatMap(partyTouches)],
  decide(draft, entry) {
    const refused = refuseUnlessSociety(draft, entry)
    if (refused !== undefined) return refused
    for (const lct of entry.record.body.accounts) {
      if (readState.lct(draft, lct) === undefined) return rejection('ACCOUNT_UNKNOWN', lct)
      settle(draft, lct, entry.time)
    }
    return undefined
  },
}
