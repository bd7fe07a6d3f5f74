import assert from 'node:assert/strict'
import fc from 'fast-check'
import { canonicalText, type Json } from '../../src/canonical.ts'
import { factorAt } from '../../src/state/decay.ts'
import { readState } from '../../src/state/model.ts'
import { present } from '../../src/state/present.ts'
import { DAY_MS, type LctId } from '../../src/units.ts'
import { amount, decayLaw, interval, pause, WIDE } from '../support/decay-laws.ts'
import { OTHER_SOCIETY, T0 } from '../support/entries.ts'
import { Ledger } from '../support/ledger.ts'

const PARTIES = 4
const party = fc.integer({ min: 0, max: PARTIES - 1 })

interface Step {
  act: 'transfer' | 'charge' | 'discharge' | 'slash' | 'sweep' | 'wait'
  who: number
  to: number
  units: number
  /** Instead of `units`, for what is taken off an account: blindly drawn amounts are mostly refused. */
  percent: number | undefined
  ms: number
}
const act = fc.constantFrom<Step['act'][]>(
  ...(['transfer', 'transfer', 'charge', 'charge', 'discharge', 'slash', 'sweep', 'wait', 'wait'] as const),
)

const percent = fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined })

/** Principal by origin over all accounts, of the origins that live. */
function principals(ledger: Ledger): Map<number, bigint> {
  const decay = present(readState.decay(ledger.state))
  const sums = new Map<number, bigint>()
  for (const { lots } of ledger.accounts()) {
    for (const [origin, principal] of lots) {
      if (factorAt(decay, origin) > 0n) sums.set(origin, (sums.get(origin) ?? 0n) + BigInt(principal))
    }
  }
  return sums
}

/** Principal by origin that was there before and is not any more (above 0n), or that is new (below). */
function missing(before: ReadonlyMap<number, bigint>, after: ReadonlyMap<number, bigint>): Map<number, bigint> {
  const all = new Set([...before.keys(), ...after.keys()])
  const found = [...all].map(origin => [origin, (before.get(origin) ?? 0n) - (after.get(origin) ?? 0n)] as const)
  return new Map(found.filter(([, units]) => units !== 0n))
}

/** What one entry did to the principals, by the rule of its kind. */
function judge(ledger: Ledger, parties: readonly LctId[], step: Step): void {
  const { act, who, to, percent } = step
  const [from, payee] = [parties[who] as LctId, parties[to] as LctId]
  // Books everything first, so that dead lots are gone from the table and from the accounts.
  ledger.sweep(...[...parties].sort())
  const before = principals(ledger)
  const k = present(readState.decay(ledger.state)).k
  const part = percent !== undefined && act !== 'charge'
  const units = part ? Math.floor((ledger.spendable(from) / 100) * percent) : step.units
  const held = [...(ledger.account(from)?.lots ?? [])].sort(([a], [b]) => a - b)
  if (act === 'charge') {
    const code = ledger.charge(from, units)
    assert.deepEqual(missing(before, principals(ledger)), new Map(code === undefined ? [[k, -BigInt(units)]] : []))
  } else if (act === 'discharge' || act === 'slash') {
    const code = act === 'slash' ? ledger.slash(units, from) : ledger.discharge(from, units)
    const gone = missing(before, principals(ledger))
    if (code !== undefined) assert.equal(gone.size, 0)
    // Oldest first, and of this account alone: what goes is a prefix of its lots, the last of them perhaps in part.
    const oldest = held.slice(0, gone.size)
    for (const [index, [origin, principal]] of oldest.entries()) {
      const units = gone.get(origin) ?? 0n
      assert.ok(units > 0n && units <= BigInt(principal))
      if (index < gone.size - 1) assert.equal(units, BigInt(principal))
    }
  } else {
    const own = [from, payee].map(lct => ledger.value(lct))
    if (act === 'transfer') ledger.transfer(from, payee, units)
    else ledger.sweep(from)
    assert.equal(missing(before, principals(ledger)).size, 0, 'every origin has what it had')
    if (from !== payee) {
      const now = [from, payee].map(lct => ledger.value(lct))
      assert.equal((now[0] ?? 0n) + (now[1] ?? 0n), (own[0] ?? 0n) + (own[1] ?? 0n))
    }
  }
}

