import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BOOK_ONE, meanHolding } from '../../src/state/account.ts'
import { circulating } from '../../src/state/books.ts'
import { readState } from '../../src/state/model.ts'
import { present } from '../../src/state/present.ts'
import { advanceFlow, openFlow, velocities } from '../../src/state/velocity.ts'
import { DAY_MS, HOUR_MS, type LctId, MICRO, MONTH_MS } from '../../src/units.ts'
import { amount, decayLaw, pause, WIDE } from '../support/decay-laws.ts'
import { T0 } from '../support/entries.ts'
import { W0, Windows } from '../support/flow-windows.ts'
import { Ledger } from '../support/ledger.ts'

const NO_DECAY = { base_ppm: 0, grace_ms: 0, max_age_ms: 10_000 * DAY_MS }

/** What an account's flow says now, with the decay since its last touch taken as even. */
function velocityOf(ledger: Ledger, lct: LctId) {
  const { book, flow } = present(ledger.account(lct))
  return velocities(flow, ledger.time, meanHolding(BigInt(book), ledger.value(lct)))
}

/** Ada holds 1 000 ATP since the first moment of a window, under a law without decay. */
function steady() {
  const ledger = new Ledger({ time: W0, law: { ...WIDE, decay: NO_DECAY } })
  const [ada, bob] = [ledger.enrol(11), ledger.enrol(12)]
  ledger.mint(10_000 * MICRO)
  ledger.charge(ada, 1_000 * MICRO)
  return { ledger, ada, bob }
}
const outOf = (ledger: Ledger, lct: LctId) => ledger.account(lct)?.flow.out
const societyFlow = (ledger: Ledger) => present(readState.flow(ledger.state))

describe('velocity of an account', () => {
  it('counts what its holder pays and discharges, for the payer alone', () => {
    const { ledger, ada, bob } = steady()
    ledger.time += DAY_MS
    assert.equal(ledger.transfer(ada, bob, 30 * MICRO), undefined)
    assert.deepEqual([outOf(ledger, ada), outOf(ledger, bob)], ['30000000', '0'])
    assert.equal(ledger.discharge(ada, 12 * MICRO), undefined)
    assert.equal(ledger.transfer(bob, ada, 5 * MICRO), undefined)
    assert.deepEqual([outOf(ledger, ada), outOf(ledger, bob)], ['42000000', '5000000'])
    assert.equal(societyFlow(ledger).out, '47000000')
  })

  it('counts no charge, slash, sweep, decay, and nothing that was refused', () => {
    const ledger = new Ledger({ time: W0, law: WIDE })
    const [ada, bob] = [ledger.enrol(11), ledger.enrol(12)]
    ledger.mint(1_000)
    ledger.charge(ada, 500)
    ledger.time += 20 * DAY_MS
    assert.equal(ledger.sweep(ada), undefined)
    assert.equal(ledger.slash(10, ada), undefined)
    assert.equal(ledger.slash(10), undefined)
    assert.equal(ledger.charge(ada, 5), undefined)
    assert.equal(ledger.transfer(ada, bob, 10_000), 'BALANCE_INSUFFICIENT')
    assert.equal(outOf(ledger, ada), '0')
    assert.equal(societyFlow(ledger).out, '0')
  })

  it('counts the amount, not what the last unit takes beyond it', () => {
    const ledger = new Ledger({ time: W0, law: WIDE })
    const [ada, bob] = [ledger.enrol(11), ledger.enrol(12)]
    ledger.mint(1_000)
    ledger.charge(ada, 500)
    ledger.time += DAY_MS
    ledger.transfer(ada, bob, 1)
    assert.deepEqual(ledger.account(bob)?.lots, [[W0 / DAY_MS, 2]])
    assert.equal(outOf(ledger, ada), '1')
  })

  it('is outflow over average holdings', () => {
    const { ledger, ada, bob } = steady()
    ledger.time = W0 + 10 * DAY_MS
    ledger.transfer(ada, bob, 400 * MICRO)
    ledger.time = W0 + 20 * DAY_MS
    // 10 d of 1000 and 10 d of 600: 800 on average, of which 400 left in two thirds of a window.
    assert.deepEqual(velocityOf(ledger, ada).now, {
      window: 682,
      elapsed: 2 / 3,
      out: BigInt(400 * MICRO),
      held: BigInt(800 * MICRO),
      perMonth: 0.75,
    })
    assert.equal(velocityOf(ledger, bob).now.perMonth, 0)
  })

  it('stays with an account that was emptied, and ends with its second window', () => {
    const { ledger, ada, bob } = steady()
    ledger.time = W0 + 15 * DAY_MS
    assert.equal(ledger.transfer(ada, bob, 1_000 * MICRO), undefined)
    assert.deepEqual(ledger.account(ada)?.lots, [])
    assert.equal(ledger.account(ada)?.book, '0')
    ledger.time = W0 + 45 * DAY_MS
    assert.equal(velocityOf(ledger, ada).last.perMonth, 2)
    assert.equal(ledger.transfer(ada, bob, 1), 'BALANCE_INSUFFICIENT')
    assert.equal(ledger.sweep(ada), undefined, 'being empty is no reason to refuse')
    // What it receives in the window after next opens a new history.
    ledger.time = W0 + 2 * MONTH_MS
    assert.equal(ledger.transfer(bob, ada, 5), undefined)
    assert.deepEqual(ledger.account(ada)?.flow, openFlow(ledger.time))
  })

  it('goes with an account that died without ever paying', () => {
    const ledger = new Ledger({ time: W0, law: WIDE })
    const ada = ledger.enrol(11)
    ledger.mint(10)
    ledger.charge(ada, 10)
    ledger.time += 365 * DAY_MS
    ledger.sweep(ada)
    assert.equal(ledger.account(ada), undefined)
  })

  it('goes with an account that was slashed empty', () => {
    const { ledger, ada } = steady()
    assert.equal(ledger.slash(1_000 * MICRO, ada), undefined)
    assert.equal(ledger.account(ada), undefined)
  })
})

