import assert from 'node:assert/strict'
import { toBase64url } from '../../src/encoding.ts'
import { logOf, openEntry } from '../../src/ingest/open.ts'
import { type ForkProof, makeForkProof, type NotesFork, verifyForkProof } from '../../src/log/fork.ts'
import type { KeyLink } from '../../src/log/key-chain.ts'
import { type Note, originOf } from '../../src/log/note.ts'
import { verifyPortable } from '../../src/noble-verify.ts'
import { charterSigners } from '../../src/records/charter.ts'
import { defaultLaw } from '../../src/records/law.ts'
import type { OpenedEntry } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { DAY_MS } from '../../src/units.ts'
import { commitment, entryBytes, type Identity, identity, keysOf, makeRecord, signRecord } from '../support/identity.ts'
import { leaf, naiveConsistency, naivePath, naiveRoot, sha256, signedNote, type TestKey } from './fixtures.ts'

export const [S0, S1, S2, W] = [identity('s0'), identity('s1'), identity('s2'), identity('w')]
export const WITNESSES = [identity('w1'), identity('w2'), identity('w3')]
export const LAW = defaultLaw({ witness_key: W.key, finality: keysOf(WITNESSES), birth: [] })

export function opened(
  record: Parameters<typeof signRecord>[0],
  signers: readonly Identity[],
  seq: number,
): OpenedEntry {
  const entry = openEntry(entryBytes(record, signRecord(record, signers), seq, 0), sha256)
  assert.ok(entry.ok, JSON.stringify(entry))
  return entry.value
}
export function charterOf(slug: string): OpenedEntry {
  const body = { interval_ms: DAY_MS, law: LAW, next: commitment(S1), slug, society_key: S0.key }
  const wanted = charterSigners(body)
  return opened(
    makeRecord('charter', body),
    [S0, W, ...WITNESSES].filter(({ key }) => wanted.includes(key)),
    0,
  )
}
export const CHARTER = charterOf('demo')
export const SOCIETY = logOf(CHARTER, sha256)
export const ORIGIN = originOf(SOCIETY)

/** A law.update that changes the society key. */
export function keyChange(
  to: Identity,
  next: Identity,
  seq: number,
  options: { signer?: Identity; society?: string } = {},
): OpenedEntry {
  const { signer = to, society = SOCIETY } = options
  const body = { law: { ...LAW, number: 1 }, next: commitment(next), society_key: to.key }
  return opened(makeRecord('law.update', body, { society, author: society }), [signer], seq)
}

/** Two branches that part after 5 entries; in the longer one S1 follows S0 at 6, in `twice` S2 follows at 9. */
const shared = [CHARTER.leaf, ...[1, 2, 3, 4].map(leaf)]
export const CHANGE = keyChange(S1, S2, 6)
export const SECOND_CHANGE = keyChange(S2, W, 9)
export const LEFT = [...shared, ...[105, 106, 107].map(leaf)]
export const RIGHT = [...shared, ...[205, 206, 207, 208, 209, 210, 211].map(leaf)]
export const TWICE = RIGHT.with(6, CHANGE.leaf).with(9, SECOND_CHANGE.leaf)

export const keyOf = (who: Identity): TestKey => ({
  raw: who.raw,
  text: who.key,
  sign: message => who.signNow(message),
})
export function noteOf(branch: readonly Uint8Array[], size: number, signer = S0, origin = ORIGIN): Note {
  return signedNote(origin, size, naiveRoot(branch.slice(0, size)), keyOf(signer))
}
export function linkOf(entry: OpenedEntry, branch: readonly Uint8Array[], size: number): KeyLink {
  return { entry: toBase64url(entry.bytes), path: naivePath(entry.seq, branch.slice(0, size)).map(toBase64url) }
}

interface ForkOptions {
  readonly first?: Note
  readonly second?: Note
  readonly branch?: readonly Uint8Array[]
  readonly firstKeys?: readonly KeyLink[]
  readonly secondKeys?: readonly KeyLink[]
}
/** By default sizes 7 and 11 of the two branches, both signed by S0. */
export function forkOf(options: ForkOptions = {}): NotesFork {
  const { first = noteOf(LEFT, 7), branch = RIGHT, second = noteOf(branch, 11), ...keys } = options
  const [from, to] = [first.checkpoint.size, second.checkpoint.size]
  const root = naiveRoot(branch.slice(0, from))
  const proof = from === 0 || from > to ? [] : naiveConsistency(from, branch.slice(0, to))
  return makeForkProof({ society: SOCIETY, key: S0.key, first, second, root, proof, ...keys })
}
export const verdict = (proof: ForkProof, key = S0.key): Code | undefined =>
  verifyForkProof(proof, key, verifyPortable, sha256)?.code
