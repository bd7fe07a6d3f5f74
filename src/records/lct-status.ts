import { type Static, Type } from 'typebox'
import { type Rejection, rejection } from '../rejection.ts'
import { type LctState, type LctStatus, readState, stateKeys, stateValue } from '../state/model.ts'
import { present } from '../state/present.ts'
import { exactSigners } from '../state/signers.ts'
import type { Draft } from '../state/view.ts'
import { hashField, lctField, strictObject } from './fields.ts'
import { homeOf } from './names.ts'
import type { AnyRecord, OpenedEntry, RecordOf } from './types.ts'

/** What suspension, reactivation and revocation have in common. */

/** 8 KiB: none of the kinds that a single party signs about one entity needs more. */
export const LIFE_CYCLE_BYTES_MAX = 8 * 1024

export const lctStatusBody = strictObject({
  lct: lctField,
  /** Salted hash of a document kept elsewhere. */
  reason: Type.Optional(hashField),
})
export type LctStatusBody = Static<typeof lctStatusBody>

/** Issued by the society and signed by its key alone. */
export function refuseUnlessSociety(draft: Draft, entry: OpenedEntry): Rejection | undefined {
  if (entry.record.author !== entry.record.society) return rejection('AUTHOR_FORBIDDEN')
  return exactSigners(entry, [present(readState.keys(draft)).society]) ? undefined : rejection('SIGNER_WRONG')
}

export function lctStatusTouches({ body }: RecordOf<string, LctStatusBody>): readonly string[] {
  return [stateKeys.keys, stateKeys.lct(body.lct)]
}

/** Moves an LCT of this log from one of the states `from` to `to`. */
export function changeStatus(
  draft: Draft,
  entry: OpenedEntry<RecordOf<string, LctStatusBody> & AnyRecord>,
  from: readonly LctStatus[],
  to: LctStatus,
): Rejection | undefined {
  const refused = refuseUnlessSociety(draft, entry)
  if (refused !== undefined) return refused
  const { lct } = entry.record.body
  const state = readState.lct(draft, lct)
  if (state === undefined) return rejection('LCT_UNKNOWN')
  if (!from.includes(state.status)) return rejection('LCT_STATUS', state.status)
  if (homeOf(lct) !== entry.record.society) return rejection('LCT_FOREIGN')
  draft.set(stateKeys.lct(lct), stateValue({ ...(to === 'revoked' ? withoutOverlap(state) : state), status: to }))
  return undefined
}

export function withoutOverlap(state: LctState): LctState {
  const { overlap: _, ...rest } = state
  return rest
}
