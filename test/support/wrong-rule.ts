import { rulesOf } from '../../src/records/registry.ts'
import type { RecordRules } from '../../src/records/types.ts'
import { type AccountState, stateKeys, stateValue } from '../../src/state/model.ts'
import { present } from '../../src/state/present.ts'

/** While `work` runs, the rule of transfers is wrong in every node: the payee gets `units` of 10^-15 micro-ATP more. */
export async function withWrongTransfers<T>(
  units: bigint,
  work: () => Promise<T>,
  isWrong: (amount: number) => boolean = () => true,
): Promise<T> {
  const rules = present(rulesOf('atp.transfer')) as { decide: RecordRules['decide'] }
  const right = rules.decide
  rules.decide = (draft, entry, context) => {
    const refused = right(draft, entry, context)
    const { amount, to } = entry.record.body as unknown as { readonly amount: number; readonly to: string }
    const key = stateKeys.account(to)
    const account = draft.get(key) as unknown as AccountState | undefined
    if (refused === undefined && account !== undefined && isWrong(amount))
      draft.set(key, stateValue({ ...account, book: (BigInt(account.book) + units).toString() }))
    return refused
  }
  try {
    return await work()
  } finally {
    rules.decide = right
  }
}
