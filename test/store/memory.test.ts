import assert from 'node:assert/strict'
import { createMemoryStore } from '../../src/store/memory.ts'
import { OrderedMap } from '../../src/store/ordered-map.ts'
import { storeConformance } from '../conformance/store.ts'
import { pairsOf, put, valuesOf } from '../conformance/store-values.ts'

storeConformance('memory', async () => ({ store: createMemoryStore(), destroy: async () => undefined }))

describe('memory store', () => {
  it('has done a batch when the call returns', async () => {
    const store = createMemoryStore()
    const call = store.batch([put('a')], { sync: false })
    const reading = valuesOf(store, 'a')
    await call
    assert.deepEqual(await reading, ['a'])
  })

  it('can begin with what another version held', async () => {
    const content = OrderedMap.empty.apply([put('a'), put('b')])
    const store = createMemoryStore(content)
    await store.batch([put('c')], { sync: false })
    assert.deepEqual(
      (await pairsOf(store)).map(([key]) => key),
      ['a', 'b', 'c'],
    )
    assert.equal(content.get('c'), undefined)
  })
})

describe('ordered map', () => {
  const name = (index: number) => String(index).padStart(6, '0')
  const keys = (map: OrderedMap, reverse = false) =>
    [...map.range({ gte: '', lt: '\u0080', reverse })].map(([key]) => key)

  it('stays sorted over many blocks, in whatever order 20 000 keys come and go', () => {
    const count = 20_000
    // 7919 is prime to the count, so this visits every number once.
    const shuffled = Array.from({ length: count }, (_, index) => name((index * 7919) % count))
    const full = OrderedMap.empty.apply(shuffled.map(key => put(key)))
    assert.deepEqual(keys(full), shuffled.toSorted())
    assert.deepEqual(keys(full, true), shuffled.toSorted().reverse())
    const half = full.apply(shuffled.slice(count / 2).map(key => ({ type: 'del', key })))
    assert.deepEqual(keys(half), shuffled.slice(0, count / 2).toSorted())
    const none = half.apply(shuffled.map(key => ({ type: 'del', key })))
    assert.deepEqual(keys(none), [])
    assert.equal(keys(full).length, count)
    assert.deepEqual(keys(none.apply([put('a')])), ['a'])
  })

  it('leaves every older version as it was', () => {
    const versions = [OrderedMap.empty]
    for (let index = 0; index < 1500; index++) versions.push((versions.at(-1) as OrderedMap).apply([put(name(index))]))
    for (const size of [0, 1, 511, 512, 513, 1024, 1500]) assert.equal(keys(versions[size] as OrderedMap).length, size)
  })
})
