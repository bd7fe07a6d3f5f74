import { toBase64url } from '../encoding.ts'
import { GapBudget } from '../ingest/gap-buffer.ts'
import { formatNote, type Note } from '../log/note.ts'
import type { Clock, Random, Signer, Store, Verifier } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { keyPart, rangeOf, storeKey } from '../store/ledger.ts'
import type { EpochMs, KeyText, SocietyId } from '../units.ts'
import { Cosigning } from './cosigning.ts'
import { Forks } from './forks.ts'
import type { LogStatus, Net, NetHandlers, PeerId, PeerInfo, StatusMessage, Verdict } from './net.ts'
import { Policies, type Policy } from './policy.ts'
import { Ranges } from './ranges.ts'
import { Sequencer } from './sequencer.ts'
import { serveCosign, serveCountersign, serveEntries, serveStanding, serveSubmit } from './serve.ts'
import { decodeState } from './session.ts'
import { SocietyLog } from './society-log.ts'
import { FUTURE_MS } from './witness.ts'

export interface FederationOptions {
  /** How long a group waits for company. */
  readonly groupMs: number
  /** Off only in tests that show what gossip alone does. */
  readonly rangeFetch: boolean
  readonly statusMs: number
  readonly syncFollowed: boolean
  /** `all`: consent to every charter and birth that names this node's witness key; `none`: only where the policy says witness. */
  readonly consent: 'none' | 'all'
}

export interface FederationPorts {
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly net: Net
  readonly verifier: Verifier
  readonly context: DecideContext
  readonly witnessSigner: Signer
  /** Absent: an observer, or a society that has no charter yet. */
  readonly societySigner?: Signer
}

/** What happens, for logs, metrics, events and tests. */
export interface FederationEvents {
  committed(log: SocietyLog, from: number, to: number): void
  final(log: SocietyLog, before: number, now: number): void
  frozen(log: SocietyLog): void
  halted(log: SocietyLog, code: string): void
  rejected(error: Rejection): void
  peer(peer: PeerInfo, open: boolean): void
  fault(what: string, error: unknown): void
}

const STATUS_TIMEOUT_MS = 5_000
/** A busy log has its next group within this; a message of their own costs as much as a group. */
const NOTES_MS = 75
/** Peers answer two a second; half of that leaves room for their own reasons. */
const STATUS_GAP_MS = 1_000

/** One node among its peers: the logs it writes, witnesses and follows, and who may ask what. */
export class Federation implements NetHandlers {
  readonly ports: FederationPorts
  readonly options: FederationOptions
  readonly events: FederationEvents
  readonly policies: Policies
  readonly logs = new Map<SocietyId, SocietyLog>()
  readonly #budget = new GapBudget()
  /** peer clock − own clock, by witness key, when last heard. */
  readonly #skews = new Map<KeyText, number>()
  readonly #verdictsOnUs = new Map<PeerId, string>()
  readonly #askedAt = new Map<PeerId, EpochMs>()
  readonly #opening = new Map<SocietyId, Promise<SocietyLog>>()
  own:
    | {
        readonly log: SocietyLog
        readonly sequencer: Sequencer
        readonly cosigning: Cosigning
        readonly signer: Signer
      }
    | undefined
  readonly #forks: Forks
  readonly #ranges: Ranges
  #stopTimer: (() => void) | undefined
  /** Notes that made more final wait a moment for a group to travel with. */
  #notesTimer: (() => void) | undefined
  #news: readonly Note[] = []
  #stopped = false

  readonly serve: NetHandlers['serve'] = {
    status: (peer, request) => this.#serveStatus(peer, request),
    entries: (peer, request) => serveEntries(this, peer, request),
    cosign: (peer, request) => serveCosign(this, peer, request),
    countersign: (peer, request) => serveCountersign(this, peer, request),
    standing: (peer, request) => serveStanding(this, peer, request),
    submit: (peer, request) => serveSubmit(this, peer, request),
  }

