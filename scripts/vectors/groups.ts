import { utf8Encode } from '../../src/canonical.ts'
import { encodeGroup, type Group } from '../../src/ingest/group.ts'
import type { Code } from '../../src/rejection.ts'
import { federation } from '../../test/support/federation.ts'
import type { TestSociety } from '../../test/support/society.ts'
import { hex, type VectorCase, type VectorFiles } from './file.ts'

const u32 = (value: number) => Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
const joined = (...parts: readonly Uint8Array[]) => new Uint8Array(parts.flatMap(part => [...part]))
const framed = (...parts: readonly Uint8Array[]) => joined(...parts.flatMap(part => [u32(part.length), part]))
const text = new TextDecoder()

function valid(society: TestSociety): VectorCase[] {
  const checkpoint = society.note({ cosigners: [] })
  const notes = [society.note()]
  const entries = society.entries.map(entry => entry.bytes)
  const groups: readonly [id: string, comment: string, group: Group][] = [
    [
      'one-entry',
      'an entry and the checkpoint that covers it',
      { first: 3, entries: entries.slice(3), checkpoint, notes: [] },
    ],
    [
      'several',
      'several entries, and a note that made earlier ones final',
      { first: 1, entries: entries.slice(1), checkpoint, notes },
    ],
    ['no-entries', 'only news of cosignatures', { first: society.size, entries: [], checkpoint, notes }],
  ]
  return groups.map(([id, comment, group]) => ({
    id,
    comment,
    tags: ['valid'],
    first: group.first,
    entries: group.entries.map(entry => text.decode(entry)),
    checkpoint: group.checkpoint,
    notes: group.notes,
    bytes: hex(encodeGroup(group)),
  }))
}

function invalid(): VectorCase[] {
  const head = (changes: object = {}) => {
    const members = Object.entries({ checkpoint: 'x', count: 1, first: 0, notes: [], ...changes })
    return utf8Encode(JSON.stringify(Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)))))
  }
  const entry = utf8Encode('{}')
  const good = framed(head(), entry)
  const cases: readonly [id: string, comment: string, bytes: Uint8Array, code: Code][] = [
    ['empty', 'no bytes', new Uint8Array(0), 'FORMAT_SCHEMA'],
    ['length-cut', 'three of four bytes of a length', Uint8Array.of(0, 0, 0), 'FORMAT_SCHEMA'],
    ['head-cut', 'a length beyond the end', good.slice(0, 10), 'FORMAT_SCHEMA'],
    ['entry-cut', 'the last byte is missing', good.slice(0, -1), 'FORMAT_SCHEMA'],
    ['surplus', 'a byte more', joined(good, Uint8Array.of(0)), 'FORMAT_SCHEMA'],
    ['length-huge', 'a length of 2^32 − 1', joined(framed(head()), u32(0xffffffff)), 'FORMAT_SCHEMA'],
    [
      'little-endian',
      'lengths the wrong way round',
      joined(Uint8Array.of(head().length, 0, 0, 0), head()),
      'FORMAT_SCHEMA',
    ],
    ['head-empty', 'a head without bytes', framed(new Uint8Array(0), entry), 'FORMAT_JSON'],
    [
      'head-spaced',
      'a head that is not canonical',
      framed(utf8Encode(` ${text.decode(head())}`), entry),
      'FORMAT_NOT_CANONICAL',
    ],
    ['head-utf-8', 'a head that is not UTF-8', framed(Uint8Array.of(0xff), entry), 'FORMAT_UTF8'],
    ['head-member-more', 'a member that nobody knows', framed(head({ hops: 1 }), entry), 'FORMAT_SCHEMA'],
    ['head-member-less', 'a member is missing', framed(head({ first: undefined }), entry), 'FORMAT_SCHEMA'],
    ['first-negative', 'a position below 0', framed(head({ first: -1 }), entry), 'FORMAT_SCHEMA'],
    ['count-low', 'more entries than the head counts', framed(head(), entry, entry), 'FORMAT_SCHEMA'],
    ['count-high', 'fewer entries than the head counts', framed(head({ count: 2 }), entry), 'FORMAT_SCHEMA'],
    ['count-1025', 'more than 1 024 entries', framed(head({ count: 1_025 }), entry), 'FORMAT_SCHEMA'],
    ['notes-5', 'more than four notes', framed(head({ notes: ['a', 'b', 'c', 'd', 'e'] }), entry), 'FORMAT_SCHEMA'],
  ]
  return cases.map(([id, comment, bytes, code]) => ({ id, comment, tags: ['invalid'], bytes: hex(bytes), code }))
}

export function groupVectors(): VectorFiles {
  const [society] = federation()
  if (society === undefined) throw new Error('no society')
  const about = 'Gossip groups: framing of consecutive entries with the checkpoint that covers them'
  return { 'groups.json': { about, cases: [...valid(society), ...invalid()] } }
}
