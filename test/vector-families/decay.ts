import assert from 'node:assert/strict'
import { type Account, bookValue, takeOldest, touch } from '../../src/state/account.ts'
import { advanceDecay, FACTOR_ONE, genesisDecay } from '../../src/state/decay.ts'
import type { DecayRates, DecayState } from '../../src/state/model.ts'
import { MONTH_MS } from '../../src/units.ts'
import type { Vector } from '../support/vector-files.ts'

interface Common extends Vector {
  readonly interval_ms: number
  readonly genesis: { readonly time: number; readonly rates: DecayRates }
}
interface TableVector extends Common {
  readonly steps: readonly { readonly time: number; readonly rates: DecayRates }[]
  readonly expect: readonly {
    k: number
    origin: number
    count: number
    factors: readonly [age: number, factor: number][]
  }[]
}
interface PaymentVector extends Common {
  readonly time: number
  readonly account: NonNullable<Account>
  readonly amount: number
  readonly loss: string
  readonly value: string
  readonly expect?: { readonly lots: unknown; readonly taken: string; readonly left: unknown }
}
export type DecayVector = TableVector | PaymentVector

export function runDecay(vector: DecayVector): void {
  if ('steps' in vector) runTable(vector)
  else runPayment(vector)
}

/** The page's own words, one origin and one interval at a time, in integers of any size: the opinion of somebody else. */
function literal(vector: TableVector): (origin: number, k: number) => bigint {
  const { genesis, interval_ms, steps } = vector
  const first = Math.floor(genesis.time / interval_ms)
  const ratesAt = (k: number): DecayRates =>
    k <= first ? genesis.rates : (steps.find(({ time }) => time >= k * interval_ms)?.rates ?? genesis.rates)
  const q = 1_000_000n * BigInt(MONTH_MS)
  return (origin, last) => {
    let left = BigInt(FACTOR_ONE)
    for (let k = origin; k < last; k++) {
      const { base_ppm, grace_ms, max_age_ms } = ratesAt(k)
      const rate = (k - origin) * interval_ms < grace_ms ? Math.floor(base_ppm / 10) : base_ppm
      left = (left * (q - BigInt(rate) * BigInt(interval_ms))) / q
      if ((k + 1 - origin) * interval_ms >= max_age_ms) left = 0n
    }
    return left
  }
}

function runTable(vector: TableVector): void {
  const { expect, genesis, id, interval_ms, steps } = vector
  const expected = literal(vector)
  let decay = genesisDecay(genesis.time, interval_ms, genesis.rates)
  assert.equal(steps.length, expect.length, id)
  for (const [index, { time, rates }] of steps.entries()) {
    decay = advanceDecay(decay, time, interval_ms, rates)
    const { count, factors, k, origin } = expect[index] as TableVector['expect'][number]
    assert.deepEqual([decay.k, decay.origin, decay.factors.length], [k, origin, count], id)
    for (const [age, factor] of factors) {
      assert.equal(decay.factors[count - 1 - age], factor, `${id}: age ${age}`)
      assert.equal(expected(k - age, k), BigInt(factor), `${id}: age ${age} by the letter`)
    }
  }
}

function runPayment(vector: PaymentVector): void {
  const { account, amount, code, expect, genesis, id, interval_ms, loss, time, value } = vector
  const start: DecayState = genesisDecay(genesis.time, interval_ms, genesis.rates)
  const decay = advanceDecay(start, time, interval_ms, genesis.rates)
  const touched = touch(account, decay, time)
  assert.equal(bookValue(account, decay).toString(), value, id)
  assert.equal(touched.loss.toString(), loss, id)
  const taken = takeOldest(touched.account, decay, amount)
  if (taken === undefined) {
    assert.equal('BALANCE_INSUFFICIENT', code, id)
    return
  }
  assert.equal(code, undefined, id)
  assert.deepEqual({ lots: taken.lots, taken: taken.taken.toString(), left: taken.account ?? null }, expect, id)
}
