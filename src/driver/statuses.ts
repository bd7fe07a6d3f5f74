import { toBase64url } from '../encoding.ts'
import { formatNote } from '../log/note.ts'
import type { Clock, Random } from '../ports.ts'
import { ok, type Result } from '../result.ts'
import type { EpochMs, KeyText, SocietyId } from '../units.ts'
import type { Federation } from './federation.ts'
import { Instances } from './instances.ts'
import { HANDOVER_NOTES_MAX, type LogStatus, type Net, type PeerId, type PeerInfo, type StatusMessage } from './net.ts'
import type { SocietyLog } from './society-log.ts'
import { isBlocked, speaksFor } from './speakers.ts'

const STATUS_TIMEOUT_MS = 5_000
/** Peers answer two a second; half of that leaves room for their own reasons. */
const STATUS_GAP_MS = 1_000

export interface StatusPorts {
  readonly net: Net
  readonly clock: Clock
  readonly random: Random
}

export interface StatusEvents {
  guard(what: string, task: Promise<unknown>): void
  /** A peer's copy of the log is in a later epoch. */
  laterEpoch(log: SocietyLog, peer: PeerId, epochs: readonly number[]): void
  /** The peer says that the log has forked, and here it has not. */
  suspect(log: SocietyLog, peer: PeerId): void
  /** The peer does not know yet that the log has forked. */
  unaware(log: SocietyLog): void
  sync(log: SocietyLog): void
  /** Everything that a status said was looked at. */
  told(): void
}

/** Tells peers how far this node holds each log, and takes what they tell: a hint, a proof, or a word that counts at a start. */
export class Statuses {
  readonly #node: Federation
  readonly #ports: StatusPorts
  readonly #events: StatusEvents
  /** Of this process: two copies of a data folder have one key, and two of these. */
  readonly #instance: string
  readonly #instances = new Instances()
  /** peer clock − own clock, by witness key, when last heard. */
  readonly #skews = new Map<KeyText, number>()
  readonly #verdictsOnUs = new Map<PeerId, string>()
  readonly #askedAt = new Map<PeerId, EpochMs>()
  /** Peers that are asked as soon as it is their turn. */
  readonly #waiting = new Map<PeerId, () => void>()
  #stopped = false

  constructor(node: Federation, ports: StatusPorts, events: StatusEvents) {
    this.#node = node
    this.#ports = ports
    this.#events = events
    this.#instance = toBase64url(ports.random.bytes(16))
  }

