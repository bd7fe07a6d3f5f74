import { canonicalBytes } from '../canonical.ts'
import type { Store } from '../ports.ts'
import { keyPart, rangeOf, storeKey } from '../store/ledger.ts'
import type { KeyText, SocietyId } from '../units.ts'
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
  readonly #founders = new Set<KeyText>()

  constructor(store: Store) {
    this.#store = store
  }

  async load(): Promise<void> {
    for await (const [key, value] of this.#store.range(rangeOf.policies()))
      this.#known.set(keyPart.last(key), decodeState(value) as unknown as Policy)
    for await (const [key] of this.#store.range(rangeOf.founders())) this.#founders.add(keyPart.last(key))
  }

  get(society: SocietyId): Policy {
    return this.#known.get(society) ?? UNMARKED
  }

  all(): ReadonlyMap<SocietyId, Policy> {
    return this.#known
  }

  followed(): readonly SocietyId[] {
    return [...this.#known].filter(([, policy]) => policy.follow).map(([society]) => society)
  }

  /** Switches that are not given stay as they are: to follow a log does not withdraw the consent to witness it. */
  async set(society: SocietyId, changes: Partial<Policy>): Promise<void> {
    const { block, follow, witness } = { ...this.get(society), ...changes }
    await this.#store.batch(
      [{ type: 'put', key: storeKey.policy(society), value: canonicalBytes({ block, follow, witness }) }],
      { sync: true },
    )
    this.#known.set(society, { block, follow, witness })
  }

  /** As if it had never been named. */
  async forget(society: SocietyId): Promise<void> {
    await this.#store.batch([{ type: 'del', key: storeKey.policy(society) }], { sync: true })
    this.#known.delete(society)
  }

  /** Witness keys whose societies this node consents to witness: given before a charter exists, when there is no id to name. */
  founders(): readonly KeyText[] {
    return [...this.#founders].sort()
  }

  consentsTo(founder: KeyText): boolean {
    return this.#founders.has(founder)
  }

  /** A consent once given to a charter stays with its society when this one is withdrawn. */
  async setFounder(founder: KeyText, consents: boolean): Promise<void> {
    const key = storeKey.founder(founder)
    await this.#store.batch([consents ? { type: 'put', key, value: canonicalBytes({}) } : { type: 'del', key }], {
      sync: true,
    })
    if (consents) this.#founders.add(founder)
    else this.#founders.delete(founder)
  }
}
