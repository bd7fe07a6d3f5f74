import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import { canonicalBytes, decodeCanonical, type Json } from '../../src/canonical.ts'
import { toBase64url } from '../../src/encoding.ts'
import type { Bundle } from '../../src/log/bundle.ts'
import { addCosignatures } from '../../src/log/cosignature.ts'
import { formatNote, parseNote } from '../../src/log/note.ts'
import { consistencyProof, TreeEdge } from '../../src/log/tiles.ts'
import type { Seq } from '../../src/units.ts'
import type { NoteOptions, TestSociety } from './society.ts'

type Handover = Bundle['handovers'][number]

export interface BundleOptions {
  /** Default: the charter alone. */
  readonly seq?: Seq
  /** Of each law.update that handed over: where it is, and the note with the old set's word. */
  readonly handovers?: readonly { readonly seq: Seq; readonly note: NoteOptions }[]
  readonly note?: NoteOptions
}

/** The note's text with its cosignatures in the one order. */
export function orderedNote(log: TestSociety, options: NoteOptions = {}): string {
  const parsed = parseNote(log.note(options))
  assert.ok(parsed.ok)
  return formatNote(addCosignatures(parsed.value, []))
}

/** What a node hands out, from a log in memory. */
export function bundleOf(log: TestSociety, { seq, handovers = [], note = {} }: BundleOptions = {}): Bundle {
  const { size = log.size } = note
  return {
    charter: { entry: entryOf(log, 0), proof: log.proof(0, size) },
    ...(seq === undefined ? {} : { entry: entryOf(log, seq), proof: log.proof(seq, size) }),
    handovers: handovers.map(handover => handoverOf(log, handover.seq, handover.note, size)),
    note: orderedNote(log, note),
    society: log.id,
    v: 1,
  }
}

export function bundleBytes(bundle: Bundle): Uint8Array {
  return canonicalBytes(bundle as unknown as Json)
}

function entryOf(log: TestSociety, seq: Seq): Bundle['charter']['entry'] {
  const decoded = decodeCanonical(log.entries[seq]?.bytes ?? new Uint8Array(0))
  assert.ok(decoded.ok, `no entry ${seq}`)
  return decoded.value as Bundle['charter']['entry']
}

function handoverOf(log: TestSociety, seq: Seq, note: NoteOptions, size: number): Handover {
  const other = note.size ?? log.size
  return {
    consistency: consistency(log, Math.min(other, size), Math.max(other, size)),
    entry: entryOf(log, seq),
    note: orderedNote(log, note),
    proof: log.proof(seq, size),
  }
}

export function consistency(log: TestSociety, from: number, to: number): string[] {
  const writes = TreeEdge.empty(sha256).append(log.entries.slice(0, to).map(({ leaf }) => leaf))
  const tiles = new Map(writes.map(({ tile, bytes }) => [`${tile.level}/${tile.index}`, bytes]))
  const proof = consistencyProof(from, to, ({ level, index }) => tiles.get(`${level}/${index}`), sha256)
  return (proof ?? []).map(toBase64url)
}
