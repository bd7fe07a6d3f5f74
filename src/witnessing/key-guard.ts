import type { EpochMs, Seq } from '../units.ts'

/** What a log's node learned about signatures of its own log key that this process did not make. */
export interface ForeignSignatures {
  /** A checkpoint of this size, signed by the log key, is held by others; 0: none. Below it nothing may be signed. */
  readonly owed: Seq
  /** Another process signs with the key at this time: until a restart nothing is signed any more. */
  readonly inUse: boolean
}

/**
 * Nobody can forge the log's signature. So when peers hold a checkpoint above the tip of the log's own node, that node
 * has forgotten what it published (a restored backup), or another process signs with its key (a copied folder). What was
 * signed before this process began, or came while it had signed nothing, is fetched back; the rest is another process.
 */
export class KeyGuard implements ForeignSignatures {
  readonly #startedAt: EpochMs
  #owed: Seq = 0
  #inUse = false
  #fellBack = false

  constructor(startedAt: EpochMs) {
    this.#startedAt = startedAt
  }

  get owed(): Seq {
    return this.#owed
  }

  get inUse(): boolean {
    return this.#inUse
  }

  /**
   * A checkpoint above the tip, its signature verified. `signing`: this process has signed already; `ready`: it was about
   * to. A forgotten tail may show late once; when the log grows a second time without us, somebody is writing it.
   */
  onNote(size: Seq, { signing, ready }: { readonly signing: boolean; readonly ready: boolean }): void {
    if (size <= this.#owed) return
    this.#owed = size
    if (signing || (ready && this.#fellBack)) this.#inUse = true
    this.#fellBack ||= ready
  }

  /** Entries of the log came from elsewhere and are held now; `newest`: entry.time of the last one. */
  onEntries(newest: EpochMs, { signing }: { readonly signing: boolean }): void {
    if (signing || newest > this.#startedAt) this.#inUse = true
  }
}
