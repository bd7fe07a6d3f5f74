import type { Store } from '../ports.ts'
import { storeKey } from '../store/ledger.ts'
import type { SocietyId } from '../units.ts'
import { historyBytes, readHistory, type SweepHistory } from './sweep-history.ts'

/** The history of the sweeps of one society, in memory as in the store. */
export class SweepMemory {
  readonly #store: Store
  readonly #society: () => SocietyId
  #history: SweepHistory = readHistory(undefined)
  #loading: Promise<void> | undefined

  /** `society`: the one that this node writes for, which is asked for once it has one. */
  constructor(store: Store, society: () => SocietyId) {
    this.#store = store
    this.#society = society
  }

  /** As it is since `load`. */
  get history(): SweepHistory {
    return this.#history
  }

  get isLoaded(): boolean {
    return this.#loading !== undefined
  }

  /** Reads it once. `withSchedule`: without, a cycle that the schedule began is given up. */
  async load({ withSchedule }: { readonly withSchedule: boolean }): Promise<void> {
    this.#loading ??= this.#read(withSchedule)
    try {
      await this.#loading
    } catch (error) {
      this.#loading = undefined
      throw error
    }
  }

  async #read(withSchedule: boolean): Promise<void> {
    const [bytes] = await this.#store.getMany([storeKey.sweep(this.#society())])
    const { cycle, ...rest } = readHistory(bytes)
    const isWanted = cycle !== undefined && (withSchedule || !cycle.scheduled)
    this.#history = isWanted ? { ...rest, cycle } : rest
  }

  /** Holds from the moment of the call. Not fsynced: after a power failure a page is done again, which books nothing twice. */
  async save(history: SweepHistory): Promise<void> {
    this.#history = history
    const key = storeKey.sweep(this.#society())
    await this.#store.batch([{ type: 'put', key, value: historyBytes(history) }], { sync: false })
  }
}
