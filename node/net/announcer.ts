import { deadline } from '../../protocols/framing/deadline.ts'
import type { Clock, Random } from '../../src/ports.ts'
import type { EpochMs, SocietyId } from '../../src/units.ts'
import type { Directory } from './dht.ts'
import { createPool } from './pool.ts'
import { pauseMs } from './reconnect.ts'

/** Well within the three hours that a record is kept: one announcement may fail, and nothing is lost. */
const AGAIN_MS = 3_600_000
/** A young node knows few others, and a busy one may not have answered: soon again at first, with pauses that double. */
const SOON_MS = 15_000
/** Nobody could be told: there is no neighbour yet. */
const RETRY_MS = 2_000
const RETRY_MS_MAX = 60_000
/** Neighbours that come and go do not make it say everything again more often than this. */
const QUIET_MS = 60_000
/** A look for the closest nodes, and a message to each. */
const ANNOUNCE_MS = 30_000
/** Each makes some 40 requests to others at once. */
const AT_ONCE = 2

/** Says in the DHT which logs this node serves, and says it again. */
export interface Announcer {
  start(): void
  stop(): Promise<void>
  serve(societies: readonly SocietyId[]): void
  /** A node connected that may have been told nothing, or forgotten it. */
  met(): void
}

interface Served {
  dueAt: EpochMs
  saidAt: EpochMs
  /** How often it was said. */
  times: number
  failures: number
  cancel: () => void
}

export function createAnnouncer(components: {
  readonly clock: Clock
  readonly random: Random
  readonly directory: Pick<Directory, 'provide' | 'withdraw'>
}): Announcer {
  const { clock, directory, random } = components
  const served = new Map<SocietyId, Served>()
  const running = new Set<Promise<void>>()
  const pool = createPool(AT_ONCE)
  let stopping = new AbortController()
  stopping.abort()

  function plan(society: SocietyId, state: Served, delayMs: number): void {
    state.cancel()
    state.dueAt = clock.now() + delayMs
    state.cancel = clock.after(delayMs, () => {
      const task = pool(() => announce(society, state))
      running.add(task)
      const done = () => running.delete(task)
      task.then(done, done)
    })
  }

  async function announce(society: SocietyId, state: Served): Promise<void> {
    if (stopping.signal.aborted || served.get(society) !== state) return
    const time = deadline(clock, ANNOUNCE_MS, stopping.signal)
    // Whatever went wrong, the answer is to say it again later.
    const told = await directory.provide(society, time.signal).catch(() => 0)
    time.clear()
    if (stopping.signal.aborted || served.get(society) !== state) return
    if (told > 0) state.saidAt = clock.now()
    state.failures = told > 0 ? 0 : state.failures + 1
    plan(
      society,
      state,
      told > 0
        ? pauseMs(state.times++, random, SOON_MS, AGAIN_MS)
        : pauseMs(state.failures - 1, random, RETRY_MS, RETRY_MS_MAX),
    )
  }

  function forget(society: SocietyId, state: Served): void {
    state.cancel()
    served.delete(society)
    directory.withdraw(society).catch(() => {})
  }

  return {
    start() {
      stopping = new AbortController()
    },
    async stop() {
      stopping.abort()
      for (const state of served.values()) state.cancel()
      served.clear()
      await Promise.allSettled(running)
    },
    serve(societies) {
      if (stopping.signal.aborted) return
      const wanted = new Set(societies)
      for (const [society, state] of served) if (!wanted.has(society)) forget(society, state)
      for (const society of wanted) {
        if (served.has(society)) continue
        const state: Served = { dueAt: 0, saidAt: Number.NEGATIVE_INFINITY, times: 0, failures: 0, cancel: () => {} }
        served.set(society, state)
        plan(society, state, pauseMs(0, random))
      }
    },
    met() {
      if (stopping.signal.aborted) return
      const now = clock.now()
      for (const [society, state] of served) {
        const delayMs = Math.max(pauseMs(0, random, RETRY_MS), state.saidAt + QUIET_MS - now)
        if (now + delayMs < state.dueAt) plan(society, state, delayMs)
      }
    },
  }
}
