import type { Static } from 'typebox'
import {
  BIRTH_BYTES_MAX,
  ENTRY_BYTES_MAX,
  FOREIGN_NOTE_BYTES_MAX,
  FRESHNESS_MS,
  FRESHNESS_MULTI_MS,
} from '../limits.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { type LctState, readState, stateKeys, stateValue } from '../state/model.ts'
import type { Draft } from '../state/view.ts'
import { type EpochMs, HOUR_MS, type KeyText } from '../units.ts'
import { type BirthBody, birthLct, isKeyTaken } from './birth.ts'
import { bytesField, proofField, strictObject } from './fields.ts'
import { coveredBy, openForeign } from './foreign.ts'
import { refuseUnlessSociety } from './lct-status.ts'
import { refuseByteSpelling, refuseKeySpelling } from './lists.ts'
import { type Standing, standingSchema, verifyStanding } from './standing.ts'
import type { AnyRecord, DecideContext, OpenedEntry, RecordOf, RecordRules } from './types.ts'

export const introduceBody = strictObject({
  /** The birth entry in the home log, as received. */
  birth: bytesField(BIRTH_BYTES_MAX),
  note: bytesField(FOREIGN_NOTE_BYTES_MAX),
  proof: proofField,
  standing: standingSchema,
})
export type IntroduceBody = Static<typeof introduceBody>
type IntroduceEntry = OpenedEntry<RecordOf<'introduce', IntroduceBody> & AnyRecord>

/** Idle logs are cosigned every 10 minutes, so an hour is never too short. */
const COSIGNATURE_AGE_MS_MAX = HOUR_MS

function refuseTimes(standing: Standing, cosigned: readonly EpochMs[], now: EpochMs): Rejection | undefined {
  if (!cosigned.every(time => time >= now - COSIGNATURE_AGE_MS_MAX && time <= now + FRESHNESS_MS)) {
    return rejection('INTRODUCTION_STALE', 'cosignatures')
  }
  return Math.abs(standing.time - now) > FRESHNESS_MS ? rejection('INTRODUCTION_STALE', 'standing') : undefined
}

/** Standing and birth speak of one LCT, and the home society said so. */
function refuseFit(
  standing: Standing,
  birth: OpenedEntry,
  homeKey: KeyText,
  context: DecideContext,
): Rejection | undefined {
  const record = birth.record as unknown as RecordOf<'birth', BirthBody>
  if (birth.record.kind !== 'birth' || record.society !== standing.society)
    return rejection('INTRODUCTION_EVIDENCE', 'not a birth of that society')
  if (birthLct(record, context.sha256) !== standing.lct)
    return rejection('INTRODUCTION_EVIDENCE', 'birth of another LCT')
  if (standing.size <= birth.seq) return rejection('INTRODUCTION_EVIDENCE', 'standing before birth')
  const signed = verifyStanding(standing, homeKey, context.verifySignature)
  return signed ? undefined : rejection('INTRODUCTION_EVIDENCE', 'standing: SIGNATURE_INVALID')
}

/** Judges all evidence and gives the opened birth. */
function judge(
  draft: Draft,
  entry: IntroduceEntry,
  known: LctState | undefined,
  context: DecideContext,
): Rejection | OpenedEntry {
  const { body } = entry.record
  const { standing } = body
  if (isKeyTaken(draft, standing.key, standing.lct)) return rejection('KEY_TAKEN')
  if (known?.status === 'revoked') return rejection('LCT_STATUS', 'revoked')
  const home = readState.peer(draft, standing.society)
  if (home === undefined) return rejection('PEER_UNKNOWN')
  if (home.status === 'blocked') return rejection('PEER_BLOCKED')
  const birth = openForeign(body.birth, context)
  if (!birth.ok) return birth.error
  const covered = coveredBy(body, birth.value, { ...home, society: standing.society }, context)
  if (!covered.ok) return covered.error
  if (known?.foreign !== undefined && standing.size <= known.foreign)
    return rejection('PEER_OLDER', `size ${standing.size}`)
  return (
    refuseTimes(standing, covered.value, entry.time) ??
    refuseFit(standing, birth.value, home.key, context) ??
    birth.value
  )
}

/** Registers an LCT of a recognised society, or brings its key and status up to date. */
export const introduceRules: RecordRules<'introduce', IntroduceBody> = {
  kind: 'introduce',
  body: introduceBody,
  bytesMax: ENTRY_BYTES_MAX,
  freshnessMs: FRESHNESS_MULTI_MS,
  signatures: [1, 1],

  check({ body }) {
    return refuseByteSpelling({ birth: body.birth, note: body.note }) ?? refuseKeySpelling([body.standing.key])
  },

  touches({ body }) {
    const { key, lct, society } = body.standing
    return [stateKeys.keys, stateKeys.key(key), stateKeys.lct(lct), stateKeys.peer(society)]
  },

  decide(draft, entry, context) {
    const refused = refuseUnlessSociety(draft, entry)
    if (refused !== undefined) return refused
    const { key, lct, size, status } = entry.record.body.standing
    const birth = judge(draft, entry, readState.lct(draft, lct), context)
    if ('code' in birth) return birth
    const { entity_type } = birth.record.body as unknown as BirthBody
    const introduced: LctState = { foreign: size, key, status, type: entity_type }
    draft.set(stateKeys.lct(lct), stateValue(introduced))
    draft.set(stateKeys.key(key), lct)
    return undefined
  },
}
