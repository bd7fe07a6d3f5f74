import type { KeyText, Seq } from '../units.ts'

/** Who makes entries final in one stretch of a log. Quorum 0: a practice log, nothing is ever final. */
export interface WitnessSet {
  readonly witnesses: readonly KeyText[]
  readonly quorum: number
}

/** A law.update that changed witnesses, quorum or society key, and the set that it replaced. */
export interface Handover {
  readonly seq: Seq
  readonly replaced: WitnessSet
}

/** Size that each witness cosigned at most, all checked to be of this one history. */
export type Cosigned = ReadonlyMap<KeyText, number>

/**
 * The largest size below which every entry is final (docs/protocol.md, Final): entry e is final when for some size s > e q of
 * the set in force at s cosigned s or more, and for every handover at h < s q of the set that it replaced cosigned more
 * than h. The set in force at s is the one after all handovers below s, so a set can make sizes final only up to the
 * handover that replaces it, which is itself the first entry that needs the next set.
 *
 * `current` is the set in force now, `handovers` ascend by seq.
 */
export function finalSize(current: WitnessSet, handovers: readonly Handover[], cosigned: Cosigned): number {
  let final = 0
  for (const { seq, replaced } of handovers) {
    const covered = coveredBy(replaced, cosigned)
    final = Math.max(final, Math.min(covered, seq))
    if (covered <= seq) return final
  }
  return Math.max(final, coveredBy(current, cosigned))
}

/** As `finalSize`, counting only cosigners that this node accepts for the society: "final for us". */
export function finalForUs(
  current: WitnessSet,
  handovers: readonly Handover[],
  cosigned: Cosigned,
  accepted: ReadonlySet<KeyText>,
): number {
  return finalSize(current, handovers, new Map([...cosigned].filter(([key]) => accepted.has(key))))
}

/** The q-th largest size cosigned by a set: q of it cosigned this or more. 0 when fewer than q cosigned at all. */
export function coveredBy(set: WitnessSet, cosigned: Cosigned): number {
  if (set.quorum < 1) return 0
  const sizes = [...new Set(set.witnesses)].map(key => cosigned.get(key) ?? 0).sort((a, b) => b - a)
  return sizes[set.quorum - 1] ?? 0
}

/**
 * How many of n witnesses may lie without two conflicting finals (one more can make them), and how many may be away before
 * finality stops. Two quorums of q share at least 2q − n members.
 */
export function faultTolerance(set: { readonly n: number; readonly q: number }): {
  readonly liars: number
  readonly away: number
} {
  return { liars: Math.max(0, 2 * set.q - set.n - 1), away: set.n - set.q }
}
