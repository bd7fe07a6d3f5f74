import assert from 'node:assert/strict'
import { readState } from '../../src/state/model.ts'
import { DAY_MS, HOUR_MS, MICRO } from '../../src/units.ts'
import { OTHER_SOCIETY, SOCIETY, T0, testHash, testKey, testLct } from '../support/entries.ts'
import { Ledger, type LedgerOptions } from '../support/ledger.ts'

const K0 = T0 / DAY_MS
const ATP_1000 = 1_000 * MICRO
/** Value of 1000 ATP of age 30 d under the default law, in units of 10^-15 micro-ATP. */
const AFTER_30_DAYS = 1_000_000_000n * 961_239_119_621_443n

function pair(options?: LedgerOptions) {
  const ledger = new Ledger(options)
  const [a, b] = [ledger.enrol(11), ledger.enrol(12)]
  ledger.mint(10 * ATP_1000)
  assert.equal(ledger.charge(a, ATP_1000), undefined)
  return { ledger, a, b }
}

describe('atp.transfer', () => {
  it('moves what is asked for and nothing else on the day of the charge', () => {
    const { ledger, a, b } = pair()
    assert.equal(ledger.transfer(a, b, 400 * MICRO), undefined)
    assert.deepEqual(ledger.account(a)?.lots, [[K0, 600 * MICRO]])
    assert.deepEqual(ledger.holding(b), { book: '400000000000000000000000', lots: [[K0, 400 * MICRO]] })
    ledger.assertConserved()
  })

  it('may carry the hash of a memo', () => {
    const { ledger, a, b } = pair()
    const body = { amount: 1, from: a, memo: testHash('for the boat'), to: b }
    assert.equal(ledger.do('atp.transfer', a, body, { signers: [testKey(11)] }), undefined)
  })

  it('leaves no account behind when all of it goes', () => {
    const { ledger, a, b } = pair()
    assert.equal(ledger.transfer(a, b, ATP_1000), undefined)
    assert.equal(ledger.holding(a), undefined)
  })

  it('pays introduced LCTs, and they pay back', () => {
    const { ledger, a } = pair()
    const stranger = ledger.enrol(20, 'ai', { foreign: 4 }, OTHER_SOCIETY)
    assert.equal(ledger.transfer(a, stranger, 10), undefined)
    assert.equal(ledger.transfer(stranger, a, 10), undefined)
  })

  for (const amount of [0, -1, -50 * MICRO, Number.MIN_SAFE_INTEGER]) {
    it(`refuses ${amount}: AMOUNT_NOT_POSITIVE`, () => {
      const { ledger, a, b } = pair()
      assert.equal(ledger.transfer(a, b, amount), 'AMOUNT_NOT_POSITIVE')
      assert.equal(ledger.transfer(a, a, amount), 'AMOUNT_NOT_POSITIVE', 'before TRANSFER_SELF')
    })
  }

  it('has two parties: TRANSFER_SELF', () => {
    const { ledger, a } = pair()
    assert.equal(ledger.transfer(a, a, 1), 'TRANSFER_SELF')
  })

  it('is the payer and nobody else: AUTHOR_FORBIDDEN, SIGNER_WRONG', () => {
    const { ledger, a, b } = pair()
    const body = { amount: 1, from: a, to: b }
    assert.equal(ledger.do('atp.transfer', b, body, { signers: [testKey(12)] }), 'AUTHOR_FORBIDDEN')
    assert.equal(ledger.do('atp.transfer', SOCIETY, body), 'AUTHOR_FORBIDDEN')
    assert.equal(ledger.transfer(a, b, 1, { signers: [testKey(12)] }), 'SIGNER_WRONG')
    assert.equal(ledger.transfer(a, b, 1, { signers: [testKey(11), testKey(12)] }), 'SIGNER_WRONG')
  })

  it('is refused, never capped: BALANCE_INSUFFICIENT', () => {
    const { ledger, a, b } = pair()
    assert.equal(ledger.transfer(b, a, 1), 'BALANCE_INSUFFICIENT')
    assert.equal(ledger.transfer(a, b, ATP_1000 + 1), 'BALANCE_INSUFFICIENT')
    assert.equal(ledger.transfer(a, b, Number.MAX_SAFE_INTEGER), 'BALANCE_INSUFFICIENT')
    ledger.time += DAY_MS
    assert.equal(ledger.transfer(a, b, ATP_1000), 'BALANCE_INSUFFICIENT')
    assert.equal(ledger.transfer(a, b, 999_833_334), 'BALANCE_INSUFFICIENT')
    assert.equal(ledger.transfer(a, b, 999_833_333), undefined)
  })

  it('changes nothing when it is refused', () => {
    const { ledger, a, b } = pair()
    ledger.time += 40 * DAY_MS
    const before = new Map(ledger.state.changes)
    assert.equal(ledger.transfer(a, b, ATP_1000), 'BALANCE_INSUFFICIENT')
    assert.deepEqual(ledger.state.changes, before)
  })

  it('names its payee in this log: ACCOUNT_UNKNOWN, ACCOUNT_INACTIVE', () => {
    const { ledger, a, b } = pair()
    assert.equal(ledger.transfer(a, testLct(13), 1), 'ACCOUNT_UNKNOWN')
    for (const status of ['suspended', 'revoked'] as const) {
      ledger.change(b, { status })
      assert.equal(ledger.transfer(a, b, 1), 'ACCOUNT_INACTIVE')
    }
    assert.equal(
      ledger.transfer(a, testLct(13), 2 * ATP_1000),
      'BALANCE_INSUFFICIENT',
      'the first in the table of codes',
    )
  })

  it('takes the oldest first and lets every lot keep its age', () => {
    const { ledger, a, b } = pair()
    ledger.time += 300 * DAY_MS
    assert.equal(ledger.charge(a, 100), undefined)
    ledger.time += 64 * DAY_MS
    const old = ledger.spendable(a)
    assert.equal(ledger.transfer(a, b, old), undefined)
    assert.deepEqual(
      ledger.account(b)?.lots.map(([origin]) => origin),
      [K0, K0 + 300],
    )
    ledger.time += DAY_MS
    assert.equal(ledger.value(b) < 100n * 10n ** 15n, true, 'what was old is gone, whoever holds it')
    ledger.assertConserved()
  })

  it('gives what the last unit takes beyond the amount to the payee', () => {
    const { ledger, a, b } = pair()
    ledger.time += DAY_MS
    assert.equal(ledger.transfer(a, b, 1), undefined)
    assert.deepEqual(ledger.holding(b), { book: (2n * 999_833_333_333_333n).toString(), lots: [[K0, 2]] })
    ledger.assertConserved()
  })

  it('moves what decayed on both sides to the pool', () => {
    const { ledger, a, b } = pair()
    ledger.charge(b, ATP_1000)
    ledger.time += 30 * DAY_MS
    const before = ledger.pool
    assert.equal(ledger.transfer(a, b, MICRO), undefined)
    assert.equal(ledger.pool - before, 2n * (1_000_000_000n * 10n ** 15n - AFTER_30_DAYS))
    ledger.assertConserved()
  })
})

