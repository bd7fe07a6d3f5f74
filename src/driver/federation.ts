import { GapBudget } from '../ingest/gap-buffer.ts'
import type { Clock, Random, Signer, SocietyKeys, Store, Verifier } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { keyPart, rangeOf, storeKey } from '../store/ledger.ts'
import type { EpochMs, KeyText, Seq, SocietyId } from '../units.ts'
import { type AuditReport, Audits } from './audits.ts'
import { Forks } from './forks.ts'
import type { Net, NetHandlers, PeerId, PeerInfo, Verdict } from './net.ts'
import { serveNotice } from './notice.ts'
import { OwnLog } from './own-log.ts'
import { type Payment, Payments } from './payments.ts'
import { Policies, type Policy } from './policy.ts'
import { Ranges } from './ranges.ts'
import type { Halt } from './replica.ts'
import { Resumes } from './resume.ts'
import { ResumeFollower } from './resume-follow.ts'
import { serveCosign, serveCountersign, serveEntries, serveStanding, serveSubmit } from './serve.ts'
import { decodeState } from './session.ts'
import { SocietyLog } from './society-log.ts'
import { claimsFalsely } from './speakers.ts'
import { Statuses } from './statuses.ts'
import { wantsOf } from './wants.ts'

export interface FederationOptions {
  /** How long a group waits for company. */
  readonly groupMs: number
  /** Off only in tests that show what gossip alone does. */
  readonly rangeFetch: boolean
  readonly statusMs: number
  /** From one audit of all logs to the next; 0: only when an operator asks. */
  readonly auditMs: number
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
  halted(log: SocietyLog, code: string, detail?: string): void
  /** What is stored of a log was held against what it must be. */
  audited(log: SocietyLog, report: AuditReport): void
  rejected(error: Rejection): void
  peer(peer: PeerInfo, open: boolean): void
  /** The entry at `seq` claims a state of `size` that is not the one computed here: nothing above it is cosigned. */
  wrongClaim(log: SocietyLog, seq: Seq, size: Seq): void
  /** Why the own log may not grow, whenever that changes; undefined: now it may. */
  barred(log: SocietyLog, why: Rejection | undefined): void
  /** A member of the own society was paid in another log; told once, when it is first final for this node. */
  received(payment: Payment): void
  /** A log was resumed by its society, and this node went back to `size` to follow it. */
  rewound(log: SocietyLog, size: number): void
  /** An operator said that nothing was signed beyond `size`. */
  overridden(log: SocietyLog, size: number): void
  fault(what: string, error: unknown): void
}

/** One node among its peers: the logs it writes, witnesses and follows, and who may ask what. */
export class Federation implements NetHandlers {
  readonly ports: FederationPorts
  readonly options: FederationOptions
  readonly events: FederationEvents
  readonly policies: Policies
  readonly logs = new Map<SocietyId, SocietyLog>()
  readonly #budget = new GapBudget()
  readonly #opening = new Map<SocietyId, Promise<SocietyLog>>()
  /** The newest charter of each founder to which this process consented. */
  readonly #promised = new Map<KeyText, SocietyId>()
  own: OwnLog | undefined
  readonly #ownListeners = new Set<() => void>()
  readonly #statuses: Statuses
  readonly #forks: Forks
  readonly #ranges: Ranges
  readonly #resumed: ResumeFollower
  readonly resumes = new Resumes(this)
  readonly audits: Audits
  readonly payments: Payments
  #stopTimer: (() => void) | undefined
  #stopped = false

  readonly serve: NetHandlers['serve'] = {
    status: (peer, request) => this.#statuses.serve(peer, request),
    entries: (peer, request) => serveEntries(this, peer, request),
    cosign: (peer, request) => serveCosign(this, peer, request),
    countersign: (peer, request) => serveCountersign(this, peer, request),
    standing: (peer, request) => serveStanding(this, peer, request),
    submit: (peer, request) => serveSubmit(this, peer, request),
    notice: (peer, request) => serveNotice(this, peer, request),
  }

