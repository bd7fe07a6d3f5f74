import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Store, StoreOp, StoreRange, StoreReader } from '../../src/ports.ts'
import { storeModelProperty } from './store-model.ts'

export interface OpenedStore {
  readonly store: Store
  /** Opens again what `store`, by then closed, left behind. Absent: nothing outlives the store. */
  readonly reopen?: () => Promise<Store>
  destroy(): Promise<void>
}

const durable = { sync: true }
const everything: StoreRange = { gte: '', lt: '\u0080' }

export const bytes = (text: string) => new TextEncoder().encode(text)
export const put = (key: string, value = key): StoreOp => ({ type: 'put', key, value: bytes(value) })
export const del = (key: string): StoreOp => ({ type: 'del', key })
const text = (value: Uint8Array | undefined) => (value === undefined ? undefined : new TextDecoder().decode(value))

export async function valuesOf(reader: StoreReader, ...keys: string[]): Promise<(string | undefined)[]> {
  return (await reader.getMany(keys)).map(text)
}

export async function pairsOf(
  reader: StoreReader,
  range: StoreRange = everything,
): Promise<(readonly [string, string | undefined])[]> {
  const pairs: (readonly [string, string | undefined])[] = []
  for await (const [key, value] of reader.range(range)) pairs.push([key, text(value)])
  return pairs
}

async function keysOf(reader: StoreReader, range: StoreRange = everything): Promise<string[]> {
  return (await pairsOf(reader, range)).map(([key]) => key)
}

