import assert from 'node:assert/strict'
import { readState } from '../../src/state/model.ts'
import { DAY_MS, HOUR_MS, MICRO } from '../../src/units.ts'
import { EconomyScene, payment } from '../support/economy-scene.ts'
import { hashText } from '../support/identity.ts'

const UNIT = 10n ** 15n
const ATP_1000 = 1_000 * MICRO
/** What is left of one unit under the default law, in units of 10^-15. */
const AFTER = { 1: 999_833_333_333_333n, 5: 999_166_944_398_150n, 6: 999_000_416_574_083n } as const

/** 1 000 ATP of today for Ada; the pool keeps as much. */
function scene(amount = ATP_1000) {
  const economy = new EconomyScene()
  economy.mint(2 * amount)
  economy.charge(economy.ada, amount)
  return economy
}

/** [990 ATP, 360 days old] and [10 ATP of today], or the two amounts given. */
function oldAndNew(old: number, fresh: number) {
  const economy = new EconomyScene()
  economy.mint(2 * ATP_1000)
  economy.charge(economy.ada, old * MICRO)
  economy.time += 360 * DAY_MS
  economy.charge(economy.ada, fresh * MICRO)
  return economy
}

/** Each of these wins against the reference implementation: the name says how. */
describe('a cheat', () => {
  it('by an hourly look for 400 days stops no decay and outlives no maximal age', function () {
    this.timeout(60_000)
    const [watched, alone] = [scene(), scene()]
    for (let hour = 1; hour <= 400 * 24; hour++) {
      watched.time += HOUR_MS
      alone.time += HOUR_MS
      const value = alone.value(alone.ada)
      assert.equal(watched.value(watched.ada), value, `hour ${hour}`)
      assert.equal(value === 0n, hour >= 365 * 24)
      // The look of the reference writes; what writes here is a sweep.
      watched.sweep(watched.ada)
      if (hour === 30 * 24) assert.equal(watched.spendable(watched.ada), 961_239_119)
    }
    assert.equal(watched.account(watched.ada), undefined)
    assert.equal(watched.pool, BigInt(2 * ATP_1000) * UNIT)
  })

  it('by ping-pong every 23 hours, 400 hops, is worth what standing still is', () => {
    const [playing, still] = [scene(), scene()]
    let [from, to] = [playing.ada, playing.bob]
    let hops = 0
    for (let hop = 1; hop <= 400; hop++) {
      playing.time += 23 * HOUR_MS
      still.time += 23 * HOUR_MS
      const all = playing.spendable(from)
      if (all > 0) {
        assert.equal(playing.pay(from, to, all), undefined)
        hops += 1
      }
      ;[from, to] = [to, from]
      assert.equal(playing.value(playing.ada) + playing.value(playing.bob), still.value(still.ada), `hop ${hop}`)
    }
    assert.equal(still.value(still.ada), 0n)
    assert.equal(hops, Math.ceil((365 * 24) / 23) - 1, 'it ends with the 365th day')
    playing.sweep(playing.ada, playing.bob)
    assert.equal(playing.pool, BigInt(2 * ATP_1000) * UNIT, 'and everything is back in the pool')
  })

  it('by laundering old lots with a new one in one payment leaves the old ones old', () => {
    const economy = oldAndNew(990, 10)
    const { ada, bob } = economy
    const all = economy.spendable(ada)
    assert.equal(economy.pay(ada, bob, all), undefined)
    assert.deepEqual(economy.lots(bob), [
      [360, 990 * MICRO],
      [0, 10 * MICRO],
    ])
    economy.time += 5 * DAY_MS
    assert.equal(economy.value(bob), BigInt(10 * MICRO) * AFTER[5], '990 ATP reached their 365th day')
  })

  it('by merging an old lot into a payment costs an innocent payee nothing but the old lot', () => {
    const economy = oldAndNew(10, 990)
    const { ada, bob } = economy
    assert.equal(economy.pay(ada, bob, economy.spendable(ada)), undefined)
    economy.time += 6 * DAY_MS
    assert.equal(economy.value(bob), BigInt(990 * MICRO) * AFTER[6])
    assert.equal(economy.spendable(bob), 989_010_412)
    economy.sweep(bob)
    assert.deepEqual(economy.lots(bob), [[6, 990 * MICRO]])
  })

  it('by a transfer of −50 takes nothing from the payee: AMOUNT_NOT_POSITIVE', () => {
    const economy = scene()
    const { ada, bob, eve } = economy
    economy.charge(bob, 100 * MICRO)
    const before = [ada, bob, eve].map(holder => economy.value(holder))
    assert.equal(economy.pay(eve, bob, -50 * MICRO), 'AMOUNT_NOT_POSITIVE')
    assert.equal(economy.pay(ada, bob, -50 * MICRO), 'AMOUNT_NOT_POSITIVE')
    assert.deepEqual(
      [ada, bob, eve].map(holder => economy.value(holder)),
      before,
    )
  })

  it('by a sequencer clock set back brings no value back: ENTRY_TIME_BACKWARDS', () => {
    const [honest, cheating] = [scene(), scene()]
    for (const economy of [honest, cheating]) {
      economy.time += 30 * DAY_MS
      economy.sweep(economy.ada)
    }
    const { ada, bob } = cheating
    const noon = cheating.time
    for (const back of [1, HOUR_MS, 29 * DAY_MS, 30 * DAY_MS]) {
      cheating.time = noon - back
      assert.equal(cheating.pay(ada, bob, 1), 'ENTRY_TIME_BACKWARDS')
      assert.equal(cheating.do({ kind: 'atp.sweep', body: { accounts: [ada.lct] } }), 'ENTRY_TIME_BACKWARDS')
      assert.equal(cheating.spendable(ada), 961_239_119, 'nor does looking with such a clock show more')
    }
    for (const economy of [honest, cheating]) {
      economy.time = noon + DAY_MS
      economy.sweep(economy.ada)
    }
    assert.equal(cheating.account(ada)?.book, honest.account(honest.ada)?.book, 'nor is decay charged twice')
    assert.equal(cheating.pool, honest.pool)
  })

  it("by a payer's clock set back backdates no payment: STALE", () => {
    const economy = scene()
    const { ada, bob } = economy
    economy.time += 30 * DAY_MS
    const dated = (time: number) => economy.do({ ...payment(ada, bob, 1_000), time })
    assert.equal(dated(economy.time - 30 * DAY_MS), 'STALE')
    assert.equal(dated(economy.time - 300_001), 'STALE')
    assert.equal(dated(economy.time - 300_000), undefined, 'five minutes are network and clocks')
    assert.deepEqual(economy.lots(bob), [[30, 1_041]], "and it counts with the log's time, not with the record's")
  })

  it('by a payment dated ahead of a boundary does not outrun it: the time of the entry counts', () => {
    const economy = scene()
    const { ada, bob } = economy
    economy.time += 365 * DAY_MS
    const late = { ...payment(ada, bob, 1), time: economy.time - 1 }
    assert.equal(economy.do(late), 'BALANCE_INSUFFICIENT')
    assert.equal(economy.do({ ...late, entryTime: economy.time - 1 }), undefined)
  })

  it('by asking for more than there is gets nothing, and never the rest: BALANCE_INSUFFICIENT', () => {
    const economy = scene()
    const { ada, bob } = economy
    const before = economy.value(ada)
    const evidence = hashText('work')
    for (const amount of [ATP_1000 + 1, 2 * ATP_1000, Number.MAX_SAFE_INTEGER]) {
      assert.equal(economy.pay(ada, bob, amount), 'BALANCE_INSUFFICIENT')
      const discharge = { kind: 'atp.discharge', author: ada.lct, signers: [ada.key] }
      const slash = { kind: 'atp.slash', body: { account: ada.lct, amount, evidence } }
      assert.equal(economy.do({ ...discharge, body: { amount, evidence, from: ada.lct } }), 'BALANCE_INSUFFICIENT')
      assert.equal(economy.do(slash), 'BALANCE_INSUFFICIENT')
    }
    economy.time += 30 * DAY_MS
    assert.equal(economy.pay(ada, bob, 961_239_120), 'BALANCE_INSUFFICIENT', 'not what it was once worth either')
    assert.equal(economy.value(bob), 0n)
    economy.time -= 30 * DAY_MS
    assert.equal(economy.value(ada), before)
  })
})