  constructor(options: FederationOptions, ports: FederationPorts, events: FederationEvents) {
    this.options = options
    this.ports = ports
    this.events = events
    this.policies = new Policies(ports.store)
    const guard = (what: string, task: Promise<unknown>) => this.#guard(what, task)
    this.#forks = new Forks(this.logs, ports, {
      rejected: error => events.rejected(error),
      frozen: log => {
        if (this.own?.log === log) this.own.cosigning.stop()
        events.frozen(log)
      },
    })
    this.#ranges = new Ranges(options.rangeFetch, ports, {
      guard,
      rejected: error => events.rejected(error),
      askEverybody: () => {
        for (const peer of ports.net.peers()) guard('status', this.#askStatus(peer))
      },
      suspect: (log, peer) => this.#forks.suspect(log, peer),
    })
  }

  /** Opens everything this folder holds; to be called before the network delivers anything. */
  async open(): Promise<void> {
    await this.policies.load()
    const societies = new Set(this.policies.followed())
    for await (const [key] of this.ports.store.range(rangeOf.tips())) societies.add(keyPart.last(key))
    for (const society of societies) await this.follow(society)
    const [meta] = await this.ports.store.getMany([storeKey.meta('society')])
    if (meta !== undefined) await this.adopt(decodeState(meta) as string)
  }

  /** Joins topics and begins to ask peers. */
  run(): void {
    for (const society of this.logs.keys()) this.ports.net.join(society)
    this.#tick()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopTimer?.()
    this.#notesTimer?.()
    this.#ranges.stop()
    this.own?.cosigning.stop()
    await this.own?.sequencer.stop()
    for (const log of this.logs.values()) await log.replica.idle()
  }

  get ownSociety(): SocietyId | '' {
    return this.own?.log.society ?? ''
  }

  verdictOnUs(peer: PeerId): string | undefined {
    return this.#verdictsOnUs.get(peer)
  }

  /** The log of a society, opened on first use. Following is the caller's decision. */
  async follow(society: SocietyId): Promise<SocietyLog> {
    const known = this.logs.get(society)
    if (known !== undefined) return known
    const opening = this.#opening.get(society) ?? this.#openLog(society)
    this.#opening.set(society, opening)
    return opening.finally(() => this.#opening.delete(society))
  }

  async #openLog(society: SocietyId): Promise<SocietyLog> {
    const { store, clock, verifier, context, witnessSigner } = this.ports
    const log = await SocietyLog.open(society, {
      store,
      clock,
      verifier,
      context,
      budget: this.#budget,
      witnessSigner,
      syncFollowed: this.options.syncFollowed,
      events: {
        gap: (of, size) => this.#ranges.onGap(of, size),
        conflict: (of, note) => this.#guard('conflict', this.#forks.onConflict(of, note)),
        halted: (of, halt) => this.events.halted(of, 'code' in halt ? halt.code : halt.mode),
        rejected: error => this.events.rejected(error),
        final: (of, before, now) => this.events.final(of, before, now),
        failed: (_of, error) => this.events.fault('apply', error),
      },
    })
    log.replica.onCommit(({ entries, tip }) => this.events.committed(log, tip.size - entries.length, tip.size))
    this.logs.set(society, log)
    this.ports.net.join(society)
    for (const peer of this.ports.net.peers()) this.#guard('status', this.#askStatus(peer))
    return log
  }

  /** This node writes that log from now on. */
  async adopt(society: SocietyId): Promise<void> {
    const { societySigner: signer, clock, context, net } = this.ports
    if (signer === undefined || this.own !== undefined) return
    const log = await this.follow(society)
    const cosigning = new Cosigning(log.replica, log.notes, {
      net,
      clock,
      context,
      onCosigned: note => this.#guard('final', this.#onCosigned(note)),
      onRefused: (_witness, error) => this.events.rejected(error),
    })
    const sequencer = new Sequencer(
      log.replica,
      log.notes,
      { groupMs: this.options.groupMs, barrier: () => this.sequencerBarrier(), notes: () => this.#takeNews() },
      {
        signer,
        clock,
        context,
        events: {
          sequenced: ({ frame }) => {
            // The group carried the notes.
            this.#notesTimer?.()
            this.#notesTimer = undefined
            this.#guard('publish', net.publishGroup(society, frame))
            cosigning.poke()
          },
          failed: error => this.events.fault('sequencer', error),
        },
      },
    )
    this.own = { log, sequencer, cosigning, signer }
  }

  /** Why the own log may not grow now. */
  sequencerBarrier(): Rejection | undefined {
    const log = this.own?.log
    if (log === undefined) return rejection('NOT_SEQUENCER')
    const { halt, tip } = log.replica
    if (halt?.mode === 'frozen') return rejection('FROZEN')
    if (halt !== undefined) return rejection('VOID_ENTRY', 'code' in halt ? halt.code : undefined)
    if (tip.size > 0 && !log.sequencerReady()) {
      const set = log.replica.finalitySets().current
      const missing = log.startUp.missing(set.witnesses).length
      const newest = log.startUp.newest(set.witnesses)
      return rejection(
        'STARTING',
        newest > tip.size ? `peers hold ${newest} entries, here are ${tip.size}` : `${missing} witnesses not heard`,
      )
    }
    const skew = this.clockSkew()
    return Math.abs(skew) > FUTURE_MS ? rejection('CLOCK_SKEW', `${skew} ms`) : undefined
  }

  /** Median of (witness clock − own clock) over the witnesses heard; 0 when there are none. */
  clockSkew(): EpochMs {
    const witnesses = this.own?.log.replica.finalitySets().current.witnesses ?? []
    const skews = witnesses.flatMap(key => this.#skews.get(key) ?? []).sort((a, b) => a - b)
    return skews[Math.floor(skews.length / 2)] ?? 0
  }

  async setPolicy(society: SocietyId, policy: Policy): Promise<void> {
    await this.policies.set(society, policy)
    if (policy.follow) await this.follow(society)
    else this.ports.net.leave(society)
  }

  /** Cosigners that count for us: witness keys of societies that we follow and did not block, our own among them. */
  acceptedKeys(): ReadonlySet<KeyText> {
    const keys = new Set([this.ports.witnessSigner.key])
    for (const log of this.logs.values()) {
      const key = log.replica.inForce?.law.witness_key
      if (key !== undefined && !this.policies.get(log.society).block) keys.add(key)
    }
    return keys
  }

  // ---- what the network brings

  async group(society: SocietyId, frame: Uint8Array, _from: PeerId): Promise<Verdict> {
    return (await this.logs.get(society)?.follower.onGroup(frame)) ?? 'ignore'
  }

  async proof(frame: Uint8Array): Promise<Verdict> {
    return this.#forks.onProof(frame)
  }

  peerOpened(peer: PeerInfo): void {
    this.events.peer(peer, true)
    this.#guard('status', this.#askStatus(peer))
  }

  peerClosed(peer: PeerInfo): void {
    this.events.peer(peer, false)
    this.#verdictsOnUs.delete(peer.peer)
    this.#askedAt.delete(peer.peer)
    for (const log of this.logs.values()) log.plan.onGone(peer.peer)
  }

  // ---- status

  #tick(): void {
    if (this.#stopped) return
    // Jitter keeps nodes that started together from asking in step.
    const jitter = (this.ports.random.bytes(1)[0] ?? 0) / 256
    this.#stopTimer = this.ports.clock.after(Math.round(this.options.statusMs * (0.75 + jitter / 2)), () => {
      for (const peer of this.ports.net.peers()) this.#guard('status', this.#askStatus(peer))
      this.#tick()
    })
  }

  /** At most one question a second to each peer, whatever the reasons to ask. */
  async #askStatus(peer: PeerInfo): Promise<void> {
    const now = this.ports.clock.now()
    if (this.#stopped || now - (this.#askedAt.get(peer.peer) ?? Number.NEGATIVE_INFINITY) < STATUS_GAP_MS) return
    this.#askedAt.set(peer.peer, now)
    const reply = await this.ports.net.request(peer.peer, 'status', await this.#statusFor(peer), {
      timeoutMs: STATUS_TIMEOUT_MS,
    })
    if (!reply.ok) return this.events.rejected(reply.error)
    await this.#onStatus(peer, reply.value)
  }

  async #serveStatus(peer: PeerInfo, request: StatusMessage): Promise<Result<StatusMessage>> {
    const answer = await this.#statusFor(peer)
    this.#guard('status', this.#onStatus(peer, request))
    return ok(answer)
  }

  async #statusFor(peer: PeerInfo): Promise<StatusMessage> {
    const logs: LogStatus[] = []
    for (const log of this.logs.values()) {
      const { tip, halt } = log.replica
      const { latest } = log.notes
      if (latest === undefined) continue
      const cosigned = await log.witness.lastSize()
      logs.push({
        society: log.society,
        size: tip.size,
        root: toBase64url(tip.root),
        final: log.notes.final,
        note: formatNote(latest),
        ...(cosigned === 0 ? {} : { cosigned }),
        ...(halt?.mode === 'frozen' ? { frozen: true as const } : {}),
      })
    }
    const blocked = peer.society !== '' && this.policies.get(peer.society).block
    return {
      clock: this.ports.clock.now(),
      logs,
      verdict: blocked ? { verdict: 'blocked', why: 'policy' } : { verdict: 'ok' },
    }
  }

  async #onStatus(peer: PeerInfo, message: StatusMessage): Promise<void> {
    if (this.#stopped) return
    this.#skews.set(peer.witnessKey, message.clock - this.ports.clock.now())
    this.#verdictsOnUs.set(peer.peer, message.verdict.verdict)
    const told = new Map(message.logs.map(status => [status.society, status]))
    for (const log of this.logs.values()) {
      const status = told.get(log.society)
      // A peer that speaks for the log tells its size; every other one what it cosigned, "none" included.
      const size = peer.society === log.society ? (status?.size ?? 0) : (status?.cosigned ?? 0)
      log.startUp.told(peer.witnessKey, size)
      if (status === undefined) continue
      log.plan.onSize(peer.peer, status.size)
      // It may be on its way by gossip just now.
      if (status.size > log.replica.tip.size) log.plan.onGap(this.ports.clock.now())
      const isFrozen = log.replica.halt?.mode === 'frozen'
      if (status.frozen === true && !isFrozen) this.#guard('fork', this.#forks.suspect(log, peer.peer))
      // Gossip is lost now and then, and who was away never got it.
      if (status.frozen !== true && isFrozen) this.#guard('fork', this.#forks.tell(log))
      if (log.replica.inForce !== undefined) await log.follower.onNote(status.note)
      this.#ranges.sync(log)
    }
    this.own?.cosigning.poke()
  }

  /** A witness signed a note of the own log. When that makes more of it final, followers get what shows it. */
  async #onCosigned(note: Note): Promise<void> {
    const own = this.own
    if (own === undefined) return
    const offered = await own.log.notes.offer(note)
    if (!offered.ok || offered.value.type !== 'held' || offered.value.final <= offered.value.finalBefore) return
    this.events.final(own.log, offered.value.finalBefore, offered.value.final)
    this.#news = own.cosigning.collected
    this.#notesTimer ??= this.ports.clock.after(NOTES_MS, () => {
      this.#notesTimer = undefined
      const frame = own.sequencer.noteFrame(this.#takeNews())
      if (frame !== undefined) this.#guard('publish', this.ports.net.publishGroup(own.log.society, frame))
    })
  }

  /** Notes that made more final and that followers have not been sent; a lost message is made good by the next status. */
  #takeNews(): readonly Note[] {
    const news = this.#news
    this.#news = []
    return news
  }

  /** Lets a task run; what it throws is told, never lost. */
  #guard(what: string, task: Promise<unknown>): void {
    task.catch(error => {
      if (!this.#stopped) this.events.fault(what, error)
    })
  }

  /** The log of a society that this node holds. */
  held(society: SocietyId): Result<SocietyLog> {
    const log = this.logs.get(society)
    return log === undefined ? fail(rejection('NOT_FOUND', society)) : ok(log)
  }
}
