import { utf8Decode } from '../canonical.ts'
import { fromBase64url } from '../encoding.ts'
import { openEntry } from '../ingest/open.ts'
import { verifyOne } from '../ingest/verify.ts'
import { FRESHNESS_MULTI_MS } from '../limits.ts'
import { validCosigners } from '../log/cosignature.ts'
import { parseNote, verifySocietyNote } from '../log/note.ts'
import { verifyInclusion } from '../log/proof.ts'
import { rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { type EpochMs, type HashText, type KeyText, SECOND_MS, type Seq, type SocietyId } from '../units.ts'
import type { DecideContext, OpenedEntry } from './types.ts'

/**
 * Evidence from another society's log inside a record. It is judged by nothing but its bytes and what this log's state
 * holds about that society, so every replica of this log judges alike.
 */

/** Opens an entry of another log as it was received; its signatures hold and it is not dated against its record. */
export function openForeign(text: string, { sha256, verifySignature }: DecideContext): Result<OpenedEntry> {
  const bytes = fromBase64url(text)
  if (bytes === undefined) return fail(rejection('PEER_EVIDENCE', 'entry encoding'))
  const opened = openEntry(bytes, sha256)
  if (!opened.ok) return fail(rejection('PEER_EVIDENCE', `entry: ${opened.error.code}`))
  const forged = verifyOne(opened.value, verifySignature, sha256)
  if (forged !== undefined) return fail(rejection('PEER_EVIDENCE', `entry: ${forged.code}`))
  // Only charter, law.update and birth are evidence; all of them have the long window.
  const apart = Math.abs(opened.value.record.time - opened.value.time)
  return apart > FRESHNESS_MULTI_MS ? fail(rejection('PEER_EVIDENCE', 'entry: STALE')) : opened
}

/** What a foreign log is held against. */
export interface ForeignLog {
  readonly society: SocietyId
  /** Signs the log's notes. */
  readonly key: KeyText
  readonly quorum: number
  readonly witnesses: readonly KeyText[]
}

/**
 * Whether the note, signed by the log and cosigned by exactly `quorum` of the witnesses and nobody else, covers the entry.
 * Gives the times of the cosignatures.
 */
export function coveredBy(
  evidence: { readonly note: string; readonly proof: readonly HashText[] },
  entry: { readonly leaf: Uint8Array; readonly seq: Seq },
  log: ForeignLog,
  { sha256, verifySignature }: DecideContext,
): Result<readonly EpochMs[]> {
  const bytes = fromBase64url(evidence.note)
  const text = bytes === undefined ? undefined : utf8Decode(bytes)
  if (text === undefined) return fail(rejection('PEER_EVIDENCE', 'note encoding'))
  const parsed = parseNote(text)
  if (!parsed.ok) return fail(rejection('PEER_EVIDENCE', `note: ${parsed.error.code}`))
  const note = parsed.value
  const refused = verifySocietyNote(note, log.society, log.key, verifySignature, sha256)
  if (refused !== undefined) return fail(rejection('PEER_EVIDENCE', `note: ${refused.code}`))

  const path = evidence.proof.map(node => fromBase64url(node, 32))
  if (!path.every(node => node !== undefined)) return fail(rejection('PEER_EVIDENCE', 'proof encoding'))
  const { root, size } = note.checkpoint
  if (!verifyInclusion(entry.leaf, entry.seq, size, path, root, sha256))
    return fail(rejection('PEER_EVIDENCE', 'proof'))

  if (log.quorum === 0) return fail(rejection('PEER_QUORUM', 'a practice log'))
  const cosigners = validCosigners(note, verifySignature, sha256).filter(({ key }) => log.witnesses.includes(key))
  // One line is the log's own.
  if (cosigners.length !== log.quorum || note.signatures.length !== log.quorum + 1)
    return fail(rejection('PEER_QUORUM', `${cosigners.length}, not ${log.quorum}`))
  return ok(cosigners.map(({ time }) => time * SECOND_MS))
}
