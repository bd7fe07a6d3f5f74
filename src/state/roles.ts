import type { Sha256 } from '../ports.ts'
import type { Law } from '../records/law.ts'
import { lctIdOf } from '../records/names.ts'
import type { SocietyId } from '../units.ts'
import { readState } from './model.ts'
import type { StateView } from './view.ts'

/**
 * Whether `author` holds a role of the law. The law lists birth keys, because a charter cannot name LCT ids; an empty list
 * means the society itself. A key that an LCT took by rotation is no birth key of it.
 */
export function holdsRole(
  view: StateView,
  law: Pick<Law, 'roles'>,
  role: keyof Law['roles'],
  author: string,
  society: SocietyId,
  sha256: Sha256,
): boolean {
  const birthKeys = law.roles[role]
  if (birthKeys.length === 0) return author === society
  if (author === society) return false
  const lct = readState.lct(view, author)
  if (lct?.status !== 'active') return false
  return birthKeys.some(key => lctIdOf(lct.type, society, key, sha256) === author)
}
