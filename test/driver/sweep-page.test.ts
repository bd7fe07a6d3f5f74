import assert from 'node:assert/strict'
import { canonicalBytes, type Json } from '../../src/canonical.ts'
import { readSweepPage, type SweepPage } from '../../src/driver/sweep-page.ts'
import { dueAt } from '../../src/driver/sweep-schedule.ts'
import type { StoreReader } from '../../src/ports.ts'
import { bookOf } from '../../src/state/account.ts'
import { genesisDecay, projectDecay } from '../../src/state/decay.ts'
import { stateKeys } from '../../src/state/model.ts'
import { openFlow } from '../../src/state/velocity.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { DAY_MS, type LctId } from '../../src/units.ts'

const SOCIETY = 'oak-aaaaaaaaaaaaaaaaaaaaaaaaaa'
const NEIGHBOUR = 'oak-aaaaaaaaaaaaaaaaaaaaaaaaab'
const RATES = { base_ppm: 50_000, grace_ms: 0, max_age_ms: 365 * DAY_MS }
const K = 20_000
const decay = projectDecay(genesisDecay(K * DAY_MS, DAY_MS, RATES), K + 1, DAY_MS, RATES)
/** An account of `amount` micro-ATP loses a 600th of it in the one interval. */
const lossOf = (amount: number) => BigInt(amount) * ((bookOf(1) + 599n) / 600n)
const limits = { read: 1_024, named: 512, lots: 50_000 }
const FLOW = openFlow(K * DAY_MS) as unknown as Json
const at = { after: undefined, decay, minimum: 0n }

const lct = (index: number): LctId =>
  `lct:web4:human:${SOCIETY}:${String(index)
    .padStart(26, 'a')
    .replace(/\d/g, d => 'bcdefghijk'[Number(d)] ?? '')}`

async function storeOf(amounts: readonly number[], lots = 1): Promise<ReturnType<typeof createMemoryStore>> {
  const store = createMemoryStore()
  const account = (amount: number): Json => ({
    book: bookOf(amount * lots).toString(),
    flow: FLOW,
    lots: Array.from({ length: lots }, (_, back) => [K - lots + 1 + back, amount]),
  })
  const put = (society: string, key: string, value: Json) =>
    ({ type: 'put', key: storeKey.state(society, key), value: canonicalBytes(value) }) as const
  const ops = amounts.map((amount, index) => put(SOCIETY, stateKeys.account(lct(index)), account(amount)))
  // What stands before and behind the accounts, and another society's.
  const around = [
    put(SOCIETY, 'accoun', 1),
    put(SOCIETY, 'account0', 1),
    put(NEIGHBOUR, stateKeys.account(lct(0)), account(5)),
  ]
  await store.batch([...ops, ...around], { sync: false })
  return store
}

async function pages(reader: StoreReader, where = limits, minimum = 0n): Promise<SweepPage[]> {
  const found: SweepPage[] = []
  for (let after: LctId | undefined; ; ) {
    const page = await readSweepPage(reader, SOCIETY, { after, decay, minimum }, where)
    found.push(page)
    after = page.next
    if (after === undefined) return found
  }
}

