import type { Json } from '../canonical.ts'

/** Synchronous read access to the state of one society. Values are immutable. */
export interface StateView {
  get(key: string): Json | undefined
}

/** Thrown by a view that would have to wait for a key; the driver fetches it and decides again. Never leaves the driver. */
export class MissingKey extends Error {
  override readonly name = 'MissingKey'
  readonly key: string
  constructor(key: string) {
    super(key)
    this.key = key
  }
}

/** Changes on top of a view. A refused entry's draft is thrown away; an accepted one's becomes part of the batch. */
export class Draft implements StateView {
  readonly #base: StateView
  readonly #changes = new Map<string, Json | undefined>()
  /** Keys that the base cannot have; most drafts have none. */
  #created: Set<string> | undefined
  /** Some value of the changes is undefined. Most drafts have none, and then one look tells all. */
  #deletes = false

  constructor(base: StateView) {
    this.#base = base
  }

  get(key: string): Json | undefined {
    const changed = this.#changes.get(key)
    if (changed !== undefined) return changed
    return this.#deletes && this.#changes.has(key) ? undefined : this.#base.get(key)
  }

  /** undefined deletes. */
  set(key: string, value: Json | undefined): void {
    this.#changes.set(key, value)
    if (value === undefined) this.#deletes = true
  }

  /** As `set`, of a key that the base cannot have: what counts keys need not look, which would cost a read of the disk. */
  create(key: string, value: Json): void {
    this.set(key, value)
    this.#created ??= new Set()
    this.#created.add(key)
  }

  /** How many keys more than its base this view has. Throws MissingKey for keys that were set without having been read. */
  get keysMore(): number {
    let more = 0
    for (const [key, value] of this.#changes) {
      const before = this.#created?.has(key) === true ? undefined : this.#base.get(key)
      if (value === undefined) more -= before === undefined ? 0 : 1
      else if (before === undefined) more++
    }
    return more
  }

  /** Net changes, last write wins. */
  get changes(): ReadonlyMap<string, Json | undefined> {
    return this.#changes
  }

  /** Takes over another draft's changes. */
  absorb(draft: Draft): void {
    for (const [key, value] of draft.#changes) this.set(key, value)
  }
}
