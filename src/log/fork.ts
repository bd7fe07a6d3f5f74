import { type Static, Type } from 'typebox'
import { canonicalBytes, decodeCanonical, type Json } from '../canonical.ts'
import { fromBase64url, toBase64url } from '../encoding.ts'
import { logOf, openEntry } from '../ingest/open.ts'
import { checker } from '../ingest/schema-check.ts'
import { verifyOne } from '../ingest/verify.ts'
import { ENTRY_BYTES_MAX } from '../limits.ts'
import type { Sha256 } from '../ports.ts'
import { bytesField, hashField, keyField, proofField, societyField, strictObject } from '../records/fields.ts'
import type { OpenedEntry } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { KeyText, Seq, SocietyId } from '../units.ts'
import { validCosigners } from './cosignature.ts'
import { type KeyLink, keyAfter, keyLinksSchema } from './key-chain.ts'
import { sameHash } from './merkle.ts'
import { epochOf, formatNote, NOTE_BYTES_MAX, type Note, parseNote, type VerifySync, verifyLogNote } from './note.ts'
import { type Proof, verifyConsistency } from './proof.ts'

/**
 * Evidence that a log has two histories (docs/protocol.md, Fork proof), in canonical JSON. Two forms:
 *
 * - two notes of one origin with sizes n₁ ≤ n₂, each signed by the log key in force on its branch, and an RFC 6962 proof that
 *   *verifies* from (n₁, `root`) to the second note, while the first note says another root. At equal sizes the proof is
 *   empty and `root` is the second note's. A proof that fails to verify proves nothing.
 * - two charter entries, different and both validly signed, that have one society id.
 */
const notesForkSchema = strictObject({
  first: Type.String({ minLength: 1, maxLength: NOTE_BYTES_MAX }),
  first_keys: Type.Optional(keyLinksSchema),
  /** The log key that both branches start from. */
  key: keyField,
  /** From (n₁, `root`) to the second note. */
  proof: proofField,
  /** Root of the first n₁ entries of the second note's branch. */
  root: hashField,
  second: Type.String({ minLength: 1, maxLength: NOTE_BYTES_MAX }),
  second_keys: Type.Optional(keyLinksSchema),
  society: societyField,
  v: Type.Literal(1),
})
const chartersForkSchema = strictObject({
  charters: Type.Array(bytesField(ENTRY_BYTES_MAX), { minItems: 2, maxItems: 2 }),
  society: societyField,
  v: Type.Literal(1),
})
export type NotesFork = Static<typeof notesForkSchema>
export type ChartersFork = Static<typeof chartersForkSchema>
export type ForkProof = NotesFork | ChartersFork

/** Two notes, their proof, and eight links of the largest entries in base64url come to some 740 KiB. */
export const FORK_PROOF_BYTES_MAX = 768 * 1024

const checkNotes = checker(notesForkSchema)
const checkCharters = checker(chartersForkSchema)

/** What a holder of both branches puts together. `root` and `proof`: of the branch of `second`, whose size is not smaller. */
export function makeForkProof(fork: {
  readonly society: SocietyId
  readonly key: KeyText
  readonly first: Note
  readonly second: Note
  readonly root: Uint8Array
  readonly proof: Proof
  readonly firstKeys?: readonly KeyLink[]
  readonly secondKeys?: readonly KeyLink[]
}): NotesFork {
  return {
    first: formatNote(fork.first),
    ...(fork.firstKeys === undefined ? {} : { first_keys: [...fork.firstKeys] }),
    key: fork.key,
    proof: fork.proof.map(toBase64url),
    root: toBase64url(fork.root),
    second: formatNote(fork.second),
    ...(fork.secondKeys === undefined ? {} : { second_keys: [...fork.secondKeys] }),
    society: fork.society,
    v: 1,
  }
}

/** From the bytes of two entries 0. */
export function makeChartersFork(society: SocietyId, charters: readonly [Uint8Array, Uint8Array]): ChartersFork {
  return { charters: charters.map(toBase64url).sort(), society, v: 1 }
}

export function encodeForkProof(proof: ForkProof): Uint8Array {
  return canonicalBytes(proof as unknown as Json)
}

/** Canonical JSON of one of the two forms, else FORMAT_*; base64url of entries in its one spelling, else FORMAT_ENCODING. */
export function decodeForkProof(bytes: Uint8Array): Result<ForkProof> {
  if (bytes.length > FORK_PROOF_BYTES_MAX) return fail(rejection('FORMAT_TOO_LARGE', `${bytes.length} bytes`))
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return decoded
  const { value } = decoded
  const isCharters = typeof value === 'object' && value !== null && 'charters' in value
  const bad = isCharters ? checkCharters(value) : checkNotes(value)
  if (bad !== undefined) return fail(bad)
  const proof = value as unknown as ForkProof
  const entries = 'charters' in proof ? proof.charters : linksOf(proof).map(link => link.entry)
  return entries.every(entry => fromBase64url(entry) !== undefined)
    ? ok(proof)
    : fail(rejection('FORMAT_ENCODING', 'entry'))
}

function linksOf(proof: NotesFork): readonly KeyLink[] {
  return [...(proof.first_keys ?? []), ...(proof.second_keys ?? [])]
}