describe('decay of 1000 ATP under the default law', () => {
  for (const [days, units, micro] of [
    [0, 1_000_000_000_000_000_000_000_000n, 1_000_000_000],
    [1, 999_833_333_333_333_000_000_000n, 999_833_333],
    [7, 998_833_916_504_653_000_000_000n, 998_833_916],
    [8, 997_169_193_310_478_000_000_000n, 997_169_193],
    [30, 961_239_119_621_443_000_000_000n, 961_239_119],
    [364, 550_645_997_627_357_000_000_000n, 550_645_997],
    [365, 0n, 0],
  ] as const) {
    it(`leaves ${micro} micro-ATP after ${days} days`, () => {
      const { ledger, a } = pair()
      ledger.time += days * DAY_MS
      assert.equal(ledger.value(a), units)
      assert.equal(ledger.spendable(a), micro)
    })
  }

  it('does not depend on hourly looking', () => {
    const { ledger, a } = pair()
    const end = T0 + 30 * DAY_MS
    while (ledger.time < end) {
      ledger.time += HOUR_MS
      ledger.sweep(a)
    }
    assert.equal(ledger.value(a), AFTER_30_DAYS)
    ledger.assertConserved()
  })

  it('does not depend on hourly payments', () => {
    const { ledger, a, b } = pair()
    const end = T0 + 30 * DAY_MS
    while (ledger.time < end) {
      ledger.time += HOUR_MS
      assert.equal(ledger.transfer(a, b, 1_000), undefined)
    }
    assert.equal(ledger.value(a) + ledger.value(b), AFTER_30_DAYS)
    ledger.assertConserved()
  })

  it('is not escaped by 400 hops to and fro every 23 hours', () => {
    const { ledger, a, b } = pair()
    let [from, to] = [a, b]
    let hops = 0
    for (; ledger.spendable(from) > 0 && hops < 400; hops++) {
      assert.equal(ledger.transfer(from, to, ledger.spendable(from)), undefined)
      ;[from, to] = [to, from]
      ledger.time += 23 * HOUR_MS
      ledger.assertConserved()
    }
    // 365 days after the charge, at the first hop past them, everything is back in the pool.
    assert.equal(hops, Math.ceil((365 * 24) / 23))
    ledger.sweep(a)
    ledger.sweep(b)
    assert.equal(ledger.value(a) + ledger.value(b), 0n)
    assert.equal(ledger.pool, 10n * 1_000_000_000n * 10n ** 15n)
  })

  it('follows each law for its time', () => {
    const { ledger, a } = pair()
    ledger.time += 10 * DAY_MS + HOUR_MS
    ledger.legislate({ decay: { base_ppm: 200_000, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS } })
    ledger.time = T0 + 20 * DAY_MS
    assert.equal(ledger.value(a), 1_000_000_000n * 934_223_210_725_061n)
  })

  it('is told apart from velocity: holders who never pay lose the same', () => {
    const { ledger, a, b } = pair()
    ledger.charge(b, ATP_1000)
    ledger.time += 30 * DAY_MS
    assert.equal(ledger.value(a), ledger.value(b))
    assert.equal(readState.account(ledger.state, a)?.book, (1_000_000_000n * 10n ** 15n).toString())
  })
})
