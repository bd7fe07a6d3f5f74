import type { Static } from 'typebox'
import { FRESHNESS_MS } from '../limits.ts'
import { rejection } from '../rejection.ts'
import { chargeFromPool } from '../state/books.ts'
import { lowestCeiling, useWindow } from '../state/ceilings.ts'
import { readState, stateKeys, stateValue } from '../state/model.ts'
import { present } from '../state/present.ts'
import { holdsRole } from '../state/roles.ts'
import { authorKey, exactSigners } from '../state/signers.ts'
import { partyTouches } from '../state/touches.ts'
import { ATP_RECORD_BYTES_MAX, payable, positiveAmount } from './atp.ts'
import { amountField, hashField, lctField, strictObject } from './fields.ts'

import type { RecordRules } from './types.ts'

export const atpChargeBody = strictObject({ amount: amountField, evidence: hashField, to: lctField })
export type AtpChargeBody = Static<typeof atpChargeBody>

/** A producer and the society turn ADP of the pool into ATP, against evidence of value. */
export const atpChargeRules: RecordRules<'atp.charge', AtpChargeBody> = {
  kind: 'atp.charge',
  body: atpChargeBody,
  bytesMax: ATP_RECORD_BYTES_MAX,
  freshnessMs: FRESHNESS_MS,
  signatures: [1, 2],
  check: record => positiveAmount(record.body.amount),
  touches: record => [stateKeys.ceilings, stateKeys.charged(record.author), ...partyTouches(record.body.to)],
  decide(draft, entry, { sha256 }) {
    const { author, body, society } = entry.record
    const law = present(readState.law(draft))
    if (!holdsRole(draft, law, 'producer', author, society, sha256)) return rejection('AUTHOR_FORBIDDEN', 'producer')
    const key = authorKey(draft, entry)
    if (key === undefined || !exactSigners(entry, [key, present(readState.keys(draft)).society])) {
      return rejection('SIGNER_WRONG')
    }
    const ceiling = lowestCeiling(present(readState.ceilings(draft)), entry.time, 'charge')
    const used = useWindow(readState.charged(draft, author), entry.time, body.amount, ceiling)
    if (used === undefined) return rejection('CHARGE_CEILING')
    if (!chargeFromPool(draft, body.to, entry.time, body.amount)) return rejection('POOL_INSUFFICIENT')
    draft.set(stateKeys.charged(author), stateValue(used))
    return payable(readState.lct(draft, body.to))
  },
}
