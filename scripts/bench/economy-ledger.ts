import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { openLevelStore } from '../../node/store/level.ts'
import type { Prng } from '../../sim/prng.ts'
import type { Json } from '../../src/canonical.ts'
import { decodeState, encodeState } from '../../src/driver/session.ts'
import type { Store, StoreOp } from '../../src/ports.ts'
import { BOOK_ONE, bookValue } from '../../src/state/account.ts'
import { type AccountState, type DecayState, type SnapshotsState, stateKeys } from '../../src/state/model.ts'
import { openFlow } from '../../src/state/velocity.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { DAY_MS, type EpochMs, type LctId, MONTH_MS, type SocietyId } from '../../src/units.ts'
import { hashText } from '../../test/support/identity.ts'
import type { TestSociety } from '../../test/support/society.ts'
import { adoptLog, createBenchNode } from './bench-node.ts'
import { settle } from './ingest-log.ts'

/** Books with very many accounts, put into a store at once: their births alone would take an hour. */

const MONTHS = 10
const LOTS_MAX = 5
const PRINCIPAL_MAX = 500_000_000
const BATCH = 20_000
/** Base32, as in ids. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'

/** A practice log that began ten months ago and whose newest entry is of two days ago, so that every account has a loss to book. */
export async function foundLedger(dir: string): Promise<TestSociety> {
  const now = Date.now()
  const { society } = settle({ authors: 0, time: now - 2 * DAY_MS - MONTHS * MONTH_MS, practice: true })
  for (let month = 1; month <= MONTHS; month++) {
    const entryTime = now - 2 * DAY_MS - (MONTHS - month) * MONTH_MS
    society.append({ kind: 'atp.mint', body: { amount: 1, evidence: hashText('month') }, entryTime })
  }
  const node = await createBenchNode({ dir, slug: society.slug })
  await node.start()
  await adoptLog(node, society)
  await node.stop()
  return society
}

export function accountId(society: SocietyId, index: number): LctId {
  const digest = createHash('sha256').update(`account ${index}`).digest()
  const id = Array.from(digest.subarray(0, 26), byte => LETTERS[byte % 32]).join('')
  return `lct:web4:human:${society}:${id}`
}

/** Accounts of one to five lots of any age that still has value, and a pool that balances them to the last unit. */
export async function fillLedger(dir: string, { id }: TestSociety, accounts: number, prng: Prng): Promise<void> {
  const store = await openLevelStore(join(dir, 'db'))
  try {
    const decay = (await read(store, id, stateKeys.decay)) as unknown as DecayState
    const time = (await read(store, id, stateKeys.time)) as EpochMs
    const snapshots = (await read(store, id, stateKeys.snapshots)) as unknown as SnapshotsState
    const flow = openFlow(time)
    let minted = 0n
    let booked = 0n
    let ops: StoreOp[] = []
    for (let index = 0; index < accounts; index++) {
      const lct = accountId(id, index)
      const lots = lotsOf(prng, decay)
      const book = bookValue({ book: '0', flow, lots }, decay)
      const account: AccountState = { book: book.toString(), flow, lots }
      const key = `z6Mk${createHash('sha256').update(lct).digest('hex').slice(0, 44).replaceAll('0', 'A')}`
      ops.push(
        put(id, stateKeys.account(lct), account),
        put(id, stateKeys.lct(lct), { key, status: 'active', type: 'human' }),
      )
      minted += lots.reduce((sum, [, principal]) => sum + BigInt(principal), 0n)
      booked += book
      if (ops.length < BATCH) continue
      await store.batch(ops, { sync: false })
      ops = []
    }
    const pool = { minted: minted.toString(), pool: (minted * BOOK_ONE - booked).toString(), slashed: '0' }
    ops.push(put(id, stateKeys.pool, pool))
    ops.push(put(id, stateKeys.snapshots, { ...snapshots, keys: snapshots.keys + 2 * accounts }))
    await store.batch(ops, { sync: true })
  } finally {
    await store.close()
  }
}

function lotsOf(prng: Prng, { factors, origin }: DecayState): AccountState['lots'] {
  const count = 1 + prng.below(LOTS_MAX)
  const origins = new Set(Array.from({ length: count }, () => origin + prng.below(factors.length)))
  return [...origins].sort((a, b) => a - b).map(born => [born, 1 + prng.below(PRINCIPAL_MAX)] as const)
}

function put(society: SocietyId, key: string, value: object): StoreOp {
  return { type: 'put', key: storeKey.state(society, key), value: encodeState(value as Json) }
}

async function read(store: Store, society: SocietyId, key: string): Promise<Json | undefined> {
  const [value] = await store.getMany([storeKey.state(society, key)])
  return decodeState(value)
}
