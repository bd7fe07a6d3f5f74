import { type Static, Type } from 'typebox'
import { FRESHNESS_MS } from '../limits.ts'
import { rejection } from '../rejection.ts'
import { mintToPool, poolOf, supplyOf } from '../state/books.ts'
import { lowestCeiling, useWindow } from '../state/ceilings.ts'
import { readState, stateKeys, stateValue } from '../state/model.ts'
import { present } from '../state/present.ts'
import { holdsRole } from '../state/roles.ts'
import { onlyAuthorSigned } from '../state/signers.ts'
import { ATP_RECORD_BYTES_MAX, positiveAmount } from './atp.ts'
import { amountField, hashField, strictObject } from './fields.ts'
import type { RecordRules } from './types.ts'

export const atpMintBody = strictObject({ amount: amountField, evidence: Type.Optional(hashField) })
export type AtpMintBody = Static<typeof atpMintBody>

/** The treasury adds ADP to the pool. */
export const atpMintRules: RecordRules<'atp.mint', AtpMintBody> = {
  kind: 'atp.mint',
  body: atpMintBody,
  bytesMax: ATP_RECORD_BYTES_MAX,
  freshnessMs: FRESHNESS_MS,
  signatures: [1, 1],
  check: record => positiveAmount(record.body.amount),
  touches: () => [stateKeys.ceilings, stateKeys.minted],
  decide(draft, entry, { sha256 }) {
    const { author, body, society } = entry.record
    const law = present(readState.law(draft))
    if (!holdsRole(draft, law, 'treasury', author, society, sha256)) return rejection('AUTHOR_FORBIDDEN', 'treasury')
    if (!onlyAuthorSigned(draft, entry)) return rejection('SIGNER_WRONG')
    const ceiling = lowestCeiling(present(readState.ceilings(draft)), entry.time, 'mint')
    const used = useWindow(readState.minted(draft), entry.time, body.amount, ceiling)
    if (used === undefined) return rejection('MINT_CEILING')
    if (supplyOf(poolOf(draft)) + BigInt(body.amount) > BigInt(Number.MAX_SAFE_INTEGER))
      return rejection('SUPPLY_LIMIT')
    draft.set(stateKeys.minted, stateValue(used))
    mintToPool(draft, body.amount)
    return undefined
  },
}