describe('lineage', () => {
  it('survives every split and every merge: no unit ever gets younger, older, more or less', () => {
    const history = interval.chain(intervalMs =>
      fc.record({
        intervalMs: fc.constant(intervalMs),
        decay: decayLaw(intervalMs),
        steps: fc.array(fc.record({ act, who: party, to: party, units: amount, percent, ms: pause(intervalMs) }), {
          minLength: 1,
          maxLength: 40,
          size: 'max',
        }),
      }),
    )
    fc.assert(
      fc.property(history, ({ intervalMs, decay, steps }) => {
        const ledger = new Ledger({ intervalMs, law: { ...WIDE, decay } })
        const parties = [11, 12, 13].map(number => ledger.enrol(number))
        parties.push(ledger.enrol(20, 'ai', { foreign: 4 }, OTHER_SOCIETY))
        ledger.mint(10 ** 15)
        for (const lct of [...parties, ...parties]) {
          ledger.charge(lct, 10 ** 6)
          ledger.time += Math.floor(intervalMs / 3)
        }
        for (const step of steps) {
          if (step.act === 'wait') ledger.time += step.ms
          else judge(ledger, parties, step)
        }
        ledger.assertConserved()
      }),
      { numRuns: 200, verbose: 1 },
    )
  })

  it('is the same whether a sum goes at once or in pieces, up to one unit of the last lot for each piece', () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 4 * 10 ** 5 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(pieces, fc.integer({ min: 0, max: 20 }), (amounts, days) => {
        const sent = [amounts, [amounts.reduce((sum, units) => sum + units, 0)]].map(parts => {
          const { ledger, rich, victim } = oldLots(10 ** 6, 30)
          ledger.time += days * DAY_MS
          for (const part of parts) assert.equal(ledger.transfer(rich, victim, part), undefined)
          return ledger.value(victim)
        })
        const beyond = (sent[0] ?? 0n) - (sent[1] ?? 0n)
        assert.ok(beyond > -(10n ** 15n) && beyond < BigInt(amounts.length) * 10n ** 15n)
      }),
      { verbose: 1 },
    )
  })
})

/** Somebody with lots of `units` micro-ATP of every `everyDays` of a year, the oldest of which has its last day, and somebody with nothing. */
function oldLots(units: number, everyDays = 1) {
  const ledger = new Ledger({ law: WIDE })
  const [rich, victim] = [ledger.enrol(11), ledger.enrol(12)]
  ledger.mint(10 ** 12)
  for (let day = 0; day < 365; day += everyDays) {
    ledger.time = T0 + day * DAY_MS
    assert.equal(ledger.charge(rich, units), undefined)
  }
  return { ledger, rich, victim }
}

describe('dust', () => {
  /** Intervals in which something can have come into being that still lives, under the default law. */
  const AGES = 365

  it('grows an account by one lot for each living origin and not for each payment', () => {
    const { ledger, rich, victim } = oldLots(4)
    assert.equal(ledger.account(rich)?.lots.length, AGES)
    let payments = 0
    while (ledger.transfer(rich, victim, 1) === undefined) payments += 1
    assert.ok(payments >= 2 * AGES, `${payments} payments of a millionth`)
    assert.equal(ledger.account(victim)?.lots.length, AGES)
    const bytes = canonicalText(ledger.account(victim) as unknown as Json).length
    assert.ok(bytes < 5_000, `${bytes} bytes`)
    // However long it goes on, and from however many senders.
    for (let day = 0; day < 2 * AGES; day++) {
      ledger.time += DAY_MS
      assert.equal(ledger.charge(rich, 4), undefined)
      assert.equal(ledger.transfer(rich, victim, 1), undefined)
      assert.ok((ledger.account(victim)?.lots.length ?? 0) <= AGES)
    }
  })

  it('takes nothing from the victim and keeps nothing from being paid', () => {
    const { ledger, rich, victim } = oldLots(4)
    const other = ledger.enrol(13)
    ledger.charge(victim, 10 ** 9)
    const alone = ledger.value(victim)
    for (let i = 0; i < AGES; i++) assert.equal(ledger.transfer(rich, victim, 1), undefined)
    assert.ok(ledger.value(victim) >= alone + BigInt(AGES) * 10n ** 15n)
    assert.equal(ledger.transfer(victim, other, 10 ** 9), undefined)
    assert.ok(ledger.value(victim) < BigInt(2 * AGES) * 10n ** 15n)
    ledger.assertConserved()
  })

  it('never makes more lots than intervals fit into the maximal age, under any law', () => {
    const dusty = interval.chain(intervalMs =>
      fc.tuple(
        fc.constant(intervalMs),
        decayLaw(intervalMs, 12),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3 * intervalMs }), fc.integer({ min: 1, max: 5 })), {
          minLength: 20,
          maxLength: 40,
          size: 'max',
        }),
      ),
    )
    fc.assert(
      fc.property(dusty, ([intervalMs, decay, steps]) => {
        const ledger = new Ledger({ intervalMs, law: { ...WIDE, decay } })
        const [sender, victim] = [ledger.enrol(11), ledger.enrol(12)]
        ledger.mint(10 ** 12)
        for (const [ms, units] of steps) {
          ledger.time += ms
          ledger.charge(sender, units)
          ledger.transfer(sender, victim, units)
          const bound = Math.ceil(decay.max_age_ms / intervalMs)
          assert.ok((ledger.account(victim)?.lots.length ?? 0) <= bound)
          assert.ok(present(readState.decay(ledger.state)).factors.length <= bound)
        }
      }),
      { verbose: 1 },
    )
  })
})
