import { toBase64url } from '../encoding.ts'
import { GapBudget } from '../ingest/gap-buffer.ts'
import { formatNote, type Note } from '../log/note.ts'
import type { Clock, Random, Signer, SocietyKeys, Store, Verifier } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { keyPart, rangeOf, storeKey } from '../store/ledger.ts'
import type { EpochMs, KeyText, Seq, SocietyId } from '../units.ts'
import { KeyGuard } from '../witnessing/key-guard.ts'
import { Cosigning } from './cosigning.ts'
import { Forks } from './forks.ts'
import { Instances } from './instances.ts'
import {
  HANDOVER_NOTES_MAX,
  type LogStatus,
  type Net,
  type NetHandlers,
  type PeerId,
  type PeerInfo,
  type StatusMessage,
  type Verdict,
} from './net.ts'
import { startBarrier } from './own-start.ts'
import { Policies, type Policy } from './policy.ts'
import { Ranges } from './ranges.ts'
import { Resumes } from './resume.ts'
import { ResumeFollower } from './resume-follow.ts'
import { notHeld, Sequencer } from './sequencer.ts'
import { serveCosign, serveCountersign, serveEntries, serveStanding, serveSubmit } from './serve.ts'
import { decodeState } from './session.ts'
import { SocietyLog } from './society-log.ts'
import { claimsFalsely, isBlocked, speaksFor } from './speakers.ts'
import { wantsOf } from './wants.ts'
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
  /** Absent: an observer. */
  readonly societyKeys?: SocietyKeys
}

