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
  /** Some value of the changes is undefined. Most drafts have none, and then one look tells all. */
  #deletes = false
  /** Keys of which only the base knows whether it has them. */
  readonly #unsure: string[] = []
  /** Keys that the base cannot have; most drafts have none. */
  #created: Set<string> | undefined

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
    if (!this.#changes.has(key)) this.#unsure.push(key)
    this.#changes.set(key, value)
    if (value !== undefined) return
    this.#deletes = true
    if (this.#created?.has(key) !== true && !this.#unsure.includes(key)) this.#unsure.push(key)
  }

  /** As `set`, of a key that the base cannot have. What counts keys need not look, which could cost a read of the disk. */
  create(key: string, value: Json): void {
    if (!this.#changes.has(key)) {
      this.#created ??= new Set()
      this.#created.add(key)
    }
    this.#changes.set(key, value)
  }

  /** As `set`, of a key that the base has for certain: most entries change nothing else. */
  replace(key: string, value: Json): void {
    this.#changes.set(key, value)
  }

  /** How many keys more than its base this view has, by what was set here. Throws MissingKey for a key that nobody read before. */
  get keysMore(): number {
    let more = 0
    if (this.#created !== undefined) for (const key of this.#created) if (this.#changes.get(key) !== undefined) more++
    for (const key of this.#unsure) {
      const before = this.#base.get(key)
      const now = this.#changes.get(key)
      if (before === undefined) more += now === undefined ? 0 : 1
      else if (now === undefined) more--
    }
    return more
  }

  /** Net changes, last write wins. */
  get changes(): ReadonlyMap<string, Json | undefined> {
    return this.#changes
  }

  /** Takes over another draft's changes, which were counted there. */
  absorb(draft: Draft): void {
    for (const [key, value] of draft.#changes) this.#changes.set(key, value)
    if (draft.#deletes) this.#deletes = true
  }
}
