import { toBase64url } from '../encoding.ts'
import type { Store } from '../ports.ts'
import type { ResumeBody } from '../records/resume.ts'
import type { DecideContext } from '../records/types.ts'
import { rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { storeKey } from '../store/ledger.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { EpochMs, HashText, Seq, SocietyId } from '../units.ts'
import { readVoid, replay } from './rewind.ts'
import { DecideSession } from './session.ts'
import type { SocietyLog } from './society-log.ts'
import { StateCache } from './state-cache.ts'

/** What both sides of a resume look at: why there is one, and what the log was at the kept size. */

export interface ResumeStatePorts {
  readonly store: Store
  readonly context: DecideContext
}

export interface ResumeAt {
  readonly society: SocietyId
  /** The epoch that would begin. */
  readonly epoch: number
  readonly size: Seq
  readonly root: HashText
}

/** State of a log at a size, decided again if that lies behind the tip. */
export interface StateAt {
  readonly session: DecideSession
  readonly root: Uint8Array
  readonly time: EpochMs
}

/** RESUME_SOUND when nothing is wrong with the log here that a resume at `kept` would repair. */
export async function resumeCause(
  { context, store }: ResumeStatePorts,
  log: SocietyLog,
  kept: Seq,
): Promise<Result<{ cause: ResumeBody['cause']; evidence: HashText }>> {
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

/** Decides the log again up to `size`, in memory: what holds there may be given up above. */
export async function stateAt({ context, store }: ResumeStatePorts, log: SocietyLog, size: Seq): Promise<StateAt> {
  const memory = createMemoryStore()
  const { edge, time } = await replay(store, log.society, size, memory, context)
  const session = new DecideSession(log.society, memory, new StateCache(), context, () => edge)
  return { session, root: edge.root(), time }
}