/** What happens, for logs, metrics, events and tests. */
export interface FederationEvents {
  committed(log: SocietyLog, from: number, to: number): void
  final(log: SocietyLog, before: number, now: number): void
  frozen(log: SocietyLog): void
  halted(log: SocietyLog, code: string): void
  rejected(error: Rejection): void
  peer(peer: PeerInfo, open: boolean): void
  /** The entry at `seq` claims a state of `size` that is not the one computed here: nothing above it is cosigned. */
  wrongClaim(log: SocietyLog, seq: Seq, size: Seq): void
  /** Why the own log may not grow, whenever that changes; undefined: now it may. */
  barred(log: SocietyLog, why: Rejection | undefined): void
  /** A log was resumed by its society, and this node went back to `size` to follow it. */
  rewound(log: SocietyLog, size: number): void
  /** An operator said that nothing was signed beyond `size`. */
  overridden(log: SocietyLog, size: number): void
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
  /** Of this process: two copies of a data folder have one key, and two of these. */
  readonly #instance: string
  readonly #instances = new Instances()
  readonly #opening = new Map<SocietyId, Promise<SocietyLog>>()
  /** The newest charter of each founder to which this process consented. */
  readonly #promised = new Map<KeyText, SocietyId>()
  own:
    | {
        readonly log: SocietyLog
        readonly sequencer: Sequencer
        readonly cosigning: Cosigning
        readonly foreign: KeyGuard
      }
    | undefined
  readonly #ownListeners = new Set<() => void>()
  /** As told last, so that each reason is told once. */
  #barred: string | undefined
  readonly #forks: Forks
  readonly #ranges: Ranges
  readonly #resumed: ResumeFollower
  readonly resumes = new Resumes(this)
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
    this.#instance = toBase64url(ports.random.bytes(16))
    this.policies = new Policies(ports.store)
    const guard = (what: string, task: Promise<unknown>) => this.#guard(what, task)
    this.#forks = new Forks(this.logs, ports, {
      rejected: error => events.rejected(error),
      frozen: log => {
        if (this.own?.log === log) this.own.cosigning.stop()
        events.frozen(log)
      },
    })
    this.#resumed = new ResumeFollower(ports, {
      ahead: log => this.#ranges.sync(log),
      rewound: (log, size) => {
        events.rewound(log, size)
        this.#ranges.sync(log)
      },
      rejected: error => events.rejected(error),
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
    this.#tellWants()
    this.#tick()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopTimer?.()
    this.#notesTimer?.()
    this.#ranges.stop()
    this.own?.cosigning.stop()
    await this.own?.sequencer.stop()
    for (const log of this.logs.values()) {
      await log.replica.idle()
      await log.snapshots.stop()
    }
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
        gap: (of, size) => {
          this.#onOwnNote(of, size)
          this.#ranges.onGap(of, size)
        },
        conflict: (of, note) => this.#guard('conflict', of.judging(this.#forks.onConflict(of, note))),
        halted: (of, halt) => this.events.halted(of, 'code' in halt ? halt.code : halt.mode),
        rejected: error => this.events.rejected(error),
        final: (of, before, now) => this.events.final(of, before, now),
        failed: (_of, error) => this.events.fault('apply', error),
        computed: () => this.#ownChanged(),
        wrongClaim: (of, seq, size) => {
          this.events.wrongClaim(of, seq, size)
          this.#tellBarrier()
        },
      },
    })
    log.replica.onCommit(({ entries, tip }) => this.events.committed(log, tip.size - entries.length, tip.size))
    this.logs.set(society, log)
    this.ports.net.join(society)
    const asked = this.ports.net.peers().map(peer => this.#askStatus(peer))
    this.#guard(
      'status',
      Promise.all(asked).then(() => this.#tellWants()),
    )
    return log
  }

  /** This node writes that log from now on. */
  async adopt(society: SocietyId): Promise<void> {
    const { societyKeys, clock, context, net } = this.ports
    if (societyKeys === undefined || this.own !== undefined) return
    const log = await this.follow(society)
    const cosigning = this.#newCosigning(log)
    const sequencer = new Sequencer(
      log.replica,
      log.notes,
      { groupMs: this.options.groupMs, barrier: () => this.sequencerBarrier(), notes: () => this.#takeNews() },
      {
        keys: societyKeys,
        clock,
        context,
        events: {
          sequenced: ({ frame }) => {
            // The group carried the notes.
            this.#notesTimer?.()
            this.#notesTimer = undefined
            this.#guard('publish', net.publishGroup(society, frame))
            this.own?.cosigning.poke()
          },
          failed: error => this.events.fault('sequencer', error),
        },
      },
    )
    const foreign = new KeyGuard(clock.now())
    this.own = { log, sequencer, cosigning, foreign }
    let { epoch } = log.replica
    log.replica.onCommit(({ tip }) => {
      if (tip.size !== sequencer.signed) this.own?.foreign.onEntries(tip.time, { signing: sequencer.signed > 0 })
      if (epoch !== log.replica.epoch) this.#onOwnEpoch(log)
      epoch = log.replica.epoch
      this.#tellBarrier()
    })
    this.#tellBarrier()
  }

  #newCosigning(log: SocietyLog): Cosigning {
    return new Cosigning(log.replica, log.notes, {
      net: this.ports.net,
      clock: this.ports.clock,
      context: this.ports.context,
      onCosigned: note => this.#guard('final', this.#onCosigned(note)),
      onRefused: (_witness, error) => this.events.rejected(error),
    })
  }

  /** The own log is in a new epoch: what was offered, asked and signed before is of another history. */
  #onOwnEpoch(log: SocietyLog): void {
    const { own } = this
    if (own?.log !== log) return
    own.cosigning.stop()
    // What the key is owed may be of a history that was given up; that somebody else uses it stays true.
    const foreign = own.foreign.inUse ? own.foreign : new KeyGuard(this.ports.clock.now())
    this.own = { ...own, cosigning: this.#newCosigning(log), foreign }
    for (const peer of this.ports.net.peers()) this.#guard('status', this.#askStatus(peer))
  }

  /** The own key signed a checkpoint of entries that are not here. */
  #onOwnNote(log: SocietyLog, size: Seq): void {
    const { own } = this
    if (own?.log !== log || size <= log.replica.tip.size) return
    own.foreign.onNote(size, { signing: own.sequencer.signed > 0, ready: startBarrier(own) === undefined })
    this.#tellBarrier()
  }

  /** Calls back when something may have changed that the own log waits for: it grew, a peer spoke, a digest is known. */
  onOwnChange(listener: () => void): void {
    this.#ownListeners.add(listener)
  }

  #ownChanged(): void {
    if (this.own !== undefined && !this.#stopped) for (const listener of this.#ownListeners) listener()
  }

  #tellBarrier(): void {
    if (this.own === undefined) return
    this.#ownChanged()
    const why = this.sequencerBarrier()
    const text = why === undefined ? '' : `${why.code} ${why.detail ?? ''}`
    if (text === this.#barred) return
    this.#barred = text
    this.events.barred(this.own.log, why)
  }

  /** Why the own log may not grow now. */
  sequencerBarrier(): Rejection | undefined {
    if (this.own === undefined) return rejection('NOT_SEQUENCER')
    const { log } = this.own
    const { halt } = log.replica
    if (halt?.mode === 'frozen') return rejection('FROZEN')
    if (halt?.mode === 'resuming') return rejection('RESUMING')
    if (halt !== undefined) return rejection('VOID_ENTRY', 'code' in halt ? halt.code : undefined)
    const { wrong } = log.snapshots
    if (wrong !== undefined) return rejection('STATE_CLAIM', `entry ${wrong.seq}`)
    const starting = startBarrier(this.own)
    if (starting !== undefined) return starting
    const signer = this.societySigner()
    if (!signer.ok) return signer.error
    const skew = this.clockSkew()
    return Math.abs(skew) > FUTURE_MS ? rejection('CLOCK_SKEW', `${skew} ms`) : undefined
  }

  /** Who signs for the own society now: the key in force in its log. NOT_SEQUENCER when this process does not hold it. */
  societySigner(): Result<Signer> {
    const { societyKeys } = this.ports
    const key = this.own?.log.replica.inForce?.keys.society
    if (key === undefined || societyKeys === undefined) return fail(rejection('NOT_SEQUENCER'))
    const signer = societyKeys.signerFor(key)
    return signer === undefined ? fail(notHeld(key, societyKeys)) : ok(signer)
  }

  /** Median of (witness clock − own clock) over the witnesses heard; 0 when there are none. */
  clockSkew(): EpochMs {
    const witnesses = this.own?.log.replica.finalitySets().current.witnesses ?? []
    const skews = witnesses.flatMap(key => this.#skews.get(key) ?? []).sort((a, b) => a - b)
    return skews[Math.floor(skews.length / 2)] ?? 0
  }

  /**
   * This node consented to that founder's charter. A founder that asks again had no success with the charter before, which
   * is forgotten: nothing of it will ever come.
   */
  async promise(founder: KeyText, society: SocietyId): Promise<void> {
    const before = this.#promised.get(founder)
    this.#promised.set(founder, society)
    if (before !== undefined && before !== society && this.logs.get(before)?.replica.tip.size === 0) {
      await this.policies.forget(before)
      this.logs.delete(before)
      this.ports.net.leave(before)
    }
    await this.setPolicy(society, { follow: true, witness: true })
  }

  async setPolicy(society: SocietyId, changes: Partial<Policy>): Promise<void> {
    await this.policies.set(society, changes)
    if (this.policies.get(society).follow) await this.follow(society)
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
    if (claimsFalsely(this, peer)) this.events.rejected(rejection('SOCIETY_CLAIMED', peer.society))
    this.events.peer(peer, true)
    this.#guard('status', this.#askStatus(peer))
  }

  peerClosed(peer: PeerInfo): void {
    this.events.peer(peer, false)
    this.#verdictsOnUs.delete(peer.peer)
    this.#askedAt.delete(peer.peer)
    this.#instances.gone(peer.witnessKey)
    this.own?.log.startUp.twin(peer.witnessKey, false)
    for (const log of this.logs.values()) log.plan.onGone(peer.peer)
  }

  // ---- status

  #tick(): void {
    if (this.#stopped) return
    // Jitter keeps nodes that started together from asking in step.
    const jitter = (this.ports.random.bytes(1)[0] ?? 0) / 256
    this.#stopTimer = this.ports.clock.after(Math.round(this.options.statusMs * (0.75 + jitter / 2)), () => {
      for (const peer of this.ports.net.peers()) this.#guard('status', this.#askStatus(peer))
      this.#tellWants()
      this.#tick()
    })
  }

  #tellWants(): void {
    if (!this.#stopped) this.ports.net.want(wantsOf(this))
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
    this.own?.log.startUp.twin(peer.witnessKey, reply.value.twin === true)
    await this.#onStatus(peer, reply.value, true)
  }

  async #serveStatus(peer: PeerInfo, request: StatusMessage): Promise<Result<StatusMessage>> {
    const { instance } = request
    const now = this.ports.clock.now()
    if (instance !== undefined) this.#instances.heard(peer.witnessKey, instance, now)
    const isTwin = instance !== undefined && this.#instances.hasElder(peer.witnessKey, instance, now)
    const answer = { ...(await this.#statusFor(peer, request)), ...(isTwin ? { twin: true as const } : {}) }
    this.#guard('status', this.#onStatus(peer, request, false))
    return ok(answer)
  }

  /** `asked`: what it answers. */
  async #statusFor(peer: PeerInfo, asked?: StatusMessage): Promise<StatusMessage> {
    const lacked = new Map(asked?.logs.map(({ lacks, society }) => [society, lacks]))
    let room = HANDOVER_NOTES_MAX
    const logs: LogStatus[] = []
    for (const log of this.logs.values()) {
      const { tip, halt } = log.replica
      const { latest } = log.notes
      if (latest === undefined) continue
      const cosigned = await log.witness.lastSize()
      const { lacking } = log.notes
      const from = lacked.get(log.society)
      const handovers = from === undefined ? [] : await log.notes.handoverNotes(from, room)
      room -= handovers.length
      logs.push({
        society: log.society,
        size: tip.size,
        root: toBase64url(tip.root),
        final: log.notes.final,
        note: formatNote(latest),
        ...(cosigned === 0 ? {} : { cosigned }),
        ...(handovers.length === 0 ? {} : { handovers }),
        ...(lacking === undefined ? {} : { lacks: lacking }),
        ...(halt?.mode === 'frozen' ? { frozen: true as const } : {}),
        ...(log.replica.epoch === 0 ? {} : { epochs: log.replica.inForce?.epochs ?? [] }),
      })
    }
    const blocked = isBlocked(this, peer)
    return {
      clock: this.ports.clock.now(),
      instance: this.#instance,
      logs,
      verdict: blocked ? { verdict: 'blocked', why: 'policy' } : { verdict: 'ok' },
    }
  }

  /** `isAnswer`: to a question of this process; a question of the peer's own may be meant for another one with our keys. */
  async #onStatus(peer: PeerInfo, message: StatusMessage, isAnswer: boolean): Promise<void> {
    if (this.#stopped) return
    this.#skews.set(peer.witnessKey, message.clock - this.ports.clock.now())
    this.#verdictsOnUs.set(peer.peer, message.verdict.verdict)
    const told = new Map(message.logs.map(status => [status.society, status]))
    for (const log of this.logs.values()) {
      const status = told.get(log.society)
      if (status !== undefined) await this.#onLogStatus(log, peer, status)
      const epoch = status?.epochs?.length ?? 0
      // It knows of a resume that is not here: nothing may be signed before it is.
      if (epoch > log.replica.epoch) continue
      const spoken = epoch === log.replica.epoch ? status : undefined
      // A peer that speaks for the log tells its size; every other one what it cosigned, "none" included. Only after its
      // note was looked at: what it proves must be known before anything is signed.
      const size = speaksFor(peer, log) ? (spoken?.size ?? 0) : (spoken?.cosigned ?? 0)
      const note = spoken !== undefined && size > log.replica.tip.size ? log.notes.open(spoken.note) : undefined
      if (isAnswer || this.own?.log !== log)
        log.startUp.told(peer.witnessKey, size, note?.ok === true ? note.value.checkpoint.size : 0)
      if (status !== undefined) this.#ranges.sync(log)
    }
    this.#tellBarrier()
    this.own?.cosigning.poke()
  }

  async #onLogStatus(log: SocietyLog, peer: PeerInfo, status: LogStatus): Promise<void> {
    log.plan.onSize(peer.peer, status.size)
    // It may be on its way by gossip just now.
    if (status.size > log.replica.tip.size) log.plan.onGap(this.ports.clock.now())
    const epochs = status.epochs ?? []
    if (epochs.length > log.replica.epoch)
      return this.#guard('resume', log.judging(this.#resumed.onEpochs(log, peer.peer, epochs)))
    const isFrozen = log.replica.halt?.mode === 'frozen'
    if (epochs.length < log.replica.epoch) return
    if (status.frozen === true && !isFrozen) this.#guard('fork', this.#forks.suspect(log, peer.peer))
    // Gossip is lost now and then, and who was away never got it.
    if (status.frozen !== true && isFrozen) this.#guard('fork', this.#forks.tell(log))
    if (log.replica.inForce === undefined) return
    for (const note of [...(status.handovers ?? []), status.note]) await log.follower.onNote(note)
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
