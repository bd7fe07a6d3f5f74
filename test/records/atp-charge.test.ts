import assert from 'node:assert/strict'
import { readState } from '../../src/state/model.ts'
import { DAY_MS, MICRO, MONTH_MS } from '../../src/units.ts'
import { OTHER_SOCIETY, SOCIETY, T0, testKey, testLct } from '../support/entries.ts'
import { EVIDENCE, Ledger, SOCIETY_KEY } from '../support/ledger.ts'

const PRODUCER_KEY = testKey(11)
const withProducer = (extra: object = {}) =>
  new Ledger({ law: { roles: { producer: [PRODUCER_KEY], treasury: [] }, ...extra } })
const both = { signers: [PRODUCER_KEY, SOCIETY_KEY] }

describe('atp.charge', () => {
  it('turns ADP of the pool into ATP of today', () => {
    const ledger = withProducer()
    const [producer, holder] = [ledger.enrol(11), ledger.enrol(12)]
    ledger.mint(10 * MICRO)
    ledger.time += 3 * DAY_MS
    const body = { amount: 4 * MICRO, evidence: EVIDENCE, to: holder }
    assert.equal(ledger.do('atp.charge', producer, body, both), undefined)
    assert.deepEqual(ledger.holding(holder), {
      book: '4000000000000000000000',
      lots: [[T0 / DAY_MS + 3, 4 * MICRO]],
    })
    assert.equal(ledger.pool, 6_000_000n * 10n ** 15n)
    assert.deepEqual(readState.charged(ledger.state, producer), {
      used: 4 * MICRO,
      window: Math.floor(ledger.time / MONTH_MS),
    })
    ledger.assertConserved()
  })

  it('pays introduced LCTs as well', () => {
    const ledger = new Ledger()
    ledger.mint(10)
    assert.equal(ledger.charge(ledger.enrol(12, 'ai', { foreign: 4 }, OTHER_SOCIETY), 10), undefined)
  })

  for (const amount of [0, -1]) {
    it(`refuses ${amount}: AMOUNT_NOT_POSITIVE`, () => {
      assert.equal(new Ledger().charge(testLct(12), amount), 'AMOUNT_NOT_POSITIVE')
    })
  }

  it('is for producers: AUTHOR_FORBIDDEN', () => {
    const ledger = withProducer()
    const holder = ledger.enrol(12)
    ledger.mint(10)
    assert.equal(ledger.charge(holder, 1), 'AUTHOR_FORBIDDEN')
    const body = { amount: 1, evidence: EVIDENCE, to: holder }
    assert.equal(ledger.do('atp.charge', holder, body, { signers: [testKey(12), SOCIETY_KEY] }), 'AUTHOR_FORBIDDEN')
  })

  it('is signed by producer and society and nobody else: SIGNER_WRONG', () => {
    const ledger = withProducer()
    const [producer, holder] = [ledger.enrol(11), ledger.enrol(12)]
    ledger.mint(10)
    const signed = (...signers: string[]) =>
      ledger.do('atp.charge', producer, { amount: 1, evidence: EVIDENCE, to: holder }, { signers })
    assert.equal(signed(PRODUCER_KEY), 'SIGNER_WRONG')
    assert.equal(signed(SOCIETY_KEY), 'SIGNER_WRONG')
    assert.equal(signed(PRODUCER_KEY, testKey(12)), 'SIGNER_WRONG')
    assert.equal(signed(PRODUCER_KEY, SOCIETY_KEY, testKey(12)), 'SIGNER_WRONG')
    ledger.change(producer, { key: SOCIETY_KEY })
    assert.equal(signed(SOCIETY_KEY), undefined, 'one key in two roles signs once')
  })

  it('is signed once by a society that produces itself', () => {
    const ledger = new Ledger()
    const holder = ledger.enrol(12)
    ledger.mint(10)
    assert.equal(ledger.charge(holder, 1, { signers: [SOCIETY_KEY, testKey(12)] }), 'SIGNER_WRONG')
    assert.equal(ledger.charge(holder, 1), undefined)
  })

  it('has a ceiling for each producer: CHARGE_CEILING', () => {
    const roles = { producer: [PRODUCER_KEY, testKey(13)].sort(), treasury: [] }
    const ledger = withProducer({ roles, ceilings: { charge: 100, mint: 1_000 } })
    const [first, second, holder] = [ledger.enrol(11), ledger.enrol(13), ledger.enrol(12)]
    ledger.mint(1_000)
    const charge = (author: string, amount: number) =>
      ledger.do(
        'atp.charge',
        author,
        { amount, evidence: EVIDENCE, to: holder },
        { signers: [ledger.keyOf(author), SOCIETY_KEY] },
      )
    assert.equal(charge(first, 101), 'CHARGE_CEILING')
    assert.equal(charge(first, 100), undefined)
    assert.equal(charge(first, 1), 'CHARGE_CEILING')
    assert.equal(charge(second, 100), undefined)
    ledger.legislate({ ceilings: { charge: 500, mint: 1_000 } })
    const raised = ledger.time
    ledger.time = raised + MONTH_MS
    assert.equal(charge(first, 101), 'CHARGE_CEILING', 'a raise waits')
    ledger.time += 1
    assert.equal(charge(first, 101), undefined)
    ledger.legislate({ ceilings: { charge: 101, mint: 1_000 } })
    assert.equal(charge(first, 1), 'CHARGE_CEILING', 'a cut binds')
  })

  it('never makes more than the pool holds: POOL_INSUFFICIENT', () => {
    const ledger = new Ledger()
    const holder = ledger.enrol(12)
    assert.equal(ledger.charge(holder, 1), 'POOL_INSUFFICIENT')
    ledger.mint(10)
    assert.equal(ledger.charge(holder, 11), 'POOL_INSUFFICIENT')
    assert.equal(ledger.charge(holder, 10), undefined)
    assert.equal(ledger.charge(holder, 1), 'POOL_INSUFFICIENT')
    ledger.assertConserved()
  })

  it('names its payee in this log: ACCOUNT_UNKNOWN, ACCOUNT_INACTIVE', () => {
    const ledger = new Ledger()
    ledger.mint(10)
    assert.equal(ledger.charge(testLct(12), 1), 'ACCOUNT_UNKNOWN')
    for (const status of ['suspended', 'revoked'] as const) {
      assert.equal(ledger.charge(ledger.enrol(12, 'human', { status }), 1), 'ACCOUNT_INACTIVE')
    }
  })

  it('gives the first of several reasons in the order of the table of codes', () => {
    const ledger = new Ledger({ law: { ceilings: { charge: 5, mint: 100 } } })
    assert.equal(ledger.charge(testLct(12), 6, { signers: [testKey(9)] }), 'SIGNER_WRONG')
    assert.equal(ledger.charge(testLct(12), 6), 'CHARGE_CEILING')
    assert.equal(ledger.charge(testLct(12), 5), 'POOL_INSUFFICIENT')
    assert.equal(
      ledger.do('atp.charge', testLct(12), { amount: 6, evidence: EVIDENCE, to: SOCIETY }),
      'AUTHOR_FORBIDDEN',
    )
  })
})
