import { type Code, type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { KeyText, Seq, SocietyId } from '../units.ts'
import type { Federation } from './federation.ts'
import type { OwnLog } from './own-log.ts'
import type { Halt } from './replica.ts'
import type { SocietyLog } from './society-log.ts'

/** Why the log's own node, or one of its witnesses, does not sign yet after a start; and how an operator decides. */

/** Why the own log may not grow as far as its history and its key are concerned. */
export function startBarrier({ foreign, log, sequencer }: OwnLog): Rejection | undefined {
  const { size } = log.replica.tip
  if (foreign.inUse) return rejection('KEY_IN_USE')
  if (size === 0) return undefined
  if (foreign.owed > size) return rejection('STARTING', missingText(foreign.owed, size))
  const { quorum, witnesses } = log.replica.finalitySets().current
  // A word without proof, so it holds up a start only: no liar stops a log that is being written.
  const twins = sequencer.signed > 0 ? 0 : log.startUp.twins(witnesses)
  if (twins > 0) return rejection('STARTING', `${twins} witnesses hear another process with the keys of this node`)
  if (log.sequencerReady()) return undefined
  const newest = log.startUp.newest(witnesses)
  const heard = witnesses.length - log.startUp.missing(witnesses).length
  return rejection(
    'STARTING',
    newest > size ? missingText(newest, size) : `${heard} of ${witnesses.length} witnesses heard, ${quorum} needed`,
  )
}

function missingText(there: Seq, here: Seq): string {
  return `peers hold ${there} entries, here are ${here}`
}

export interface StartUpFacts {
  /** The largest size that the log, a witness or the log's own key vouches for: so much must be here before it signs. */
  readonly newest: Seq
  /** Entries held here. */
  readonly here: Seq
  /** How many of the others must tell their size. */
  readonly needed: number
  /** Whose word counts. `told`: what it said, unproved; absent: not heard yet. `shown`: the largest note of the log's own key that came with it. */
  readonly peers: readonly { readonly key: KeyText; readonly told?: Seq; readonly shown?: Seq }[]
}

/** What this node waits for before it signs anything of the log; undefined: nothing, or it has nothing to sign there. */
export function startUpOf(node: Federation, log: SocietyLog): StartUpFacts | undefined {
  const { halt, inForce, tip } = log.replica
  const { own } = node
  if (halt !== undefined || inForce === undefined) return undefined
  const isOwn = own?.log === log
  const owed = isOwn ? own.foreign.owed : 0
  if (isOwn ? startBarrier(own) === undefined : !log.namesUs || log.witnessReady(tip.size)) return undefined
  const { quorum, witnesses } = log.replica.finalitySets().current
  const others = isOwn ? witnesses : witnesses.filter(key => key !== node.ports.witnessSigner.key)
  const keys = isOwn ? others : [inForce.law.witness_key, ...others]
  return {
    newest: Math.max(owed, log.startUp.newest(keys)),
    here: tip.size,
    needed: isOwn ? quorum : 1 + Math.min(others.length, witnesses.length - quorum + 1),
    peers: keys.map(key => ({ key, ...log.startUp.heard(key) })),
  }
}

/** Why nothing more is signed or applied. */
export const HALT_CODES: Readonly<Record<Halt['mode'], Code>> = {
  frozen: 'FROZEN',
  resuming: 'RESUMING',
  void: 'VOID_ENTRY',
  'update-needed': 'UNKNOWN_PROTOCOL',
  unsound: 'CONSERVATION',
}

/**
 * An operator takes the responsibility that nothing was signed beyond `size`, which must be what is held here: whoever
 * repeats it has looked. It lasts as long as the process. Codes: NOT_FOUND, NOT_CONSENTED, FROZEN, VOID_ENTRY,
 * UNKNOWN_PROTOCOL, RESUMING, KEY_IN_USE, OVERRIDE_SIZE, CHECKPOINT_AHEAD.
 */
export function overrideStartUp(node: Federation, society: SocietyId, size: Seq): Result<SocietyLog> {
  const held = node.held(society)
  if (!held.ok) return held
  const log = held.value
  const { halt, tip } = log.replica
  const own = node.own?.log === log ? node.own : undefined
  if (halt !== undefined) return fail(rejection(HALT_CODES[halt.mode]))
  if (own === undefined && !log.namesUs) return fail(rejection('NOT_CONSENTED', 'this node signs nothing of that log'))
  if (own?.foreign.inUse === true) return fail(rejection('KEY_IN_USE'))
  if (size !== tip.size) return fail(rejection('OVERRIDE_SIZE', `said: ${size}; here are ${tip.size} entries`))
  // No lie: this log's key signed it, and to sign anything else there is a fork for certain.
  if (own !== undefined && own.foreign.owed > size)
    return fail(
      rejection('CHECKPOINT_AHEAD', `this log's own key signed ${own.foreign.owed} entries, here are ${size}`),
    )
  log.startUp.override()
  node.events.overridden(log, size)
  return ok(log)
}
