import { canonicalBytes, type Json } from '../../canonical.ts'
import { fromBase64url } from '../../encoding.ts'
import { ok, type Result } from '../../result.ts'
import type { Bundle } from '../bundle.ts'
import { parseNote } from '../note.ts'
import type { TlogProof } from './tlog-proof.ts'

/**
 * The C2SP tlog-proof that a bundle contains: entry, path and note of what the bundle proves. It leaves out the chain from
 * the charter, so its reader has to know log key and witnesses from elsewhere. The bundle is one that was made here, or that
 * `verifyBundle` passed.
 */
export function tlogProofOf(bundle: Bundle): Result<TlogProof> {
  const note = parseNote(bundle.note)
  if (!note.ok) return note
  const entry = bundle.entry ?? bundle.charter.entry
  const path = bundle.entry === undefined ? bundle.charter.proof : (bundle.proof ?? [])
  return ok({
    extra: canonicalBytes(entry as Json),
    index: Number(entry.seq),
    note: note.value,
    path: path.map(hash => fromBase64url(hash, 32) as Uint8Array),
  })
}
