import type { JsonObject } from '../../src/canonical.ts'
import type { FederationEvents } from '../../src/driver/federation.ts'
import type { Clock } from '../../src/ports.ts'
import { formatAtp } from '../../src/units.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

/** Sizes of the own log wait here for their finality; more than this means that finality has stopped anyway. */
const WAITING_MAX = 10_000

/** The one place where what happens becomes log lines, metrics and events. */
export function watch(components: {
  readonly logger: Logger
  readonly metrics: Metrics
  readonly rejected: Map<string, number>
  readonly clock: Clock
  readonly emit: (type: string, data: JsonObject) => void
}): FederationEvents {
  const { logger, metrics, rejected, clock, emit } = components
  const committedAt = new Map<string, { readonly size: number; readonly at: number }[]>()
  return {
    committed(log, from, to) {
      const { society } = log
      metrics.entries.inc({ society }, to - from)
      metrics.logSize.set({ society }, to)
      const waiting = committedAt.get(society) ?? []
      if (waiting.length < WAITING_MAX) waiting.push({ size: to, at: clock.now() })
      committedAt.set(society, waiting)
      logger.debug('committed', { society, from, to })
      emit('entry', { society, from, to })
    },
    final(log, before, now) {
      const { society } = log
      metrics.logFinal.set({ society }, now)
      const waiting = committedAt.get(society) ?? []
      for (let first = waiting[0]; first !== undefined && first.size <= now; first = waiting[0]) {
        metrics.finalitySeconds.observe((clock.now() - first.at) / 1000)
        waiting.shift()
      }
      logger.debug('final', { society, from: before, to: now })
      emit('final', { society, from: before, to: now })
    },
    frozen(log) {
      logger.error('log has forked: nothing of it is signed or applied any more', { society: log.society })
      emit('frozen', { society: log.society })
    },
    halted(log, code, detail) {
      const { society } = log
      if (code === 'CONSERVATION')
        logger.error('the books do not balance: nothing of this log is sequenced, applied or cosigned here', {
          society,
          code,
          detail,
        })
      else logger.error('log stopped at an entry that cannot be applied', { society, code })
      emit('halted', { society, code, ...(detail === undefined ? {} : { detail }) })
    },
    audited({ society }, { accounts, difference, good, size, sound }) {
      metrics.audits.inc({ society })
      metrics.auditLastTimestamp.set({ society }, Math.floor(clock.now() / 1000))
      metrics.auditAccounts.set({ society }, accounts)
      metrics.conservationDifference.set({ society }, Number(difference))
      const facts = { society, size, accounts, difference: difference.toString(), last_sound: good }
      if (sound) logger.debug('audited', facts)
      else logger.error('an audit found the stored state wrong', facts)
    },
    wrongClaim(log, seq, size) {
      logger.error('log claims a state that is not the one computed here: nothing above the claim is cosigned', {
        society: log.society,
        seq,
        size,
      })
      emit('halted', { society: log.society, code: 'STATE_CLAIM', seq })
    },
    rejected(error) {
      rejected.set(error.code, (rejected.get(error.code) ?? 0) + 1)
      metrics.rejected.inc({ code: error.code })
      logger.debug('rejected', { code: error.code, detail: error.detail })
    },
    peer(peer, open) {
      logger.info(open ? 'peer is here' : 'peer is gone', { peer: peer.peer, society: peer.society })
      emit('peer', { peer: peer.peer, society: peer.society, open })
    },
    barred(log, why) {
      const { society } = log
      const { size } = log.replica.tip
      if (why === undefined) logger.info('the log may grow', { society, size })
      else {
        const level = why.code === 'KEY_IN_USE' ? 'error' : 'warn'
        logger[level]('the log may not grow', { society, size, code: why.code, detail: why.detail })
      }
      emit('barred', { society, size, ...(why === undefined ? {} : { code: why.code }) })
    },
    received(payment) {
      metrics.paymentsReceived.inc()
      logger.info('payment received', { ...payment })
      emit('payment.received', { ...payment, atp: formatAtp(payment.amount) })
    },
    rewound(log, size) {
      logger.warn('the society resumed its log: going back to follow it', { society: log.society, size })
      emit('resuming', { society: log.society, size })
    },
    overridden(log, size) {
      logger.warn('an operator overrode the start-up: signing from this size on', { society: log.society, size })
    },
    fault(what, error) {
      logger.error('fault', { what, error })
    },
  }
}
