import assert from 'node:assert/strict'
import { genesisCeilings, lowestCeiling, updateCeilings, useWindow } from '../../src/state/ceilings.ts'
import { DAY_MS, MONTH_MS } from '../../src/units.ts'
import { T0 } from '../support/entries.ts'

const law = (charge: number, mint: number) => ({ ceilings: { charge, mint } })

describe('ceilings', () => {
  it('hold from the charter on', () => {
    const ceilings = genesisCeilings(T0, law(10, 100))
    assert.equal(lowestCeiling(ceilings, T0, 'charge'), 10)
    assert.equal(lowestCeiling(ceilings, T0 + 99 * MONTH_MS, 'mint'), 100)
  })

  it('let a raise wait for 30 days', () => {
    const ceilings = updateCeilings(genesisCeilings(T0, law(10, 100)), T0 + DAY_MS, law(20, 200))
    const end = T0 + DAY_MS + MONTH_MS
    assert.equal(lowestCeiling(ceilings, end, 'charge'), 10)
    assert.equal(lowestCeiling(ceilings, end, 'mint'), 100)
    assert.equal(lowestCeiling(ceilings, end + 1, 'charge'), 20)
    assert.equal(lowestCeiling(ceilings, end + 1, 'mint'), 200)
  })

  it('let a cut bind at once and for 30 days after it was lifted', () => {
    const cut = updateCeilings(genesisCeilings(T0, law(10, 100)), T0, law(1, 5))
    assert.equal(lowestCeiling(cut, T0, 'mint'), 5)
    const lifted = updateCeilings(cut, T0 + 5, law(10, 100))
    assert.equal(lowestCeiling(lifted, T0 + 5 + MONTH_MS, 'mint'), 5)
    assert.equal(lowestCeiling(lifted, T0 + 6 + MONTH_MS, 'mint'), 100)
  })

  it('remember a law that was in force for no time at all', () => {
    const twice = updateCeilings(
      updateCeilings(genesisCeilings(T0, law(10, 100)), T0 + 9, law(1, 1)),
      T0 + 9,
      law(50, 500),
    )
    assert.equal(lowestCeiling(twice, T0 + 9, 'charge'), 1)
  })

  it('keep no law that ended more than 30 days ago and none that changed no ceiling', () => {
    const first = genesisCeilings(T0, law(10, 100))
    assert.deepEqual(updateCeilings(first, T0 + 7, law(10, 100)), first)
    const second = updateCeilings(first, T0 + 7, law(20, 200))
    assert.equal(updateCeilings(second, T0 + 7 + MONTH_MS, law(30, 300)).length, 3)
    const pruned = updateCeilings(second, T0 + 8 + MONTH_MS, law(30, 300))
    assert.deepEqual(
      pruned.map(held => held.charge),
      [20, 30],
    )
  })

  it('count per window of 30 days since the epoch', () => {
    const window = Math.floor(T0 / MONTH_MS)
    const next = (window + 1) * MONTH_MS
    const used = useWindow(undefined, next - 1, 6, 10)
    assert.deepEqual(used, { used: 6, window })
    assert.equal(useWindow(used, next - 1, 5, 10), undefined)
    assert.deepEqual(useWindow(used, next - 1, 4, 10), { used: 10, window })
    assert.deepEqual(useWindow(used, next, 5, 10), { used: 5, window: window + 1 })
    assert.equal(useWindow(used, next - 1, 1, 5), undefined, 'a cut below what was used')
    assert.equal(useWindow(used, next - 1, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER), undefined)
  })
})
