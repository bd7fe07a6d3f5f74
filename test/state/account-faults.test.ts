import assert from 'node:assert/strict'
import type { Json } from '../../src/canonical.ts'
import { BOOK_ONE } from '../../src/state/account.ts'
import { accountFault, poolFault } from '../../src/state/account-faults.ts'
import { FACTOR_ONE, genesisDecay, projectDecay } from '../../src/state/decay.ts'
import { readState } from '../../src/state/model.ts'
import { present } from '../../src/state/present.ts'
import { openFlow } from '../../src/state/velocity.ts'
import { DAY_MS, MONTH_MS } from '../../src/units.ts'
import { Ledger } from '../support/ledger.ts'

const T = 700 * MONTH_MS
const rates = { base_ppm: 50_000, grace_ms: 0, max_age_ms: 365 * DAY_MS }
const decay = projectDecay(genesisDecay(T, DAY_MS, rates), Math.floor(T / DAY_MS) + 1, DAY_MS, rates)
const { k, factors } = decay
/** 100 of yesterday, 50 of today, touched now. */
const lots = [
  [k - 1, 100],
  [k, 50],
] as const
const worth = 100n * BigInt(factors[0] ?? 0) + 50n * BOOK_ONE
const flow = openFlow(T)
const account = { book: worth.toString(), flow, lots }
const faultOf = (changes: object) => accountFault({ ...account, ...changes } as unknown as Json, decay, T)

describe('account faults', () => {
  it('are none of what the ledger writes, whenever it was touched last', () => {
    assert.equal(faultOf({}), undefined)
    assert.equal(faultOf({ book: (150n * BOOK_ONE).toString() }), undefined, 'not touched since yesterday')
    const ledger = new Ledger()
    const [from, to] = [ledger.enrol(11), ledger.enrol(12)]
    ledger.mint(10 ** 9)
    for (let day = 0; day < 80; day++) {
      ledger.charge(from, 10_000 + day)
      if (day % 3 === 0) ledger.transfer(from, to, 7_777)
      if (day % 20 === 19) ledger.transfer(from, to, ledger.spendable(from))
      for (const held of ledger.accounts())
        assert.equal(
          accountFault(held as unknown as Json, present(readState.decay(ledger.state)), ledger.time),
          undefined,
        )
      ledger.time += DAY_MS
    }
  })

  const BELOW = 'book is below what the lots are worth'
  const ABOVE = 'book is above what the lots can be worth'
  const PAIR = 'a lot that is no pair of integers'
  const ORDER = 'lots are not ascending by origin'
  const FLOW = 'flow is of no window up to now'
  const cases: readonly [what: string, why: string, changes: object][] = [
    ['no book', 'book is no decimal text', { book: undefined }],
    ['a book below 0', 'book is no decimal text', { book: '-1' }],
    ['a book with a leading zero', 'book is no decimal text', { book: '007' }],
    ['a number as book', 'book is no decimal text', { book: 7 }],
    ['no lots', 'lots are no list', { lots: undefined }],
    ['a lot of nothing', PAIR, { lots: [[k, 0]] }],
    ['a lot below 0', PAIR, { lots: [[k, -5]] }],
    ['a lot above what is exact', PAIR, { lots: [[k, 2 ** 53]] }],
    ['a lot with a fraction', PAIR, { lots: [[k, 0.5]] }],
    ['a lot that is no pair', PAIR, { lots: [7] }],
    ['lots in the wrong order', ORDER, { lots: [...lots].reverse() }],
    ['one origin twice', ORDER, { lots: [...lots, lots[1]] }],
    ['a lot of tomorrow', `a lot of interval ${k + 1}, which has not come`, { lots: [[k + 1, 5]] }],
    ['one unit less than the lots are worth', BELOW, { book: (worth - 1n).toString() }],
    ['one unit more than the lots can be worth', ABOVE, { book: (150n * BOOK_ONE + 1n).toString() }],
    ['a book without lots', ABOVE, { lots: [], book: '1' }],
    ['no flow', FLOW, { flow: undefined }],
    ['a flow of the future', FLOW, { flow: { ...flow, since: T + 1 } }],
    ['a flow of another window', FLOW, { flow: { ...flow, window: flow.window + 1 } }],
    ['an outflow below 0', FLOW, { flow: { ...flow, out: '-3' } }],
    ['a last window that is none', FLOW, { flow: { ...flow, last: { held: '1' } } }],
  ]
  for (const [what, why, changes] of cases) it(what, () => assert.equal(faultOf(changes), why))

  it('of the pool', () => {
    const pool = { minted: '10', pool: (3n * BigInt(FACTOR_ONE)).toString(), slashed: '10' }
    assert.equal(poolFault(pool), undefined)
    for (const bad of [undefined, {}, { ...pool, pool: '-1' }, { ...pool, minted: 10 }, { ...pool, slashed: '' }])
      assert.equal(poolFault(bad as Json), 'not three decimal texts')
    assert.equal(poolFault({ ...pool, slashed: '11' }), 'more was slashed than minted')
  })
})
