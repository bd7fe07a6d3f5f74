import { canonicalBytes, type Json } from '../canonical.ts'
import type { StoreOp } from '../ports.ts'
import { storeKey } from '../store/ledger.ts'
import type { Seq, SocietyId } from '../units.ts'
import { decodeState } from './session.ts'

/** What the newest audits of one log found, as stored: a restart must not sign on a state that was found wrong. */
export interface AuditMark {
  /** Absent: nothing was wrong. */
  readonly bad?: {
    /** What was wrong, for people. */
    readonly detail: string
    /** Only a replay of the entries can see it, so only a replay that finds nothing takes it back. */
    readonly replay: boolean
    /** Of the log, when it was found. */
    readonly seq: Seq
  }
  /** Size at the newest audit that found nothing wrong; absent: there was none. */
  readonly good?: Seq
}

export function readMark(stored: Uint8Array | undefined): AuditMark {
  return (decodeState(stored) ?? {}) as unknown as AuditMark
}

export function markOp(society: SocietyId, mark: AuditMark): StoreOp {
  return { type: 'put', key: storeKey.audit(society), value: canonicalBytes(mark as unknown as Json) }
}
