import assert from 'node:assert/strict'
import { readState } from '../../src/state/model.ts'
import { DAY_MS, MICRO, MONTH_MS } from '../../src/units.ts'
import { OTHER_SOCIETY, SOCIETY, T0, testKey } from '../support/entries.ts'
import { EVIDENCE, Ledger, SOCIETY_KEY } from '../support/ledger.ts'

const SUPPLY_MAX = Number.MAX_SAFE_INTEGER
const ceilings = (mint: number) => ({ charge: 1_000, mint })

describe('atp.mint', () => {
  it('adds ADP to the pool', () => {
    const ledger = new Ledger()
    assert.equal(ledger.mint(5 * MICRO), undefined)
    assert.equal(ledger.do('atp.mint', SOCIETY, { amount: 1, evidence: EVIDENCE }), undefined)
    assert.deepEqual(readState.pool(ledger.state), {
      minted: '5000001',
      pool: '5000001000000000000000',
      slashed: '0',
    })
    assert.deepEqual(readState.minted(ledger.state), { used: 5_000_001, window: Math.floor(T0 / MONTH_MS) })
    ledger.assertConserved()
  })

  for (const amount of [0, -1, -50 * MICRO, Number.MIN_SAFE_INTEGER]) {
    it(`refuses ${amount}: AMOUNT_NOT_POSITIVE`, () => {
      assert.equal(new Ledger().mint(amount), 'AMOUNT_NOT_POSITIVE')
    })
  }

  it('is for the treasury: AUTHOR_FORBIDDEN', () => {
    const ledger = new Ledger()
    const anybody = ledger.enrol(11)
    assert.equal(ledger.do('atp.mint', anybody, { amount: 1 }, { signers: [testKey(11)] }), 'AUTHOR_FORBIDDEN')
    const withRole = new Ledger({ law: { roles: { producer: [], treasury: [testKey(11)] } } })
    assert.equal(withRole.mint(1), 'AUTHOR_FORBIDDEN', 'the society gave the role away')
    const stranger = withRole.enrol(11, 'human', { foreign: 3 }, OTHER_SOCIETY)
    assert.equal(withRole.do('atp.mint', stranger, { amount: 1 }, { signers: [testKey(11)] }), 'AUTHOR_FORBIDDEN')
    const treasurer = withRole.enrol(11, 'role')
    assert.equal(withRole.do('atp.mint', treasurer, { amount: 1 }, { signers: [testKey(11)] }), undefined)
  })

  it('is signed by its author alone: SIGNER_WRONG', () => {
    const ledger = new Ledger({ law: { roles: { producer: [], treasury: [testKey(11)] } } })
    const treasurer = ledger.enrol(11)
    const signed = (...signers: string[]) => ledger.do('atp.mint', treasurer, { amount: 1 }, { signers })
    assert.equal(signed(testKey(12)), 'SIGNER_WRONG')
    assert.equal(signed(testKey(11), SOCIETY_KEY), 'SIGNER_WRONG')
    ledger.change(treasurer, { key: testKey(20), overlap: { key: testKey(11), until: T0 + 1 } })
    assert.equal(signed(testKey(11)), undefined)
    ledger.time += 1
    assert.equal(signed(testKey(11)), 'SIGNER_WRONG')
    assert.equal(signed(testKey(20)), undefined)
  })

  it('stays below the ceiling of its window: MINT_CEILING', () => {
    const ledger = new Ledger({ law: { ceilings: ceilings(100) } })
    assert.equal(ledger.mint(101), 'MINT_CEILING')
    assert.equal(ledger.mint(60), undefined)
    assert.equal(ledger.mint(41), 'MINT_CEILING')
    assert.equal(ledger.mint(40), undefined)
    assert.equal(ledger.mint(1), 'MINT_CEILING')
    ledger.time = (Math.floor(T0 / MONTH_MS) + 1) * MONTH_MS
    assert.equal(ledger.mint(100), undefined)
  })

  it('has to wait for a raise and feels a cut at once', () => {
    const ledger = new Ledger({ law: { ceilings: ceilings(100) } })
    assert.equal(ledger.mint(50), undefined)
    ledger.legislate({ ceilings: ceilings(40) })
    assert.equal(ledger.mint(1), 'MINT_CEILING')
    ledger.legislate({ ceilings: ceilings(1_000) })
    const raised = ledger.time
    ledger.time = raised + MONTH_MS
    assert.equal(ledger.mint(41), 'MINT_CEILING')
    assert.equal(ledger.mint(40), undefined)
    ledger.time = raised + 2 * MONTH_MS + DAY_MS
    assert.equal(ledger.mint(1_000), undefined)
  })

  it('keeps the supply below 2^53: SUPPLY_LIMIT', () => {
    const ledger = new Ledger({ law: { ceilings: ceilings(SUPPLY_MAX) } })
    assert.equal(ledger.mint(SUPPLY_MAX), undefined)
    ledger.time += MONTH_MS
    assert.equal(ledger.mint(1), 'SUPPLY_LIMIT')
    assert.equal(ledger.mint(SUPPLY_MAX), 'SUPPLY_LIMIT')
    assert.equal(ledger.slash(10), undefined)
    assert.equal(ledger.mint(11), 'SUPPLY_LIMIT')
    assert.equal(ledger.mint(10), undefined)
    ledger.assertConserved()
  })

  it('names the ceiling before the supply when both are passed', () => {
    const ledger = new Ledger({ law: { ceilings: ceilings(SUPPLY_MAX) } })
    assert.equal(ledger.mint(SUPPLY_MAX), undefined)
    assert.equal(ledger.mint(1), 'MINT_CEILING')
  })
})
