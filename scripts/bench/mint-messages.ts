import type { AnyRecord, Sig } from '../../src/records/types.ts'
import type { SocietyId } from '../../src/units.ts'
import { identity } from '../../test/support/identity.ts'

/** What a signing process is started for. `size`: entries that its node holds before it is ready. */
export type SignerTask =
  | { readonly members: number }
  | { readonly witness: string; readonly society: SocietyId; readonly size: number; readonly address: string }

/** `from`: number of the member in the first record; each next record is of the next one. */
export interface SignQuestion {
  readonly id: number
  readonly records: readonly AnyRecord[]
  readonly from: number
  readonly batch: boolean
}

export type FromSigner =
  | { readonly ready: true }
  | { readonly signed: { readonly id: number; readonly sigs: readonly Sig[] } }

export const memberOf = (index: number) => identity(`bench member ${index}`)
