import assert from 'node:assert/strict'
import fc from 'fast-check'
import * as accounts from '../../src/state/account.ts'
import { type Account, BOOK_ONE, bookOf, bookValue, type Lot, spendable, takeOldest } from '../../src/state/account.ts'
import { genesisDecay, projectDecay } from '../../src/state/decay.ts'
import type { AccountState, DecayState } from '../../src/state/model.ts'
import { DAY_MS, MICRO } from '../../src/units.ts'
import { T0 } from '../support/entries.ts'

const LAW = { base_ppm: 50_000, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS }
const K0 = T0 / DAY_MS
/** Here nothing depends on the moment within an interval. */
const timeOf = (decay: DecayState) => decay.k * DAY_MS
const touch = (account: Account, decay: DecayState) => accounts.touch(account, decay, timeOf(decay))
const credit = (account: Account, decay: DecayState, amount: number) =>
  accounts.credit(account, decay, timeOf(decay), amount)
const receive = (account: Account, decay: DecayState, lots: readonly Lot[]) =>
  accounts.receive(account, decay, timeOf(decay), lots)
const start = genesisDecay(T0, DAY_MS, LAW)
const later = (days: number, from: DecayState = start) => projectDecay(from, from.k + days, DAY_MS, LAW)

function withLots(decay: DecayState, ...lots: readonly (readonly [number, number])[]): AccountState {
  const account = receive(undefined, decay, lots)
  assert.ok(account)
  return account
}

describe('account', () => {
  it('is absent when it is empty', () => {
    assert.equal(touch(undefined, start).account, undefined)
    assert.equal(bookValue(undefined, start), 0n)
    assert.equal(spendable(undefined, start), 0)
    assert.equal(takeOldest(undefined, start, 1), undefined)
    assert.equal(takeOldest(credit(undefined, start, 5), start, 5, 0)?.account, undefined)
    assert.equal(receive(undefined, start, []), undefined)
  })

  it('stays without lots while something left it lately', () => {
    const emptied = takeOldest(credit(undefined, start, 5), start, 5)?.account
    const flow = { held: '0', out: '5', since: K0 * DAY_MS, window: Math.floor(K0 / 30) }
    assert.deepEqual(emptied, { book: '0', flow, lots: [] })
    assert.equal(takeOldest(emptied, start, 1), undefined)
    assert.equal(touch(emptied, later(35)).account?.flow.last?.out, '5')
    assert.equal(touch(emptied, later(36)).account, undefined)
  })

  it('moves what decayed out of the book value', () => {
    const account = credit(undefined, start, 1_000 * MICRO)
    const touched = touch(account, later(30))
    assert.equal(touched.account?.book, (1_000_000_000n * 961_239_119_621_443n).toString())
    assert.equal(touched.loss, 1_000_000_000n * (BOOK_ONE - 961_239_119_621_443n))
    assert.deepEqual(touch(touched.account, later(30)), { account: touched.account, loss: 0n })
  })

  it('drops lots at the maximal age and no others', () => {
    const account = receive(credit(undefined, start, 7), later(10), [[K0 + 10, 9]])
    assert.deepEqual(touch(account, later(370)).account?.lots, [[K0 + 10, 9]])
    const gone = touch(account, later(400))
    assert.equal(gone.account, undefined)
    assert.equal(gone.loss, BigInt(account?.book ?? '0'))
  })

  it('adds principals of one origin and keeps the oldest first', () => {
    const decay = later(5)
    const account = withLots(decay, [K0 + 2, 20], [K0 + 4, 40])
    assert.deepEqual(
      receive(account, decay, [
        [K0, 1],
        [K0 + 2, 2],
        [K0 + 5, 5],
      ])?.lots,
      [
        [K0, 1],
        [K0 + 2, 22],
        [K0 + 4, 40],
        [K0 + 5, 5],
      ],
    )
  })

  it('pays with the oldest first and rounds only the last lot, up to one unit', () => {
    const decay = later(5)
    const account = withLots(decay, [K0, 100], [K0 + 5, 100])
    const oldest = 100n * 999_166_944_398_150n
    assert.equal(bookValue(account, decay), oldest + bookOf(100))
    const paid = takeOldest(account, decay, 150)
    assert.deepEqual(paid?.lots, [
      [K0, 100],
      [K0 + 5, 51],
    ])
    assert.equal(paid?.taken, oldest + bookOf(51))
    assert.equal(paid?.account?.book, bookOf(49).toString())
    assert.deepEqual(paid.account.lots, [[K0 + 5, 49]])
  })

  it('takes one more unit of a decayed lot than the amount has', () => {
    const decay = later(1)
    const paid = takeOldest(withLots(decay, [K0, 100]), decay, 10)
    assert.deepEqual(paid?.lots, [[K0, 11]])
    assert.equal(paid?.taken, 11n * 999_833_333_333_333n)
  })

  it('refuses what it cannot pay in full', () => {
    const decay = later(1)
    const account = withLots(decay, [K0, 100])
    assert.equal(spendable(account, decay), 99)
    assert.equal(takeOldest(account, decay, 100), undefined)
    assert.equal(takeOldest(account, decay, 99)?.lots[0]?.[1], 100)
    assert.equal(takeOldest(account, decay, Number.MAX_SAFE_INTEGER), undefined)
  })

  it('splits exactly: nothing appears or is lost, and less than one unit is taken beyond the amount', () => {
    const decay = later(400)
    const lots = fc.uniqueArray(fc.tuple(fc.integer({ min: 36, max: 400 }), fc.integer({ min: 1, max: 10 ** 12 })), {
      selector: ([age]) => age,
      maxLength: 12,
    })
    fc.assert(
      fc.property(lots, fc.integer({ min: 1, max: 10 ** 13 }), (drawn, amount) => {
        const account = receive(
          undefined,
          decay,
          drawn.toSorted(([a], [b]) => a - b).map(([age, principal]) => [K0 + age, principal] as const),
        )
        const before = bookValue(account, decay)
        const paid = takeOldest(account, decay, amount, 0)
        if (paid === undefined) {
          assert.ok(before < bookOf(amount))
          assert.ok(spendable(account, decay) < amount)
          return
        }
        assert.ok(paid.taken >= bookOf(amount) && paid.taken < bookOf(amount + 1))
        assert.equal(bookValue(paid.account, decay), before - paid.taken)
        assert.equal(BigInt(paid.account?.book ?? '0'), before - paid.taken)
        assert.deepEqual(receive(paid.account, decay, paid.lots), account)
        const oldestLeft = paid.account?.lots[0]?.[0] ?? Number.MAX_SAFE_INTEGER
        assert.ok(paid.lots.every(([origin]) => origin <= oldestLeft))
      }),
    )
  })
})
