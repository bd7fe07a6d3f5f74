import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Circulation, gini, ratio } from '../../../sim/economy/measures.ts'
import { DAY_MS, MONTH_MS } from '../../../src/units.ts'

describe('measures of an economy', () => {
  it('the Gini coefficient of examples that were computed by hand', () => {
    const examples: readonly [amounts: readonly number[], gini: number][] = [
      [[7, 7, 7, 7], 0],
      // One of four holds all: 3 ÷ 4.
      [[0, 0, 12, 0], 0.75],
      // (−3·1 − 1·2 + 1·3 + 3·4) ÷ (4 · 10)
      [[4, 1, 3, 2], 0.25],
      // (−2·1 + 0·2 + 2·6) ÷ (3 · 9) = 10 ÷ 27
      [[1, 2, 6], 0.37037],
      // As a text, 10 is below 9.
      [[9, 10], 0.026316],
      [[5], 0],
      [[0, 0], 0],
      [[], 0],
    ]
    for (const [amounts, expected] of examples) assert.equal(gini(amounts), expected, String(amounts))
  })

  it('the Gini coefficient is half the mean difference of all pairs ÷ the mean, in any order and currency', () => {
    const amounts = fc.array(fc.integer({ min: 0, max: 10 ** 6 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(amounts, held => {
        const sum = held.reduce((total, amount) => total + amount, 0)
        const differences = held.flatMap(a => held.map(b => Math.abs(a - b))).reduce((total, each) => total + each, 0)
        const expected = sum === 0 ? 0 : differences / (2 * held.length * sum)
        assert.ok(Math.abs(gini(held) - expected) <= 1e-6)
        assert.equal(gini(held.toReversed()), gini(held))
        assert.equal(gini(held.map(amount => amount * 1_000_000)), gini(held))
      }),
    )
  })

  it('velocity is what left ÷ what was held on average, for 30 days', () => {
    const circulation = new Circulation()
    assert.equal(circulation.velocity, undefined)
    // 100 for half of the window, then 50: 75 on average.
    const held = 100n * BigInt(15 * DAY_MS) + 50n * BigInt(15 * DAY_MS)
    circulation.add({ held: held.toString(), out: '50' })
    assert.equal(circulation.velocity, 0.666667)
    assert.equal(circulation.held, 75n)
    circulation.add({ held: (125n * BigInt(MONTH_MS)).toString(), out: '0' })
    assert.equal(circulation.velocity, 0.25)
  })

  it('ratios are rounded half up to a millionth, however large they are', () => {
    assert.equal(ratio(1n, 3n), 0.333333)
    assert.equal(ratio(2n, 3n), 0.666667)
    assert.equal(ratio(1n, 2_000_000n), 0.000001)
    assert.equal(ratio(10n ** 40n + 1n, 10n ** 40n), 1)
    assert.equal(ratio(0n, 5n), 0)
    assert.equal(ratio(5n, 0n), undefined)
  })
})