describe('rounding', () => {
  it('does not eat 1 ATP in its grace', () => {
    const economy = scene(MICRO)
    economy.time += DAY_MS
    assert.equal(economy.value(economy.ada), BigInt(MICRO) * AFTER[1])
    assert.equal(economy.spendable(economy.ada), 999_833)
  })

  it('does not eat 1000 lots of 1 ATP, on one account or on a thousand days', () => {
    const [pieces, whole] = [new EconomyScene(), new EconomyScene()]
    for (const economy of [pieces, whole]) economy.mint(ATP_1000)
    for (let i = 0; i < 1_000; i++) pieces.charge(pieces.ada, MICRO)
    whole.charge(whole.ada, ATP_1000)
    for (const days of [1, 6, 1, 22, 334]) {
      for (const economy of [pieces, whole]) {
        economy.time += days * DAY_MS
        economy.sweep(economy.ada)
      }
      assert.equal(pieces.value(pieces.ada), whole.value(whole.ada))
      assert.equal(pieces.account(pieces.ada)?.book, whole.account(whole.ada)?.book)
    }
    assert.equal(whole.spendable(whole.ada), 550_645_997)
  })

  it('of 1 ATP on each of 300 days is done once, on their sum', () => {
    const economy = new EconomyScene()
    economy.mint(ATP_1000)
    let exact = 0n
    for (let day = 0; day < 300; day++) {
      economy.time += DAY_MS
      economy.charge(economy.ada, MICRO)
    }
    for (const [age, principal] of economy.lots(economy.ada)) {
      assert.equal(principal, MICRO)
      exact += BigInt(MICRO) * left(age)
    }
    assert.equal(economy.lots(economy.ada).length, 300)
    assert.equal(economy.value(economy.ada), exact)
    assert.equal(economy.spendable(economy.ada), Number(exact / UNIT))
  })

  it('takes at most one micro-ATP from each of a thousand payments', () => {
    const economy = scene()
    const { ada, bob } = economy
    economy.time += 30 * DAY_MS
    const before = economy.value(ada)
    for (let i = 0; i < 1_000; i++) assert.equal(economy.pay(ada, bob, 1_000), undefined)
    assert.equal(economy.value(ada) + economy.value(bob), before, 'and what one pays beyond, the other has')
    const got = economy.value(bob) - 1_000_000n * UNIT
    assert.ok(got >= 0n && got < 1_000n * UNIT)
  })
})

