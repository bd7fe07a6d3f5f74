import assert from 'node:assert/strict'
import { readState } from '../../src/state/model.ts'
import { DAY_MS } from '../../src/units.ts'
import { SOCIETY, T0, testKey, testLct } from '../support/entries.ts'
import { EVIDENCE, Ledger } from '../support/ledger.ts'

function holding(amount: number) {
  const ledger = new Ledger()
  const a = ledger.enrol(11)
  ledger.mint(2 * amount)
  assert.equal(ledger.charge(a, amount), undefined)
  return { ledger, a }
}

describe('atp.slash', () => {
  it('destroys exactly the amount of an account, oldest first', () => {
    const { ledger, a } = holding(100)
    ledger.time += DAY_MS
    ledger.charge(a, 50)
    const before = ledger.pool
    assert.equal(ledger.slash(1, a), undefined)
    assert.deepEqual(ledger.account(a)?.lots, [
      [T0 / DAY_MS, 98],
      [T0 / DAY_MS + 1, 50],
    ])
    assert.equal(ledger.pool - before, 2n * 999_833_333_333_333n - 10n ** 15n)
    assert.equal(readState.pool(ledger.state)?.slashed, '1')
    ledger.assertConserved()
  })

  it('reaches suspended and revoked holders', () => {
    for (const status of ['suspended', 'revoked'] as const) {
      const { ledger, a } = holding(100)
      ledger.change(a, { status })
      assert.equal(ledger.slash(100, a), undefined)
      assert.equal(ledger.account(a), undefined)
      ledger.assertConserved()
    }
  })

  it('destroys ADP of the pool when no account is named: POOL_INSUFFICIENT', () => {
    const { ledger } = holding(100)
    assert.equal(ledger.slash(101), 'POOL_INSUFFICIENT')
    assert.equal(ledger.slash(100), undefined)
    assert.equal(ledger.slash(1), 'POOL_INSUFFICIENT')
    assert.equal(ledger.pool, 0n)
    ledger.assertConserved()
  })

  it('is refused, never capped: BALANCE_INSUFFICIENT', () => {
    const { ledger, a } = holding(100)
    assert.equal(ledger.slash(101, a), 'BALANCE_INSUFFICIENT')
    assert.equal(ledger.slash(1, testLct(99)), 'BALANCE_INSUFFICIENT', 'who is not here holds nothing')
  })

  for (const amount of [0, -1]) {
    it(`refuses ${amount}: AMOUNT_NOT_POSITIVE`, () => {
      const { ledger, a } = holding(10)
      assert.equal(ledger.slash(amount, a), 'AMOUNT_NOT_POSITIVE')
    })
  }

  it('is for the treasury, which signs alone: AUTHOR_FORBIDDEN, SIGNER_WRONG', () => {
    const { ledger, a } = holding(100)
    const body = { account: a, amount: 1, evidence: EVIDENCE }
    assert.equal(ledger.do('atp.slash', a, body, { signers: [testKey(11)] }), 'AUTHOR_FORBIDDEN')
    assert.equal(ledger.do('atp.slash', SOCIETY, body, { signers: [testKey(11)] }), 'SIGNER_WRONG')
    ledger.legislate({ roles: { producer: [], treasury: [testKey(11)] } })
    assert.equal(ledger.do('atp.slash', a, body, { signers: [testKey(11)] }), undefined)
    assert.equal(ledger.slash(1, a), 'AUTHOR_FORBIDDEN')
  })
})
