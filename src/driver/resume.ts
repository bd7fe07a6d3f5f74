import { toBase64url } from '../encoding.ts'
import { encodeSubmission, openEntry } from '../ingest/open.ts'
import { entryOf } from '../ingest/verify.ts'
import { FRESHNESS_MULTI_MS } from '../limits.ts'
import type { StoreRange } from '../ports.ts'
import type { Law } from '../records/law.ts'
import type { ResumeBody } from '../records/resume.ts'
import type { AnyRecord, Sig } from '../records/types.ts'
import { type Code, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { type KeysState, stateKeys } from '../state/model.ts'
import { rangeOf } from '../store/ledger.ts'
import type { EpochMs, HashText, KeyText, RecordId, Seq } from '../units.ts'
import type { Federation } from './federation.ts'
import { askCountersign } from './genesis.ts'
import { signRecord } from './issue.ts'
import { ResumeJudge } from './resume-judge.ts'
import { type ResumeAt, resumeCause, type StateAt, stateAt } from './resume-state.ts'
import { Serial } from './serial.ts'
import { openVerified } from './serve.ts'
import type { SocietyLog } from './society-log.ts'

/**
 * Resuming a log from an earlier size, decided by people on both sides: the society's operator sees what is given up and
 * asks (here); each witness's operator sees it too and approves (resume-judge.ts); q countersignatures make it the log's
 * next entry.
 */

/** A lane that nothing else uses: a resume must not wait for records that were given up. */
const RESUME_LANE = 1
/** Half of the time in which a resume is fresh: after that the witnesses are asked about a new one. */
const COLLECTING_MS_MAX = FRESHNESS_MULTI_MS / 2

/** What people see before anybody agrees. */
export interface ResumePlan extends ResumeAt {
  readonly cause: ResumeBody['cause']
  readonly evidence: HashText
  /** Entries held here, and those of them that are final; less than the final ones is never kept. */
  readonly here: Seq
  readonly final: Seq
  readonly quorum: number
  readonly witnesses: readonly {
    readonly key: KeyText
    /** Largest size that it is known to have cosigned in the history held here. */
    readonly cosigned: Seq
    readonly signed: boolean
    readonly refused?: Code
  }[]
}

/** One entry that would be given up. */
export interface DroppedEntry {
  readonly seq: Seq
  readonly id: RecordId
  readonly kind: string
  readonly author: string
  readonly time: EpochMs
}

interface Collecting {
  readonly record: AnyRecord
  readonly sigs: Map<KeyText, Sig>
  readonly refused: Map<KeyText, Code>
}

export class Resumes {
  readonly #node: Federation
  readonly #serial = new Serial()
  /** The witness's side. */
  readonly witness: ResumeJudge
  #collecting: Collecting | undefined

  constructor(node: Federation) {
    this.#node = node
    this.witness = new ResumeJudge(node)
  }

  /** What a resume of the own log at `size` would keep and give up; default: all that is here. */
  async plan(size?: Seq): Promise<Result<ResumePlan>> {
    const log = this.#node.own?.log
    if (log === undefined) return fail(rejection('NOT_SEQUENCER'))
    const { halt, tip } = log.replica
    const all = Math.min(tip.size, log.snapshots.wrong?.seq ?? tip.size)
    const kept = size ?? (halt?.mode === 'resuming' ? halt.size : all)
    const cause = await resumeCause(this.#node.ports, log, kept)
    if (!cause.ok) return cause
    if (kept < log.notes.final) return fail(rejection('RESUME_FINAL', `${log.notes.final} entries are final`))
    const root = await log.replica.rootAt(kept)
    if (kept < 1 || root === undefined) return fail(rejection('RESUME_SIZE', `1 to ${tip.size} can be kept`))
    const epoch = log.replica.epoch + 1
    const at = { society: log.society, epoch, size: kept, root: toBase64url(root) }
    const work = this.#collectingFor(at)
    const { quorum, witnesses } = log.replica.setAt(kept)
    return ok({
      ...at,
      ...cause.value,
      here: tip.size,
      final: log.notes.final,
      quorum,
      witnesses: witnesses.map(key => {
        const refused = work?.refused.get(key)
        return {
          key,
          cosigned: log.notes.cosigned.get(key) ?? 0,
          signed: work?.sigs.has(key) ?? false,
          ...(refused === undefined ? {} : { refused }),
        }
      }),
    })
  }

  /** The entries held here from `from` on. */
  dropped(log: SocietyLog, from: Seq, limit: number): Promise<readonly DroppedEntry[]> {
    return this.#listed({ ...rangeOf.entries(log.society, from), limit })
  }

  /** The entries that were given up here when `epoch` ended. */
  droppedOf(log: SocietyLog, epoch: number, limit: number): Promise<readonly DroppedEntry[]> {
    return this.#listed({ ...rangeOf.dropped(log.society, epoch), limit })
  }

  async #listed(range: StoreRange): Promise<readonly DroppedEntry[]> {
    const { context, store } = this.#node.ports
    const found: DroppedEntry[] = []
    for await (const [, bytes] of store.range(range)) {
      const opened = openEntry(bytes, context.sha256)
      if (!opened.ok) continue
      const { id, record, seq, time } = opened.value
      found.push({ seq, id, kind: record.kind, author: record.author, time })
    }
    return found
  }

  /**
   * Asks the witnesses for their countersignatures, and, when there are q, goes back and begins the new epoch. Called again
   * it goes on with those that are missing. RESUME_QUORUM while there are fewer; RESUME_SOUND, RESUME_FINAL, RESUME_SIZE.
   */
  resume(size?: Seq): Promise<Result<ResumePlan & { readonly seq: Seq }>> {
    // One after another: a second one would take back what the first one has published.
    return this.#serial.run(() => this.#resume(size))
  }

  async #resume(size?: Seq): Promise<Result<ResumePlan & { readonly seq: Seq }>> {
    const own = this.#node.own
    const planned = await this.plan(size)
    if (!planned.ok) return planned
    if (own === undefined) return fail(rejection('NOT_SEQUENCER'))
    const { log } = own
    const plan = planned.value
    const at = await stateAt(this.#node.ports, log, plan.size)
    const law = (await at.session.read(stateKeys.law)) as unknown as Law
    const work = await this.#collect(log, plan, at, law)
    if (!work.ok) return work
    const { quorum } = law.finality
    const chosen = [...work.value.sigs.values()]
      .filter(({ by }) => law.finality.witnesses.includes(by))
      .slice(0, quorum)
    if (chosen.length < quorum)
      return fail(rejection('RESUME_QUORUM', `${chosen.length} of ${quorum}${refusalsText(work.value.refused)}`))
    const societySig = [...work.value.sigs.values()].filter(({ by }) => !law.finality.witnesses.includes(by))
    const opened = await openVerified(this.#node, encodeSubmission(work.value.record, [...societySig, ...chosen]))
    if (!opened.ok) return opened
    const { clock, context } = this.#node.ports
    const entry = entryOf(opened.value, plan.size, Math.max(at.time, clock.now()), context.sha256)
    const refused = await at.session.decide(entry)
    if (refused !== undefined) return fail(refused)
    if (plan.cause === 'claim') await this.#keepClaim(log)
    await log.rewind({ epoch: plan.epoch, root: plan.root, size: plan.size, to: plan.size })
    const sequenced = await own.sequencer.resume(opened.value)
    if (!sequenced.ok) return sequenced
    this.#collecting = undefined
    return ok({ ...plan, seq: sequenced.value })
  }

  /** A wrong claim shows in the log only, of which it is about to be no part: should this be cut off, it is still the cause. */
  async #keepClaim(log: SocietyLog): Promise<void> {
    const { wrong } = log.snapshots
    const [entry] = wrong === undefined ? [] : await log.replica.entries(wrong.seq, 1)
    if (wrong !== undefined) await log.replica.stop({ mode: 'void', seq: wrong.seq, code: 'STATE_CLAIM' }, [], entry)
  }

  /** Signs as the society, and asks every witness that has not signed yet. */
  async #collect(log: SocietyLog, plan: ResumePlan, at: StateAt, law: Law): Promise<Result<Collecting>> {
    const held = this.#collectingFor(plan)
    const work = held ?? (await this.#begin(log, plan, at))
    if (work === undefined)
      return fail(rejection('NOT_SEQUENCER', "the key in force at that size is not this folder's"))
    this.#collecting = work
    const missing = law.finality.witnesses.filter(key => !work.sigs.has(key))
    work.refused.clear()
    await Promise.all(
      missing.map(async key => {
        const answer = await askCountersign(this.#node, key, work.record)
        // One that lies must not spoil what the others signed.
        const proven = answer.ok ? await this.#proven(work.record, answer.value) : answer
        if (proven.ok) work.sigs.set(key, proven.value)
        else work.refused.set(key, proven.error.code)
      }),
    )
    return ok(work)
  }

  async #proven(record: AnyRecord, sig: Sig): Promise<Result<Sig>> {
    const opened = await openVerified(this.#node, encodeSubmission(record, [sig]))
    return opened.ok ? ok(sig) : opened
  }

  async #begin(log: SocietyLog, plan: ResumePlan, { session }: StateAt): Promise<Collecting | undefined> {
    const { clock, societyKeys } = this.#node.ports
    const keys = (await session.read(stateKeys.keys)) as unknown as KeysState
    const signer = societyKeys?.signerFor(keys.society)
    if (signer === undefined) return undefined
    const last = await session.read(stateKeys.lane(log.society, RESUME_LANE))
    const { cause, epoch, evidence, root, size } = plan
    const record: AnyRecord = {
      author: log.society,
      body: { cause, epoch, evidence, root, size },
      kind: 'resume',
      lane: RESUME_LANE,
      n: Number(last ?? 0) + 1,
      society: log.society,
      time: clock.now(),
      v: 1,
    }
    return { record, sigs: new Map([[signer.key, await signRecord(record, signer)]]), refused: new Map() }
  }

  #collectingFor({ epoch, root, size }: ResumeAt): Collecting | undefined {
    const { record } = this.#collecting ?? {}
    const body = record?.body as ResumeBody | undefined
    // Too old to be asked about once more: it must be fresh when it becomes an entry.
    if (this.#node.ports.clock.now() - (record?.time ?? 0) > COLLECTING_MS_MAX) return undefined
    return body?.epoch === epoch && body.root === root && body.size === size ? this.#collecting : undefined
  }
}

function refusalsText(refused: ReadonlyMap<KeyText, Code>): string {
  const text = [...refused].map(([key, code]) => `${key}: ${code}`).join(', ')
  return text === '' ? '' : `; ${text}`
}
