import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Json } from '../../src/canonical.ts'
import { conservation, imbalance } from '../../src/state/conservation.ts'
import { DAY_MS, HOUR_MS } from '../../src/units.ts'
import { OTHER_SOCIETY } from '../support/entries.ts'
import { Ledger } from '../support/ledger.ts'

const party = fc.integer({ min: 0, max: 3 })
/** Small amounts meet boundaries, large ones the range. */
const amount = fc.oneof(
  fc.integer({ min: -1, max: 20 }),
  fc.integer({ min: 1, max: 10 ** 9 }),
  fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
)
const step = fc.oneof(
  fc.record({ act: fc.constantFrom('mint', 'slash_pool'), amount }),
  fc.record({ act: fc.constantFrom('charge', 'discharge', 'slash'), amount, who: party }),
  fc.record({ act: fc.constant('sweep'), several: fc.uniqueArray(party, { minLength: 1 }) }),
  fc.record({ act: fc.constant('transfer'), amount, who: party, to: party }),
  // What is drawn blindly is mostly refused; a part of what is there is not.
  fc.record({
    act: fc.constantFrom('transfer', 'discharge', 'slash'),
    percent: fc.integer({ min: 1, max: 100 }),
    who: party,
    to: party,
  }),
  fc.record({
    act: fc.constant('wait'),
    ms: fc.oneof(fc.integer({ min: 0, max: 3 * DAY_MS }), fc.integer({ min: 0, max: 200 * DAY_MS })),
  }),
  fc.record({
    act: fc.constant('law'),
    decay: fc.record({
      base_ppm: fc.integer({ min: 0, max: 1_000_000 }),
      grace_ms: fc.integer({ min: 0, max: 30 * DAY_MS }),
      max_age_ms: fc.integer({ min: DAY_MS, max: 365 * DAY_MS }),
    }),
  }),
)
type Step = {
  act: string
  amount?: number
  percent?: number
  who?: number
  several?: readonly number[]
  to?: number
  ms?: number
  decay?: { base_ppm: number; grace_ms: number; max_age_ms: number }
}

function run(steps: readonly Step[], intervalMs: number, afterEach: (ledger: Ledger) => void): void {
  const ledger = new Ledger({
    intervalMs,
    law: { ceilings: { charge: Number.MAX_SAFE_INTEGER, mint: Number.MAX_SAFE_INTEGER } },
  })
  const parties = [11, 12, 13].map(number => ledger.enrol(number))
  parties.push(ledger.enrol(20, 'ai', { foreign: 4 }, OTHER_SOCIETY))
  ledger.mint(10 ** 10)
  for (const lct of parties) ledger.charge(lct, 10 ** 9)
  for (const { act, amount = 1, percent, who = 0, several = [], to = 0, ms = 0, decay } of steps) {
    const [from = '', payee = ''] = [parties[who], parties[to]]
    const units = percent === undefined ? amount : Math.floor(ledger.spendable(from) / 100) * percent
    if (act === 'mint') ledger.mint(units)
    else if (act === 'slash_pool') ledger.slash(units)
    else if (act === 'charge') ledger.charge(from, units)
    else if (act === 'discharge') ledger.discharge(from, units)
    else if (act === 'slash') ledger.slash(units, from)
    else if (act === 'sweep') ledger.sweep(...several.map(index => parties[index] ?? '').sort())
    else if (act === 'transfer') ledger.transfer(from, payee, units)
    else if (act === 'wait') ledger.time += ms
    else if (decay !== undefined) ledger.legislate({ decay })
    afterEach(ledger)
  }
}

describe('conservation', () => {
  it('counts to the last unit of 10^-15 micro-ATP', () => {
    const pool = { minted: '10', pool: '3999999999999999', slashed: '1' }
    const account = (book: string) => ({ book, lots: [[0, 1]] as const })
    assert.equal(conservation(pool, [account('5000000000000000'), account('1')]), 0n)
    assert.equal(conservation(pool, [account('5000000000000000')]), 1n)
    assert.equal(conservation(pool, [account('5000000000000003')]), -2n)
  })

  it('says of the keys that one entry changed what it made or lost', () => {
    const pool = { minted: '10', pool: '4000000000000000', slashed: '1' }
    const account = (book: string) => ({ book, lots: [[0, 1]] })
    const before = new Map<string, Json>([
      ['pool', pool],
      ['account/a', account('3000000000000000')],
      ['account/b', account('2000000000000000')],
    ])
    const changed = (changes: Record<string, Json | undefined>) =>
      imbalance({ get: key => before.get(key) }, new Map(Object.entries(changes)))
    const more = (units: number) => ({ ...pool, pool: `${4_000_000_000_000_000 + units}` })
    assert.equal(changed({ time: 5 }), 0n)
    assert.equal(changed({ 'account/a': account('3000000000000001') }), 1n)
    assert.equal(changed({ 'account/a': undefined }), -3_000_000_000_000_000n)
    assert.equal(changed({ 'account/c': account('7') }), 7n, 'a new account')
    assert.equal(changed({ pool: more(2) }), 2n)
    assert.equal(changed({ pool: more(2), 'account/a': account('2999999999999998') }), 0n, 'a loss that is booked')
    assert.equal(changed({ 'account/a': undefined, 'account/b': account('5000000000000000') }), 0n, 'a payment')
    assert.equal(changed({ pool: { ...pool, minted: '11' } }), -(10n ** 15n), 'minted and put nowhere')
    assert.equal(changed({ pool: { ...more(1e15), minted: '11' } }), 0n)
    assert.equal(changed({ pool: { ...pool, slashed: '2' } }), 10n ** 15n, 'slashed and still there')
  })

  it('holds after every entry of any history', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40, size: 'max' }),
        fc.constantFrom(DAY_MS, 5 * HOUR_MS, 30 * DAY_MS),
        (steps, interval) => {
          run(steps, interval, ledger => {
            ledger.assertConserved()
            assert.ok(ledger.pool >= 0n)
            for (const { book, lots } of ledger.accounts()) {
              assert.equal(BigInt(book) > 0n, lots.length > 0)
              assert.ok(lots.every(([, principal]) => Number.isSafeInteger(principal) && principal > 0))
              assert.deepEqual(
                lots,
                [...lots].sort(([a], [b]) => a - b),
              )
            }
          })
        },
      ),
      { numRuns: 100, verbose: 1 },
    )
  })

  it('gives the same value to who looked at every step and who never did', () => {
    const waits = fc.array(fc.integer({ min: 0, max: 40 * DAY_MS }), { maxLength: 20 })
    fc.assert(
      fc.property(waits, fc.integer({ min: 1, max: 10 ** 12 }), (jumps, charged) => {
        const values = [true, false].map(looks => {
          const ledger = new Ledger()
          const holder = ledger.enrol(11)
          ledger.mint(10 ** 12)
          ledger.charge(holder, charged)
          for (const ms of jumps) {
            ledger.time += ms
            if (looks) ledger.sweep(holder)
          }
          return ledger.value(holder)
        })
        assert.equal(values[0], values[1])
      }),
      { verbose: 1 },
    )
  })
})
