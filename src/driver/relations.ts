import { decodeCanonical, type Json } from '../canonical.ts'
import type { Law } from '../records/law.ts'
import { homeOf } from '../records/names.ts'
import type { AnyRecord } from '../records/types.ts'
import { rejection } from '../rejection.ts'
import { fail, type Result } from '../result.ts'
import { type LctState, type PeerState, stateKeys } from '../state/model.ts'
import type { HashText, LctId, Seq, SocietyId } from '../units.ts'
import { foreignEvidence, stepEvidence } from './evidence.ts'
import type { Federation } from './federation.ts'
import type { Issued, Issuer } from './issue.ts'
import { RANGE_BYTES_MAX } from './net.ts'
import { HALT_CODES } from './own-start.ts'
import type { SocietyLog } from './society-log.ts'
import { nodeOf } from './speakers.ts'

/** Records about other societies, made from what this node holds of their logs. */

/**
 * Recognises a society by its charter, then by each handover or change of witness key that came since, one record each.
 * Gives the last one; what cannot be shown to be final yet is left for the next call.
 */
export async function recognize(node: Federation, issuer: Issuer, society: SocietyId): Promise<Result<Issued>> {
  const own = node.own
  const held = node.held(society)
  if (own === undefined) return fail(rejection('NOT_SEQUENCER'))
  if (!held.ok) return held
  const { sha256 } = node.ports.context
  let last: Result<Issued> | undefined
  for (;;) {
    const [state] = await own.log.replica.states([stateKeys.peer(society)])
    const known = state as PeerState | undefined
    const next = known === undefined ? 0 : await nextStep(held.value, known)
    if (next === undefined) return last ?? fail(rejection('PEER_OLDER', 'nothing new to recognise'))
    const evidence = await stepEvidence(held.value, next, sha256)
    if (!evidence.ok) return last ?? evidence
    const issued = await issuer.issue('peer.recognize', { ...evidence.value, peer: society } as unknown as Json)
    if (!issued.ok) return last ?? issued
    last = issued
  }
}

/** The first law.update above what is recognised that changes witnesses, quorum, society key or witness key. */
async function nextStep(log: SocietyLog, known: PeerState): Promise<Seq | undefined> {
  const { handovers } = log.replica.finalitySets()
  const handover = handovers.find(({ seq }) => seq >= known.size)?.seq
  const law = handover === undefined ? log.replica.inForce?.law : await lawAt(log, handover)
  if (law === undefined || law.witness_key === known.witness_key) return handover
  return (await changeOfWitnessKey(log, known, handover ?? log.replica.tip.size)) ?? handover
}

async function lawAt(log: SocietyLog, seq: Seq): Promise<Law | undefined> {
  const [entry] = await log.replica.entries(seq, 1)
  return entry === undefined ? undefined : lawOf(entry)
}

function lawOf(entry: Uint8Array): Law | undefined {
  const decoded = decodeCanonical(entry)
  const { record } = (decoded.ok ? decoded.value : {}) as { readonly record?: AnyRecord }
  return record?.kind === 'law.update' ? (record.body as { readonly law?: Law }).law : undefined
}

/** No index holds these: they are rare, and nobody looks for them but an operator's command when the keys differ. */
async function changeOfWitnessKey(log: SocietyLog, known: PeerState, to: Seq): Promise<Seq | undefined> {
  for (let seq: Seq = known.size; seq < to; ) {
    const entries = await log.replica.entries(seq, to - seq, RANGE_BYTES_MAX)
    if (entries.length === 0) return undefined
    const found = entries.findIndex(entry => (lawOf(entry)?.witness_key ?? known.witness_key) !== known.witness_key)
    if (found >= 0) return seq + found
    seq += entries.length
  }
  return undefined
}

export function block(issuer: Issuer, society: SocietyId, evidence?: HashText): Promise<Result<Issued>> {
  return issuer.issue('peer.block', { peer: society, ...(evidence === undefined ? {} : { evidence }) })
}

/**
 * Introduces a foreign LCT, or brings it up to date: its birth entry, a fresh final checkpoint of its home log as far as we
 * accept it, and its home society's word about its status. Nothing of a log that stands still here: FROZEN, VOID_ENTRY,
 * RESUMING, UNKNOWN_PROTOCOL.
 */
export async function introduce(node: Federation, issuer: Issuer, lct: LctId): Promise<Result<Issued>> {
  const home = homeOf(lct)
  const own = node.own
  const held = node.held(home)
  if (own === undefined) return fail(rejection('NOT_SEQUENCER'))
  if (home === own.log.society) return fail(rejection('LCT_FOREIGN', 'an LCT of this society'))
  if (!held.ok) return held
  const log = held.value
  const { halt } = log.replica
  // Its key may be in other hands: nothing that it says of its members is taken over.
  if (halt !== undefined) return fail(rejection(HALT_CODES[halt.mode], home))
  const [state] = await log.replica.states([stateKeys.lct(lct)])
  const birth = (state as LctState | undefined)?.birth
  if (birth === undefined) return fail(rejection('LCT_UNKNOWN'))
  if (finalForUs(node, home) <= birth) return fail(rejection('NOT_FINAL', 'not by witnesses that we accept'))
  const evidence = await foreignEvidence(log, birth, node.ports.context.sha256)
  if (!evidence.ok) return evidence
  const peer = nodeOf(node, home)
  if (peer === undefined) return fail(rejection('PEER_UNREACHABLE', home))
  const standing = await node.ports.net.request(peer.peer, 'standing', { lct })
  if (!standing.ok) return standing
  const { entry, note, proof } = evidence.value
  return issuer.issue('introduce', { birth: entry, note, proof, standing: standing.value } as unknown as Json)
}

/** Final size counting only witnesses that this node's policy accepts for the society. */
export function finalForUs(node: Federation, society: SocietyId): number {
  const log = node.logs.get(society)
  if (log === undefined || node.policies.get(society).block) return 0
  return log.notes.finalAmong(node.acceptedKeys())
}
