import { FRESHNESS_MS } from '../limits.ts'
import {
  changeStatus,
  type LctStatusBody,
  LIFE_CYCLE_BYTES_MAX,
  lctStatusBody,
  lctStatusTouches,
} from './lct-status.ts'
import type { RecordRules } from './types.ts'

/** For ever: the entity can only be born again, with this LCT in its lineage. */
export const lctRevokeRules: RecordRules<'lct.revoke', LctStatusBody> = {
  kind: 'lct.revoke',
  body: lctStatusBody,
  bytesMax: LIFE_CYCLE_BYTES_MAX,
  freshnessMs: FRESHNESS_MS,
  signatures: [1, 1],
  check: () => undefined,
  touches: lctStatusTouches,
  decide: (draft, entry) => changeStatus(draft, entry, ['active', 'suspended'], 'revoked'),
}
