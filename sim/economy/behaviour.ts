import type { DecayRates } from '../../src/state/model.ts'
import { DAY_MS, type MicroAtp, MONTH_MS } from '../../src/units.ts'
import type { Prng } from '../prng.ts'

/**
 * Who pays, who is paid, when and how much: the only part of the simulation that is a model (docs/tuning.md). Draws come
 * from a seed and are the same in number and order under every law, so that laws are compared on the same days with the same
 * luck. Arithmetic is limited to what IEEE 754 rounds exactly, so a seed gives the same run on every machine.
 */
export interface Agent {
  /** Part of its holdings that it pays out in 30 days when holding costs nothing; above 1 where money passes through. */
  readonly propensity: number
  /** It pays on day `first` and then each time so many days have passed. */
  readonly first: number
  readonly every: number
  /** Shares in what is charged again. */
  readonly works: boolean
}

/** Propensities are drawn evenly from these bounds. Traders are a part of those that do not hoard. */
const HOARDER = [0.02, 0.15] as const
const HOLDER = [0.4, 1.2] as const
const TRADER = [2, 4] as const
const TRADERS = 0.25
const WORKERS = 0.5
/** Who pays out more of its holdings pays more often: up to this propensity once in so many days, above all of them once in two. */
const RHYTHMS = [
  [0.25, 30],
  [1.5, 15],
  [5, 6],
] as const
const RHYTHM_MIN = 2
/** Payments and incomes are this part of what is usual, at least; at most twice as much less that. */
const LUCK_MIN = 0.5
/** Who earns little is paid once a month, on a day that is drawn; who earns more, so often that no day pays him a larger part of all. */
const ROUND_DAYS_MAX = 30
const DAY_PART_MAX = 0.05

const MONTH_DAYS = MONTH_MS / DAY_MS

/** `measured`: velocities of real accounts, which take the place of a drawn propensity; `hoarders`: part of the others. */
export function drawAgents(measured: readonly (number | undefined)[], hoarders: number, prng: Prng): Agent[] {
  return measured.map(velocity => {
    // Drawn in any case: a measured account more or less does not change the others.
    const [kind, level, start, work] = [unit(prng), unit(prng), unit(prng), unit(prng)]
    const [low, high] = kind < hoarders ? HOARDER : kind < hoarders + (1 - hoarders) * TRADERS ? TRADER : HOLDER
    const propensity = velocity ?? low + (high - low) * level
    const every = RHYTHMS.find(([most]) => propensity <= most)?.[1] ?? RHYTHM_MIN
    return { propensity, every, first: Math.floor(start * every), works: work < WORKERS }
  })
}

export interface MarketDay {
  /** Who pays which part of what it holds, 0 to 1. */
  readonly payers: readonly { readonly index: number; readonly share: number }[]
  /** Who is paid which part of all that is paid; the parts are 1 together. Nobody of the payers. */
  readonly payees: readonly { readonly index: number; readonly share: number }[]
}

/** The payments of one run, day by day. */
export class Behaviour {
  readonly #agents: readonly Agent[]
  /** What each agent usually earns in a day, in a unit that all of them share. */
  readonly #weights: readonly number[]
  /** Days between two incomes. */
  readonly #rounds: readonly number[]
  /** When each agent is paid again, and when it was last. */
  readonly #due: number[]
  readonly #paid: number[]
  readonly #eagerness: number
  readonly #prng: Prng

  /**
   * `values`: what each agent holds at the start, micro-ATP. Its usual income is what it usually pays: if nothing decayed, the
   * distribution at the start would last, so what changes is the law's doing. `elasticity`: for each percent that holding
   * costs in 30 days (the law's base rate), propensities are so many percent higher.
   */
  constructor(
    agents: readonly Agent[],
    values: readonly MicroAtp[],
    { elasticity, prng, rates }: { readonly elasticity: number; readonly prng: Prng; readonly rates: DecayRates },
  ) {
    this.#agents = agents
    // One micro-ATP more: somebody can always be paid.
    this.#weights = agents.map(({ propensity }, index) => propensity * (values[index] ?? 0) + 1)
    const most = DAY_PART_MAX * this.#weights.reduce((sum, weight) => sum + weight, 0)
    this.#rounds = this.#weights.map(weight => Math.min(ROUND_DAYS_MAX, Math.max(1, Math.floor(most / weight))))
    this.#due = this.#rounds.map(round => prng.below(round))
    this.#paid = this.#due.map((due, index) => due - (this.#rounds[index] ?? 1))
    this.#eagerness = 1 + (elasticity * rates.base_ppm) / 1_000_000
    this.#prng = prng
  }

  /** One call for each day, from 0 on. */
  on(day: number): MarketDay {
    const payers: { index: number; share: number }[] = []
    const others: number[] = []
    for (const [index, { every, first, propensity }] of this.#agents.entries()) {
      if (day % every !== first) others.push(index)
      else
        payers.push({ index, share: Math.min(1, propensity * this.#eagerness * (every / MONTH_DAYS) * this.#luck()) })
    }
    const due = others.filter(index => day >= (this.#due[index] ?? 0))
    // In a small society nobody may be due: whoever is there is paid then.
    return { payers, payees: this.#divided(due.length > 0 ? due : others, day) }
  }

  /** Parts of a day's income. */
  #divided(payees: readonly number[], day: number): { readonly index: number; readonly share: number }[] {
    const earned = payees.map(index => this.#earned(index, day) * this.#luck())
    const sum = earned.reduce((total, each) => total + each, 0)
    const parts = payees.map((index, place) => ({ index, share: (earned[place] ?? 0) / sum }))
    // The oldest money goes to those that are paid first: somebody else each day.
    const turn = this.#prng.below(Math.max(1, parts.length))
    return [...parts.slice(turn), ...parts.slice(0, turn)]
  }

  /** What has come together since the last income; then the next round begins. */
  #earned(index: number, day: number): number {
    const round = this.#rounds[index] ?? 1
    const days = day - (this.#paid[index] ?? 0)
    this.#paid[index] = day
    this.#due[index] = (Math.floor(day / round) + 1) * round + this.#prng.below(round)
    return days * (this.#weights[index] ?? 0)
  }

  #luck(): number {
    return LUCK_MIN + unit(this.#prng) * 2 * (1 - LUCK_MIN)
  }
}

/** 53 bits, from 0, below 1. */
function unit(prng: Prng): number {
  return (prng.uint32() * 2 ** 21 + (prng.uint32() >>> 11)) / 2 ** 53
}
