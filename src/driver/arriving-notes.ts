import type { Group } from '../ingest/group.ts'
import { logOf, openEntry } from '../ingest/open.ts'
import { type KeyLink, keyAfter } from '../log/key-chain.ts'
import { type Note, parseNote } from '../log/note.ts'
import type { DecideContext, OpenedEntry } from '../records/types.ts'
import { type Code, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { KeysState } from '../state/model.ts'
import type { HashText, KeyText, SocietyId } from '../units.ts'
import { keysAfter, openNoteWith } from './log-key.ts'

/** A note that is not of the key or epoch in force here may be of one that its entries bring. */
const ENTRIES_MAY_TELL: ReadonlySet<Code> = new Set(['NOT_FOUND', 'NOTE_SIGNATURE', 'EPOCH_UNKNOWN'])

/** What is known here of the log that the notes are of. */
interface Known {
  readonly society: SocietyId
  readonly tip: { readonly size: number }
  readonly inForce: { readonly keys: KeysState } | undefined
}

/** Notes that come with entries, judged by the log key that is in force after those. NOT_FOUND: the charter is missing. */
export class ArrivingNotes {
  readonly #known: Known
  readonly #open: (text: string) => Result<Note>
  readonly #context: DecideContext

  /** `open`: by what is in force here. */
  constructor(known: Known, open: (text: string) => Result<Note>, context: DecideContext) {
    this.#known = known
    this.#open = open
    this.#context = context
  }

  /** The note of a range from the tip on: the log key may change within it, and again below the note. */
  ofRange(text: string, entries: readonly OpenedEntry[], links: readonly KeyLink[]): Result<Note> {
    const here = this.#openAfter(text, entries)
    if (here.ok || !ENTRIES_MAY_TELL.has(here.error.code) || links.length === 0) return here
    const parsed = parseNote(text)
    const keys = this.#keysAfter(entries)
    if (!parsed.ok || keys === undefined) return here
    const { sha256, verifySignature } = this.#context
    const { society } = this.#known
    const key = keyAfter(keys.society, links, society, parsed.value.checkpoint, verifySignature, sha256)
    return key === undefined ? here : openNoteWith(text, society, key, this.#context)
  }

  ofGroup(group: Group): Result<Note> {
    const { inForce, tip } = this.#known
    if (inForce !== undefined || group.first > tip.size) {
      const held = this.#open(group.checkpoint)
      // With a gap before it: its key may come into force there, which cannot be seen before the entries are here.
      if (held.ok || !ENTRIES_MAY_TELL.has(held.error.code) || group.first > tip.size) return held
    }
    const opened = openEntries(group, this.#context)
    return opened.ok ? this.#openAfter(group.checkpoint, opened.value) : opened
  }

  #openAfter(text: string, entries: readonly OpenedEntry[]): Result<Note> {
    const { inForce, society } = this.#known
    if (inForce !== undefined) {
      const held = this.#open(text)
      if (held.ok || !ENTRIES_MAY_TELL.has(held.error.code)) return held
    } else {
      const [charter] = entries
      if (charter === undefined) return fail(rejection('NOT_FOUND', 'no charter yet'))
      // Its id proves that it is the charter, and the charter names the first key.
      if (charter.record.kind !== 'charter' || logOf(charter, this.#context.sha256) !== society)
        return fail(rejection('CHARTER_ID'))
    }
    const keys = this.#keysAfter(entries)
    return keys === undefined
      ? fail(rejection('NOT_FOUND', 'no charter yet'))
      : openNoteWith(text, society, keys.society, this.#context)
  }

  #keysAfter(entries: readonly OpenedEntry[]): KeysState | undefined {
    const charter = entries[0]?.record.body as { readonly society_key: KeyText; readonly next: HashText } | undefined
    const first = this.#known.inForce?.keys ?? (charter && { next: charter.next, society: charter.society_key })
    return first && keysAfter(first, entries, this.#context.sha256)
  }
}

/** The entries of a group, which follow one another; signatures are not checked yet. */
export function openEntries(group: Group, { sha256 }: DecideContext): Result<OpenedEntry[]> {
  const opened: OpenedEntry[] = []
  for (const bytes of group.entries) {
    const entry = openEntry(bytes, sha256)
    if (!entry.ok) return entry
    if (entry.value.seq !== group.first + opened.length) return fail(rejection('FORMAT_SCHEMA', 'seq does not follow'))
    opened.push(entry.value)
  }
  return ok(opened)
}
