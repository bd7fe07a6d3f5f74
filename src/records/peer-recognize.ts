import type { Static } from 'typebox'
import { CHARTER_BYTES_MAX, ENTRY_BYTES_MAX, FOREIGN_NOTE_BYTES_MAX, FRESHNESS_MS } from '../limits.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { type PeerState, readState, stateKeys, stateValue } from '../state/model.ts'
import { present } from '../state/present.ts'
import type { Draft } from '../state/view.ts'
import type { KeyText, SocietyId } from '../units.ts'
import { type CharterBody, refuseCharter } from './charter.ts'
import { bytesField, proofField, societyField, strictObject } from './fields.ts'
import { coveredBy, openForeign } from './foreign.ts'
import { refuseQuorum, refuseValues } from './law-rules.ts'
import { consentsOf, keyHash, type LawUpdateBody } from './law-update.ts'
import { refuseUnlessSociety } from './lct-status.ts'
import { refuseByteSpelling, sameList } from './lists.ts'
import { societyIdOf } from './names.ts'
import type { DecideContext, OpenedEntry, RecordRules } from './types.ts'

export const peerRecognizeBody = strictObject({
  /** A charter or law.update of that society, as received. */
  entry: bytesField(CHARTER_BYTES_MAX),
  note: bytesField(FOREIGN_NOTE_BYTES_MAX),
  peer: societyField,
  proof: proofField,
})
export type PeerRecognizeBody = Static<typeof peerRecognizeBody>

/** What a foreign entry makes of the peer. */
type Reading = Result<PeerState>

const evidence = (detail: string) => fail(rejection('PEER_EVIDENCE', detail))

function readCharter(entry: OpenedEntry, peer: SocietyId, { sha256 }: DecideContext): Reading {
  if (entry.record.kind !== 'charter') return fail(rejection('PEER_UNKNOWN'))
  const body = entry.record.body as unknown as CharterBody
  if (entry.seq !== 0 || societyIdOf(body.slug, entry.recordBytes, sha256) !== peer)
    return evidence('not the charter of that society')
  const refused = refuseCharter(body)
  if (refused !== undefined) return evidence(`charter: ${refused.code}`)
  const { finality, witness_key } = body.law
  return ok({
    key: body.society_key,
    next: body.next,
    number: 0,
    quorum: finality.quorum,
    size: 1,
    status: 'recognised',
    witness_key,
    witnesses: finality.witnesses,
  })
}

function readUpdate(entry: OpenedEntry, peer: SocietyId, before: PeerState, { sha256 }: DecideContext): Reading {
  const { record, seq, sigs } = entry
  if (record.kind === 'charter') return fail(rejection('PEER_OLDER'))
  if (record.kind !== 'law.update' || record.society !== peer || record.author !== peer)
    return evidence('not a law.update of that society')
  const { law, next, society_key } = record.body as unknown as LawUpdateBody
  if (law.number <= before.number || seq < before.size) return fail(rejection('PEER_OLDER'))
  const key = society_key ?? before.key
  if (society_key !== undefined && keyHash(society_key, sha256) !== before.next)
    return evidence('law.update: LAW_NEXT_KEY')
  // Consents are those of the step from the set recognised last: a handover left out shows as a consent that is missing.
  const required = [key, ...consentsOf(law, before)]
  if (!required.every(signer => sigs.some(sig => sig.by === signer))) return evidence('law.update: SIGNER_WRONG')
  const refused = refuseQuorum(law, key) ?? refuseValues(law)
  if (refused !== undefined) return evidence(`law.update: ${refused.code}`)
  const after: PeerState = {
    key,
    next: next ?? before.next,
    number: law.number,
    quorum: law.finality.quorum,
    size: seq + 1,
    status: 'recognised',
    witness_key: law.witness_key,
    witnesses: law.finality.witnesses,
  }
  return sameRelations(before, after) ? fail(rejection('PEER_OLDER', 'changes nothing that is recognised')) : ok(after)
}

function sameRelations(a: PeerState, b: PeerState): boolean {
  return (
    a.key === b.key && a.quorum === b.quorum && a.witness_key === b.witness_key && sameList(a.witnesses, b.witnesses)
  )
}

/** A witness key belongs to one society: who names it first with its consent. */
function refuseWitnessKey(draft: Draft, key: KeyText, peer: SocietyId, own: KeyText): Rejection | undefined {
  const holder = readState.witnessKey(draft, key)
  return key === own || (holder !== undefined && holder !== peer)
    ? rejection('PEER_EVIDENCE', "another society's witness key")
    : undefined
}

export const peerRecognizeRules: RecordRules<'peer.recognize', PeerRecognizeBody> = {
  kind: 'peer.recognize',
  body: peerRecognizeBody,
  bytesMax: ENTRY_BYTES_MAX,
  freshnessMs: FRESHNESS_MS,
  signatures: [1, 1],

  check({ body }) {
    return refuseByteSpelling({ entry: body.entry, note: body.note })
  },

  touches({ body }) {
    return [stateKeys.law, stateKeys.keys, stateKeys.peer(body.peer)]
  },

  decide(draft, entry, context) {
    const { body, society } = entry.record
    const own = present(readState.law(draft))
    const refused = refuseUnlessSociety(draft, entry)
    if (refused !== undefined) return refused
    const before = readState.peer(draft, body.peer)
    if (before?.status === 'blocked') return rejection('PEER_BLOCKED')
    if (body.peer === society) return rejection('PEER_EVIDENCE', 'the own society')

    const opened = openForeign(body.entry, context)
    if (!opened.ok) return opened.error
    const foreign = opened.value
    const read =
      before === undefined ? readCharter(foreign, body.peer, context) : readUpdate(foreign, body.peer, before, context)
    if (!read.ok) return read.error
    const after = read.value
    // By the rules in force here, whatever this software knows besides: else old and new software would decide differently.
    const { protocol } = (foreign.record.body as unknown as CharterBody | LawUpdateBody).law
    if (protocol > own.protocol) return rejection('PEER_EVIDENCE', `protocol ${protocol}`)
    const taken = refuseWitnessKey(draft, after.witness_key, body.peer, own.witness_key)
    if (taken !== undefined) return taken
    // The set that is known already vouches for the one that follows.
    const { quorum, witnesses } = before ?? after
    const covered = coveredBy(body, foreign, { society: body.peer, key: after.key, quorum, witnesses }, context)
    if (!covered.ok) return covered.error

    if (before !== undefined) draft.set(stateKeys.witnessKey(before.witness_key), undefined)
    draft.set(stateKeys.witnessKey(after.witness_key), body.peer)
    draft.set(stateKeys.peer(body.peer), stateValue(after))
    return undefined
  },
}
