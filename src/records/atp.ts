import { type Rejection, rejection } from '../rejection.ts'
import type { LctState } from '../state/model.ts'
import type { MicroAtp } from '../units.ts'

/** Twice the longest record of these kinds: four ids of at most 108 characters, two hashes and the envelope. */
export const ATP_RECORD_BYTES_MAX = 2_048

export function positiveAmount(amount: MicroAtp): Rejection | undefined {
  return amount < 1 ? rejection('AMOUNT_NOT_POSITIVE') : undefined
}

/** Whether this LCT, home or introduced, may be paid. */
export function payable(lct: LctState | undefined): Rejection | undefined {
  if (lct === undefined) return rejection('ACCOUNT_UNKNOWN')
  return lct.status === 'active' ? undefined : rejection('ACCOUNT_INACTIVE')
}
