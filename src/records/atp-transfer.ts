import { type Static, Type } from 'typebox'
import { FRESHNESS_MS } from '../limits.ts'
import { rejection } from '../rejection.ts'
import { creditLots, debit } from '../state/books.ts'
import { readState, stateKeys } from '../state/model.ts'
import { onlyAuthorSigned } from '../state/signers.ts'
import { partyTouches } from '../state/touches.ts'
import { ATP_RECORD_BYTES_MAX, payable, positiveAmount } from './atp.ts'
import { amountField, hashField, lctField, strictObject } from './fields.ts'

import type { RecordRules } from './types.ts'

export const atpTransferBody = strictObject({
  amount: amountField,
  from: lctField,
  memo: Type.Optional(hashField),
  to: lctField,
})
export type AtpTransferBody = Static<typeof atpTransferBody>

/** The holder pays. Lots keep their age; what the last unit takes beyond the amount goes with them to the payee. */
export const atpTransferRules: RecordRules<'atp.transfer', AtpTransferBody> = {
  kind: 'atp.transfer',
  body: atpTransferBody,
  bytesMax: ATP_RECORD_BYTES_MAX,
  freshnessMs: FRESHNESS_MS,
  signatures: [1, 1],
  check({ body }) {
    return positiveAmount(body.amount) ?? (body.from === body.to ? rejection('TRANSFER_SELF') : undefined)
  },
  // The payer is the author, whose registration is read for every record.
  touches: ({ body }) => [stateKeys.account(body.from), ...partyTouches(body.to)],
  decide(draft, entry) {
    const { author, body } = entry.record
    if (author !== body.from) return rejection('AUTHOR_FORBIDDEN', 'not the payer')
    if (!onlyAuthorSigned(draft, entry)) return rejection('SIGNER_WRONG')
    const debited = debit(draft, body.from, entry.time, body.amount, { spent: true })
    if (debited === undefined) return rejection('BALANCE_INSUFFICIENT')
    creditLots(draft, body.to, entry.time, debited.lots)
    return payable(readState.lct(draft, body.to))
  },
}
