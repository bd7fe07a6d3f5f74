import { canonicalBytes, type Json } from '../canonical.ts'
import { fromBase64url } from '../encoding.ts'
import { checkUnsigned } from '../ingest/open.ts'
import { sameHash } from '../log/merkle.ts'
import type { Law } from '../records/law.ts'
import type { ResumeBody } from '../records/resume.ts'
import type { AnyRecord } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { type KeysState, stateKeys } from '../state/model.ts'
import { storeKey } from '../store/ledger.ts'
import type { HashText, Seq, SocietyId } from '../units.ts'
import { asEntry } from './consent.ts'
import type { Federation } from './federation.ts'
import type { PeerInfo } from './net.ts'
import { peerPrefix } from './resume-follow.ts'
import { type ResumeAt, resumeCause, stateAt } from './resume-state.ts'
import { decodeState } from './session.ts'
import type { SocietyLog } from './society-log.ts'
import { speaksFor } from './speakers.ts'
import type { Last } from './witness.ts'

/** Proposals of others that wait for this operator; each names a log of its own. */
const PROPOSALS_MAX = 64

/** A resume that another society asked this witness to countersign. */
export interface ResumeProposal extends ResumeAt {
  readonly cause: ResumeBody['cause']
  readonly here: Seq
  readonly final: Seq
  readonly approved: boolean
}

/** What a witness does when a society asks it to countersign a resume of its log. */
export class ResumeJudge {
  readonly #node: Federation
  readonly #proposals = new Map<SocietyId, ResumeProposal>()

  constructor(node: Federation) {
    this.#node = node
  }

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
    // To judge costs a second decision of the whole log: not for strangers.
    if (!speaksFor(peer, log)) return rejection('PEER_DENIED', 'not the node of that society')
    const malformed = checkUnsigned(record)
    if (malformed !== undefined) return malformed
    const body = record.body as unknown as ResumeBody
    const root = fromBase64url(body.root, 32)
    if (root === undefined) return rejection('RESUME_ROOT')
    if (record.author !== record.society) return rejection('AUTHOR_FORBIDDEN')
    if (body.epoch !== log.replica.epoch + 1) return rejection('RESUME_EPOCH', String(body.epoch))
    const cause = await resumeCause(this.#node.ports, log, body.size)
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
    const { session, time } = await stateAt(this.#node.ports, log, size)
    const law = (await session.read(stateKeys.law)) as unknown as Law
    const keys = (await session.read(stateKeys.keys)) as unknown as KeysState
    const { quorum, witnesses } = law.finality
    const signers = [keys.society, ...witnesses.slice(0, quorum)].sort()
    const bytes = canonicalBytes(record as unknown as Json)
    const entry = asEntry(this.#node, record, bytes, { size, time }, signers)
    return session.decide(entry)
  }
}
