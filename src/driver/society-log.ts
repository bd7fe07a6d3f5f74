import type { GapBudget } from '../ingest/gap-buffer.ts'
import type { Note } from '../log/note.ts'
import type { Clock, Sha256, Signer, Store, Verifier } from '../ports.ts'
import type { CharterBody } from '../records/charter.ts'
import { keyHash } from '../records/law-update.ts'
import type { DecideContext } from '../records/types.ts'
import type { Rejection } from '../rejection.ts'
import { FetchPlan } from '../sync/fetch-plan.ts'
import type { KeyText, Seq, SocietyId } from '../units.ts'
import { StartUp } from '../witnessing/start-up.ts'
import { Follower } from './follower.ts'
import { NoteBook } from './note-book.ts'
import { type Halt, Replica } from './replica.ts'
import type { ResumeInWork } from './rewind.ts'
import { Snapshots } from './snapshots.ts'
import { readCharter, readConvicted } from './succession.ts'
import { Witness } from './witness.ts'

export interface LogEvents {
  gap(log: SocietyLog, size: Seq): void
  conflict(log: SocietyLog, note: Note): void
  halted(log: SocietyLog, halt: Halt): void
  rejected(error: Rejection): void
  final(log: SocietyLog, before: Seq, now: Seq): void
  failed(log: SocietyLog, error: unknown): void
  /** The digest of one more snapshot of the state is known. */
  computed(log: SocietyLog): void
  /** The society claimed a state that is not the one computed here. */
  wrongClaim(log: SocietyLog, seq: Seq, size: Seq): void
}

export interface LogComponents {
  readonly store: Store
  readonly clock: Clock
  readonly verifier: Verifier
  readonly context: DecideContext
  readonly budget: GapBudget
  readonly witnessSigner: Signer
  readonly events: LogEvents
  /** Groups of followed logs are fsynced too; a witness's own promise is fsynced in any case. */
  readonly syncFollowed: boolean
}

/** Everything this node has to do with one society's log, whether it writes, witnesses or only follows it. */
export class SocietyLog {
  readonly society: SocietyId
  readonly replica: Replica
  readonly notes: NoteBook
  readonly follower: Follower
  readonly witness: Witness
  readonly snapshots: Snapshots
  readonly plan = new FetchPlan()
  readonly startUp = new StartUp()
  /** Undefined until it is here. */
  charter: CharterBody | undefined
  /** Witnesses that cosigned two histories of this epoch. */
  convicted: readonly KeyText[] = []
  readonly #witnessKey: KeyText
  readonly #sha256: Sha256
  #epoch: number
  /** Notes of another history that are being looked at: until it is clear what they prove, nothing is cosigned. */
  #judged = 0

  private constructor(replica: Replica, notes: NoteBook, components: LogComponents) {
    this.society = replica.society
    this.replica = replica
    this.notes = notes
    this.#witnessKey = components.witnessSigner.key
    this.#sha256 = components.context.sha256
    this.#epoch = replica.epoch
    replica.onCommit(({ entries }) => {
      const [first] = entries
      if (first?.seq === 0) this.charter = first.record.body as unknown as CharterBody
      this.#onEpoch()
    })
    const { events } = components
    this.follower = new Follower(
      replica,
      notes,
      { sync: components.syncFollowed },
      {
        verifier: components.verifier,
        context: components.context,
        budget: components.budget,
        events: {
          gap: size => events.gap(this, size),
          conflict: note => events.conflict(this, note),
          halted: halt => events.halted(this, halt),
          rejected: error => events.rejected(error),
          final: (before, now) => events.final(this, before, now),
          failed: error => events.failed(this, error),
        },
      },
    )
    this.snapshots = new Snapshots(replica, components.store, components.context, {
      computed: () => events.computed(this),
      wrong: ({ seq }, size) => events.wrongClaim(this, seq, size),
      failed: error => events.failed(this, error),
    })
    this.witness = new Witness(replica, notes, {
      store: components.store,
      signer: components.witnessSigner,
      clock: components.clock,
      context: components.context,
      ready: size => this.#judged === 0 && this.witnessReady(size),
      claims: size => this.snapshots.refusal(size),
      onConflict: note => events.conflict(this, note),
    })
  }

  /** What was told about an epoch that ended says nothing about the new one. */
  #onEpoch(): void {
    if (this.#epoch === this.replica.epoch) return
    this.#epoch = this.replica.epoch
    this.startUp.reset()
    this.convicted = []
  }

  static async open(society: SocietyId, components: LogComponents): Promise<SocietyLog> {
    const replica = await Replica.open(society, components.store, components.context)
    const notes = new NoteBook(replica, components.store, components.context)
    await notes.load()
    const log = new SocietyLog(replica, notes, components)
    await log.snapshots.load()
    log.charter = await readCharter(replica, components.context)
    log.convicted = await readConvicted(components.store, society, components.context)
    return log
  }

  /** The society key after the newest *final* handover: the one against which fork proofs are held. */
  get keyAfterFinal(): KeyText | undefined {
    return this.replica.logKeyAt(this.notes.final)
  }

  /**
   * Whether this key may speak for the society now: the one in force here, the committed next one (the change may be on its
   * way to us), or one whose replacement is not final yet (its word may have been). Any key while there is no charter.
   */
  speaks(key: KeyText): boolean {
    const { inForce } = this.replica
    if (inForce === undefined) return true
    const open = this.replica.keyChanges().filter(({ seq }) => seq >= this.notes.final)
    const before = open[0] === undefined ? [] : [this.replica.logKeyAt(open[0].seq)]
    const known = [inForce.keys.society, ...before, ...open.map(change => change.key)]
    return known.includes(key) || keyHash(key, this.#sha256) === inForce.keys.next
  }

  /** Whether something is here that needs entries which are not. */
  get hasGap(): boolean {
    return this.replica.inForce === undefined || this.follower.waitingBytes > 0 || this.notes.hasEarly
  }

  /** Whether the log needs this node as a finality witness: named by the law in force, or by one whose handover is not final yet. */
  get namesUs(): boolean {
    const { current, handovers } = this.replica.finalitySets()
    const open = handovers.filter(({ seq }) => seq >= this.notes.final).map(({ replaced }) => replaced)
    return [current, ...open].some(({ witnesses }) => witnesses.includes(this.#witnessKey))
  }

  /** While this lasts, this node cosigns nothing of the log. */
  async judging(judgement: Promise<void>): Promise<void> {
    this.#judged++
    try {
      await judgement
    } finally {
      this.#judged--
    }
  }

  /** Goes back, as far as the log's resume asks for it. */
  async rewind(work: Omit<ResumeInWork, 'phase'>): Promise<void> {
    await this.replica.rewind(work)
    await this.notes.load()
  }

  witnessReady(size: Seq): boolean {
    const { inForce } = this.replica
    if (inForce === undefined) return false
    return this.startUp.witnessReady(
      size,
      this.#witnessKey,
      inForce.law.witness_key,
      this.replica.finalitySets().current,
    )
  }

  sequencerReady(): boolean {
    return this.startUp.sequencerReady(this.replica.tip.size, this.replica.finalitySets().current)
  }
}
