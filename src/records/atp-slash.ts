import { type Static, Type } from 'typebox'
import { FRESHNESS_MS } from '../limits.ts'
import { rejection } from '../rejection.ts'
import { bookOf } from '../state/account.ts'
import { addToPool, countSlashed, debit, takeFromPool } from '../state/books.ts'
import { readState } from '../state/model.ts'
import { present } from '../state/present.ts'
import { holdsRole } from '../state/roles.ts'
import { onlyAuthorSigned } from '../state/signers.ts'
import { partyTouches } from '../state/touches.ts'
import { ATP_RECORD_BYTES_MAX, positiveAmount } from './atp.ts'
import { amountField, hashField, lctField, strictObject } from './fields.ts'

import type { RecordRules } from './types.ts'

/** Without `account` the pool loses. */
export const atpSlashBody = strictObject({
  account: Type.Optional(lctField),
  amount: amountField,
  evidence: hashField,
})
export type AtpSlashBody = Static<typeof atpSlashBody>

/** The treasury destroys exactly `amount`; what the last unit of an account takes beyond it goes to the pool. Any status can be slashed. */
export const atpSlashRules: RecordRules<'atp.slash', AtpSlashBody> = {
  kind: 'atp.slash',
  body: atpSlashBody,
  bytesMax: ATP_RECORD_BYTES_MAX,
  freshnessMs: FRESHNESS_MS,
  signatures: [1, 1],
  check: record => positiveAmount(record.body.amount),
  touches: ({ body }) => (body.account === undefined ? [] : partyTouches(body.account)),
  decide(draft, entry, { sha256 }) {
    const { author, body, society } = entry.record
    const law = present(readState.law(draft))
    if (!holdsRole(draft, law, 'treasury', author, society, sha256)) return rejection('AUTHOR_FORBIDDEN', 'treasury')
    if (!onlyAuthorSigned(draft, entry)) return rejection('SIGNER_WRONG')
    if (body.account === undefined) {
      if (!takeFromPool(draft, bookOf(body.amount))) return rejection('POOL_INSUFFICIENT')
    } else {
      const debited = debit(draft, body.account, entry.time, body.amount, { spent: false })
      if (debited === undefined) return rejection('BALANCE_INSUFFICIENT')
      addToPool(draft, debited.taken - bookOf(body.amount))
    }
    countSlashed(draft, body.amount)
    return undefined
  },
}
