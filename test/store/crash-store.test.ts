import assert from 'node:assert/strict'
import type { Store } from '../../src/ports.ts'
import { OrderedMap } from '../../src/store/ordered-map.ts'
import { storeConformance } from '../conformance/store.ts'
import { bytes, pairsOf, put, valuesOf } from '../conformance/store-values.ts'
import { createCrashStore } from '../support/crash-store.ts'

const synced = { sync: true }
const unsynced = { sync: false }

storeConformance('crash store', async () => {
  const disk = createCrashStore()
  // A new start without a power loss: everything written survives.
  const reopen = async () => disk.restart(disk.unsynced).store
  return { store: disk.store, reopen, destroy: async () => undefined }
})

/** Books n payments, one synced batch each, and says how many were promised when the power failed. */
async function bookPayments(store: Store, payments: number): Promise<number> {
  for (let done = 0; done < payments; done++) {
    try {
      await store.batch([put('tip', String(done + 1)), put(`payment/${done}`)], synced)
    } catch {
      return done
    }
  }
  return payments
}

/** Crashes the booking at every write in turn; true when no promised payment was ever lost. */
async function survivesEveryCrash(ignoreSync: boolean): Promise<boolean> {
  const payments = 5
  for (let n = 1; n <= payments + 1; n++) {
    for (const survivors of [0, 1]) {
      const disk = createCrashStore({ ignoreSync })
      disk.failAt(n)
      const promised = await bookPayments(disk.store, payments)
      const after = disk.crash(survivors)
      const [tip] = await valuesOf(after, 'tip')
      const booked = (await pairsOf(after, { gte: 'payment/', lt: 'payment0' })).length
      assert.equal(booked, Number(tip ?? 0), 'a batch is whole or absent')
      if (booked < promised) return false
    }
  }
  return true
}

describe('crash store', () => {
  it('holds after a crash what the last sync covered, unsynced batches before it included', async () => {
    const disk = createCrashStore()
    await disk.store.batch([put('a')], unsynced)
    await disk.store.batch([put('b')], synced)
    await disk.store.batch([put('c')], unsynced)
    await disk.store.batch([put('a', '2')], unsynced)
    assert.equal(disk.unsynced, 2)
    assert.deepEqual(await pairsOf(disk.crash()), [
      ['a', 'a'],
      ['b', 'b'],
    ])
    assert.deepEqual(await pairsOf(disk.crash(1)), [
      ['a', 'a'],
      ['b', 'b'],
      ['c', 'c'],
    ])
    assert.deepEqual(await pairsOf(disk.crash(2)), [
      ['a', '2'],
      ['b', 'b'],
      ['c', 'c'],
    ])
    await assert.rejects(disk.store.getMany(['a']), { code: 'STORE_FAILED' })
  })

  it('fails the n-th write and everything after it; that write may or may not be on the disk', async () => {
    const disk = createCrashStore()
    disk.failAt(2)
    await disk.store.batch([put('a')], synced)
    await assert.rejects(disk.store.batch([put('b')], synced), { code: 'STORE_FAILED' })
    await assert.rejects(disk.store.batch([put('c')], synced), { code: 'STORE_FAILED' })
    await assert.rejects(disk.store.snapshot(), { code: 'STORE_FAILED' })
    assert.equal(disk.writes, 2)
    assert.deepEqual(await pairsOf(disk.crash()), [['a', 'a']])
    assert.deepEqual(await pairsOf(disk.crash(1)), [
      ['a', 'a'],
      ['b', 'b'],
    ])
  })

  it('does not count what writes nothing', async () => {
    const disk = createCrashStore({ content: OrderedMap.empty.apply([put('a')]) })
    assert.equal(await disk.store.batch([put('b')], { sync: true, expect: [['a', bytes('x')]] }), false)
    assert.equal(await disk.store.batch([], synced), true)
    assert.deepEqual([disk.writes, disk.unsynced], [0, 0])
  })

  it('can crash, start again and crash again', async () => {
    const first = createCrashStore()
    await first.store.batch([put('a')], synced)
    await first.store.batch([put('b')], unsynced)
    const second = first.restart(1)
    await second.store.batch([put('c')], unsynced)
    assert.deepEqual(await pairsOf(second.crash()), [
      ['a', 'a'],
      ['b', 'b'],
    ])
  })

  it('loses no promise over a crash at any write, and shows the loss when sync is ignored', async () => {
    assert.equal(await survivesEveryCrash(false), true)
    assert.equal(await survivesEveryCrash(true), false)
  })
})
