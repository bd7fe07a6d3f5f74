import { utf8Decode } from '../canonical.ts'
import { keyBytes, toBase64url } from '../encoding.ts'
import { KEY_CHANGES_MAX, type KeyLink } from '../log/key-chain.ts'
import { type Note, parseNote, verifySocietyNote } from '../log/note.ts'
import type { Sha256, SocietyKeys } from '../ports.ts'
import type { AnyRecord, DecideContext, OpenedEntry } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, type Result } from '../result.ts'
import type { KeysState } from '../state/model.ts'
import type { HashText, KeyText, Seq, SocietyId } from '../units.ts'
import type { NoteBook } from './note-book.ts'
import type { Replica } from './replica.ts'

/** Parses a note and proves that this key signed it for this log. Codes: NOTE_FORMAT, NOTE_ORIGIN, NOTE_SIGNATURE. */
export function openNoteWith(text: string, society: SocietyId, key: KeyText, context: DecideContext): Result<Note> {
  const parsed = parseNote(text)
  if (!parsed.ok) return parsed
  const refused = verifySocietyNote(parsed.value, society, key, context.verifySignature, context.sha256)
  return refused === undefined ? parsed : fail(refused)
}

/** The society key and the hash of the next one after these entries: each change must reveal what was committed before. */
export function keysAfter(held: KeysState, entries: readonly OpenedEntry[], sha256: Sha256): KeysState {
  let { society, next } = held
  for (const { record } of entries) {
    const body = record.kind === 'law.update' ? (record.body as { society_key?: KeyText; next?: HashText }) : {}
    const raw = body.society_key === undefined ? undefined : keyBytes(body.society_key)
    if (body.society_key === undefined || raw === undefined || toBase64url(sha256(raw)) !== next) continue
    society = body.society_key
    next = body.next ?? next
  }
  return { society, next }
}

/**
 * What shows the way from the key in force at `end` to the one that signed a note of `size`: the entry that brought the
 * first one into force, then each change between, with their inclusion in the note's tree. Empty when it is one key.
 */
export async function linksBetween(replica: Replica, end: Seq, size: Seq): Promise<readonly KeyLink[]> {
  const changes = replica.keyChanges()
  const first = changes.findLast(({ seq }) => seq < end)
  const between = changes.filter(({ seq }) => seq >= end && seq < size)
  if (first === undefined || between.length === 0) return []
  const links: KeyLink[] = []
  for (const { seq } of [first, ...between]) {
    const [entry] = await replica.entries(seq, 1)
    const path = await replica.inclusion(seq, size)
    if (entry === undefined || path === undefined) return []
    links.push({ entry: toBase64url(entry), path: path.map(toBase64url) })
  }
  return links
}

/**
 * The note that goes with a range from `from` on: the newest one, unless so many key changes lie below it that the way to
 * its key would be too long; then one that was cosigned right after the last change that fits.
 */
export async function noteForRange(replica: Replica, notes: NoteBook, from: Seq): Promise<Note | undefined> {
  const above = replica.keyChanges().filter(({ seq }) => seq > 0 && seq >= from)
  const last = above[KEY_CHANGES_MAX - 1]
  if (last === undefined || above.length <= KEY_CHANGES_MAX) return notes.latest
  return (await notes.handoverNote(last.seq)) ?? notes.latest
}

/** The society key that a law.update brings into force, if it changes it. */
export function newSocietyKey(record: AnyRecord): KeyText | undefined {
  return record.kind === 'law.update' ? (record.body as { society_key?: KeyText }).society_key : undefined
}

export function notHeld(key: KeyText, { held }: SocietyKeys): Rejection {
  return rejection('NOT_SEQUENCER', `the log's key is ${key}, this folder holds ${held.join(', ') || 'none'}`)
}

/** A note as the store holds it. */
export function storedNote(bytes: Uint8Array | undefined): Note | undefined {
  const text = bytes === undefined ? undefined : utf8Decode(bytes)
  const parsed = text === undefined ? undefined : parseNote(text)
  return parsed?.ok === true ? parsed.value : undefined
}