/** The default law by the letter, one day at a time. */
function left(age: number): bigint {
  let factor = UNIT
  for (let day = 0; day < age; day++) factor = (factor * (day < 7 ? 5_999n : 599n)) / (day < 7 ? 6_000n : 600n)
  return factor
}

describe('10^9 ATP under the default law', () => {
  const held = (days: number) => {
    const economy = scene(10 ** 9 * MICRO)
    economy.time += days * DAY_MS
    return economy
  }
  const total = 10n ** 15n

  for (const [days, micro, atp] of [
    [0, 1_000_000_000_000_000, '1000000000.00'],
    [1, 999_833_333_333_333, '999833333.33'],
    [7, 998_833_916_504_653, '998833916.50'],
    [30, 961_239_119_621_443, '961239119.62'],
    [364, 550_645_997_627_357, '550645997.63'],
  ] as const) {
    it(`are worth ${atp} ATP after ${days} days, and exactly that can be paid`, () => {
      const economy = held(days)
      const { ada, bob } = economy
      assert.equal(economy.value(ada), total * BigInt(micro))
      assert.equal((Math.round(micro / 10_000) / 100).toFixed(2), atp)
      assert.equal(economy.pay(ada, bob, micro + 1), 'BALANCE_INSUFFICIENT')
      assert.equal(economy.pay(ada, bob, micro), undefined)
      assert.equal(economy.account(bob)?.book, (total * BigInt(micro)).toString())
      assert.deepEqual(economy.account(ada)?.lots, [])
      assert.equal(economy.pool, total * UNIT + total * (UNIT - BigInt(micro)), 'the rest is in the pool')
    })
  }

  it('are worth nothing after 365 days, whether or not anybody looked before', () => {
    for (const days of [365, 366, 4_000]) {
      const economy = held(days)
      const { ada, bob } = economy
      assert.equal(economy.value(ada), 0n)
      assert.equal(economy.pay(ada, bob, 1), 'BALANCE_INSUFFICIENT')
      economy.sweep(ada)
      assert.equal(economy.account(ada), undefined)
      assert.equal(economy.pool, 2n * total * UNIT)
      assert.deepEqual(readState.pool(economy.log)?.minted, (2n * total).toString())
    }
  })

  it('live to the last millisecond before they are 365 days old', () => {
    const economy = held(365)
    economy.time -= 1
    assert.equal(economy.spendable(economy.ada), 550_645_997_627_357)
    economy.time += 1
    assert.equal(economy.spendable(economy.ada), 0)
  })
})
