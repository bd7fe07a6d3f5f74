import assert from 'node:assert/strict'
import type { Store } from '../../src/ports.ts'
import type { OpenedStore } from './store.ts'
import { bytes, del, durable, everything, keysOf, pairsOf, put, text, valuesOf } from './store-values.ts'

export function compareAndSetTests(store: () => Store): void {
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

export function consistencyTests(store: () => Store): void {
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

export function closingTests(opened: () => OpenedStore): void {
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
