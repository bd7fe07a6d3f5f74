import { canonicalBytes, type Json } from '../canonical.ts'
import { fromBase64url, toBase64url } from '../encoding.ts'
import { checkUnsigned, encodeSubmission, openEntry } from '../ingest/open.ts'
import { entryOf } from '../ingest/verify.ts'
import { FRESHNESS_MULTI_MS } from '../limits.ts'
import { leafHash, sameHash } from '../log/merkle.ts'
import type { StoreRange } from '../ports.ts'
import type { Law } from '../records/law.ts'
import type { ResumeBody } from '../records/resume.ts'
import type { AnyRecord, OpenedEntry, Sig } from '../records/types.ts'
import { type Code, type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { type KeysState, stateKeys } from '../state/model.ts'
import { rangeOf, storeKey } from '../store/ledger.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { EpochMs, HashText, KeyText, RecordId, Seq, SocietyId } from '../units.ts'
import type { Federation } from './federation.ts'
import { askCountersign } from './genesis.ts'
import { signRecord } from './issue.ts'
import type { PeerInfo } from './net.ts'
import { peerPrefix } from './resume-follow.ts'
import { readVoid, replay } from './rewind.ts'
import { Serial } from './serial.ts'
import { openVerified } from './serve.ts'
import { DecideSession, decodeState } from './session.ts'
import type { SocietyLog } from './society-log.ts'
import { StateCache } from './state-cache.ts'
import type { Last } from './witness.ts'

/**
 * Resuming a log from an earlier size, decided by people on both sides: the society's operator sees what is given up and
 * asks; each witness's operator sees it too and approves; q countersignatures make it the log's next entry.
 */

/** A lane that nothing else uses: a resume must not wait for records that were given up. */
const RESUME_LANE = 1
/** Proposals of others that wait for this operator; each names a log of its own. */
const PROPOSALS_MAX = 64
/** Half of the time in which a resume is fresh: after that the witnesses are asked about a new one. */
const COLLECTING_MS_MAX = FRESHNESS_MULTI_MS / 2
const NO_SIGNATURE = toBase64url(new Uint8Array(64))

export interface ResumeAt {
  readonly society: SocietyId
  /** The epoch that would begin. */
  readonly epoch: number
  readonly size: Seq
  readonly root: HashText
}

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

/** A resume that another society asked this witness to countersign. */
export interface ResumeProposal extends ResumeAt {
  readonly cause: ResumeBody['cause']
  readonly here: Seq
  readonly final: Seq
  readonly approved: boolean
}

interface Collecting {
  readonly record: AnyRecord
  readonly sigs: Map<KeyText, Sig>
  readonly refused: Map<KeyText, Code>
}

/** State of a log at a size, decided again if that lies behind the tip. */
interface StateAt {
  readonly session: DecideSession
  readonly root: Uint8Array
  readonly time: EpochMs
}

export class Resumes {
  readonly #node: Federation
  readonly #serial = new Serial()
  #collecting: Collecting | undefined
  readonly #proposals = new Map<SocietyId, ResumeProposal>()

  constructor(node: Federation) {
    this.#node = node
  }

  // ---- the society's side

  /** What a resume of the own log at `size` would keep and give up; default: all that is here. */
  async plan(size?: Seq): Promise<Result<ResumePlan>> {
    const log = this.#node.own?.log
    if (log === undefined) return fail(rejection('NOT_SEQUENCER'))
    const { halt, tip } = log.replica
    const all = Math.min(tip.size, log.snapshots.wrong?.seq ?? tip.size)
    const kept = size ?? (halt?.mode === 'resuming' ? halt.size : all)
    const cause = await this.#causeOf(log, kept)
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
    const at = await this.#stateAt(log, plan.size)
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

  /** RESUME_SOUND when nothing is wrong with the log here that a resume at `kept` would repair. */
  async #causeOf(log: SocietyLog, kept: Seq): Promise<Result<{ cause: ResumeBody['cause']; evidence: HashText }>> {
    const { context, store } = this.#node.ports
    const [fork, bad] = await store.getMany([storeKey.fork(log.society), storeKey.void(log.society)])
    const hash = (bytes: Uint8Array) => toBase64url(context.sha256(bytes))
    if (fork !== undefined) return ok({ cause: 'fork', evidence: hash(fork) })
    const stopped = readVoid(bad)
    if (stopped !== undefined && kept <= stopped.seq)
      return ok({ cause: stopped.code === 'STATE_CLAIM' ? 'claim' : 'void', evidence: hash(stopped.entry) })
    const { wrong } = log.snapshots
    const [claim] = wrong === undefined ? [] : await log.replica.entries(wrong.seq, 1)
    if (wrong === undefined || claim === undefined || kept > wrong.seq) return fail(rejection('RESUME_SOUND'))
    return ok({ cause: 'claim', evidence: hash(claim) })
  }

  // ---- the witness's side

  /** What other societies asked for, newest last. */
  proposals(): readonly ResumeProposal[] {
    return [...this.#proposals.values()]
  }

  /** The operator of this witness agrees: durable, until another size is approved. NOT_FOUND without such a proposal. */
  async approve({ epoch, root, size, society }: ResumeAt): Promise<Result<ResumeProposal>> {
    const proposal = this.#proposals.get(society)
    if (proposal?.epoch !== epoch || proposal.root !== root || proposal.size !== size)
      return fail(rejection('NOT_FOUND', 'no such resume was asked for'))
    const value = canonicalBytes({ root, size } as Json)
    await this.#node.ports.store.batch([{ type: 'put', key: storeKey.approval(society, epoch), value }], { sync: true })
    const approved = { ...proposal, approved: true }
    this.#proposals.set(society, approved)
    return ok(approved)
  }

  /** Whether this witness countersigns; if so, it has durably promised to cosign nothing more of the epoch. */
  async judge(record: AnyRecord, peer: PeerInfo): Promise<Rejection | undefined> {
    const log = this.#node.logs.get(record.society)
    const policy = this.#node.policies.get(record.society)
    if (log === undefined || policy.block || !policy.witness || !log.namesUs) return rejection('NOT_CONSENTED')
    const malformed = checkUnsigned(record)
    if (malformed !== undefined) return malformed
    const body = record.body as unknown as ResumeBody
    const root = fromBase64url(body.root, 32)
    if (root === undefined) return rejection('RESUME_ROOT')
    if (record.author !== record.society) return rejection('AUTHOR_FORBIDDEN')
    if (body.epoch !== log.replica.epoch + 1) return rejection('RESUME_EPOCH', String(body.epoch))
    const cause = await this.#causeOf(log, body.size)
    if (!cause.ok) return cause.error
    const isOwnHistory = await this.#isOurs(log, body.size, root)
    const refused = isOwnHistory ? await this.#wouldDecide(log, record, body.size) : undefined
    if (refused !== undefined) return refused
    const { final } = log.notes
    if (!(await this.#isPrefix(log, peer, final, await log.replica.rootAt(final), body, root, isOwnHistory)))
      return rejection('RESUME_FINAL')
    // A restored folder has forgotten what it signed; it hears from the others first, as before it cosigns.
    if (!log.witnessReady(Number.MAX_SAFE_INTEGER)) return rejection('STARTING')
    const judged = async (last: Last): Promise<Rejection | undefined> => {
      const shown = log.notes.cosigned.get(this.#node.ports.witnessSigner.key) ?? 0
      const size = Math.max(last.size, shown)
      const mine = size > last.size ? await log.replica.rootAt(size) : fromBase64url(last.root, 32)
      const fits = await this.#isPrefix(log, peer, size, mine, body, root, isOwnHistory)
      if (!fits) return rejection('RESUME_COSIGNED')
      return (await this.#isApproved(log, body)) ? undefined : rejection('RESUME_APPROVAL')
    }
    return log.witness.closeEpoch(judged)
  }

  /** Notes the proposal for the operator when it is not approved yet. */
  async #isApproved(log: SocietyLog, { cause, epoch, root, size }: ResumeBody): Promise<boolean> {
    const [bytes] = await this.#node.ports.store.getMany([storeKey.approval(log.society, epoch)])
    const known = decodeState(bytes) as { root: HashText; size: Seq } | undefined
    const approved = known?.root === root && known.size === size
    const here = log.replica.tip.size
    this.#proposals.delete(log.society)
    this.#proposals.set(log.society, {
      society: log.society,
      epoch,
      size,
      root,
      cause,
      here,
      final: log.notes.final,
      approved,
    })
    for (const oldest of this.#proposals.keys())
      if (this.#proposals.size > PROPOSALS_MAX) this.#proposals.delete(oldest)
    return approved
  }

  async #isOurs({ replica }: SocietyLog, size: Seq, root: Uint8Array): Promise<boolean> {
    const own = await replica.rootAt(size)
    return own !== undefined && sameHash(own, root)
  }

  /** Whether the first `size` entries with `root` are the beginning of what the resume keeps. */
  async #isPrefix(
    log: SocietyLog,
    peer: PeerInfo,
    size: Seq,
    root: Uint8Array | undefined,
    body: ResumeBody,
    kept: Uint8Array,
    isOwnHistory: boolean,
  ): Promise<boolean> {
    if (size === 0) return true
    if (root === undefined || size > body.size) return false
    if (isOwnHistory) return this.#isOurs(log, size, root)
    const ports = this.#node.ports
    const [theirs, end] = [
      await peerPrefix(ports, log, peer.peer, size),
      await peerPrefix(ports, log, peer.peer, body.size),
    ]
    if (!theirs.ok || !end.ok) return false
    // Both are proved against one note, so the smaller is a prefix of the larger.
    return (
      sameHash(theirs.value.root, root) &&
      sameHash(end.value.root, kept) &&
      sameHash(theirs.value.note.root, end.value.note.root)
    )
  }

  /** This node signs only what its own replica would accept. */
  async #wouldDecide(log: SocietyLog, record: AnyRecord, size: Seq): Promise<Rejection | undefined> {
    const { clock, context } = this.#node.ports
    const { session, time: newest } = await this.#stateAt(log, size)
    const law = (await session.read(stateKeys.law)) as unknown as Law
    const keys = (await session.read(stateKeys.keys)) as unknown as KeysState
    const { quorum, witnesses } = law.finality
    const signers = [keys.society, ...witnesses.slice(0, quorum)].sort()
    const recordBytes = canonicalBytes(record as unknown as Json)
    const entry: OpenedEntry = {
      record,
      recordBytes,
      sigs: signers.map(by => ({ by, sig: NO_SIGNATURE })),
      id: toBase64url(context.sha256(recordBytes)),
      seq: size,
      time: Math.max(newest, clock.now()),
      bytes: recordBytes,
      leaf: leafHash(recordBytes, context.sha256),
    }
    return session.decide(entry)
  }

  /** Decides the log again up to `size`, in memory: what holds there may be given up above. */
  async #stateAt(log: SocietyLog, size: Seq): Promise<StateAt> {
    const { context, store } = this.#node.ports
    const memory = createMemoryStore()
    const { edge, time } = await replay(store, log.society, size, memory, context)
    const session = new DecideSession(log.society, memory, new StateCache(), context, () => edge)
    return { session, root: edge.root(), time }
  }
}

function refusalsText(refused: ReadonlyMap<KeyText, Code>): string {
  const text = [...refused].map(([key, code]) => `${key}: ${code}`).join(', ')
  return text === '' ? '' : `; ${text}`
}
