import { type Static, Type } from 'typebox'
import { BIRTH_BYTES_MAX, FRESHNESS_MULTI_MS, SIGNATURES_MAX } from '../limits.ts'
import type { Sha256 } from '../ports.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { type LctState, readState, stateKeys, stateValue } from '../state/model.ts'
import { present } from '../state/present.ts'
import type { Draft, StateView } from '../state/view.ts'
import type { HashText, KeyText, LctId, SocietyId } from '../units.ts'
import { bytesField, countField, hashField, keyField, lctField, strictObject, textField } from './fields.ts'
import type { Law } from './law.ts'
import { isSortedSet, refuseByteSpelling, refuseKeySpelling, sameList } from './lists.ts'
import { ENTITY_TYPES, lctIdOf } from './names.ts'
import type { RecordOf, RecordRules } from './types.ts'

/** What a secure element says about the key; kept as evidence, judged by whoever trusts its maker. */
const hardwareSchema = strictObject({
  algorithm: Type.Enum(['ed25519', 'p256']),
  /** Hash of the certificate chain. */
  chain: Type.Optional(hashField),
  key: bytesField(128),
  signature: bytesField(128),
})

export const birthBody = strictObject({
  /** HMAC of the entity's identifier under a salt of the society: one entity, one LCT. */
  entity_ref: hashField,
  entity_type: Type.Enum([...ENTITY_TYPES]),
  hardware: Type.Optional(hardwareSchema),
  key: keyField,
  /** Number of the law in force. */
  law: countField,
  /** The revoked LCTs of the same entity, all of them. */
  lineage: Type.Array(lctField, { maxItems: 64 }),
  responsibilities: Type.Array(textField(256), { maxItems: 64 }),
  rights: Type.Array(textField(256), { maxItems: 64 }),
})
export type BirthBody = Static<typeof birthBody>

/** A birth needs witnesses of at least so many societies other than its own. */
const OTHER_SOCIETIES_MIN = 2

/** The id of the LCT that this birth registers. */
export function birthLct(record: Pick<RecordOf<string, BirthBody>, 'society' | 'body'>, sha256: Sha256): LctId {
  return lctIdOf(record.body.entity_type, record.society, record.body.key, sha256)
}

/** Whether a key may not go into this LCT: it speaks for the society, or is or was in (another) LCT. */
export function isKeyTaken(view: StateView, key: KeyText, lct?: LctId): boolean {
  const owner = readState.key(view, key)
  return key === readState.keys(view)?.society || (owner !== undefined && owner !== lct)
}

/** The society for which this key witnesses births here: the own one, or a recognised one that is not blocked. */
function societyOfWitness(view: StateView, key: KeyText, own: SocietyId, law: Law): SocietyId | undefined {
  if (key === law.witness_key) return own
  const society = readState.witnessKey(view, key)
  return society !== undefined && readState.peer(view, society)?.status === 'recognised' ? society : undefined
}

function refuseWitnesses(
  draft: Draft,
  record: RecordOf<string, BirthBody>,
  witnesses: readonly KeyText[],
  law: Law,
): Rejection | undefined {
  const { key } = record.body
  if (law.birth.witnesses.includes(key) || societyOfWitness(draft, key, record.society, law) !== undefined) {
    return rejection('BIRTH_WITNESS_SUBJECT')
  }
  if (witnesses.length !== law.birth.quorum)
    return rejection('BIRTH_WITNESS_COUNT', `${witnesses.length}, not ${law.birth.quorum}`)
  const others = new Set<SocietyId>()
  for (const witness of witnesses) {
    const society = law.birth.witnesses.includes(witness)
      ? societyOfWitness(draft, witness, record.society, law)
      : undefined
    if (society === undefined) return rejection('BIRTH_WITNESS_UNQUALIFIED', witness)
    if (society !== record.society) others.add(society)
  }
  return others.size < OTHER_SOCIETIES_MIN ? rejection('BIRTH_WITNESS_SOCIETIES', String(others.size)) : undefined
}

function refuseEntity(draft: Draft, earlier: readonly LctId[], lineage: readonly LctId[]): Rejection | undefined {
  const alive = earlier.find(lct => readState.lct(draft, lct)?.status !== 'revoked')
  if (alive !== undefined) return rejection('ENTITY_TAKEN', alive)
  return sameList([...earlier].sort(), lineage) ? undefined : rejection('LINEAGE')
}

export const birthRules: RecordRules<'birth', BirthBody> = {
  kind: 'birth',
  body: birthBody,
  bytesMax: BIRTH_BYTES_MAX,
  freshnessMs: FRESHNESS_MULTI_MS,
  signatures: [1, SIGNATURES_MAX],

  check({ body }, signers) {
    const { hardware, key, lineage } = body
    if (!isSortedSet(lineage)) return rejection('FORMAT_SCHEMA', 'lineage not sorted and distinct')
    const spelling =
      refuseKeySpelling([key]) ??
      (hardware === undefined ? undefined : refuseByteSpelling({ key: hardware.key, signature: hardware.signature }))
    if (spelling !== undefined) return spelling
    return signers.includes(key) ? undefined : rejection('PROOF_OF_POSSESSION_MISSING')
  },

  touches({ body }, signers: readonly KeyText[] = []) {
    const { entity_ref, key, lineage } = body
    return [
      stateKeys.law,
      stateKeys.keys,
      stateKeys.key(key),
      stateKeys.witnessKey(key),
      ...signers.map(stateKeys.witnessKey),
      stateKeys.ref(entity_ref as HashText),
      ...lineage.map(stateKeys.lct),
    ]
  },

  decide(draft, { record, seq, sigs }, { sha256 }) {
    const { body } = record
    const law = present(readState.law(draft))
    const keys = present(readState.keys(draft))
    if (record.author !== record.society) return rejection('AUTHOR_FORBIDDEN')
    const signers = sigs.map(sig => sig.by)
    if (!signers.includes(keys.society)) return rejection('SIGNER_WRONG')
    if (body.law !== law.number) return rejection('LAW_NUMBER', `${body.law}, not ${law.number}`)

    const witnesses = signers.filter(key => key !== body.key && key !== keys.society)
    const earlier = readState.ref(draft, body.entity_ref) ?? []
    const refused =
      refuseWitnesses(draft, record, witnesses, law) ??
      (isKeyTaken(draft, body.key) ? rejection('KEY_TAKEN') : undefined) ??
      refuseEntity(draft, earlier, body.lineage)
    if (refused !== undefined) return refused

    const lct = birthLct(record, sha256)
    const born: LctState = {
      birth: seq,
      entity_ref: body.entity_ref,
      key: body.key,
      law: body.law,
      lineage: body.lineage,
      responsibilities: body.responsibilities,
      rights: body.rights,
      status: 'active',
      type: body.entity_type,
    }
    // Its id is made of the key, which no LCT of this log ever had.
    draft.create(stateKeys.lct(lct), stateValue(born))
    draft.set(stateKeys.key(body.key), lct)
    draft.set(stateKeys.ref(body.entity_ref), stateValue([...earlier, lct]))
    return undefined
  },
}