  stop(): void {
    this.#stopped = true
    for (const cancel of this.#waiting.values()) cancel()
  }

  verdictOnUs(peer: PeerId): string | undefined {
    return this.#verdictsOnUs.get(peer)
  }

  /** Median of (clock − own clock) over these keys, as far as they were heard; 0 when none was. */
  clockSkew(keys: readonly KeyText[]): EpochMs {
    const skews = keys.flatMap(key => this.#skews.get(key) ?? []).sort((a, b) => a - b)
    return skews[Math.floor(skews.length / 2)] ?? 0
  }

  forget(peer: PeerInfo): void {
    this.#verdictsOnUs.delete(peer.peer)
    this.#askedAt.delete(peer.peer)
    this.#waiting.get(peer.peer)?.()
    this.#waiting.delete(peer.peer)
    this.#instances.gone(peer.witnessKey)
    this.#node.own?.log.startUp.twin(peer.witnessKey, false)
  }

  askAll(): void {
    for (const peer of this.#ports.net.peers()) this.#events.guard('status', this.ask(peer))
  }

  /** At most one question a second to each peer, whatever the reasons to ask. */
  async ask(peer: PeerInfo): Promise<void> {
    if (this.#stopped || this.#waiting.has(peer.peer)) return
    const now = this.#ports.clock.now()
    const wait = (this.#askedAt.get(peer.peer) ?? Number.NEGATIVE_INFINITY) + STATUS_GAP_MS - now
    if (wait > 0) return this.#askLater(peer, wait)
    this.#askedAt.set(peer.peer, now)
    const message = await this.#message(peer)
    const reply = await this.#ports.net.request(peer.peer, 'status', message, { timeoutMs: STATUS_TIMEOUT_MS })
    if (!reply.ok) return this.#node.events.rejected(reply.error)
    this.#node.own?.log.startUp.twin(peer.witnessKey, reply.value.twin === true)
    await this.#onStatus(peer, reply.value, true)
  }

  /** What there was to ask about is asked about when its turn comes: at a start each answer counts. */
  #askLater(peer: PeerInfo, wait: EpochMs): void {
    const cancel = this.#ports.clock.after(wait, () => {
      this.#waiting.delete(peer.peer)
      this.#events.guard('status', this.ask(peer))
    })
    this.#waiting.set(peer.peer, cancel)
  }

  async serve(peer: PeerInfo, request: StatusMessage): Promise<Result<StatusMessage>> {
    const { instance } = request
    const now = this.#ports.clock.now()
    if (instance !== undefined) this.#instances.heard(peer.witnessKey, instance, now)
    const isTwin = instance !== undefined && this.#instances.hasElder(peer.witnessKey, instance, now)
    const answer = { ...(await this.#message(peer, request)), ...(isTwin ? { twin: true as const } : {}) }
    this.#events.guard('status', this.#onStatus(peer, request, false))
    return ok(answer)
  }

  /** `asked`: what it answers. */
  async #message(peer: PeerInfo, asked?: StatusMessage): Promise<StatusMessage> {
    const lacked = new Map(asked?.logs.map(({ lacks, society }) => [society, lacks]))
    let room = HANDOVER_NOTES_MAX
    const logs: LogStatus[] = []
    for (const log of this.#node.logs.values()) {
      const status = await statusOf(log, lacked.get(log.society), room)
      if (status === undefined) continue
      room -= status.handovers?.length ?? 0
      logs.push(status)
    }
    return {
      clock: this.#ports.clock.now(),
      instance: this.#instance,
      logs,
      verdict: isBlocked(this.#node, peer) ? { verdict: 'blocked', why: 'policy' } : { verdict: 'ok' },
    }
  }

  /** `isAnswer`: to a question of this process; a question of the peer's own may be meant for another one with our keys. */
  async #onStatus(peer: PeerInfo, message: StatusMessage, isAnswer: boolean): Promise<void> {
    if (this.#stopped) return
    this.#skews.set(peer.witnessKey, message.clock - this.#ports.clock.now())
    this.#verdictsOnUs.set(peer.peer, message.verdict.verdict)
    const told = new Map<SocietyId, LogStatus>(message.logs.map(status => [status.society, status]))
    for (const log of this.#node.logs.values()) {
      const status = told.get(log.society)
      if (status !== undefined) await this.#onLog(log, peer, status)
      const epoch = status?.epochs?.length ?? 0
      // It knows of a resume that is not here: nothing may be signed before it is.
      if (epoch > log.replica.epoch) continue
      const spoken = epoch === log.replica.epoch ? status : undefined
      // A peer that speaks for the log tells its size; every other one what it cosigned, "none" included. Only after its
      // note was looked at: what it proves must be known before anything is signed.
      const size = speaksFor(peer, log) ? (spoken?.size ?? 0) : (spoken?.cosigned ?? 0)
      const note = spoken !== undefined && size > log.replica.tip.size ? log.notes.open(spoken.note) : undefined
      if (isAnswer || this.#node.own?.log !== log)
        log.startUp.told(peer.witnessKey, size, note?.ok === true ? note.value.checkpoint.size : 0)
      if (status !== undefined) this.#events.sync(log)
    }
    this.#events.told()
  }

  async #onLog(log: SocietyLog, peer: PeerInfo, status: LogStatus): Promise<void> {
    log.plan.onSize(peer.peer, status.size)
    // It may be on its way by gossip just now.
    if (status.size > log.replica.tip.size) log.plan.onGap(this.#ports.clock.now())
    const epochs = status.epochs ?? []
    if (epochs.length > log.replica.epoch) return this.#events.laterEpoch(log, peer.peer, epochs)
    if (epochs.length < log.replica.epoch) return
    const isFrozen = log.replica.halt?.mode === 'frozen'
    if (status.frozen === true && !isFrozen) this.#events.suspect(log, peer.peer)
    // As long as here, and not the same: neither side would ask the other for entries.
    else if (log.replica.halt === undefined && isOther(log, status)) this.#events.suspect(log, peer.peer)
    // Gossip is lost now and then, and who was away never got it.
    if (status.frozen !== true && isFrozen) this.#events.unaware(log)
    if (log.replica.inForce === undefined) return
    for (const note of [...(status.handovers ?? []), status.note]) await log.follower.onNote(note)
  }
}

function isOther({ replica: { tip } }: SocietyLog, { root, size }: LogStatus): boolean {
  return size === tip.size && root !== toBase64url(tip.root)
}

/** `lacks`: from which handover on the other side misses the notes that show it to be final; at most `room` of them are sent. */
async function statusOf(log: SocietyLog, lacks: number | undefined, room: number): Promise<LogStatus | undefined> {
  const { halt, inForce, tip } = log.replica
  const { lacking, latest } = log.notes
  if (latest === undefined) return undefined
  const cosigned = await log.witness.lastSize()
  const handovers = lacks === undefined ? [] : await log.notes.handoverNotes(lacks, room)
  return {
    society: log.society,
    size: tip.size,
    root: toBase64url(tip.root),
    final: log.notes.final,
    note: formatNote(latest),
    ...(cosigned === 0 ? {} : { cosigned }),
    ...(handovers.length === 0 ? {} : { handovers }),
    ...(lacking === undefined ? {} : { lacks: lacking }),
    ...(halt?.mode === 'frozen' ? { frozen: true as const } : {}),
    ...(log.replica.epoch === 0 ? {} : { epochs: inForce?.epochs ?? [] }),
  }
}
