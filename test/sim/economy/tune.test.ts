import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Behaviour, drawAgents } from '../../../sim/economy/behaviour.ts'
import { gini } from '../../../sim/economy/measures.ts'
import { type Population, syntheticPopulation } from '../../../sim/economy/population.ts'
import { startOf, type Trial, tryLaw } from '../../../sim/economy/tune.ts'
import { Prng } from '../../../sim/prng.ts'
import { DECAY_PRESETS } from '../../../src/records/law.ts'
import { DAY_MS, HOUR_MS, MICRO, MONTH_MS } from '../../../src/units.ts'

const rates = (base_ppm: number) => ({ base_ppm, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS })
const law = (base_ppm: number) => ({ name: String(base_ppm), rates: rates(base_ppm) })
const presets = Object.values(DECAY_PRESETS)

function trial(changes: Partial<Trial> = {}): Trial {
  const seed = changes.seed ?? 7
  const population = syntheticPopulation(40, DAY_MS, seed)
  return { population, months: 3, seed, minimumVelocity: 0.5, elasticity: 0, hoarders: 0.2, ...changes }
}

/** The same holdings, all charged today: nothing reaches 365 days within a year of twelve months. */
function young(population: Population): Population {
  const holdings = population.holdings.map(({ lots }) => ({
    lots: [[0, lots.reduce((sum, [, principal]) => sum + principal, 0)]] as const,
  }))
  return { ...population, holdings }
}

const decayedIn = async (base_ppm: number, options: Trial) => Number((await tryLaw(law(base_ppm), options)).decayed)

describe('tuning of a law', function () {
  this.timeout(60_000)

  it('a run is a function of its arguments, and its figures are the same on every machine', async () => {
    const first = await tryLaw(law(50_000), trial({ elasticity: 2 }))
    assert.equal(JSON.stringify(await tryLaw(law(50_000), trial({ elasticity: 2 }))), JSON.stringify(first))
    const { by_month, ...all } = first
    assert.deepEqual(all, {
      name: '50000',
      law: { base_ppm: 50_000, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS, interval_ms: DAY_MS },
      velocity: 1.293038,
      gini: 0.448844,
      decayed: '3435.392846',
      decayed_share: 0.121548,
      expired: '2066.000884',
      below_minimum: 0.275,
      money: '30670.700557',
    })
    assert.equal(by_month.length, 3)
    assert.notDeepEqual(await tryLaw(law(50_000), trial({ elasticity: 2, seed: 8 })), first)
  })

  it('without decay the pool gets nothing, until the maximal age is reached', async () => {
    const population = young(trial().population)
    const months = 12
    const none = await tryLaw(law(0), trial({ population, months }))
    assert.deepEqual([none.decayed, none.expired, none.decayed_share], ['0', '0', 0])
    assert.ok(none.velocity > 0)
    const [twelve, thirteenth] = [none.by_month, (await tryLaw(law(0), trial({ population, months: 13 }))).by_month[12]]
    assert.ok(twelve.every(({ decayed }) => decayed === '0'))
    // All of it is 365 days old on one day.
    const { money } = startOf(population)
    assert.deepEqual([thirteenth?.decayed, thirteenth?.expired], [money, money])
    assert.equal(none.money, money)
  })

  it('a higher rate brings the pool more, when nobody reacts', async () => {
    const population = young(trial().population)
    const incomes: number[] = []
    for (const base_ppm of presets) incomes.push(await decayedIn(base_ppm, trial({ population, months: 6 })))
    assert.deepEqual(
      incomes,
      incomes.toSorted((a, b) => a - b),
    )
    assert.equal(new Set(incomes).size, presets.length)
    const pair = fc.record({
      low: fc.integer({ min: 0, max: 400_000 }),
      more: fc.integer({ min: 100, max: 100_000 }),
      seed: fc.nat(),
    })
    await fc.assert(
      fc.asyncProperty(pair, async ({ low, more, seed }) => {
        const options = trial({ seed, population: young(syntheticPopulation(10, DAY_MS, seed)), months: 2 })
        assert.ok((await decayedIn(low + more, options)) > (await decayedIn(low, options)))
      }),
      { numRuns: 25 },
    )
  })

  it('money moves faster where people react to a law that takes more, and exactly as fast where it takes nothing', async () => {
    const velocity = async (base_ppm: number, elasticity: number) =>
      (await tryLaw(law(base_ppm), trial({ elasticity }))).velocity
    assert.equal(await velocity(0, 5), await velocity(0, 0))
    assert.ok((await velocity(100_000, 5)) > 1.2 * (await velocity(100_000, 0)))
  })

  it('the stock of money stays: what decayed is on accounts again, but for less than a micro-ATP each', async () => {
    const options = trial({ months: 5 })
    const { money: before } = startOf(options.population)
    for (const base_ppm of presets) {
      const { money } = await tryLaw(law(base_ppm), options)
      const lost = Math.round((Number(before) - Number(money)) * MICRO)
      assert.ok(lost >= 0 && lost <= options.population.holdings.length, String(lost))
    }
  })

  it('holdings of a ledger keep their pace: who never paid out does not', async () => {
    const { population } = trial()
    const holdings = population.holdings.map((holding, index) => ({ ...holding, velocity: index === 0 ? 1 : 0 }))
    const moving = await tryLaw(law(0), trial({ population: { ...population, holdings } }))
    // Each month one of forty moves.
    assert.equal(moving.below_minimum, 39 / 40)
    const still = { ...population, holdings: holdings.map(holding => ({ ...holding, velocity: 0 })) }
    const { below_minimum, velocity } = await tryLaw(law(0), trial({ population: still }))
    assert.deepEqual([velocity, below_minimum], [0, 1])
  })

  it('two accounts are enough, and any interval', async () => {
    for (const interval_ms of [HOUR_MS, 7 * HOUR_MS + 1, MONTH_MS]) {
      const population = syntheticPopulation(2, interval_ms, 1)
      const { law: used, velocity } = await tryLaw(law(50_000), trial({ population, hoarders: 0 }))
      assert.equal(used.interval_ms, interval_ms)
      assert.ok(velocity > 0)
    }
  })
})