describe('velocity and polling', () => {
  it('have nothing to do with each other where nothing decays', () => {
    const polls = fc.array(fc.integer({ min: 0, max: 20 * DAY_MS }), { maxLength: 15 })
    fc.assert(
      fc.property(polls, fc.integer({ min: 1, max: 1_000 * MICRO }), (pauses, units) => {
        const found = [true, false].map(looks => {
          const { ledger, ada, bob } = steady()
          for (const ms of pauses) {
            ledger.time += ms
            if (looks) assert.equal(ledger.sweep(ada), undefined)
          }
          ledger.transfer(ada, bob, units)
          return [velocityOf(ledger, ada), velocityOf(ledger, bob), societyFlow(ledger)]
        })
        assert.deepEqual(found[0], found[1])
      }),
      { verbose: 1 },
    )
  })

  it('differ by at most half of what decayed between two touches, in each window', () => {
    const polls = fc.array(fc.integer({ min: 1, max: 50 * DAY_MS }), { minLength: 1, maxLength: 10 })
    fc.assert(
      fc.property(polls, decayLaw(DAY_MS, 200), (pauses, decay) => {
        const start = W0 + 7 * HOUR_MS
        const found = [true, false].map(looks => {
          const ledger = new Ledger({ time: start, law: { ...WIDE, decay } })
          const ada = ledger.enrol(11)
          ledger.mint(10 ** 12)
          ledger.charge(ada, 10 ** 12)
          for (const ms of pauses) {
            ledger.time += ms
            if (looks) ledger.sweep(ada)
          }
          const left = ledger.value(ada)
          // Nothing ever left it, so a dead account has no history to compare.
          return { left, at: left === 0n ? undefined : velocityOf(ledger, ada), end: ledger.time }
        })
        const [busy, still] = [found[0], found[1]]
        assert.equal(busy?.left, still?.left)
        if (busy?.at === undefined || still?.at === undefined) return
        const half = (10n ** 12n * BOOK_ONE - busy.left) / (2n * BOOK_ONE) + 2n
        for (const name of ['now', 'last'] as const) {
          const apart = busy.at[name].held - still.at[name].held
          assert.ok(apart <= half && apart >= -half, `${name}: ${apart}, half ${half}`)
        }
      }),
      { verbose: 1 },
    )
  })

  it('differ by four thousandths under the default law, from a charge to the end of the window', () => {
    const [busy, still] = [1, 30].map(step => {
      const ledger = new Ledger({ time: W0, law: WIDE })
      const [ada, bob] = [ledger.enrol(11), ledger.enrol(12)]
      ledger.mint(10 ** 12)
      ledger.charge(ada, 10 ** 12)
      for (let day = step; day <= 30; day += step) {
        ledger.time = W0 + day * DAY_MS
        ledger.sweep(ada)
      }
      ledger.transfer(ada, bob, 1)
      return velocityOf(ledger, ada).last.held
    })
    assert.deepEqual([busy, still], [984_466_622_059n, 980_619_559_810n])
  })
})

describe('velocity of a society', () => {
  const act = fc.record({
    act: fc.constantFrom('transfer', 'discharge', 'charge', 'slash', 'sweep', 'wait', 'wait'),
    who: fc.integer({ min: 0, max: 2 }),
    to: fc.integer({ min: 0, max: 2 }),
    units: amount,
    ms: fc.oneof(pause(DAY_MS), fc.integer({ min: 0, max: 3 * MONTH_MS })),
  })

  it('is the integral of what its books say is on accounts, and all that holders spent', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 40, size: 'max' }), decayLaw(DAY_MS), (acts, decay) => {
        const ledger = new Ledger({ time: W0 + 5, law: { ...WIDE, decay } })
        const people = [11, 12, 13].map(number => ledger.enrol(number))
        ledger.mint(10 ** 15)
        const exact = new Windows()
        const booked = () => circulating(present(readState.pool(ledger.state))) / BOOK_ONE
        for (const { act, who, to, units, ms } of acts) {
          const [from, payee] = [people[who] as LctId, people[to] as LctId]
          if (act === 'wait') {
            exact.hold(ledger.time, ledger.time + ms, booked())
            ledger.time += ms
          } else if (act === 'charge') ledger.charge(from, units)
          else if (act === 'slash') ledger.slash(units, from)
          else if (act === 'sweep') ledger.sweep(from)
          else {
            const code = act === 'transfer' ? ledger.transfer(from, payee, units) : ledger.discharge(from, units)
            if (code === undefined) exact.spend(ledger.time, BigInt(units))
          }
        }
        exact.assertFlow(advanceFlow(societyFlow(ledger), ledger.time, booked()))
      }),
      { numRuns: 200, verbose: 1 },
    )
  })

  it('begins with the charter', () => {
    assert.deepEqual(societyFlow(new Ledger({ time: T0 })), openFlow(T0))
  })
})
