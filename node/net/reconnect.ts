import type { PeerId } from '../../src/driver/net.ts'
import type { Clock, Random } from '../../src/ports.ts'
import type { Result } from '../../src/result.ts'

/** First pause after a connection was lost or could not be made; doubles with each failure. */
const PAUSE_MS = 500
/** A node that was away for hours is back in the federation half a minute after its peer. */
const PAUSE_MS_MAX = 30_000

/** Keeps a connection to every address of a list. */
export interface Reconnect {
  start(): void
  /** Waits for dials on their way. */
  stop(): Promise<void>
  disconnected(peer: PeerId): void
  /** Another list: addresses that stay keep their connection and their pause. Connections to the others are left alone. */
  set(addresses: readonly string[]): void
  /** Whether a connection to this peer is kept. */
  keeps(peer: PeerId): boolean
}

export interface ReconnectComponents {
  readonly clock: Clock
  readonly random: Random
  dial(address: string, signal: AbortSignal): Promise<Result<PeerId>>
}

interface Target {
  readonly address: string
  /** Who answered there, while connected. */
  peer?: PeerId
  failures: number
  cancel: () => void
}

/** Half of the pause is fixed and half is chance, so that nodes that lost the same peer do not all return at once. */
export function pauseMs(failures: number, random: Random, firstMs = PAUSE_MS, maxMs = PAUSE_MS_MAX): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(failures, 16))
  const [high = 0, low = 0] = random.bytes(2)
  return Math.round(full / 2 + (full / 2) * ((high * 256 + low) / 65_535))
}

export function createReconnect(
  addresses: readonly string[],
  components: ReconnectComponents,
  pauseMaxMs = PAUSE_MS_MAX,
): Reconnect {
  const { clock, random } = components
  const targets = new Map<string, Target>()
  const dialing = new Set<Promise<void>>()
  let stopping = new AbortController()
  stopping.abort()
  set(addresses)

  function set(list: readonly string[]): void {
    const wanted = new Set(list)
    for (const target of targets.values()) {
      if (wanted.has(target.address)) continue
      target.cancel()
      targets.delete(target.address)
    }
    for (const address of wanted) {
      if (targets.has(address)) continue
      const target: Target = { address, failures: 0, cancel: () => {} }
      targets.set(address, target)
      if (!stopping.signal.aborted) now(target)
    }
  }

  async function dial(target: Target): Promise<void> {
    const { signal } = stopping
    const result = await components.dial(target.address, signal)
    if (signal.aborted || targets.get(target.address) !== target) return
    if (result.ok) {
      target.peer = result.value
      target.failures = 0
    } else later(target, ++target.failures)
  }

  function now(target: Target): void {
    const task = dial(target)
    dialing.add(task)
    const done = () => dialing.delete(task)
    task.then(done, done)
  }

  function later(target: Target, failures: number): void {
    target.cancel()
    target.cancel = clock.after(pauseMs(failures, random, PAUSE_MS, pauseMaxMs), () => now(target))
  }

  return {
    set,
    keeps: peer => [...targets.values()].some(target => target.peer === peer),
    start() {
      if (!stopping.signal.aborted) return
      stopping = new AbortController()
      for (const target of targets.values()) now(target)
    },
    async stop() {
      stopping.abort()
      for (const target of targets.values()) {
        target.cancel()
        target.failures = 0
        delete target.peer
      }
      await Promise.allSettled(dialing)
    },
    disconnected(peer) {
      if (stopping.signal.aborted) return
      for (const target of targets.values()) {
        if (target.peer !== peer) continue
        delete target.peer
        later(target, 0)
      }
    },
  }
}
