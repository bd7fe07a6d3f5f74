import { canonicalBytes } from '../canonical.ts'
import type { Store } from '../ports.ts'
import { keyPart, rangeOf, storeKey } from '../store/ledger.ts'
import type { SocietyId } from '../units.ts'
import { decodeState } from './session.ts'

/** What the operator decided about one society. A node signs only for logs to which its operator consented. */
export interface Policy {
  readonly follow: boolean
  readonly witness: boolean
  readonly block: boolean
}

export const UNMARKED: Policy = { follow: false, witness: false, block: false }

export class Policies {
  readonly #store: Store
  readonly #known = new Map<SocietyId, Policy>()

  constructor(store: Store) {
    this.#store = store
  }

  async load(): Promise<void> {
    for await (const [key, value] of this.#store.range(rangeOf.policies()))
      this.#known.set(keyPart.last(key), decodeState(value) as unknown as Policy)
  }

  get(society: SocietyId): Policy {
    return this.#known.get(society) ?? UNMARKED
  }

  followed(): readonly SocietyId[] {
    return [...this.#known].filter(([, policy]) => policy.follow).map(([society]) => society)
  }

  async set(society: SocietyId, policy: Policy): Promise<void> {
    const { follow, witness, block } = policy
    await this.#store.batch(
      [{ type: 'put', key: storeKey.policy(society), value: canonicalBytes({ block, follow, witness }) }],
      { sync: true },
    )
    this.#known.set(society, policy)
  }
}
