import { deadline } from '../../protocols/framing/deadline.ts'
import type { PeerId, Wants } from '../../src/driver/net.ts'
import type { Clock, Random } from '../../src/ports.ts'
import type { EpochMs, SocietyId } from '../../src/units.ts'
import type { Directory, Provider } from './dht.ts'
import type { Hints } from './hints.ts'
import { DHT_LIMITS } from './limits.ts'
import { createPool } from './pool.ts'
import { pauseMs } from './reconnect.ts'

/** Peers that connect at the start have said by then what they hold. */
const FIRST_MS = 1_000
/** Between searches that brought nobody who helps; doubles. Long enough to fail three times at giving a range. */
const PAUSE_MS = 5_000
const PAUSE_MS_MAX = 600_000
/** A provider that still does not help after this has had its chance. */
const CHANCE_MS = 10_000
/** Help that lasted this long was help: the next search does not wait for what came before it. */
const HELPED_MS = 60_000
/** Of one search; a log of a federation has a handful of honest providers. */
const DIALS_MAX = 8
/** Searches at once: each asks up to 20 nodes. */
const AT_ONCE = 4

export type Seeks = Wants['seeks']

/** Looks for nodes that serve the logs for which somebody is missing. */
export interface Seeker {
  start(): void
  stop(): Promise<void>
  seek(seeks: Seeks): void
}

export interface SeekerComponents {
  readonly clock: Clock
  readonly random: Random
  readonly directory: Pick<Directory, 'find'>
  readonly hints: Pick<Hints, 'avoids' | 'blame' | 'dial' | 'faults'>
  isConnected(peer: PeerId): boolean
  /** A search ended: how many were named, and whom it dialled. */
  readonly searched?: ((society: SocietyId, found: number, dialled: readonly PeerId[]) => void) | undefined
}

interface Sought {
  missing: 'nobody' | 'others' | undefined
  /** When it was last no longer `nobody`. */
  helpedAt: EpochMs
  searches: number
  /** Of the next search. Help that comes and goes moves it in neither direction: a liar could put it off for ever. */
  notBefore: EpochMs
  searching: boolean
  cancel: () => void
  /** Peers connected for the sake of this log, and since when. */
  readonly dialled: Map<PeerId, EpochMs>
}

export function createSeeker(components: SeekerComponents): Seeker {
  const { clock, hints, random } = components
  const sought = new Map<SocietyId, Sought>()
  const running = new Set<Promise<void>>()
  const pool = createPool(AT_ONCE)
  let stopping = new AbortController()
  stopping.abort()

  function plan(society: SocietyId, state: Sought, delayMs: number): void {
    state.cancel()
    state.cancel = clock.after(delayMs, () => {
      state.searching = true
      const task = pool(() => search(society, state))
      running.add(task)
      const done = () => running.delete(task)
      task.then(done, done)
    })
  }

  function pauseOf({ missing, searches }: Sought): number {
    if (missing === 'others') return pauseMs(0, random, PAUSE_MS_MAX, PAUSE_MS_MAX)
    return searches === 0 ? pauseMs(0, random, FIRST_MS) : pauseMs(searches - 1, random, PAUSE_MS, PAUSE_MS_MAX)
  }

  async function search(society: SocietyId, state: Sought): Promise<void> {
    const time = deadline(clock, DHT_LIMITS.searchMs, stopping.signal)
    try {
      if (state.missing === undefined || stopping.signal.aborted) return
      judge(society, state)
      // A search that fails has found nobody.
      const found = await components.directory.find(society, time.signal).catch(() => [])
      const chosen = choose(society, found)
      for (const { peer } of found) if (components.isConnected(peer)) await tryOne({ peer, addresses: [] }, state)
      // Sockets are cheap, and one slow address must not use up the time of the others.
      await Promise.all(chosen.map(provider => tryOne(provider, state)))
      components.searched?.(
        society,
        found.length,
        chosen.map(({ peer }) => peer),
      )
    } finally {
      time.clear()
      state.searching = false
      state.searches++
      const pause = pauseOf(state)
      state.notBefore = clock.now() + pause
      if (state.missing !== undefined && !stopping.signal.aborted) plan(society, state, pause)
    }
  }

  /** Those that did not help yet, before those that did not: then those that more nodes name. */
  function choose(society: SocietyId, found: readonly Provider[]): readonly Provider[] {
    return found
      .filter(({ peer }) => !components.isConnected(peer) && !hints.avoids(peer))
      .map(provider => ({ provider, faults: hints.faults(society, provider.peer) }))
      .sort((a, b) => a.faults - b.faults || b.provider.namedBy - a.provider.namedBy)
      .slice(0, DIALS_MAX)
      .map(({ provider }) => provider)
  }

  async function tryOne({ addresses, peer }: Omit<Provider, 'namedBy'>, state: Sought): Promise<void> {
    const connected = await hints.dial(peer, addresses, 'dht', stopping.signal)
    if (connected && !state.dialled.has(peer)) state.dialled.set(peer, clock.now())
  }

  /** While nobody helps, those who were dialled for that do not. */
  function judge(society: SocietyId, state: Sought): void {
    for (const [peer, since] of state.dialled) {
      if (state.missing !== 'nobody' || clock.now() - since < CHANCE_MS) continue
      state.dialled.delete(peer)
      hints.blame(society, peer)
    }
  }

  function update(society: SocietyId, state: Sought, missing: Sought['missing']): void {
    const before = state.missing
    if (before === missing) return
    state.missing = missing
    if (before === 'nobody') state.helpedAt = clock.now()
    // Who is found useless within a minute, again and again, does not make this node search faster.
    if (missing === 'nobody' && clock.now() - state.helpedAt >= HELPED_MS) {
      state.searches = 0
      state.notBefore = clock.now() + pauseOf(state)
      state.dialled.clear()
    }
    state.cancel()
    if (missing === undefined || state.searching) return
    plan(society, state, missing === 'nobody' ? Math.max(0, state.notBefore - clock.now()) : pauseOf(state))
  }

  return {
    start() {
      stopping = new AbortController()
    },
    async stop() {
      stopping.abort()
      for (const state of sought.values()) state.cancel()
      sought.clear()
      await Promise.allSettled(running)
    },
    seek(seeks) {
      if (stopping.signal.aborted) return
      for (const [society, state] of sought) if (!seeks.has(society)) update(society, state, undefined)
      for (const [society, missing] of seeks) {
        const state = sought.get(society) ?? {
          missing: undefined,
          helpedAt: Number.NEGATIVE_INFINITY,
          searches: 0,
          notBefore: 0,
          searching: false,
          cancel: () => {},
          dialled: new Map<PeerId, EpochMs>(),
        }
        sought.set(society, state)
        update(society, state, missing)
      }
    },
  }
}
