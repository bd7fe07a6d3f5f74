import type { StoreReader } from '../ports.ts'
import { type Account, bookValue } from '../state/account.ts'
import type { AccountState, DecayState } from '../state/model.ts'
import { keyPart, rangeOf } from '../store/ledger.ts'
import type { LctId, SocietyId } from '../units.ts'
import { decodeState } from './session.ts'

/** How much of the accounts one step of a sweep takes on, so that neither memory nor a pause grows with their number. */
export interface SweepLimits {
  /** Accounts that are read. */
  readonly read: number
  /** Accounts that one record names. */
  readonly named: number
  /** Lots of the named accounts: an old account has thousands, and every replica computes and writes each of them. */
  readonly lots: number
}

export interface SweepPage {
  /** Accounts looked at. */
  readonly accounts: number
  /** Those of them whose loss is worth an entry, in the order of a record. */
  readonly due: readonly LctId[]
  /** What the due ones lost and the books do not say yet, in units of 10^-15 micro-ATP. */
  readonly loss: bigint
  /** The next page begins behind this one; undefined: there is none. */
  readonly next: LctId | undefined
}

/** The accounts behind `after`, as far as the limits go. `decay`: the table by which they are judged; `minimum`: in units. */
export async function readSweepPage(
  reader: StoreReader,
  society: SocietyId,
  {
    after,
    decay,
    minimum,
  }: { readonly after: LctId | undefined; readonly decay: DecayState; readonly minimum: bigint },
  limits: SweepLimits,
): Promise<SweepPage> {
  const due: LctId[] = []
  let [accounts, loss, lots] = [0, 0n, 0]
  for await (const [key, bytes] of reader.range({ ...rangeOf.accounts(society, after), limit: limits.read })) {
    const lct = keyPart.last(key)
    const account = decodeState(bytes) as unknown as AccountState
    const unbooked = unbookedLoss(account, decay)
    accounts++
    if (unbooked > 0n && unbooked >= minimum) {
      due.push(lct)
      loss += unbooked
      lots += account.lots.length
    }
    const isFull = due.length >= limits.named || lots >= limits.lots || accounts >= limits.read
    if (isFull) return { accounts, due, loss, next: lct }
  }
  return { accounts, due, loss, next: undefined }
}

/** What decayed since the account was last touched. */
function unbookedLoss(account: NonNullable<Account>, decay: DecayState): bigint {
  return BigInt(account.book) - bookValue(account, decay)
}
