import type { Clock, Store } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { storeKey } from '../store/ledger.ts'
import type { EpochMs, Seq, SocietyId } from '../units.ts'
import { type Audited, auditBooks } from './audit.ts'
import { type AuditMark, markOp, readMark } from './audit-mark.ts'
import { auditByReplay, type Replay, type Replayed } from './audit-replay.ts'
import type { Halt } from './replica.ts'
import { Serial } from './serial.ts'
import type { SocietyLog } from './society-log.ts'

/**
 * Every entry's own changes are checked as it is decided (session.ts). An audit checks what is stored: that no disk, and no
 * error that touches other keys than an entry says, has changed the books since.
 */

/** The first audits begin when a node that starts has the worst behind it. */
const FIRST_MS = 10_000

export interface AuditWork {
  /** Decide all entries again, and compare. Takes the memory of the whole state. */
  readonly replay: boolean
  /** Write what the replay found to be different as it should be. */
  readonly repair: boolean
}

export interface AuditReport extends Audited {
  readonly sound: boolean
  /** Size at the newest audit before this one that found nothing wrong. */
  readonly good?: Seq
  readonly replay?: Replayed
  /** Keys that were put right. */
  readonly repaired?: number
}

export interface AuditsEvents {
  audited(log: SocietyLog, report: AuditReport): void
  /** The log stands still from now on, or no longer. */
  changed(log: SocietyLog, halt: Halt | undefined): void
  failed(error: unknown): void
}

/** Thrown into an audit that the end of the node cuts off. */
class Stopped extends Error {
  override readonly name = 'Stopped'
}

/** Audits of all logs of a node, one after another: by the clock, and when an operator asks. */
export class Audits {
  readonly #logs: ReadonlyMap<SocietyId, SocietyLog>
  readonly #everyMs: EpochMs
  readonly #ports: { readonly store: Store; readonly clock: Clock; readonly context: DecideContext }
  readonly #events: AuditsEvents
  readonly #serial = new Serial()
  #cancel: (() => void) | undefined
  /** Ends the pause that an audit makes. */
  #wake: (() => void) | undefined
  #stopped = false

  /** `everyMs`: from the end of one round to the next; 0: only when an operator asks. */
  constructor(
    logs: ReadonlyMap<SocietyId, SocietyLog>,
    everyMs: EpochMs,
    ports: { readonly store: Store; readonly clock: Clock; readonly context: DecideContext },
    events: AuditsEvents,
  ) {
    this.#logs = logs
    this.#everyMs = everyMs
    this.#ports = ports
    this.#events = events
  }