/** What every store must do, whatever it is made of. */
export function storeConformance(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name}: store conformance`, () => {
    let opened: OpenedStore
    let store: Store

    beforeEach(async () => {
      opened = await open()
      store = opened.store
    })
    afterEach(async () => {
      await store.close()
      await opened.destroy()
    })

    describe('reading', () => readingTests(() => store))
    describe('batches', () => batchTests(() => store))
    describe('compare-and-set', () => compareAndSetTests(() => store))
    describe('consistency', () => consistencyTests(() => store))
    describe('closing', () => closingTests(() => opened))

    it('agrees with a naive map on any sequence of actions', async function () {
      this.timeout(60_000)
      let run = 0
      // A failure prints seed and path; fc.assert takes them as its second argument to run it again.
      await fc.assert(
        storeModelProperty(() => ({ store, prefix: `run/${String(run++).padStart(6, '0')}/` })),
        { numRuns: 100 },
      )
    })
  })
}

function readingTests(store: () => Store): void {
  it('gives values in the order of the keys, undefined where there is none, and repeats', async () => {
    await store().batch([put('a', '1'), put('b', '2'), put('empty', '')], durable)
    assert.deepEqual(await valuesOf(store(), 'b', 'none', 'a', 'b', 'empty'), ['2', undefined, '1', '2', ''])
    assert.deepEqual(await store().getMany([]), [])
  })

  it('gives plain Uint8Arrays', async () => {
    await store().batch([put('a')], durable)
    for (const value of await store().getMany(['a'])) assert.equal(Object.getPrototypeOf(value), Uint8Array.prototype)
    for await (const [, value] of store().range(everything))
      assert.equal(Object.getPrototypeOf(value), Uint8Array.prototype)
  })

  it('keeps large values and every byte', async () => {
    const large = Uint8Array.from({ length: 3 * 1024 * 1024 }, (_, index) => (index * 31 + (index >> 8)) & 0xff)
    await store().batch([{ type: 'put', key: 'large', value: large }, put('small')], durable)
    const [found] = await store().getMany(['large'])
    assert.ok(found !== undefined && Buffer.compare(found, large) === 0)
    assert.deepEqual(await keysOf(store()), ['large', 'small'])
  })

  it('takes the view that a value is, not the buffer under it', async () => {
    const value = bytes('xxhelloxx').subarray(2, 7)
    await store().batch([{ type: 'put', key: 'a', value }], durable)
    assert.deepEqual(await valuesOf(store(), 'a'), ['hello'])
  })

  it('orders a range by byte', async () => {
    const keys = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index)).flatMap(char => [
      char,
      `${char}0`,
      `a${char}`,
    ])
    await store().batch(
      keys.toReversed().map(key => put(key)),
      durable,
    )
    const sorted = [...new Set(keys)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    assert.deepEqual(await keysOf(store()), sorted)
    assert.deepEqual(await keysOf(store(), { ...everything, reverse: true }), sorted.toReversed())
  })

  it('takes gte into a range and leaves lt out, in both directions', async () => {
    await store().batch(
      ['a', 'b', 'b0', 'c', 'd'].map(key => put(key)),
      durable,
    )
    const range = { gte: 'b', lt: 'd' }
    assert.deepEqual(await pairsOf(store(), range), [
      ['b', 'b'],
      ['b0', 'b0'],
      ['c', 'c'],
    ])
    assert.deepEqual(await keysOf(store(), { ...range, reverse: true }), ['c', 'b0', 'b'])
    assert.deepEqual(await keysOf(store(), { gte: 'aa', lt: 'bb' }), ['b', 'b0'])
    assert.deepEqual(await keysOf(store(), { gte: 'aa', lt: 'bb', reverse: true }), ['b0', 'b'])
    for (const empty of [
      { gte: 'b', lt: 'b' },
      { gte: 'd', lt: 'b' },
      { gte: 'x', lt: 'z' },
      { gte: 'A', lt: 'Z' },
    ]) {
      assert.deepEqual(await keysOf(store(), empty), [])
      assert.deepEqual(await keysOf(store(), { ...empty, reverse: true }), [])
    }
  })

  it('stops at the limit, counted from the end that it starts at', async () => {
    await store().batch(
      ['a', 'b', 'c'].map(key => put(key)),
      durable,
    )
    assert.deepEqual(await keysOf(store(), { ...everything, limit: 2 }), ['a', 'b'])
    assert.deepEqual(await keysOf(store(), { ...everything, limit: 2, reverse: true }), ['c', 'b'])
    assert.deepEqual(await keysOf(store(), { ...everything, limit: 9 }), ['a', 'b', 'c'])
    assert.deepEqual(await keysOf(store(), { ...everything, limit: 0 }), [])
  })

  it('lets a reader leave a range early', async () => {
    await store().batch(
      Array.from({ length: 500 }, (_, index) => put(`k${index}`)),
      durable,
    )
    for await (const [key] of store().range(everything)) {
      assert.equal(key, 'k0')
      break
    }
    assert.equal((await keysOf(store())).length, 500)
  })
}

function batchTests(store: () => Store): void {
  it('takes the operations of a batch in their order', async () => {
    assert.equal(
      await store().batch([put('a', '1'), put('a', '2'), put('b'), del('b'), del('c'), put('c')], durable),
      true,
    )
    assert.deepEqual(await pairsOf(store()), [
      ['a', '2'],
      ['c', 'c'],
    ])
  })

  it('deletes, also what is not there', async () => {
    await store().batch([put('a'), put('b')], durable)
    assert.equal(await store().batch([del('a'), del('never')], { sync: false }), true)
    assert.deepEqual(await keysOf(store()), ['b'])
  })

  it('accepts an empty batch', async () => {
    assert.equal(await store().batch([], durable), true)
    assert.equal(await store().batch([], { sync: false, expect: [['a', undefined]] }), true)
    assert.equal(await store().batch([], { sync: false, expect: [['a', bytes('1')]] }), false)
  })

  it('takes 20 000 operations at once', async () => {
    const ops = Array.from({ length: 20_000 }, (_, index) => put(String(index).padStart(6, '0')))
    await store().batch(ops, durable)
    assert.equal((await keysOf(store())).length, 20_000)
  })

  it('lets batches take effect in the order of the calls, mixed as they may be', async () => {
    const calls = Array.from({ length: 300 }, (_, index) => {
      const options = { sync: index % 7 === 0, ...(index % 5 === 0 && { expect: [['never', undefined] as const] }) }
      return store().batch([put('last', String(index)), put(`each/${index}`), del(`each/${index - 1}`)], options)
    })
    assert.ok((await Promise.all(calls)).every(held => held))
    assert.deepEqual(await pairsOf(store()), [
      ['each/299', 'each/299'],
      ['last', '299'],
    ])
  })

  it('never shows half a batch', async () => {
    const keys = ['a', 'm', 'z']
    const write = async () => {
      for (let round = 0; round < 200; round++) {
        await store().batch(
          keys.map(key => put(key, String(round))),
          { sync: false },
        )
      }
    }
    let writing = true
    const written = write().finally(() => {
      writing = false
    })
    while (writing) {
      assert.equal(new Set(await valuesOf(store(), ...keys)).size, 1)
      assert.ok(new Set((await pairsOf(store())).map(([, value]) => value)).size <= 1)
      await new Promise(setImmediate)
    }
    await written
  })
}

function compareAndSetTests(store: () => Store): void {
  it('writes when every expectation holds', async () => {
    await store().batch([put('a', '1')], durable)
    assert.equal(
      await store().batch([put('a', '2'), put('b')], {
        sync: true,
        expect: [
          ['a', bytes('1')],
          ['b', undefined],
        ],
      }),
      true,
    )
    assert.deepEqual(await valuesOf(store(), 'a', 'b'), ['2', 'b'])
  })

  it('writes nothing when one does not', async () => {
    await store().batch([put('a', '1')], durable)
    const misses: (readonly [string, Uint8Array | undefined])[] = [
      ['a', bytes('2')],
      ['a', bytes('1x')],
      ['a', bytes('')],
      ['a', undefined],
      ['b', bytes('1')],
    ]
    for (const miss of misses) {
      assert.equal(
        await store().batch([put('a', '9'), put('c')], { sync: true, expect: [['a', bytes('1')], miss] }),
        false,
      )
    }
    assert.deepEqual(await pairsOf(store()), [['a', '1']])
  })

  it('tells an empty value from an absent one', async () => {
    await store().batch([put('a', '')], durable)
    assert.equal(await store().batch([put('b')], { sync: false, expect: [['a', undefined]] }), false)
    assert.equal(await store().batch([put('b')], { sync: false, expect: [['a', bytes('')]] }), true)
  })

  it('compares with what earlier calls wrote, though they are still under way', async () => {
    const results = await Promise.all([
      store().batch([put('a', '1')], { sync: true, expect: [['a', undefined]] }),
      store().batch([put('a', 'x')], { sync: false, expect: [['a', undefined]] }),
      store().batch([put('a', '2'), del('b')], { sync: false, expect: [['a', bytes('1')]] }),
      store().batch([del('a')], { sync: false }),
      store().batch([put('b')], {
        sync: true,
        expect: [
          ['a', undefined],
          ['b', undefined],
        ],
      }),
    ])
    assert.deepEqual(results, [true, false, true, true, true])
    assert.deepEqual(await pairsOf(store()), [['b', 'b']])
  })

  it('has exactly one winner each time that 100 writers expect the same', async () => {
    await store().batch([put('count', '0')], durable)
    let wins = 0
    const increment = async () => {
      for (;;) {
        const [before] = await store().getMany(['count'])
        const after = String(Number(text(before)) + 1)
        // The winner's mark must be free: a second winner of the same number would be refused here and loop for ever.
        const expect = [
          ['count', before],
          [`won/${after}`, undefined],
        ] as const
        if (await store().batch([put('count', after), put(`won/${after}`)], { sync: false, expect })) break
      }
      wins += 1
    }
    await Promise.all(Array.from({ length: 100 }, increment))
    assert.equal(wins, 100)
    assert.deepEqual(await valuesOf(store(), 'count'), ['100'])
    assert.equal((await keysOf(store(), { gte: 'won/', lt: 'won0' })).length, 100)
    const race = Array.from({ length: 100 }, (_, index) =>
      store().batch([put('count', `by ${index}`)], { sync: false, expect: [['count', bytes('100')]] }),
    )
    assert.deepEqual(
      (await Promise.all(race)).map((won, index) => (won ? index : -1)).filter(index => index >= 0),
      [0],
    )
  })
}

function consistencyTests(store: () => Store): void {
  const before = Array.from({ length: 400 }, (_, index) => `k/${String(index).padStart(3, '0')}`)
  const rewrite = async () => {
    await store().batch(
      before.map((key, index) => (index % 2 === 0 ? del(key) : put(key, 'new'))),
      { sync: false },
    )
    await store().batch([put('k/aaa'), put('a'), put('z')], { sync: false })
  }
  beforeEach(() =>
    store().batch(
      before.map(key => put(key)),
      { sync: false },
    ),
  )

  it('reads a snapshot as it was, whatever is written', async () => {
    const snapshot = await store().snapshot()
    await rewrite()
    assert.deepEqual(await keysOf(snapshot), before)
    assert.deepEqual(await valuesOf(snapshot, 'k/000', 'k/001', 'k/aaa'), ['k/000', 'k/001', undefined])
    assert.deepEqual(await valuesOf(store(), 'k/000', 'k/001', 'k/aaa'), [undefined, 'new', 'k/aaa'])
    await snapshot.close()
  })

  it('keeps several snapshots apart', async () => {
    const first = await store().snapshot()
    await store().batch([put('a', '1')], { sync: false })
    const second = await store().snapshot()
    await store().batch([put('a', '2')], { sync: false })
    assert.deepEqual(
      [await valuesOf(first, 'a'), await valuesOf(second, 'a'), await valuesOf(store(), 'a')],
      [[undefined], ['1'], ['2']],
    )
    await first.close()
    assert.deepEqual(await valuesOf(second, 'a'), ['1'])
    await second.close()
  })

  for (const reverse of [false, true]) {
    it(`walks over what stood when the iteration began, ${reverse ? 'backwards' : 'forwards'}, while it is rewritten`, async () => {
      const seen: string[] = []
      for await (const [key, value] of store().range({ gte: 'k/', lt: 'k0', reverse })) {
        if (seen.length === 10) await rewrite()
        assert.equal(text(value), key)
        seen.push(key)
      }
      assert.deepEqual(seen, reverse ? before.toReversed() : before)
    })
  }
}

function closingTests(opened: () => OpenedStore): void {
  const closed = { code: 'STORE_CLOSED' }

  it('closes as often as one likes, also at once', async () => {
    const { store } = opened()
    await Promise.all([store.close(), store.close()])
    await store.close()
  })

  it('finishes the batches that were called before', async () => {
    const { store, reopen } = opened()
    const calls = Array.from({ length: 20 }, (_, index) => store.batch([put(`k${index}`)], { sync: index % 2 === 0 }))
    await store.close()
    assert.ok((await Promise.all(calls)).every(held => held))
    if (reopen === undefined) return
    const again = await reopen()
    assert.equal((await keysOf(again)).length, 20)
    await again.close()
  })

  it('refuses everything afterwards', async () => {
    const { store } = opened()
    await store.batch([put('a'), put('b')], durable)
    const snapshot = await store.snapshot()
    const iteration = store.range(everything)[Symbol.asyncIterator]()
    await iteration.next()
    await store.close()
    await assert.rejects(store.getMany(['a']), closed)
    await assert.rejects(keysOf(store), closed)
    await assert.rejects(store.batch([put('a')], durable), closed)
    await assert.rejects(store.snapshot(), closed)
    await assert.rejects(valuesOf(snapshot, 'a'), closed)
    await assert.rejects(keysOf(snapshot), closed)
    await assert.rejects(iteration.next(), closed)
    await snapshot.close()
  })

  it('closes a snapshot as often as one likes, and refuses to read it then', async () => {
    const { store } = opened()
    const snapshot = await store.snapshot()
    await snapshot.close()
    await snapshot.close()
    await assert.rejects(valuesOf(snapshot, 'a'), closed)
    await assert.rejects(keysOf(snapshot), closed)
    assert.deepEqual(await valuesOf(store, 'a'), [undefined])
  })

  it('holds after opening again what it held before', async function () {
    const { store, reopen } = opened()
    if (reopen === undefined) return this.skip()
    await store.batch([put('a', '1'), put('b', '2')], { sync: false })
    await store.batch([del('a'), put('c', '3')], durable)
    await store.batch([put('d', '4')], { sync: false })
    await store.close()
    const again = await reopen()
    assert.deepEqual(await pairsOf(again), [
      ['b', '2'],
      ['c', '3'],
      ['d', '4'],
    ])
    await again.close()
  })
}
