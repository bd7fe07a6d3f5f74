import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Store } from '../../src/ports.ts'
import { closingTests, compareAndSetTests, consistencyTests } from './store-guarantees.ts'
import { storeModelProperty } from './store-model.ts'
import { bytes, del, durable, everything, keysOf, pairsOf, put, valuesOf } from './store-values.ts'

export interface OpenedStore {
  readonly store: Store
  /** Opens again what `store`, by then closed, left behind. Absent: nothing outlives the store. */
  readonly reopen?: () => Promise<Store>
  destroy(): Promise<void>
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