/**
 * Nothing when the proof holds. PROOF_INVALID when it fails by its own bytes; then PROOF_KEY when it does not start from
 * `logKey`, the society key after the newest handover that is final here (what older keys sign is no evidence). The caller
 * still compares `epochOfFork` with the newest epoch that it knows: earlier ones are spent.
 */
export function verifyForkProof(
  proof: ForkProof,
  logKey: KeyText,
  verify: VerifySync,
  sha256: Sha256,
): Rejection | undefined {
  if ('charters' in proof) return verifyCharters(proof, verify, sha256)
  const bad = verifyNotes(proof, verify, sha256)
  if (bad !== undefined) return rejection('PROOF_INVALID', bad)
  return proof.key === logKey ? undefined : rejection('PROOF_KEY')
}

interface Branches {
  readonly epoch: number
  readonly first: Note
  readonly second: Note
}

/** Both notes, when they are well formed and of one origin of the society. */
function branchesOf(proof: NotesFork): Branches | undefined {
  const first = parseNote(proof.first)
  const second = parseNote(proof.second)
  if (!first.ok || !second.ok) return undefined
  const { origin } = first.value.checkpoint
  const epoch = epochOf(origin, proof.society)
  if (epoch === undefined || second.value.checkpoint.origin !== origin) return undefined
  return { epoch, first: first.value, second: second.value }
}

/** Why two notes prove nothing; signatures last, because they cost most. */
function verifyNotes(proof: NotesFork, verify: VerifySync, sha256: Sha256): string | undefined {
  const branches = branchesOf(proof)
  if (branches === undefined) return 'not two notes of one origin of the society'
  const from = branches.first.checkpoint
  const to = branches.second.checkpoint
  const root = fromBase64url(proof.root, 32) ?? new Uint8Array(0)
  const path = proof.proof.map(node => fromBase64url(node, 32) ?? new Uint8Array(0))
  if (from.size > to.size) return 'the first note is the larger one'
  if (sameHash(root, from.root)) return 'the first note is a prefix of the second'
  if (!verifyConsistency(from.size, root, to.size, to.root, path, sha256)) return 'the consistency proof fails'
  for (const [note, links] of [
    [branches.first, proof.first_keys],
    [branches.second, proof.second_keys],
  ] as const) {
    const key = keyAfter(proof.key, links ?? [], proof.society, note.checkpoint, verify, sha256)
    if (key === undefined) return 'the chain of keys fails'
    if (verifyLogNote(note, from.origin, key, verify, sha256) !== undefined)
      return 'a note without the signature of its log key'
  }
  return undefined
}

/** The records must differ, not only the entries around them: nobody signs an entry's time or its list of signatures. */
function verifyCharters(proof: ChartersFork, verify: VerifySync, sha256: Sha256): Rejection | undefined {
  const [first, second] = proof.charters.map(text => openCharter(text, proof.society, verify, sha256))
  if (first === undefined || second === undefined) return rejection('PROOF_INVALID', 'not two charters of the society')
  return sameHash(first.recordBytes, second.recordBytes) ? rejection('PROOF_INVALID', 'one charter twice') : undefined
}

function openCharter(text: string, society: SocietyId, verify: VerifySync, sha256: Sha256): OpenedEntry | undefined {
  const bytes = fromBase64url(text)
  const opened = bytes === undefined ? undefined : openEntry(bytes, sha256)
  if (opened?.ok !== true) return undefined
  const { value: entry } = opened
  if (entry.record.kind !== 'charter' || entry.seq !== 0 || logOf(entry, sha256) !== society) return undefined
  return verifyOne(entry, verify, sha256) === undefined ? entry : undefined
}

/** The epoch whose notes a proof compares; undefined for charters and for notes that are none of the society's. */
export function epochOfFork(proof: ForkProof): number | undefined {
  return 'charters' in proof ? undefined : branchesOf(proof)?.epoch
}

/**
 * Why a proof that holds says nothing about a log that is in `epoch`, whose notes are larger than `kept`: earlier epochs are
 * spent, and of a later one this node does not know yet. EPOCH_SPENT, EPOCH_UNKNOWN; two charters are of no epoch.
 */
export function refuseForkEpoch(proof: ForkProof, epoch: number, kept: Seq): Rejection | undefined {
  const branches = 'charters' in proof ? undefined : branchesOf(proof)
  if (branches === undefined) return undefined
  if (branches.epoch > epoch) return rejection('EPOCH_UNKNOWN')
  return branches.epoch < epoch || branches.first.checkpoint.size <= kept ? rejection('EPOCH_SPENT') : undefined
}

/** Witnesses of a proof that holds whose cosignature is valid on both notes: they signed two histories. Sorted. */
export function convictedWitnesses(proof: ForkProof, verify: VerifySync, sha256: Sha256): readonly KeyText[] {
  const branches = 'charters' in proof ? undefined : branchesOf(proof)
  if (branches === undefined) return []
  const second = new Set(validCosigners(branches.second, verify, sha256).map(({ key }) => key))
  return validCosigners(branches.first, verify, sha256)
    .map(({ key }) => key)
    .filter(key => second.has(key))
}
