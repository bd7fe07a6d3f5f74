import type { AnyRecord } from '../records/types.ts'
import type { LctId } from '../units.ts'
import { stateKeys } from './model.ts'

/** Keys that the rules of every record after the charter read. */
export function commonTouches(record: Pick<AnyRecord, 'author' | 'lane' | 'society'>): string[] {
  const author = record.author === record.society ? [] : [stateKeys.lct(record.author)]
  return [
    stateKeys.charter,
    stateKeys.decay,
    stateKeys.keys,
    stateKeys.law,
    stateKeys.time,
    stateKeys.lane(record.author, record.lane),
    ...author,
  ]
}

/** Registration and account of one party. */
export function partyTouches(lct: LctId): string[] {
  return [stateKeys.account(lct), stateKeys.lct(lct)]
}
