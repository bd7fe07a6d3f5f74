import { FRESHNESS_MS } from '../limits.ts'
import {
  changeStatus,
  type LctStatusBody,
  LIFE_CYCLE_BYTES_MAX,
  lctStatusBody,
  lctStatusTouches,
} from './lct-status.ts'
import type { RecordRules } from './types.ts'

/** The LCT issues nothing until it is reactivated. */
export const lctSuspendRules: RecordRules<'lct.suspend', LctStatusBody> = {
  kind: 'lct.suspend',
  body: lctStatusBody,
  bytesMax: LIFE_CYCLE_BYTES_MAX,
  freshnessMs: FRESHNESS_MS,
  signatures: [1, 1],
  check: () => undefined,
  touches: lctStatusTouches,
  decide: (draft, entry) => changeStatus(draft, entry, ['active'], 'suspended'),
}
