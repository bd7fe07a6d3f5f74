import type { Clock } from '../ports.ts'
import type { Rejection } from '../rejection.ts'
import { GAP_PATIENCE_MS } from '../sync/fetch-plan.ts'
import type { Seq } from '../units.ts'
import { type Net, type PeerId, RANGE_ENTRIES_MAX } from './net.ts'
import type { SocietyLog } from './society-log.ts'

const FETCH_TIMEOUT_MS = 15_000
/** Halts in which entries are still fetched. */
const GOES_ON: ReadonlySet<string> = new Set(['update-needed', 'resuming'])

export interface RangePorts {
  readonly net: Net
  readonly clock: Clock
}

export interface RangeEvents {
  /** Lets a task run and reports what it throws. */
  guard(what: string, task: Promise<unknown>): void
  rejected(error: Rejection): void
  /** How far is everybody? */
  askEverybody(): void
  /** A peer's range does not continue the history held here. */
  suspect(log: SocietyLog, peer: PeerId): Promise<void>
}

/** Makes logs complete: gossip is for speed, ranges carry the truth. */
export class Ranges {
  readonly #enabled: boolean
  readonly #ports: RangePorts
  readonly #events: RangeEvents
  /** Timers in work, by log: when to fetch, and when a gap was given time enough. */
  readonly #fetchTimers = new Map<SocietyLog, () => void>()
  readonly #gapTimers = new Map<SocietyLog, () => void>()
  #stopped = false

  constructor(enabled: boolean, ports: RangePorts, events: RangeEvents) {
    this.#enabled = enabled
    this.#ports = ports
    this.#events = events
  }

  stop(): void {
    this.#stopped = true
    for (const cancel of [...this.#fetchTimers.values(), ...this.#gapTimers.values()]) cancel()
  }

  /**
   * Something came that needs entries which are not here. Gossip is given a moment to bring them; then the log's own node is
   * asked, which has `size` of them, or, when it is not connected, everybody how far they are.
   */
  onGap(log: SocietyLog, size: Seq): void {
    log.plan.onGap(this.#ports.clock.now())
    const home = this.#ports.net.peers().find(peer => peer.society === log.society)
    if (home !== undefined) {
      log.plan.onSize(home.peer, size)
      this.sync(log)
      return
    }
    if (this.#gapTimers.has(log) || this.#stopped) return
    const cancel = this.#ports.clock.after(GAP_PATIENCE_MS, () => {
      this.#gapTimers.delete(log)
      if (log.hasGap) this.#events.askEverybody()
      else log.plan.onClosed()
    })
    this.#gapTimers.set(log, cancel)
  }

  /** Fetches what is missing, if somebody has it. */
  sync(log: SocietyLog): void {
    const { halt, tip } = log.replica
    if (!this.#enabled || this.#stopped || (halt !== undefined && !GOES_ON.has(halt.mode))) return
    const next = log.plan.next(tip.size, this.#ports.clock.now())
    if (next === undefined) {
      log.plan.onClosed()
      return
    }
    if ('peer' in next) {
      this.#events.guard('fetch', this.#fetch(log, next.peer))
      return
    }
    this.#fetchTimers.get(log)?.()
    const cancel = this.#ports.clock.after(Math.max(1, next.wakeAt - this.#ports.clock.now()), () => {
      this.#fetchTimers.delete(log)
      log.plan.onClosed()
      this.sync(log)
    })
    this.#fetchTimers.set(log, cancel)
  }

  async #fetch(log: SocietyLog, peer: PeerId): Promise<void> {
    let isUseful = false
    try {
      isUseful = await this.#fetchOnce(log, peer)
    } finally {
      log.plan.onDone(peer, isUseful, this.#ports.clock.now())
    }
    this.sync(log)
  }

  /** Whether the log is longer than before. */
  async #fetchOnce(log: SocietyLog, peer: PeerId): Promise<boolean> {
    const from = log.replica.tip.size
    const request = { society: log.society, from, limit: RANGE_ENTRIES_MAX }
    const reply = await this.#ports.net.request(peer, 'entries', request, { timeoutMs: FETCH_TIMEOUT_MS })
    if (!reply.ok) {
      this.#events.rejected(reply.error)
      return false
    }
    const result = await log.follower.onRange(from, reply.value)
    if (result.ok) return result.value
    // Gossip may have been faster.
    if (log.replica.tip.size > from) return true
    this.#events.rejected(result.error)
    if (result.error.code === 'PROOF_INVALID') await this.#events.suspect(log, peer)
    return false
  }
}