describe('behaviour in a tuning run', () => {
  const COUNT = 500
  const { holdings } = syntheticPopulation(COUNT, DAY_MS, 3)
  const values = holdings.map(({ lots }) => lots.reduce((sum, [, principal]) => sum + principal, 0))

  function year(base_ppm: number, elasticity: number) {
    const prng = new Prng(3)
    const agents = drawAgents(
      holdings.map(() => undefined),
      0.2,
      prng,
    )
    const behaviour = new Behaviour(agents, values, { elasticity, prng, rates: rates(base_ppm) })
    return Array.from({ length: 360 }, (_, day) => behaviour.on(day))
  }

  it('is drawn alike under every law; only how much is spent follows the law', () => {
    const calm = year(0, 2)
    // Day by day: a difference of a whole year would fill the screen.
    for (const [day, drawn] of year(200_000, 0).entries()) assert.deepEqual(drawn, calm[day])
    const eager = year(200_000, 2)
    for (const [day, { payees, payers }] of eager.entries()) {
      assert.deepEqual(payees, calm[day]?.payees)
      for (const [index, { index: payer, share }] of payers.entries()) {
        const usual = calm[day]?.payers[index]
        assert.equal(payer, usual?.index)
        // 2 percent more for each of 20 percent.
        const expected = Math.min(1, (usual?.share ?? 0) * 1.4)
        assert.ok((usual?.share ?? 0) === 1 || Math.abs(share - expected) < 1e-12)
      }
    }
  })

  it('divides all that is paid, among others than the payers', () => {
    for (const { payees, payers } of year(50_000, 2)) {
      const sum = payees.reduce((total, { share }) => total + share, 0)
      assert.ok(Math.abs(sum - 1) < 1e-9)
      assert.ok(payers.every(({ share }) => share >= 0 && share <= 1))
      const paying = new Set(payers.map(({ index }) => index))
      assert.ok(payees.every(({ index }) => !paying.has(index)))
    }
  })

  it('pays rich and poor as much as they spend, so that without decay the distribution lasts', () => {
    const [spent, earned] = [values.map(() => 0), values.map(() => 0)]
    for (const { payees, payers } of year(0, 0)) {
      let paid = 0
      for (const { index, share } of payers) {
        const amount = (values[index] ?? 0) * share
        spent[index] = (spent[index] ?? 0) + amount
        paid += amount
      }
      for (const { index, share } of payees) earned[index] = (earned[index] ?? 0) + paid * share
    }
    const byWealth = [...values.keys()].sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0))
    const sum = (of: readonly number[], from: number, to: number) =>
      byWealth.slice(from * COUNT, to * COUNT).reduce((total, index) => total + (of[index] ?? 0), 0)
    for (const [from, to] of [
      [0, 0.5],
      [0.5, 0.9],
      [0.9, 0.99],
      [0.99, 1],
    ] as const) {
      const part = sum(earned, from, to) / sum(spent, from, to)
      assert.ok(part > 0.9 && part < 1.1, `${from} to ${to}: ${part}`)
    }
  })

  it('has hoarders, and none of them where none are asked for', () => {
    const slow = (hoarders: number) =>
      drawAgents(Array(2_000).fill(undefined), hoarders, new Prng(1)).filter(({ propensity }) => propensity < 0.4)
    assert.equal(slow(0).length, 0)
    assert.equal(slow(1).length, 2_000)
    const part = slow(0.3).length / 2_000
    assert.ok(part > 0.27 && part < 0.33, String(part))
  })
})

describe('a synthetic population', () => {
  it('is Pareto with a Gini of 0.6, older by the month, and drawn by its seed alone', () => {
    const { factors, holdings, interval_ms } = syntheticPopulation(20_000, DAY_MS, 5)
    const amounts = holdings.map(({ lots }) => lots.reduce((sum, [, principal]) => sum + principal, 0))
    assert.ok(Math.abs(gini(amounts) - 0.6) < 0.03, String(gini(amounts)))
    assert.equal(
      amounts.reduce((least, amount) => Math.min(least, amount)),
      250_004_687,
    )
    assert.deepEqual([interval_ms, factors.length], [DAY_MS, 331])
    const ages = new Set(holdings.flatMap(({ lots }) => lots.map(([age]) => age)))
    assert.deepEqual(
      [...ages].sort((a, b) => a - b),
      Array.from({ length: 12 }, (_, month) => 30 * month),
    )
    assert.deepEqual(syntheticPopulation(50, DAY_MS, 9), syntheticPopulation(50, DAY_MS, 9))
    const other = syntheticPopulation(50, DAY_MS, 10)
    assert.notDeepEqual(syntheticPopulation(50, DAY_MS, 9), other)
    assert.equal(startOf(other).gini, startOf(syntheticPopulation(50, DAY_MS, 9)).gini)
  })
})
