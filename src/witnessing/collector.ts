import type { EpochMs, KeyText, Seq } from '../units.ts'

/**
 * Sequencer's side of finality, as a machine: offers one checkpoint at a time, the same to all witnesses, until a quorum
 * has signed it or a second has passed; then the newest one. (When witnesses chose sizes themselves, no size ever met a quorum.)
 */

/** How long one checkpoint is offered before a newer one may replace it. */
export const OFFER_MS = 1_000
/** Under load an offer every 400 ms: witnesses answer at most 5 per second and log, and each costs every node some work. */
export const OFFER_GAP_MS = 400
/** An idle log is cosigned again this often, so that introductions find fresh cosignatures. */
export const IDLE_MS = 600_000

export interface CollectorSet {
  readonly witnesses: readonly KeyText[]
  readonly quorum: number
  /** Sets replaced by handovers that are not final yet: their quorum is needed too. */
  readonly also: readonly { readonly witnesses: readonly KeyText[]; readonly quorum: number }[]
}

export type CollectorAction =
  | { readonly type: 'ask'; readonly witness: KeyText; readonly size: Seq }
  /** Every set's quorum has signed this size. */
  | { readonly type: 'final'; readonly size: Seq }
  | { readonly type: 'wake'; readonly at: EpochMs }

interface Offer {
  readonly size: Seq
  readonly at: EpochMs
  readonly signed: Set<KeyText>
  done: boolean
}

export class Collector {
  #set: CollectorSet = { witnesses: [], quorum: 0, also: [] }
  #tip: Seq = 0
  #offer: Offer | undefined

  /** Size on offer, for people who look. */
  get offered(): { readonly size: Seq; readonly signed: readonly KeyText[] } | undefined {
    return this.#offer === undefined ? undefined : { size: this.#offer.size, signed: [...this.#offer.signed] }
  }

  /** The log grew, or the set changed, or it is time to look. */
  onTip(tip: Seq, set: CollectorSet, now: EpochMs): readonly CollectorAction[] {
    this.#tip = tip
    this.#set = set
    return this.#step(now)
  }

  /** A cosignature of the size on offer that was checked to be valid. */
  onSigned(witness: KeyText, size: Seq, now: EpochMs): readonly CollectorAction[] {
    const offer = this.#offer
    if (offer === undefined || offer.size !== size || offer.done) return []
    offer.signed.add(witness)
    if (!this.#complete(offer)) return []
    offer.done = true
    return [{ type: 'final', size }, ...this.#step(now)]
  }

  onTimer(now: EpochMs): readonly CollectorAction[] {
    return this.#step(now)
  }

  #complete(offer: Offer): boolean {
    return [this.#set, ...this.#set.also].every(
      ({ witnesses, quorum }) => witnesses.filter(key => offer.signed.has(key)).length >= quorum,
    )
  }

  #step(now: EpochMs): readonly CollectorAction[] {
    if (this.#set.quorum === 0 || this.#tip === 0) return []
    const offer = this.#offer
    if (offer !== undefined) {
      const until = nextOfferAt(offer, this.#tip)
      if (now < until) return [{ type: 'wake', at: until }]
    }
    const next: Offer = { size: this.#tip, at: now, signed: new Set(), done: false }
    // Who signed this very size already need not sign again, unless it is to be refreshed.
    if (offer !== undefined && !offer.done && offer.size === this.#tip)
      for (const key of offer.signed) next.signed.add(key)
    this.#offer = next
    const all = new Set([this.#set, ...this.#set.also].flatMap(({ witnesses }) => witnesses))
    const asks = [...all]
      .filter(key => !next.signed.has(key))
      .map(witness => ({ type: 'ask' as const, witness, size: next.size }))
    return [...asks, { type: 'wake', at: nextOfferAt(next, this.#tip) }]
  }
}

function nextOfferAt(offer: Offer, tip: Seq): EpochMs {
  if (!offer.done) return offer.at + OFFER_MS
  return offer.at + (tip > offer.size ? OFFER_GAP_MS : IDLE_MS)
}
