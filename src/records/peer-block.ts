import { type Static, Type } from 'typebox'
import { FRESHNESS_MS } from '../limits.ts'
import { rejection } from '../rejection.ts'
import { readState, stateKeys, stateValue } from '../state/model.ts'
import { hashField, societyField, strictObject } from './fields.ts'
import { LIFE_CYCLE_BYTES_MAX, refuseUnlessSociety } from './lct-status.ts'
import type { RecordRules } from './types.ts'

export const peerBlockBody = strictObject({
  /** Salted hash of a document kept elsewhere. */
  evidence: Type.Optional(hashField),
  peer: societyField,
})
export type PeerBlockBody = Static<typeof peerBlockBody>

/** Ends relations: its witnesses and introductions count no more. LCTs introduced before keep their accounts. */
export const peerBlockRules: RecordRules<'peer.block', PeerBlockBody> = {
  kind: 'peer.block',
  body: peerBlockBody,
  bytesMax: LIFE_CYCLE_BYTES_MAX,
  freshnessMs: FRESHNESS_MS,
  signatures: [1, 1],
  check: () => undefined,

  touches({ body }) {
    return [stateKeys.keys, stateKeys.peer(body.peer)]
  },

  decide(draft, entry) {
    const refused = refuseUnlessSociety(draft, entry)
    if (refused !== undefined) return refused
    const { peer } = entry.record.body
    const state = readState.peer(draft, peer)
    if (state === undefined) return rejection('PEER_UNKNOWN')
    if (state.status === 'blocked') return rejection('PEER_BLOCKED')
    draft.set(stateKeys.peer(peer), stateValue({ ...state, status: 'blocked' }))
    draft.set(stateKeys.witnessKey(state.witness_key), undefined)
    return undefined
  },
}
