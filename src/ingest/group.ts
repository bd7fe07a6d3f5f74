import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { canonicalBytes, decodeCanonical } from '../canonical.ts'
import { ENTRY_BYTES_MAX } from '../limits.ts'
import { strictObject } from '../records/fields.ts'
import { rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { Seq } from '../units.ts'

/**
 * What a sequencer gossips: consecutive entries, the checkpoint that covers them (signed by the log key, size =
 * first + number of entries, or larger when there are none), and newest notes with the cosignatures that made entries final.
 * Bytes: u32 length ‖ canonical JSON head ‖ (u32 length ‖ entry bytes)*, big-endian.
 */
export interface Group {
  readonly first: Seq
  readonly entries: readonly Uint8Array[]
  readonly checkpoint: string
  /** Notes with cosignatures, at most 4. */
  readonly notes: readonly string[]
}

/** One message carries at most this: gossip limits and memory of the gap buffer are sized by it. */
export const GROUP_BYTES_MAX = 1024 * 1024
export const GROUP_ENTRIES_MAX = 1024
const NOTE_BYTES_MAX = 16 * 1024

const headSchema = strictObject({
  checkpoint: Type.String({ maxLength: NOTE_BYTES_MAX }),
  count: Type.Integer({ minimum: 0, maximum: GROUP_ENTRIES_MAX }),
  first: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  notes: Type.Array(Type.String({ maxLength: NOTE_BYTES_MAX }), { maxItems: 4 }),
})
const headCheck = Compile(headSchema)

export function encodeGroup(group: Group): Uint8Array {
  const head = canonicalBytes({
    checkpoint: group.checkpoint,
    count: group.entries.length,
    first: group.first,
    notes: group.notes,
  })
  const parts = [head, ...group.entries]
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0))
  const view = new DataView(bytes.buffer)
  let offset = 0
  for (const part of parts) {
    view.setUint32(offset, part.length)
    bytes.set(part, offset + 4)
    offset += 4 + part.length
  }
  return bytes
}

export function decodeGroup(bytes: Uint8Array): Result<Group> {
  if (bytes.length > GROUP_BYTES_MAX) return fail(rejection('FORMAT_TOO_LARGE'))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: Uint8Array[] = []
  for (let offset = 0; offset < bytes.length; ) {
    if (offset + 4 > bytes.length || parts.length > GROUP_ENTRIES_MAX)
      return fail(rejection('FORMAT_SCHEMA', 'group framing'))
    const length = view.getUint32(offset)
    const end = offset + 4 + length
    if (end > bytes.length || (parts.length > 0 && length > ENTRY_BYTES_MAX))
      return fail(rejection('FORMAT_SCHEMA', 'group framing'))
    parts.push(bytes.subarray(offset + 4, end))
    offset = end
  }
  const [headBytes, ...entries] = parts
  if (headBytes === undefined) return fail(rejection('FORMAT_SCHEMA', 'empty group'))
  const decoded = decodeCanonical(headBytes)
  if (!decoded.ok) return decoded
  if (!headCheck.Check(decoded.value)) return fail(rejection('FORMAT_SCHEMA', 'group head'))
  const head = decoded.value as Static<typeof headSchema>
  if (head.count !== entries.length) return fail(rejection('FORMAT_SCHEMA', 'group count'))
  return ok({ first: head.first, entries, checkpoint: head.checkpoint, notes: head.notes })
}
