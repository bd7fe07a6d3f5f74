import type { Static } from 'typebox'
import { FRESHNESS_MS } from '../limits.ts'
import { rejection } from '../rejection.ts'
import { addToPool, debit } from '../state/books.ts'
import { onlyAuthorSigned } from '../state/signers.ts'
import { partyTouches } from '../state/touches.ts'
import { ATP_RECORD_BYTES_MAX, positiveAmount } from './atp.ts'
import { amountField, hashField, lctField, strictObject } from './fields.ts'

import type { RecordRules } from './types.ts'

export const atpDischargeBody = strictObject({ amount: amountField, evidence: hashField, from: lctField })
export type AtpDischargeBody = Static<typeof atpDischargeBody>

/** Work was paid: the holder's ATP becomes ADP, with what the last unit takes beyond the amount. */
export const atpDischargeRules: RecordRules<'atp.discharge', AtpDischargeBody> = {
  kind: 'atp.discharge',
  body: atpDischargeBody,
  bytesMax: ATP_RECORD_BYTES_MAX,
  freshnessMs: FRESHNESS_MS,
  signatures: [1, 1],
  check: record => positiveAmount(record.body.amount),
  touches: ({ body }) => partyTouches(body.from),
  decide(draft, entry) {
    const { author, body } = entry.record
    if (author !== body.from) return rejection('AUTHOR_FORBIDDEN', 'not the holder')
    if (!onlyAuthorSigned(draft, entry)) return rejection('SIGNER_WRONG')
    const debited = debit(draft, body.from, entry.time, body.amount, { spent: true })
    if (debited === undefined) return rejection('BALANCE_INSUFFICIENT')
    addToPool(draft, debited.taken)
    return undefined
  },
}