  constructor(options: FederationOptions, ports: FederationPorts, events: FederationEvents) {
    this.options = options
    this.ports = ports
    this.events = events
    this.policies = new Policies(ports.store)
    this.payments = new Payments(this, { received: payment => events.received(payment) })
    const guard = (what: string, task: Promise<unknown>) => this.#guard(what, task)
    this.#forks = new Forks(this.logs, ports, {
      rejected: error => events.rejected(error),
      frozen: log => {
        if (this.own?.log === log) this.own.cosigning.stop()
        events.frozen(log)
      },
    })
    this.audits = new Audits(this.logs, options.auditMs, ports, {
      audited: (log, report) => events.audited(log, report),
      changed: (log, halt) => {
        if (halt?.mode === 'unsound') this.#halted(log, halt)
        else this.#ranges.sync(log)
        this.own?.tellBarrier()
      },
      failed: error => events.fault('audit', error),
    })
    this.#resumed = new ResumeFollower(ports, {
      ahead: log => this.#ranges.sync(log),
      rewound: (log, size) => {
        events.rewound(log, size)
        guard('payments', this.payments.rewound(log, size))
        this.#ranges.sync(log)
      },
      rejected: error => events.rejected(error),
    })
    this.#statuses = new Statuses(this, ports, {
      guard,
      laterEpoch: (log, peer, epochs) => guard('resume', log.judging(this.#resumed.onEpochs(log, peer, epochs))),
      suspect: (log, peer) => guard('fork', this.#forks.suspect(log, peer)),
      unaware: log => guard('fork', this.#forks.tell(log)),
      sync: log => this.#ranges.sync(log),
      told: () => {
        this.own?.tellBarrier()
        this.own?.cosigning.poke()
      },
    })
    this.#ranges = new Ranges(options.rangeFetch, ports, {
      guard,
      rejected: error => events.rejected(error),
      askEverybody: () => this.#statuses.askAll(),
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
    this.audits.run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#stopTimer?.()
    this.#statuses.stop()
    this.#ranges.stop()
    await this.own?.stop()
    await this.audits.stop()
    for (const log of this.logs.values()) {
      await log.replica.idle()
      await log.snapshots.stop()
    }
    await this.payments.idle()
  }

  get ownSociety(): SocietyId | '' {
    return this.own?.log.society ?? ''
  }

  verdictOnUs(peer: PeerId): string | undefined {
    return this.#statuses.verdictOnUs(peer)
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
          if (this.own?.log === of) this.own.onForeignNote(size)
          this.#ranges.onGap(of, size)
        },
        conflict: (of, note) => this.#guard('conflict', of.judging(this.#forks.onConflict(of, note))),
        halted: (of, halt) => this.#halted(of, halt),
        rejected: error => this.events.rejected(error),
        final: (of, before, now) => {
          this.events.final(of, before, now)
          this.#guard('payments', this.payments.settle(of))
        },
        failed: (_of, error) => this.events.fault('apply', error),
        computed: () => this.#ownChanged(),
        wrongClaim: (of, seq, size) => {
          this.events.wrongClaim(of, seq, size)
          this.own?.tellBarrier()
        },
      },
    })
    log.replica.onCommit(({ entries, tip }) => this.events.committed(log, tip.size - entries.length, tip.size))
    this.logs.set(society, log)
    this.ports.net.join(society)
    const asked = this.ports.net.peers().map(peer => this.#statuses.ask(peer))
    this.#guard(
      'status',
      Promise.all(asked).then(() => this.#tellWants()),
    )
    return log
  }

  #halted(log: SocietyLog, halt: Halt): void {
    this.events.halted(log, 'code' in halt ? halt.code : halt.mode, 'detail' in halt ? halt.detail : undefined)
  }

  /** This node writes that log from now on. */
  async adopt(society: SocietyId): Promise<void> {
    const { events, options, ports } = this
    const { societyKeys: keys } = ports
    if (keys === undefined || this.own !== undefined) return
    const own: OwnLog = new OwnLog(
      await this.follow(society),
      options,
      { ...ports, keys },
      {
        guard: (what, task) => this.#guard(what, task),
        rejected: error => events.rejected(error),
        fault: (what, error) => events.fault(what, error),
        final: (log, before, now) => events.final(log, before, now),
        barred: (log, why) => events.barred(log, why),
        halted: (log, halt) => this.#halted(log, halt),
        changed: () => this.#ownChanged(),
        resumed: () => this.#statuses.askAll(),
        clockSkew: () => this.clockSkew(),
      },
    )
    this.own = own
    own.tellBarrier()
  }

  /** Calls back when something may have changed that the own log waits for: it grew, a peer spoke, a digest is known. */
  onOwnChange(listener: () => void): void {
    this.#ownListeners.add(listener)
  }

  #ownChanged(): void {
    if (this.own !== undefined && !this.#stopped) for (const listener of this.#ownListeners) listener()
  }

  /** Why the own log may not grow now. */
  sequencerBarrier(): Rejection | undefined {
    return this.own === undefined ? rejection('NOT_SEQUENCER') : this.own.barrier()
  }

  /** Who signs for the own society now. */
  societySigner(): Result<Signer> {
    return this.own === undefined ? fail(rejection('NOT_SEQUENCER')) : this.own.signer()
  }

  /** Median of (witness clock − own clock) over the witnesses of the own log; 0 when there are none. */
  clockSkew(): EpochMs {
    return this.#statuses.clockSkew(this.own?.log.replica.finalitySets().current.witnesses ?? [])
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
    this.#guard('status', this.#statuses.ask(peer))
  }

  peerClosed(peer: PeerInfo): void {
    this.events.peer(peer, false)
    this.#statuses.forget(peer)
    for (const log of this.logs.values()) log.plan.onGone(peer.peer)
  }

  #tick(): void {
    if (this.#stopped) return
    // Jitter keeps nodes that started together from asking in step.
    const jitter = (this.ports.random.bytes(1)[0] ?? 0) / 256
    this.#stopTimer = this.ports.clock.after(Math.round(this.options.statusMs * (0.75 + jitter / 2)), () => {
      this.#statuses.askAll()
      this.#tellWants()
      // What counts for us may have changed without any news of the log itself.
      this.#guard('payments', Promise.all([...this.logs.values()].map(log => this.payments.settle(log))))
      this.#tick()
    })
  }

  #tellWants(): void {
    if (!this.#stopped) this.ports.net.want(wantsOf(this))
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
