import type { KeyText, Seq } from '../units.ts'

/**
 * Nobody signs from an older state than the one it signed before. After a start, a sequencer waits until q of its
 * witnesses have told it the newest size that they cosigned; a witness waits, per log, for the sequencer and n − q + 1 of
 * the other witnesses (or all there are). Answering never waits for asking, so nodes that start together do not block each other.
 */
export class StartUp {
  readonly #told = new Map<KeyText, Seq>()
  readonly #shown = new Map<KeyText, Seq>()
  readonly #twins = new Set<KeyText>()
  #overridden = false
  /** What had been told when enough had been heard: nothing below it may be signed. What comes later is after the start. */
  #sequencerFloor: Seq | undefined
  #witnessFloor: Seq | undefined

  /**
   * A peer that proved to hold `key` told the largest size of the log that it cosigned, or for the log's own key: its size.
   * `shown`: size of the log's note that it sent along. A number is only a word; who has less to show for it may be lying.
   */
  told(key: KeyText, size: Seq, shown: Seq = 0): void {
    this.#told.set(key, Math.max(size, this.#told.get(key) ?? 0))
    this.#shown.set(key, Math.max(shown, this.#shown.get(key) ?? 0))
  }

  /** What this one told, for people who look. */
  heard(key: KeyText): { readonly told?: Seq; readonly shown?: Seq } {
    const told = this.#told.get(key)
    return told === undefined ? {} : { told, shown: this.#shown.get(key) ?? 0 }
  }

  /** The log was resumed: everything is asked anew, for the new epoch. */
  reset(): void {
    this.#told.clear()
    this.#shown.clear()
    this.#overridden = false
    this.#sequencerFloor = undefined
    this.#witnessFloor = undefined
  }

  /** Whether this one hears another process with our keys beside us. */
  twin(key: KeyText, isHeard: boolean): void {
    if (isHeard) this.#twins.add(key)
    else this.#twins.delete(key)
  }

  /** How many of these hear one; none when an operator decided. */
  twins(keys: readonly KeyText[]): number {
    return this.#overridden ? 0 : keys.filter(key => this.#twins.has(key)).length
  }

  /** An operator took responsibility (the command repeats the size). */
  override(): void {
    this.#overridden = true
  }

  /** The largest size that one of these told. Nobody else's word counts: any peer could stop a log with a large number. */
  newest(keys: readonly KeyText[]): Seq {
    return Math.max(0, ...keys.map(key => this.#told.get(key) ?? 0))
  }

  /** Whether a sequencer may append and sign at `size`. */
  sequencerReady(size: Seq, set: { readonly witnesses: readonly KeyText[]; readonly quorum: number }): boolean {
    if (this.#overridden) return true
    const heard = set.witnesses.filter(key => this.#told.has(key)).length
    if (heard >= set.quorum) this.#sequencerFloor ??= this.newest(set.witnesses)
    return this.#sequencerFloor !== undefined && this.#sequencerFloor <= size
  }

  /**
   * Whether the witness `own` may cosign at `size`. `sequencer` is the witness key of the log's own node.
   */
  witnessReady(
    size: Seq,
    own: KeyText,
    sequencer: KeyText,
    set: { readonly witnesses: readonly KeyText[]; readonly quorum: number },
  ): boolean {
    if (this.#overridden) return true
    const others = set.witnesses.filter(key => key !== own)
    const needed = Math.min(others.length, set.witnesses.length - set.quorum + 1)
    const heard = others.filter(key => this.#told.has(key)).length
    if (this.#told.has(sequencer) && heard >= needed) this.#witnessFloor ??= this.newest([sequencer, ...others])
    return this.#witnessFloor !== undefined && this.#witnessFloor <= size
  }

  /** Whom it still waits for, for people who look. */
  missing(keys: readonly KeyText[]): readonly KeyText[] {
    return keys.filter(key => !this.#told.has(key))
  }
}