describe('page of a sweep', () => {
  it('names every account that lost something, in order, and what it lost', async () => {
    const store = await storeOf([600, 1, 600_000_000])
    const page = await readSweepPage(store, SOCIETY, at, limits)
    assert.deepEqual(page, {
      accounts: 3,
      due: [lct(0), lct(1), lct(2)],
      loss: lossOf(600) + lossOf(1) + lossOf(600_000_000),
      next: undefined,
    })
  })

  it('leaves out what lost less than the minimum, to the unit', async () => {
    const store = await storeOf([600, 1_200])
    const named = async (minimum: bigint) =>
      (await readSweepPage(store, SOCIETY, { ...at, minimum }, limits)).due.length
    assert.deepEqual(
      await Promise.all([0, 1].flatMap(more => [lossOf(600), lossOf(1_200)].map(loss => named(loss + BigInt(more))))),
      [2, 1, 1, 0],
    )
  })

  it('leaves out what is settled, and accounts that are empty', async () => {
    const store = await storeOf([600])
    const settled = { book: (bookOf(600) - lossOf(600)).toString(), flow: { ...openFlow(0) }, lots: [[K, 600]] }
    const empty = { book: '0', flow: { ...openFlow(0), out: '5' }, lots: [] }
    const ops = [settled, empty].map((value, index) => ({
      type: 'put' as const,
      key: storeKey.state(SOCIETY, stateKeys.account(lct(index))),
      value: canonicalBytes(value as unknown as Json),
    }))
    await store.batch(ops, { sync: false })
    assert.deepEqual(await readSweepPage(store, SOCIETY, at, limits), {
      accounts: 2,
      due: [],
      loss: 0n,
      next: undefined,
    })
  })

  it('goes through more accounts than a page holds, each once, with none in memory but a page', async () => {
    const store = await storeOf(Array.from({ length: 3_000 }, (_, index) => 1_000 + index))
    let most = 0
    const counting: StoreReader = {
      ...store,
      async *range(range) {
        let read = 0
        for await (const pair of store.range(range)) {
          most = Math.max(most, ++read)
          yield pair
        }
      },
    }
    const found = await pages(counting)
    assert.deepEqual(
      found.map(({ due }) => due.length),
      [512, 512, 512, 512, 512, 440],
    )
    assert.deepEqual(
      found.flatMap(({ due }) => due),
      Array.from({ length: 3_000 }, (_, index) => lct(index)),
    )
    assert.equal(most, 512)
  })

  it('reads so many accounts and no more where few are due', async () => {
    const store = await storeOf(Array.from({ length: 25 }, (_, index) => (index === 12 ? 1_000_000 : 1)))
    const found = await pages(store, { ...limits, read: 10 }, bookOf(1))
    assert.deepEqual(
      found.map(({ accounts, due }) => [accounts, due.length]),
      [
        [10, 0],
        [10, 1],
        [5, 0],
      ],
    )
  })

  it('ends where the named accounts have many lots', async () => {
    const store = await storeOf([1, 1, 1, 1, 1], 40)
    const found = await pages(store, { ...limits, lots: 100 })
    assert.deepEqual(
      found.map(({ due }) => due.length),
      [3, 2],
    )
  })

  it('a stored account that is none is a fault, not an account without a loss', async () => {
    const store = await storeOf([600])
    const key = storeKey.state(SOCIETY, stateKeys.account(lct(0)))
    await store.batch([{ type: 'put', key, value: new TextEncoder().encode('{"book":') }], { sync: false })
    await assert.rejects(readSweepPage(store, SOCIETY, at, limits), /damaged/)
  })
})

describe('schedule of sweeps', () => {
  const day = (days: number) => days * DAY_MS
  const plan = { intervalMs: DAY_MS, started: day(9), delayPart: 0.5 }

  it('is due in every interval once, a little behind its boundary', () => {
    assert.equal(dueAt(plan, 9, day(9) + 5), day(10) + 90_000)
    assert.equal(dueAt(plan, 9, day(10) + 5), day(10) + 90_000)
    assert.equal(dueAt(plan, 9, day(12) + 5), day(12) + 90_000)
    assert.ok(dueAt({ ...plan, delayPart: 255 / 256 }, 9, day(10)) < day(10) + 180_000)
    assert.equal(dueAt({ ...plan, delayPart: 0 }, 9, day(10)), day(10))
  })

  it('what was missed before the start is due at once', () => {
    const started = day(12) + 7
    assert.equal(dueAt({ ...plan, started }, 9, started), day(12))
    assert.equal(dueAt({ ...plan, started }, undefined, started), day(12))
    assert.equal(dueAt({ ...plan, started }, 12, started), day(13) + 90_000)
  })

  it('a clock that was set back waits for the interval after the newest', () => {
    assert.equal(dueAt({ ...plan, started: day(7) }, 9, day(8)), day(10) + 90_000)
    assert.equal(dueAt({ ...plan, started: day(11) }, 9, day(8)), day(10))
  })
})
