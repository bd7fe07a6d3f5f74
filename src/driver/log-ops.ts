import type { Json, JsonObject } from '../canonical.ts'
import type { TileWrite } from '../log/tiles.ts'
import type { StoreOp } from '../ports.ts'
import { homeOf } from '../records/names.ts'
import type { OpenedEntry } from '../records/types.ts'
import { storeKey } from '../store/ledger.ts'
import type { LctId, SocietyId } from '../units.ts'
import { encodeState } from './session.ts'

/** What a log writes beside its entries, in the same form whether it grows, is made again or goes back. */

/** Keys of the local indexes over one entry; each holds its seq. */
export function indexKeys(society: SocietyId, { id, record, seq, time }: OpenedEntry): readonly string[] {
  const keys = [storeKey.record(society, id)]
  if (record.kind === 'attest') {
    const { subject } = record.body as JsonObject & { subject: string }
    keys.push(storeKey.attestSubject(subject, society, seq), storeKey.attestWitness(record.author, society, seq))
  }
  if (record.kind === 'atp.transfer') {
    const { to } = record.body as JsonObject & { to: LctId }
    const home = homeOf(to)
    // Payments at home are seen in the account; for these others wait elsewhere.
    if (home !== society)
      keys.push(storeKey.paymentTo(to, time, society, seq), storeKey.paymentInto(home, society, seq))
  }
  return keys
}

export function stateOps(society: SocietyId, changes: ReadonlyMap<string, Json | undefined>): readonly StoreOp[] {
  return [...changes].map(([name, value]): StoreOp => {
    const key = storeKey.state(society, name)
    return value === undefined ? { type: 'del', key } : { type: 'put', key, value: encodeState(value) }
  })
}

export function tileOps(society: SocietyId, tiles: readonly TileWrite[]): readonly StoreOp[] {
  return tiles.map(({ bytes, tile }) => ({
    type: 'put',
    key: storeKey.tile(society, tile.level, tile.index),
    value: bytes,
  }))
}
