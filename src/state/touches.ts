import type { LctId } from '../units.ts'
import { stateKeys } from './model.ts'

/** Registration and account of one party. */
export function partyTouches(lct: LctId): string[] {
  return [stateKeys.account(lct), stateKeys.lct(lct)]
}
