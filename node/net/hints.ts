import type { PeerId } from '../../src/driver/net.ts'
import type { Clock } from '../../src/ports.ts'
import type { EpochMs, SocietyId } from '../../src/units.ts'

/** Connections made because somebody said so; with more, the oldest goes. A quarter of all. */
const HINTS_MAX = 64
/** Who served nothing is not dialled again by anybody's hint for this long. */
const AVOID_MS = 600_000
/** Memory of what hints were worth: strangers make up names for nothing. */
const REMEMBERED_MAX = 4_096
/** A local network has tens of nodes, and each says again every ten seconds that it is there. */
const LOCAL_PAUSE_MS = 60_000
const LOCAL_AT_ONCE = 8

export type Source = 'dht' | 'mdns'

/** Connections made on a hint: few, watched, and given up when they are worth nothing. */
export interface Hints {
  /** Whether it is connected now. */
  dial(peer: PeerId, addresses: readonly string[], source: Source, signal: AbortSignal): Promise<boolean>
  /** Somebody on the local network says that it is there. */
  seen(peer: PeerId, addresses: readonly string[], signal: AbortSignal): Promise<void>
  /** It was connected for the sake of this log, and did not help. */
  blame(society: SocietyId, peer: PeerId): void
  /** How often it did not help with this log. */
  faults(society: SocietyId, peer: PeerId): number
  /** Whether others' hints are no reason to dial it now. */
  avoids(peer: PeerId): boolean
  /** The operator or the configuration wants this peer. */
  pardon(peer: PeerId): void
  sourceOf(peer: PeerId): Source | undefined
  disconnected(peer: PeerId): void
}

export interface HintComponents {
  readonly clock: Clock
  dial(peer: PeerId, addresses: readonly string[], signal: AbortSignal): Promise<boolean>
  isConnected(peer: PeerId): boolean
  isInbound(peer: PeerId): boolean
  /** Kept for a better reason than a hint. */
  keeps(peer: PeerId): boolean
  hangUp(peer: PeerId): void
}

export function createHints(components: HintComponents): Hints {
  const { clock } = components
  /** Connected on a hint, the oldest first. */
  const held = new Map<PeerId, Source>()
  const faults = new Map<string, number>()
  const avoided = new Map<PeerId, EpochMs>()
  const seenAt = new Map<PeerId, EpochMs>()
  let local = 0

  const avoids = (peer: PeerId) => (avoided.get(peer) ?? 0) > clock.now()

  async function dial(
    peer: PeerId,
    addresses: readonly string[],
    source: Source,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!components.isConnected(peer)) {
      if (avoids(peer) || addresses.length === 0) return false
      if (!(await components.dial(peer, addresses, signal))) return false
    }
    // Who came by itself is not sent away; whom the DHT dialled to ask its own questions counts as found here.
    if (!held.has(peer) && !components.isInbound(peer)) held.set(peer, source)
    for (const other of [...held.keys()].slice(0, Math.max(0, held.size - HINTS_MAX))) drop(other)
    return true
  }

  function drop(peer: PeerId): void {
    if (held.delete(peer) && !components.keeps(peer)) components.hangUp(peer)
  }

  return {
    dial,
    avoids,
    async seen(peer, addresses, signal) {
      const now = clock.now()
      if (local >= LOCAL_AT_ONCE || components.isConnected(peer)) return
      if (now - (seenAt.get(peer) ?? Number.NEGATIVE_INFINITY) < LOCAL_PAUSE_MS) return
      note(seenAt, peer, now)
      local++
      try {
        await dial(peer, addresses, 'mdns', signal)
      } finally {
        local--
      }
    },
    blame(society, peer) {
      const name = `${society} ${peer}`
      note(faults, name, (faults.get(name) ?? 0) + 1)
      if (!held.has(peer) || components.keeps(peer)) return
      note(avoided, peer, clock.now() + AVOID_MS)
      drop(peer)
    },
    faults: (society, peer) => faults.get(`${society} ${peer}`) ?? 0,
    pardon: peer => void avoided.delete(peer),
    sourceOf: peer => held.get(peer),
    disconnected: peer => void held.delete(peer),
  }
}

/** The newest stay. */
function note<Key, Value>(memory: Map<Key, Value>, key: Key, value: Value): void {
  memory.delete(key)
  memory.set(key, value)
  if (memory.size <= REMEMBERED_MAX) return
  for (const oldest of memory.keys()) {
    memory.delete(oldest)
    return
  }
}
