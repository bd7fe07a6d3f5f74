import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readState } from '../../src/state/model.ts'
import { present } from '../../src/state/present.ts'
import { DAY_MS } from '../../src/units.ts'
import { decayLaw, interval, pause, WIDE } from '../support/decay-laws.ts'
import { T0 } from '../support/entries.ts'
import { Ledger } from '../support/ledger.ts'

/** A life without entries of its own: time, and laws that change. */
const fate = interval.chain(intervalMs =>
  fc.record({
    intervalMs: fc.constant(intervalMs),
    decay: decayLaw(intervalMs),
    charges: fc.array(fc.tuple(pause(intervalMs), fc.integer({ min: 1, max: 10 ** 12 })), {
      minLength: 1,
      maxLength: 5,
    }),
    steps: fc.array(fc.tuple(pause(intervalMs), fc.option(decayLaw(intervalMs), { nil: undefined })), {
      minLength: 1,
      maxLength: 15,
    }),
  }),
)

describe('time', () => {
  it('never adds value, under any law and any change of law', () => {
    fc.assert(
      fc.property(fate, ({ intervalMs, decay, charges, steps }) => {
        const ledger = new Ledger({ intervalMs, law: { ...WIDE, decay } })
        const [holder, other] = [ledger.enrol(11), ledger.enrol(12)]
        ledger.mint(10 ** 14)
        for (const [ms, units] of charges) {
          ledger.time += ms
          ledger.charge(holder, units)
        }
        let before = ledger.value(holder)
        for (const [ms, law] of steps) {
          if (law !== undefined) ledger.legislate({ decay: law })
          assert.equal(ledger.value(holder), before, 'a law changes nothing at once')
          ledger.time += ms
          const value = ledger.value(holder)
          assert.ok(value <= before)
          ledger.charge(other, 1)
          assert.equal(ledger.value(holder), value, 'nor does what others do')
          before = value
        }
      }),
      { numRuns: 200, verbose: 1 },
    )
  })

  it('never leaves an older unit more than a younger one', () => {
    fc.assert(
      fc.property(fate, ({ intervalMs, decay, steps }) => {
        const ledger = new Ledger({ intervalMs, law: { ...WIDE, decay } })
        for (const [ms, law] of steps) {
          ledger.time += ms
          if (law !== undefined) ledger.legislate({ decay: law })
          ledger.mint(1)
          const { factors } = present(readState.decay(ledger.state))
          assert.deepEqual(
            factors,
            [...factors].sort((a, b) => a - b),
          )
        }
      }),
      { numRuns: 200, verbose: 1 },
    )
  })

  it('brings a change of law into force from its entry on, and no value changes with it', () => {
    const ledger = new Ledger({ law: WIDE })
    const holder = ledger.enrol(11)
    ledger.mint(10 ** 9)
    ledger.charge(holder, 10 ** 9)
    ledger.time = T0 + 20 * DAY_MS
    const before = ledger.value(holder)
    ledger.legislate({ decay: { base_ppm: 1_000_000, grace_ms: 0, max_age_ms: 30 * DAY_MS } })
    assert.equal(ledger.value(holder), before)
    ledger.time += DAY_MS - 1
    assert.equal(ledger.value(holder), before)
    // The interval of the law.update is still that of the law before it.
    ledger.time += 1
    assert.equal(ledger.value(holder), 10n ** 9n * (((before / 10n ** 9n) * 599n) / 600n))
    assert.equal(ledger.mint(1), undefined, 'the first entry of the first interval of the new law')
    ledger.time += DAY_MS
    assert.equal(ledger.value(holder), 10n ** 9n * (((((before / 10n ** 9n) * 599n) / 600n) * 29n) / 30n))
    ledger.time = T0 + 30 * DAY_MS
    assert.equal(ledger.value(holder), 0n)
  })
})
