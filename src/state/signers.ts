import type { AnyRecord, OpenedEntry } from '../records/types.ts'
import type { KeyText } from '../units.ts'
import { type LctState, readState } from './model.ts'
import type { StateView } from './view.ts'

type Signed = Pick<OpenedEntry, 'sigs' | 'time'>

/** Whether these keys signed and no others; a key in two roles signs once. */
export function exactSigners(entry: Pick<Signed, 'sigs'>, keys: readonly KeyText[]): boolean {
  const wanted = new Set(keys)
  const signed = new Set(entry.sigs.map(sig => sig.by))
  return signed.size === entry.sigs.length && signed.size === wanted.size && [...signed].every(key => wanted.has(key))
}

/** The key with which this LCT signed the entry: its key, or the one before while both hold. */
export function signingKey(lct: LctState, entry: Signed): KeyText | undefined {
  const signed = (key: KeyText) => entry.sigs.some(sig => sig.by === key)
  if (signed(lct.key)) return lct.key
  if (lct.overlap !== undefined && entry.time < lct.overlap.until && signed(lct.overlap.key)) return lct.overlap.key
  return undefined
}

/** The key with which the author, an LCT or the society, signed the entry. */
export function authorKey(view: StateView, entry: Signed & { readonly record: AnyRecord }): KeyText | undefined {
  const { author, society } = entry.record
  if (author === society) {
    const key = readState.keys(view)?.society
    return entry.sigs.some(sig => sig.by === key) ? key : undefined
  }
  const lct = readState.lct(view, author)
  return lct === undefined ? undefined : signingKey(lct, entry)
}

/** Whether the author signed and nobody else. */
export function onlyAuthorSigned(view: StateView, entry: Signed & { readonly record: AnyRecord }): boolean {
  const key = authorKey(view, entry)
  return key !== undefined && exactSigners(entry, [key])
}
