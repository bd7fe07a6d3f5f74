import assert from 'node:assert/strict'
import { DAY_MS, MICRO } from '../../src/units.ts'
import { SOCIETY, T0, testKey } from '../support/entries.ts'
import { EVIDENCE, Ledger } from '../support/ledger.ts'

function holding(amount: number) {
  const ledger = new Ledger()
  const [a, b] = [ledger.enrol(11), ledger.enrol(12)]
  ledger.mint(amount)
  assert.equal(ledger.charge(a, amount), undefined)
  return { ledger, a, b }
}

describe('atp.discharge', () => {
  it('turns ATP into ADP of the pool', () => {
    const { ledger, a } = holding(10 * MICRO)
    assert.equal(ledger.discharge(a, 4 * MICRO), undefined)
    assert.equal(ledger.pool, 4_000_000n * 10n ** 15n)
    assert.deepEqual(ledger.account(a)?.lots, [[T0 / DAY_MS, 6 * MICRO]])
    ledger.assertConserved()
  })

  it('gives what the last unit takes beyond the amount to the pool', () => {
    const { ledger, a } = holding(100)
    ledger.time += DAY_MS
    assert.equal(ledger.discharge(a, 1), undefined)
    assert.deepEqual(ledger.account(a)?.lots, [[T0 / DAY_MS, 98]])
    assert.equal(ledger.pool, 100n * 10n ** 15n - 98n * 999_833_333_333_333n)
    ledger.assertConserved()
  })

  for (const amount of [0, -1]) {
    it(`refuses ${amount}: AMOUNT_NOT_POSITIVE`, () => {
      const { ledger, a } = holding(10)
      assert.equal(ledger.discharge(a, amount), 'AMOUNT_NOT_POSITIVE')
    })
  }

  it('is the holder and nobody else: AUTHOR_FORBIDDEN, SIGNER_WRONG', () => {
    const { ledger, a, b } = holding(10)
    const body = { amount: 1, evidence: EVIDENCE, from: a }
    assert.equal(ledger.do('atp.discharge', SOCIETY, body), 'AUTHOR_FORBIDDEN')
    assert.equal(ledger.do('atp.discharge', b, body, { signers: [testKey(12)] }), 'AUTHOR_FORBIDDEN')
    assert.equal(ledger.discharge(a, 1, { signers: [testKey(12)] }), 'SIGNER_WRONG')
  })

  it('is refused, never capped: BALANCE_INSUFFICIENT', () => {
    const { ledger, a, b } = holding(10)
    assert.equal(ledger.discharge(a, 11), 'BALANCE_INSUFFICIENT')
    assert.equal(ledger.discharge(b, 1), 'BALANCE_INSUFFICIENT')
    ledger.time += DAY_MS
    assert.equal(ledger.discharge(a, 10), 'BALANCE_INSUFFICIENT')
  })
})
