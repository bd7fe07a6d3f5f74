import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { LctId } from '../../src/units.ts'
import { amount, decayLaw, interval, pause, WIDE } from '../support/decay-laws.ts'
import { Ledger } from '../support/ledger.ts'

const OWN = [11, 12, 13]
const who = fc.integer({ min: 0, max: OWN.length - 1 })

/** What happens to a holder whatever it does itself. */
type Fate = { act: 'wait'; ms: number } | { act: 'charge'; units: number } | { act: 'law'; decay: Decay }
type Decay = { base_ppm: number; grace_ms: number; max_age_ms: number }
/** What it tries in between, with all of its own accounts. */
type Try =
  | { look: number }
  | { sweep: number[] }
  | { from: number; to: number; units: number }
  | { all: number; to: number }

const tries: fc.Arbitrary<Try> = fc.oneof(
  fc.record({ look: who }),
  fc.record({ sweep: fc.uniqueArray(who, { minLength: 1 }) }),
  fc.record({ from: who, to: who, units: amount }),
  fc.record({ all: who, to: who }),
)

function lives(intervalMs: number) {
  const fate: fc.Arbitrary<Fate> = fc.oneof(
    fc.record({ act: fc.constant('wait' as const), ms: pause(intervalMs) }),
    fc.record({ act: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 3 * intervalMs }) }),
    fc.record({ act: fc.constant('charge' as const), units: amount }),
    fc.record({ act: fc.constant('law' as const), decay: decayLaw(intervalMs) }),
  )
  const step = fc.tuple(fate, fc.array(tries, { maxLength: 4 }))
  return fc.record({
    intervalMs: fc.constant(intervalMs),
    decay: decayLaw(intervalMs),
    steps: fc.array(step, { minLength: 1, maxLength: 25, size: 'max' }),
  })
}

function holder(intervalMs: number, decay: Decay): { ledger: Ledger; own: LctId[] } {
  const ledger = new Ledger({ intervalMs, law: { ...WIDE, decay } })
  const own = OWN.map(number => ledger.enrol(number))
  ledger.mint(10 ** 15)
  return { ledger, own }
}

function meet(ledger: Ledger, first: LctId, fate: Fate): void {
  if (fate.act === 'wait') ledger.time += fate.ms
  else if (fate.act === 'law') ledger.legislate({ decay: fate.decay })
  else ledger.charge(first, fate.units)
}

function attempt(ledger: Ledger, own: readonly LctId[], input: Try): void {
  const at = (index: number) => own[index] as LctId
  if ('look' in input) ledger.spendable(at(input.look))
  else if ('sweep' in input) assert.equal(ledger.sweep(...input.sweep.map(at).sort()), undefined)
  else if ('all' in input) ledger.transfer(at(input.all), at(input.to), ledger.spendable(at(input.all)))
  else ledger.transfer(at(input.from), at(input.to), input.units)
}

const worth = (ledger: Ledger, own: readonly LctId[]) => own.reduce((sum, lct) => sum + ledger.value(lct), 0n)

describe('polling', () => {
  it('changes the value of all own accounts together by nothing, to the last unit of 10^-15', () => {
    fc.assert(
      fc.property(interval.chain(lives), ({ intervalMs, decay, steps }) => {
        const [still, busy] = [holder(intervalMs, decay), holder(intervalMs, decay)]
        for (const [fate, inputs] of steps) {
          for (const { ledger, own } of [still, busy]) meet(ledger, own[0] as LctId, fate)
          for (const input of inputs) {
            attempt(busy.ledger, busy.own, input)
            assert.equal(worth(busy.ledger, busy.own), worth(still.ledger, still.own))
          }
          // What can be spent is rounded down once for each account: never more, and less by under one unit for each beyond the first.
          const spendable = busy.own.reduce((sum, lct) => sum + busy.ledger.spendable(lct), 0)
          const lost = still.ledger.spendable(still.own[0] as LctId) - spendable
          assert.ok(lost >= 0 && lost < OWN.length, `${lost}`)
        }
        const all = [...busy.own].sort()
        for (const { ledger } of [still, busy]) assert.equal(ledger.sweep(...all), undefined)
        assert.equal(busy.ledger.pool, still.ledger.pool, 'one pool, once all is booked')
        assert.deepEqual(busy.ledger.state.get('decay'), still.ledger.state.get('decay'), 'and one table')
      }),
      { numRuns: 200, verbose: 1 },
    )
  })
})
