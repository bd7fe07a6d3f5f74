import { type Static, Type } from 'typebox'
import { fromBase64url } from '../encoding.ts'
import { logOf, openEntry } from '../ingest/open.ts'
import { verifyOne } from '../ingest/verify.ts'
import { ENTRY_BYTES_MAX } from '../limits.ts'
import type { Sha256 } from '../ports.ts'
import { bytesField, proofField, strictObject } from '../records/fields.ts'
import { keyHash } from '../records/law-update.ts'
import type { HashText, KeyText, Seq, SocietyId } from '../units.ts'
import type { Checkpoint, VerifySync } from './note.ts'
import { verifyInclusion } from './proof.ts'

/**
 * Changes of the society key that only one branch of a fork holds. The first link is the charter or law.update that
 * brought the key known to both sides into force, because it alone commits to the next one; each further link is the
 * law.update of one change. `entry` is the bytes as base64url, `path` their inclusion in the branch's own note.
 */
export const keyLinkSchema = strictObject({ entry: bytesField(ENTRY_BYTES_MAX), path: proofField })
export type KeyLink = Static<typeof keyLinkSchema>

/** More changes than anybody makes before one of them is final. */
export const KEY_CHANGES_MAX = 3
/** Before them the entry that brought the first key into force. */
export const LINKS_MAX = KEY_CHANGES_MAX + 1
/** The first link alone would change nothing. */
export const keyLinksSchema = Type.Array(keyLinkSchema, { minItems: 2, maxItems: LINKS_MAX })

interface KeyStep {
  readonly seq: Seq
  readonly key: KeyText
  readonly next: HashText
}

/**
 * The key in force at the size of a branch's note, starting from `key`: all links in the log below that size, in order, each
 * validly signed by the key that it brings in, which is the one that the link before committed to. Undefined when any of it
 * fails. So nobody can lead a chain away from the society without one of its own keys.
 */
export function keyAfter(
  key: KeyText,
  links: readonly KeyLink[],
  society: SocietyId,
  branch: Checkpoint,
  verify: VerifySync,
  sha256: Sha256,
): KeyText | undefined {
  let last: KeyStep | undefined
  for (const link of links) {
    const step = readLink(link, society, branch, verify, sha256)
    if (step === undefined) return undefined
    const fits = last === undefined ? step.key === key : step.seq > last.seq && keyHash(step.key, sha256) === last.next
    if (!fits) return undefined
    last = step
  }
  return last?.key ?? key
}

function readLink(
  link: KeyLink,
  society: SocietyId,
  branch: Checkpoint,
  verify: VerifySync,
  sha256: Sha256,
): KeyStep | undefined {
  const bytes = fromBase64url(link.entry)
  const opened = bytes === undefined ? undefined : openEntry(bytes, sha256)
  if (opened?.ok !== true) return undefined
  const { value: entry } = opened
  const { kind, author, body } = entry.record
  if (logOf(entry, sha256) !== society) return undefined
  const isCharter = kind === 'charter' && entry.seq === 0
  const isUpdate = kind === 'law.update' && entry.seq > 0 && author === society
  if (!isCharter && !isUpdate) return undefined
  const { society_key: key, next } = body as { readonly society_key?: KeyText; readonly next?: HashText }
  if (key === undefined || next === undefined || !entry.sigs.some(sig => sig.by === key)) return undefined
  const path = link.path.map(node => fromBase64url(node, 32) ?? new Uint8Array(0))
  if (!verifyInclusion(entry.leaf, entry.seq, branch.size, path, branch.root, sha256)) return undefined
  return verifyOne(entry, verify, sha256) === undefined ? { seq: entry.seq, key, next } : undefined
}
