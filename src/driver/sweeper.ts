import { SWEEP_ACCOUNTS_MAX } from '../limits.ts'
import { type Code, CodedError, isTransient, type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { bookOf } from '../state/account.ts'
import { projectDecay } from '../state/decay.ts'
import { type DecayState, stateKeys } from '../state/model.ts'
import { type EpochMs, HOUR_MS, type MicroAtp, SECOND_MS } from '../units.ts'
import { BackOff } from './back-off.ts'
import type { Federation } from './federation.ts'
import type { Issuer } from './issue.ts'
import type { InForce, Replica } from './replica.ts'
import {
  type EndedCycle,
  ended,
  failed,
  newCycle,
  type SweepCycle,
  type SweepHistory,
  withPage,
} from './sweep-history.ts'
import { SweepMemory } from './sweep-memory.ts'
import { readSweepPage, type SweepLimits, type SweepPage } from './sweep-page.ts'
import { dueAt } from './sweep-schedule.ts'

export interface SweepOptions {
  /** Whether cycles begin by themselves, one for each interval of decay. */
  readonly isScheduled: boolean
  /** Least unbooked loss of an account that such a cycle sweeps. */
  readonly minimum: MicroAtp
  readonly limits?: SweepLimits
}

export interface SweeperEvents {
  ended(cycle: EndedCycle): void
}

export interface SweeperState {
  readonly history: SweepHistory
  /** Of decay. */
  readonly intervalMs: number
  /** Why the cycle in work, or the one that is due, does not go on. */
  readonly waiting?: Rejection
  /** When the next cycle begins by itself; absent: never. */
  readonly next?: EpochMs
}

/** 1 024 accounts are read in some 20 ms; 50 000 lots are some 600 KB of state. */
const LIMITS: SweepLimits = { read: 1_024, named: SWEEP_ACCOUNTS_MAX, lots: 50_000 }
/** A timer cannot be as long as an interval, and the clock may be set meanwhile. */
const WAKE_MS = HOUR_MS
/** Until something is tried again. */
const RETRY = { firstMs: SECOND_MS, lastMs: 300 * SECOND_MS } as const
/** By their class they pass; a sweep that meets them is broken all the same. */
const FAULTS: ReadonlySet<Code> = new Set<Code>(['CONSERVATION', 'INTERNAL'])

/** What a sweep needs of the own log, once it has a charter. */
interface Own {
  readonly replica: Replica
  readonly inForce: InForce
}

/**
 * Brings decay into the books of the own log: once for each interval of decay, and when an operator asks. A cycle goes over all
 * accounts in the order of their keys, a page at a time, and names those whose unbooked loss is worth it in an atp.sweep. After
 * each page its place is written down: a cycle that is cut off goes on from there, and a page done twice books nothing twice.
 */
export class Sweeper {
  readonly #node: Federation
  readonly #issuer: Issuer
  readonly #options: SweepOptions
  readonly #events: SweeperEvents
  readonly #started: EpochMs
  readonly #delayPart: number
  readonly #memory: SweepMemory
  /** Since when the cycle in work is, in this process, not in its `spent`. */
  #since: EpochMs | undefined
  readonly #backOff = new BackOff(RETRY)
  /** It waits until the log may grow again. */
  #isBarred = false
  #cancel: (() => void) | undefined
  #working: Promise<void> | undefined
  #stopped = false

  constructor(
    options: SweepOptions,
    components: { readonly node: Federation; readonly issuer: Issuer; readonly events: SweeperEvents },
  ) {
    this.#options = options
    this.#node = components.node
    this.#issuer = components.issuer
    this.#events = components.events
    const { clock, random, store } = this.#node.ports
    this.#memory = new SweepMemory(store, () => this.#node.ownSociety)
    this.#started = clock.now()
    this.#delayPart = (random.bytes(1)[0] ?? 0) / 256
    this.#node.onOwnChange(() => this.#onChange())
  }

  /**
   * Begins a cycle over all accounts, or joins the one in work. Codes: why the log may not grow now.
   * `minimum`: least unbooked loss of an account that is swept; 0: any.
   */
  async request(minimum: MicroAtp): Promise<Result<{ readonly cycle: SweepCycle; readonly joined: boolean }>> {
    const own = this.#own()
    const barred = this.#node.sequencerBarrier()
    if (own === undefined || barred !== undefined) return fail(barred ?? rejection('NOT_SEQUENCER'))
    await this.#load()
    if (this.#stopped) return fail(rejection('OVERLOADED', 'stopping'))
    const { cycle: inWork } = this.#memory.history
    const cycle = inWork ?? (await this.#begin(own, { minimum, scheduled: false }))
    this.#backOff.worked()
    this.#work()
    return ok({ cycle, joined: inWork !== undefined })
  }

  /** Undefined while this node writes no log. */
  async state(): Promise<SweeperState | undefined> {
    const own = this.#own()
    if (own === undefined) return undefined
    await this.#load()
    const next = this.#options.isScheduled ? { next: this.#dueAt(own) } : {}
    const { why } = this.#backOff
    const waiting = why === undefined ? {} : { waiting: why }
    return { history: this.#memory.history, intervalMs: own.inForce.charter.interval_ms, ...next, ...waiting }
  }

  /** Ends after the record in work. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    await this.#working
  }

  #own(): Own | undefined {
    const replica = this.#node.own?.log.replica
    return replica?.inForce === undefined ? undefined : { replica, inForce: replica.inForce }
  }

  #load(): Promise<void> {
    return this.#memory.load({ withSchedule: this.#options.isScheduled })
  }

  /** The log was opened or founded, or may grow again. */
  #onChange(): void {
    const isFreed = this.#isBarred && this.#node.sequencerBarrier() === undefined
    if (this.#memory.isLoaded && !isFreed) return
    if (isFreed) {
      this.#isBarred = false
      this.#backOff.lifted()
    }
    this.#sleep(this.#backOff.delayMs)
  }

  /** Does what is due, then sleeps. */
  #work(): void {
    if (this.#stopped || this.#working !== undefined) return
    this.#cancel?.()
    this.#working = this.#goOn()
      .catch(error => this.#onFault(error))
      .finally(() => {
        this.#working = undefined
        const own = this.#own()
        if (own !== undefined) this.#sleep(this.#backOff.delayMs || this.#untilDue(own))
      })
  }

  #sleep(ms: number): void {
    if (this.#stopped || this.#working !== undefined) return
    this.#cancel?.()
    this.#cancel = this.#node.ports.clock.after(Math.min(ms, WAKE_MS), () => this.#work())
  }

  #untilDue(own: Own): number {
    if (this.#memory.history.cycle !== undefined) return 0
    return this.#options.isScheduled ? Math.max(0, this.#dueAt(own) - this.#node.ports.clock.now()) : WAKE_MS
  }

  #dueAt({ inForce }: Own): EpochMs {
    const intervalMs = inForce.charter.interval_ms
    const schedule = { intervalMs, started: this.#started, delayPart: this.#delayPart }
    return dueAt(schedule, this.#memory.history.done?.interval, this.#node.ports.clock.now())
  }

  async #goOn(): Promise<void> {
    const own = this.#own()
    if (own === undefined) return
    await this.#load()
    if (this.#untilDue(own) > 0) return this.#backOff.worked()
    const barred = this.#node.sequencerBarrier()
    if (barred !== undefined) {
      this.#isBarred = true
      this.#backOff.failed(barred)
      return
    }
    if (this.#memory.history.cycle === undefined)
      await this.#begin(own, { minimum: this.#options.minimum, scheduled: true })
    this.#since ??= this.#node.ports.clock.now()
    while (!this.#stopped && (await this.#page())) await this.#breathe()
  }

  /** In work from the moment of the call; durable when it resolves. */
  async #begin({ inForce }: Own, how: Pick<SweepCycle, 'minimum' | 'scheduled'>): Promise<SweepCycle> {
    const began = this.#node.ports.clock.now()
    const cycle = newCycle(this.#memory.history, {
      ...how,
      began,
      interval: Math.floor(began / inForce.charter.interval_ms),
    })
    this.#since = began
    await this.#memory.save({ ...this.#memory.history, cycle })
    return cycle
  }

  /** One page of the cycle in work; false when it was the last one, or has to be tried again. */
  async #page(): Promise<boolean> {
    const own = this.#own()
    const { cycle } = this.#memory.history
    if (own === undefined || cycle === undefined) return false
    const page = await this.#readPage(own, cycle)
    if (page.due.length > 0) {
      const issued = await this.#issuer.issue('atp.sweep', { accounts: [...page.due] })
      if (!issued.ok) {
        await this.#refused(issued.error)
        return false
      }
    }
    this.#backOff.worked()
    await this.#done(cycle, page)
    return page.next !== undefined
  }

  async #readPage({ inForce, replica }: Own, { after, minimum }: SweepCycle): Promise<SweepPage> {
    const [held] = await replica.states([stateKeys.decay])
    const intervalMs = inForce.charter.interval_ms
    // As the sequencer would date an entry now.
    const time = Math.max(replica.tip.time, this.#node.ports.clock.now())
    const table = held as unknown as DecayState
    const decay = projectDecay(table, Math.floor(time / intervalMs), intervalMs, inForce.law.decay)
    const where = { after, decay, minimum: bookOf(minimum) }
    return readSweepPage(this.#node.ports.store, replica.society, where, this.#options.limits ?? LIMITS)
  }

  async #done(before: SweepCycle, page: SweepPage): Promise<void> {
    const now = this.#node.ports.clock.now()
    const spent = before.spent + Math.max(0, now - (this.#since ?? now))
    const history = withPage(this.#memory.history, { ...before, spent }, page)
    this.#since = now
    const { cycle } = history
    if (page.next !== undefined || cycle === undefined) return this.#memory.save(history)
    this.#since = undefined
    const last: EndedCycle = { ...cycle, ended: now }
    await this.#memory.save(ended(history, last, cycle.minimum <= this.#options.minimum))
    this.#events.ended(last)
  }

  /** What others have to do can go on between two pages. */
  #breathe(): Promise<void> {
    return new Promise(resolve => this.#node.ports.clock.after(0, resolve))
  }

  async #refused(error: Rejection): Promise<void> {
    const barrier = this.#node.sequencerBarrier()
    const isBarred = barrier?.code === error.code
    const isFault = FAULTS.has(error.code) || !(isBarred || isTransient(error.code))
    this.#isBarred = barrier !== undefined
    this.#backOff.failed(error)
    if (!isFault) return
    this.#node.events.rejected(error)
    await this.#memory.save(failed(this.#memory.history, error.code, this.#node.ports.clock.now()))
  }

  async #onFault(error: unknown): Promise<void> {
    if (this.#stopped) return
    this.#node.events.fault('sweep', error)
    const code = error instanceof CodedError ? error.code : 'INTERNAL'
    this.#backOff.failed(rejection(code))
    // The fault was told; a store that fails cannot keep it.
    await this.#memory.save(failed(this.#memory.history, code, this.#node.ports.clock.now())).catch(() => undefined)
  }
}