  run(): void {
    if (this.#everyMs > 0) this.#later(Math.min(FIRST_MS, this.#everyMs))
  }

  /** Gives up what is being audited. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancel?.()
    this.#wake?.()
    await this.#serial.idle()
  }

  #later(ms: EpochMs): void {
    if (this.#stopped) return
    this.#cancel = this.#ports.clock.after(ms, () => {
      this.#round()
        .catch(error => this.#events.failed(error))
        .finally(() => this.#later(this.#everyMs))
    })
  }

  async #round(): Promise<void> {
    for (const log of [...this.#logs.values()]) {
      if (this.#stopped) return
      await this.audit(log).catch(error => this.#events.failed(error))
    }
  }

  /**
   * Audits one log now, after those that are in work. Codes: NOT_FOUND (no entries yet), RESUMING (its state is being made
   * again), OVERLOADED (the node stops).
   */
  async audit(log: SocietyLog, work: AuditWork = { replay: false, repair: false }): Promise<Result<AuditReport>> {
    try {
      return await this.#serial.run(() => this.#audit(log, work))
    } catch (error) {
      if (error instanceof Stopped) return fail(rejection('OVERLOADED', 'stopping'))
      throw error
    }
  }

  async #audit(log: SocietyLog, work: AuditWork): Promise<Result<AuditReport>> {
    const { repair, replay } = work
    const { made } = log.replica
    const found = await this.#look(log, replay || repair)
    if (found === undefined) return fail(rejection(log.replica.tip.size === 0 ? 'NOT_FOUND' : 'RESUMING'))
    const { audited, replayed } = found
    const [stored] = await this.#ports.store.getMany([storeKey.audit(log.society)])
    const mark = readMark(stored)
    const detail = detailOf(audited, replayed)
    if (detail !== undefined) {
      const bad = { detail, replay: replayed !== undefined || mark.bad?.replay === true, seq: audited.size }
      // The log went back meanwhile, and has another state now.
      if (!(await this.#mark(log, { ...mark, bad }, made))) return this.#audit(log, work)
    }
    if (detail === undefined) await this.#clear(log, mark, audited.size, replayed !== undefined)
    const good = mark.good === undefined || mark.good > audited.size ? {} : { good: mark.good }
    const report: AuditReport = {
      ...audited,
      sound: detail === undefined,
      ...good,
      ...(replayed === undefined ? {} : { replay: shown(replayed) }),
    }
    this.#events.audited(log, report)
    if (!repair || replayed === undefined || replayed.repair.length === 0) return ok(report)
    return this.#repair(log, report, replayed)
  }

  /** What is to be seen in a snapshot of this moment. */
  async #look(
    log: SocietyLog,
    replay: boolean,
  ): Promise<{ readonly audited: Audited; readonly replayed: Replay | undefined } | undefined> {
    const pause = () => this.#pause()
    const snapshot = await this.#ports.store.snapshot()
    try {
      const audited = await auditBooks(snapshot, log.society, pause)
      if (audited === undefined) return undefined
      return {
        audited,
        replayed: replay ? await auditByReplay(snapshot, audited, this.#ports.context, pause) : undefined,
      }
    } finally {
      await snapshot.close()
    }
  }

  async #mark(log: SocietyLog, mark: AuditMark & Required<Pick<AuditMark, 'bad'>>, made: number): Promise<boolean> {
    const { detail, seq } = mark.bad
    const before = log.replica.halt
    const halt: Halt = { mode: 'unsound', seq, code: 'CONSERVATION', detail }
    if (!(await log.replica.unsound(halt, markOp(log.society, mark), made))) return false
    if (before?.mode !== 'unsound' && log.replica.halt === halt) this.#events.changed(log, halt)
    return true
  }

  /** What only a replay can see is over only when a replay does not see it. */
  async #clear(log: SocietyLog, { bad }: AuditMark, size: Seq, byReplay: boolean): Promise<void> {
    const { society } = log
    if (bad === undefined) await this.#ports.store.batch([markOp(society, { good: size })], { sync: false })
    if (bad === undefined || (bad.replay && !byReplay)) return
    await log.replica.sound(markOp(society, { good: size }))
    this.#events.changed(log, log.replica.halt)
  }

  /** The entries say what the state is: what differs is written as it should be, and looked at again. */
  async #repair(log: SocietyLog, before: AuditReport, { repair }: Replay): Promise<Result<AuditReport>> {
    if (!(await log.replica.mend(before.size, repair))) return ok(before)
    const after = await this.#audit(log, { replay: true, repair: false })
    return after.ok ? ok({ ...after.value, repaired: repair.length }) : after
  }

  /** Lets everybody else go first, on the clock of the node. */
  #pause(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#stopped) return reject(new Stopped())
      const cancel = this.#ports.clock.after(0, () => {
        this.#wake = undefined
        resolve()
      })
      this.#wake = () => {
        cancel()
        reject(new Stopped())
      }
    })
  }
}

/** What was found wrong, in words; undefined: nothing. */
function detailOf({ difference, faulty, faults, size }: Audited, replayed: Replay | undefined): string | undefined {
  const found: string[] = []
  if (difference !== 0n) {
    const units = difference < 0n ? -difference : difference
    found.push(`${units} units of 10^-15 micro-ATP ${difference < 0n ? 'are missing' : 'too many'}`)
  }
  const [fault] = faults
  if (fault !== undefined) found.push(`${faulty} impossible values, first ${fault.key}: ${fault.why}`)
  const { differences: [other] = [], differing = 0, entry } = replayed ?? {}
  if (other !== undefined) found.push(`${differing} keys are not as the entries make them, first ${other.key}`)
  if (entry !== undefined) found.push(`stored entry ${entry.seq} cannot be decided again: ${entry.code}`)
  return found.length === 0 ? undefined : `at ${size} entries ${found.join('; ')}`
}

function shown({ repair: _, ...replayed }: Replay): Replayed {
  return replayed
}
