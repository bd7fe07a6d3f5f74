import type { Federation } from '../src/driver/federation.ts'
import type { Issuer } from '../src/driver/issue.ts'
import type { EndedCycle, SweepCycle } from '../src/driver/sweep-history.ts'
import { Sweeper, type SweepOptions } from '../src/driver/sweeper.ts'
import { type Code, rejection } from '../src/rejection.ts'
import { fail, ok, type Result } from '../src/result.ts'
import { BOOK_ONE } from '../src/state/account.ts'
import { type EpochMs, formatAtp, type MicroAtp } from '../src/units.ts'
import { type DecayMetrics, showDecay } from './observe/decay-metrics.ts'
import type { Logger } from './observe/logger.ts'

/** Once through all accounts. Amounts are decimal ATP text, `decayed` rounded down; times and durations in ms. */
export interface CycleView {
  readonly number: number
  /** Of decay, in which it began. */
  readonly interval: number
  readonly scheduled: boolean
  /** Least unbooked loss of an account that it sweeps. */
  readonly minimum: string
  readonly began: EpochMs
  readonly duration_ms: number
  /** Accounts looked at, and those of them that entries name. */
  readonly accounts: number
  readonly swept: number
  readonly entries: number
  readonly decayed: string
}

export interface DecayView {
  readonly society: string
  readonly interval_ms: number
  /** Whether cycles begin by themselves, and what they sweep at least. */
  readonly scheduled: boolean
  readonly minimum: string
  /** `waiting`: a cycle is in work or due, and `why` it does not go on. */
  readonly state: 'idle' | 'sweeping' | 'waiting'
  readonly why?: Code
  /** When the next cycle begins by itself. */
  readonly next?: EpochMs
  /** In work. */
  readonly cycle?: CycleView
  readonly last?: CycleView & { readonly ended: EpochMs }
  /** Newest interval whose decay is in the books, and since when. */
  readonly done?: { readonly interval: number; readonly time: EpochMs }
  /** Since the society began; a restart forgets none of it. */
  readonly totals: {
    readonly cycles: number
    readonly accounts: number
    readonly swept: number
    readonly entries: number
    readonly decayed: string
    readonly errors: number
  }
  readonly error?: { readonly code: Code; readonly time: EpochMs }
}

export interface SweepRequest {
  /** Least unbooked loss of an account that is swept; default: any. */
  readonly minimum?: MicroAtp
}

export interface SweepView {
  readonly cycle: CycleView
  /** It was in work already, with its own minimum. */
  readonly joined: boolean
}

export interface DecayService {
  /** NOT_SEQUENCER: this node writes no log. */
  view(): Promise<Result<DecayView>>
  /** Begins a cycle now, or joins the one in work. Codes: NOT_SEQUENCER, and why the log may not grow. */
  sweep(request: SweepRequest): Promise<Result<SweepView>>
}

/** The decay service as the API, the log and the metrics show it. */
export class DecayDesk implements DecayService {
  readonly #node: Federation
  readonly #options: SweepOptions
  readonly #sweeper: Sweeper

  constructor(
    options: SweepOptions,
    { node, issuer, logger }: { readonly node: Federation; readonly issuer: Issuer; readonly logger: Logger },
  ) {
    this.#node = node
    this.#options = options
    const ended = (cycle: EndedCycle) => logger.info('decay swept', { ...cycleView(cycle) })
    this.#sweeper = new Sweeper(options, { node, issuer, events: { ended } })
  }

  /** Ends after the record in work. */
  stop(): Promise<void> {
    return this.#sweeper.stop()
  }

  async view(): Promise<Result<DecayView>> {
    const found = await this.#sweeper.state()
    if (found === undefined) return fail(rejection('NOT_SEQUENCER', 'this node writes no log'))
    const { history, intervalMs, next, waiting } = found
    const { cycle, done, error, last, totals } = history
    return ok({
      society: this.#node.ownSociety,
      interval_ms: intervalMs,
      scheduled: this.#options.isScheduled,
      minimum: formatAtp(this.#options.minimum),
      state: waiting !== undefined ? 'waiting' : cycle === undefined ? 'idle' : 'sweeping',
      ...(waiting === undefined ? {} : { why: waiting.code }),
      ...(next === undefined ? {} : { next }),
      ...(cycle === undefined ? {} : { cycle: cycleView(cycle) }),
      ...(last === undefined ? {} : { last: { ...cycleView(last), ended: last.ended } }),
      ...(done === undefined ? {} : { done }),
      totals: { ...totals, decayed: atpText(totals.decayed) },
      ...(error === undefined ? {} : { error }),
    })
  }

  async sweep({ minimum = 0 }: SweepRequest): Promise<Result<SweepView>> {
    const begun = await this.#sweeper.request(minimum)
    return begun.ok ? ok({ cycle: cycleView(begun.value.cycle), joined: begun.value.joined }) : begun
  }

  async show(metrics: DecayMetrics): Promise<void> {
    showDecay(metrics, this.#node.ownSociety, await this.#sweeper.state(), this.#options)
  }
}

function cycleView(cycle: SweepCycle): CycleView {
  const { accounts, began, decayed, entries, interval, minimum, number, scheduled, spent, swept } = cycle
  return {
    number,
    interval,
    scheduled,
    minimum: formatAtp(minimum),
    began,
    duration_ms: spent,
    accounts,
    swept,
    entries,
    decayed: atpText(decayed),
  }
}

/** `units`: of 10^-15 micro-ATP. */
function atpText(units: string): string {
  return formatAtp(BigInt(units) / BOOK_ONE)
}
