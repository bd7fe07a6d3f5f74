import { type Static, Type } from 'typebox'
import { keyBytes, toBase64url } from '../encoding.ts'
import { CHARTER_BYTES_MAX, FRESHNESS_MULTI_MS, SIGNATURES_MAX } from '../limits.ts'
import type { Sha256 } from '../ports.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { updateCeilings } from '../state/ceilings.ts'
import { type CharterState, type HandoverState, readState, stateKeys, stateValue } from '../state/model.ts'
import { present } from '../state/present.ts'
import type { HashText, KeyText } from '../units.ts'
import { hashField, keyField, strictObject } from './fields.ts'
import { type Law, lawSchema } from './law.ts'
import { keysOfLaw, refuseProtocol, refuseQuorum, refuseValues } from './law-rules.ts'
import { refuseKeySpelling, sameList } from './lists.ts'
import type { RecordRules } from './types.ts'

export const lawUpdateBody = strictObject({
  law: lawSchema,
  /** With society_key: the hash of the key after it. */
  next: Type.Optional(hashField),
  /** The society key from here on; its hash was committed before. */
  society_key: Type.Optional(keyField),
})
export type LawUpdateBody = Static<typeof lawUpdateBody>

/** The form in which a charter or law.update commits to the next society key. */
export function keyHash(key: KeyText, sha256: Sha256): HashText | undefined {
  const raw = keyBytes(key)
  return raw === undefined ? undefined : toBase64url(sha256(raw))
}

/** Keys that consent by signing because this law names them first. */
export function consentsOf(
  law: Law,
  before: Pick<Law, 'witness_key'> & { readonly witnesses: readonly KeyText[] },
): readonly KeyText[] {
  const consents = law.finality.witnesses.filter(key => !before.witnesses.includes(key))
  return law.witness_key === before.witness_key ? consents : [...consents, law.witness_key]
}

/** `required` all sign, and of the amend keys no more than needed to make k of them. */
function hasExactly(
  signers: readonly KeyText[],
  required: ReadonlySet<KeyText>,
  amend: CharterState['amend'],
): boolean {
  const keys = amend?.keys ?? []
  if (![...required].every(key => signers.includes(key))) return false
  if (!signers.every(key => required.has(key) || keys.includes(key))) return false
  const needed = Math.max(amend?.k ?? 0, keys.filter(key => required.has(key)).length)
  return signers.filter(key => keys.includes(key)).length === needed
}

function refuseLaw(law: Law, current: Law, societyKey: KeyText, charter: CharterState): Rejection | undefined {
  if (law.number !== current.number + 1) return rejection('LAW_NUMBER', String(law.number))
  if (law.protocol < current.protocol) return rejection('LAW_PROTOCOL_FALLS')
  return refuseQuorum(law, societyKey) ?? refuseValues(law, charter.interval_ms)
}

export const lawUpdateRules: RecordRules<'law.update', LawUpdateBody> = {
  kind: 'law.update',
  body: lawUpdateBody,
  bytesMax: CHARTER_BYTES_MAX,
  freshnessMs: FRESHNESS_MULTI_MS,
  signatures: [1, SIGNATURES_MAX],

  check({ body }) {
    if ((body.next === undefined) !== (body.society_key === undefined))
      return rejection('FORMAT_SCHEMA', 'next goes with society_key')
    return refuseKeySpelling([...(body.society_key === undefined ? [] : [body.society_key]), ...keysOfLaw(body.law)])
  },

  touches() {
    return [stateKeys.charter, stateKeys.law, stateKeys.keys, stateKeys.ceilings]
  },

  decide(draft, { record, seq, sigs, time }, { sha256 }) {
    const { law, next, society_key } = record.body
    const charter = present(readState.charter(draft))
    const current = present(readState.law(draft))
    const keys = present(readState.keys(draft))
    const ceilings = present(readState.ceilings(draft))
    const unknown = refuseProtocol(law)
    if (unknown !== undefined) return unknown
    if (record.author !== record.society) return rejection('AUTHOR_FORBIDDEN')

    const society = society_key ?? keys.society
    const before = { witness_key: current.witness_key, witnesses: current.finality.witnesses }
    const required = new Set([society, ...consentsOf(law, before)])
    const signers = sigs.map(sig => sig.by)
    if (!hasExactly(signers, required, charter.amend)) return rejection('SIGNER_WRONG')
    const refused = refuseLaw(law, current, society, charter)
    if (refused !== undefined) return refused
    if (society_key !== undefined && keyHash(society_key, sha256) !== keys.next) return rejection('LAW_NEXT_KEY')

    const handsOver =
      society !== keys.society ||
      law.finality.quorum !== current.finality.quorum ||
      !sameList(law.finality.witnesses, current.finality.witnesses)
    if (handsOver) {
      const replaced: HandoverState = {
        key: keys.society,
        quorum: current.finality.quorum,
        witnesses: current.finality.witnesses,
      }
      draft.create(stateKeys.handover(seq), stateValue(replaced))
    }
    draft.set(stateKeys.law, stateValue(law))
    draft.set(stateKeys.keys, stateValue({ next: next ?? keys.next, society }))
    draft.set(stateKeys.ceilings, stateValue(updateCeilings(ceilings, time, law)))
    return undefined
  },
}
