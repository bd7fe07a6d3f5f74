import { defaultLaw, type Law } from '../../src/records/law.ts'
import type { EpochMs } from '../../src/units.ts'
import { type Identity, identity, keysOf } from './identity.ts'
import { GENESIS_MS, keysOfSociety, TestSociety } from './society.ts'

export interface FederationOptions {
  readonly societies?: number
  /** Changes the default law of the society with this index. */
  readonly law?: (law: Law, index: number) => Law
  readonly time?: EpochMs
  /** False: charters only. */
  readonly recognised?: boolean
}

/**
 * Societies `s0`, `s1`, … whose charters name all others as finality witnesses and everybody as birth witness, and which
 * have recognised each other.
 */
export function federation({
  societies = 4,
  law = same => same,
  time = GENESIS_MS,
  recognised = true,
}: FederationOptions = {}): TestSociety[] {
  const slugs = Array.from({ length: societies }, (_, index) => `s${index}`)
  const witnesses = slugs.map(slug => keysOfSociety(slug).witness)
  const members = slugs.map((slug, index) => {
    const own = witnesses[index] as Identity
    const others = witnesses.filter(witness => witness !== own)
    const base = defaultLaw({ witness_key: own.key, finality: keysOf(others), birth: keysOf(witnesses) })
    return new TestSociety({ slug, law: law(base, index), witnesses: others, time })
  })
  if (!recognised) return members
  for (const member of members) {
    for (const peer of members) {
      if (peer !== member) member.append({ kind: 'peer.recognize', body: peer.recognition(0, { size: 1 }) })
    }
  }
  return members
}

/** A society outside the federation, with its own witnesses; `change` may alter its law. */
export function outsider(
  change: (law: Law) => Law = same => same,
  witnesses: readonly Identity[] = [0, 1, 2].map(index => identity(`outer ${index}`)),
): TestSociety {
  const { witness } = keysOfSociety('outside')
  const law = defaultLaw({ witness_key: witness.key, finality: keysOf(witnesses), birth: [] })
  return new TestSociety({ slug: 'outside', law: change(law), witnesses })
}
