import { fromBase64, toBase64 } from '../../encoding.ts'
import type { Sha256 } from '../../ports.ts'
import { type Rejection, rejection } from '../../rejection.ts'
import { fail, ok, type Result } from '../../result.ts'
import { HASH_BYTES } from '../merkle.ts'
import { formatNote, type Note, type VerifySync } from '../note.ts'
import { type Proof, verifyInclusion } from '../proof.ts'
import { CHECKPOINT_BYTES_MAX, isSignedBy, parseSignedCheckpoint } from './signed-checkpoint.ts'
import { isOf, signedAt, type VerifierKey } from './verifier-key.ts'

/**
 * C2SP tlog-proof: that something stands in a log, for readers who know nothing of societies.
 *
 *     c2sp.org/tlog-proof@v1
 *     extra <base64>             may be left out; in ours the entry itself, byte for byte: SHA-256(0x00 ‖ it) is the leaf
 *     index <position>
 *     <base64 hash>              inclusion proof, leaf to root, one hash a line
 *
 *     <checkpoint with its signatures>
 */
export interface TlogProof {
  readonly extra?: Uint8Array
  readonly index: number
  readonly path: Proof
  readonly note: Note
}

const HEADER = 'c2sp.org/tlog-proof@v1'
const INDEX = /^index (0|[1-9][0-9]{0,15})$/
/** A path in a tree of fewer than 2^53 leaves. */
const PATH_MAX = 63
/** An entry of 64 KiB as base64, 63 hashes and the longest checkpoint. */
export const TLOG_PROOF_BYTES_MAX = 96 * 1024 + CHECKPOINT_BYTES_MAX

export function formatTlogProof({ extra, index, note, path }: TlogProof): string {
  const lines = [
    HEADER,
    ...(extra === undefined ? [] : [`extra ${toBase64(extra)}`]),
    `index ${index}`,
    ...path.map(toBase64),
  ]
  return `${lines.join('\n')}\n\n${formatNote(note)}`
}

/** Codes: TLOG_FORMAT, NOTE_FORMAT. */
export function parseTlogProof(text: string): Result<TlogProof> {
  if (text.length > TLOG_PROOF_BYTES_MAX) return bad('too long')
  const end = text.indexOf('\n\n')
  if (end === -1) return bad('no empty line')
  const [header, ...lines] = text.slice(0, end).split('\n')
  if (header !== HEADER) return bad('header')
  const hasExtra = lines[0]?.startsWith('extra ') === true
  const extra = hasExtra ? fromBase64(lines.shift()?.slice('extra '.length) ?? '') : undefined
  if (hasExtra && extra === undefined) return bad('extra is not base64')
  const [, indexText] = INDEX.exec(lines.shift() ?? '') ?? []
  const index = Number(indexText)
  if (!Number.isSafeInteger(index)) return bad('index')
  const path = lines.map(line => fromBase64(line))
  if (path.length > PATH_MAX || !path.every(hash => hash?.length === HASH_BYTES)) return bad('inclusion proof')
  const note = parseSignedCheckpoint(text.slice(end + 2))
  if (!note.ok) return note
  return ok({ ...(extra === undefined ? {} : { extra }), index, path: path as Uint8Array[], note: note.value })
}

/** Whose word a reader takes: the log's key, and how many of which witnesses. */
export interface TlogPolicy {
  readonly origin: string
  readonly log: VerifierKey
  readonly witnesses: readonly VerifierKey[]
  readonly quorum: number
}

/** The witnesses of the policy that cosigned. Codes: NOTE_ORIGIN, NOTE_SIGNATURE, TLOG_QUORUM, PROOF_INVALID. */
export function verifyTlogProof(
  proof: TlogProof,
  leaf: Uint8Array,
  policy: TlogPolicy,
  { verify, sha256 }: { readonly verify: VerifySync; readonly sha256: Sha256 },
): Result<readonly VerifierKey[]> {
  const { index, note, path } = proof
  const { origin, root, size } = note.checkpoint
  if (origin !== policy.origin) return fail(rejection('NOTE_ORIGIN'))
  if (!isSignedBy(note, [policy.log], verify)) return fail(rejection('NOTE_SIGNATURE'))
  const signed = policy.witnesses.filter(key =>
    note.signatures.some(line => isOf(line, key) && signedAt(line, key, note.text, verify) !== undefined),
  )
  if (new Set(signed).size < policy.quorum)
    return fail(rejection('TLOG_QUORUM', `${signed.length} of the accepted witnesses signed, ${policy.quorum} needed`))
  if (!verifyInclusion(leaf, index, size, path, root, sha256)) return fail(rejection('PROOF_INVALID', `entry ${index}`))
  return ok(signed)
}

function bad(detail: string): { readonly ok: false; readonly error: Rejection } {
  return fail(rejection('TLOG_FORMAT', detail))
}
