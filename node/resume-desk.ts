import type { Federation } from '../src/driver/federation.ts'
import type { DroppedEntry, ResumePlan } from '../src/driver/resume.ts'
import { adoptHistory, type OtherHistory, otherHistory } from '../src/driver/resume-adopt.ts'
import type { ResumeProposal } from '../src/driver/resume-judge.ts'
import type { ResumeAt } from '../src/driver/resume-state.ts'
import { rejection } from '../src/rejection.ts'
import { fail, ok, type Result } from '../src/result.ts'
import type { HashText, KeyText, Seq, SocietyId } from '../src/units.ts'
import type { SocietyView } from './service.ts'
import { societyView } from './views.ts'

/** What an operator sees, and says, before a log goes on from an earlier size: on the society's side and on a witness's. */

/** Entries shown in full; how many there are stands beside them. */
const DROPPED_MAX = 100

export interface GivenUp {
  /** Entries held here that would be given up. */
  readonly count: number
  /** The first of them. */
  readonly entries: readonly DroppedEntry[]
}

export interface ResumePlanView extends Omit<ResumePlan, 'witnesses'> {
  readonly given_up: GivenUp
  readonly witnesses: readonly {
    readonly key: KeyText
    readonly cosigned: Seq
    readonly signed: boolean
    /** It cosigned both histories, so it cannot countersign. */
    readonly convicted: boolean
    readonly refused?: string
  }[]
}

export interface OtherHistoryView extends OtherHistory {
  readonly given_up: GivenUp
}

export interface ResumeProposalView extends ResumeProposal {
  /** Here, whichever history this node holds. */
  readonly given_up: GivenUp
}

export interface ResumeService {
  plan(size?: Seq): Promise<Result<ResumePlanView>>
  /** The same for the history that a witness holds, when it is not the one held here. */
  planFrom(witness: KeyText, size?: Seq): Promise<Result<OtherHistoryView>>
  /** Goes over to that history; then it can be resumed. */
  adopt(witness: KeyText, what: ResumeAt): Promise<Result<OtherHistoryView>>
  /** `size` and `root` repeat what the plan showed. */
  resume(size: Seq, root: HashText): Promise<Result<{ readonly view: SocietyView; readonly seq: Seq }>>
  proposals(): Promise<readonly ResumeProposalView[]>
  approve(what: ResumeAt): Promise<Result<ResumeProposalView>>
  /** The own society's entries that were given up in an epoch: what its members may want to say again. */
  dropped(society: SocietyId, epoch: number): Promise<Result<readonly DroppedEntry[]>>
}

export class ResumeDesk implements ResumeService {
  readonly #node: Federation

  constructor(node: Federation) {
    this.#node = node
  }

  async plan(size?: Seq): Promise<Result<ResumePlanView>> {
    const plan = await this.#node.resumes.plan(size)
    const log = this.#node.own?.log
    if (!plan.ok) return plan
    if (log === undefined) return fail(rejection('NOT_SEQUENCER'))
    const witnesses = plan.value.witnesses.map(witness => ({
      ...witness,
      convicted: log.convicted.includes(witness.key),
    }))
    return ok({ ...plan.value, witnesses, given_up: await this.#givenUp(log.society, plan.value.size) })
  }

  async planFrom(witness: KeyText, size?: Seq): Promise<Result<OtherHistoryView>> {
    const found = await otherHistory(this.#node, witness, size)
    if (!found.ok) return found
    return ok({ ...found.value, given_up: await this.#givenUp(found.value.society, found.value.common) })
  }

  async adopt(witness: KeyText, what: ResumeAt): Promise<Result<OtherHistoryView>> {
    const shown = await this.planFrom(witness, what.size)
    if (!shown.ok) return shown
    const adopted = await adoptHistory(this.#node, witness, what)
    return adopted.ok ? shown : adopted
  }

  async resume(size: Seq, root: HashText): ReturnType<ResumeService['resume']> {
    const { resumes } = this.#node
    const plan = await resumes.plan(size)
    if (!plan.ok) return plan
    if (plan.value.root !== root) return fail(rejection('RESUME_ROOT', `${plan.value.root} at ${size}`))
    const resumed = await resumes.resume(size)
    const log = this.#node.own?.log
    if (!resumed.ok) return resumed
    if (log === undefined) return fail(rejection('NOT_SEQUENCER'))
    return ok({ view: societyView(this.#node, log), seq: resumed.value.seq })
  }

  async proposals(): Promise<readonly ResumeProposalView[]> {
    return Promise.all(this.#node.resumes.witness.proposals().map(proposal => this.#shown(proposal)))
  }

  async approve(what: ResumeAt): Promise<Result<ResumeProposalView>> {
    const approved = await this.#node.resumes.witness.approve(what)
    return approved.ok ? ok(await this.#shown(approved.value)) : approved
  }

  async dropped(society: SocietyId, epoch: number): Promise<Result<readonly DroppedEntry[]>> {
    const held = this.#node.held(society)
    return held.ok ? ok(await this.#node.resumes.droppedOf(held.value, epoch, DROPPED_MAX)) : held
  }

  async #shown(proposal: ResumeProposal): Promise<ResumeProposalView> {
    return { ...proposal, given_up: await this.#givenUp(proposal.society, proposal.size) }
  }

  async #givenUp(society: SocietyId, from: Seq): Promise<GivenUp> {
    const log = this.#node.logs.get(society)
    if (log === undefined) return { count: 0, entries: [] }
    const count = Math.max(0, log.replica.tip.size - from)
    return { count, entries: await this.#node.resumes.dropped(log, from, DROPPED_MAX) }
  }
}
