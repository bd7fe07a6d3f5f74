import { keyBytes, toBase64url } from '../encoding.ts'
import { type Note, originOf, parseNote, verifyLogNote } from '../log/note.ts'
import type { Sha256 } from '../ports.ts'
import type { DecideContext, OpenedEntry } from '../records/types.ts'
import { fail, type Result } from '../result.ts'
import type { KeysState } from '../state/model.ts'
import type { HashText, KeyText, SocietyId } from '../units.ts'

/** Parses a note and proves that this key signed it for this log. Codes: NOTE_FORMAT, NOTE_ORIGIN, NOTE_SIGNATURE. */
export function openNoteWith(text: string, society: SocietyId, key: KeyText, context: DecideContext): Result<Note> {
  const parsed = parseNote(text)
  if (!parsed.ok) return parsed
  const refused = verifyLogNote(parsed.value, originOf(society), key, context.verifySignature, context.sha256)
  return refused === undefined ? parsed : fail(refused)
}

/** The society key after these entries: each change must reveal the key whose hash was committed before. */
export function keyAfter(held: KeysState, entries: readonly OpenedEntry[], sha256: Sha256): KeyText {
  let { society: key, next } = held
  for (const { record } of entries) {
    const body = record.kind === 'law.update' ? (record.body as { society_key?: KeyText; next?: HashText }) : {}
    const raw = body.society_key === undefined ? undefined : keyBytes(body.society_key)
    if (body.society_key === undefined || raw === undefined || toBase64url(sha256(raw)) !== next) continue
    key = body.society_key
    next = body.next ?? next
  }
  return key
}
