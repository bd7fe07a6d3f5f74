import { canonicalBytes } from '../canonical.ts'
import { base32Of130Bits } from '../encoding.ts'
import type { Sha256 } from '../ports.ts'
import type { KeyText, LctId, SocietyId } from '../units.ts'

export const ENTITY_TYPES = [
  'human',
  'ai',
  'organization',
  'role',
  'task',
  'resource',
  'device',
  'service',
  'oracle',
  'accumulator',
  'dictionary',
  'hybrid',
] as const
export type EntityType = (typeof ENTITY_TYPES)[number]

/** The id of the society that this charter founds. `charterRecord`: canonical bytes of the record without signatures. */
export function societyIdOf(slug: string, charterRecord: Uint8Array, sha256: Sha256): SocietyId {
  return `${slug}-${base32Of130Bits(sha256(charterRecord))}`
}

export function lctIdOf(type: EntityType, society: SocietyId, birthKey: KeyText, sha256: Sha256): LctId {
  return `lct:web4:${type}:${society}:${base32Of130Bits(sha256(canonicalBytes([society, birthKey])))}`
}

/** The home society named inside an LCT id. */
export function homeOf(lct: LctId): SocietyId {
  return lct.split(':')[3] ?? ''
}
