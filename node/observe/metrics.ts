import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { createDecayMetrics, type DecayMetrics } from './decay-metrics.ts'

/** What a node counts. Labels are bounded: codes are a fixed list, logs are those that the node follows. */
export interface Metrics {
  /** Entries applied and stored. */
  readonly entries: Counter<'society'>
  /** Refusals of whatever came in, by any door. */
  readonly rejected: Counter<'code'>
  /** Signatures that wait for a worker. */
  readonly verifyQueue: Gauge
  /** One durable batch: written and fsynced. */
  readonly commitSeconds: Histogram
  /** Own records: from sequenced to final. */
  readonly finalitySeconds: Histogram
  /** Payments to members of the own society in other logs, when they became final for this node. */
  readonly paymentsReceived: Counter
  readonly peers: Gauge
  readonly logSize: Gauge<'society'>
  readonly logFinal: Gauge<'society'>
  /** 1 for the state that a log is in; there is no line for the others. */
  readonly logState: Gauge<'society' | 'state'>
  /** What the newest audit found beyond the supply, in units of 10^-15 micro-ATP. */
  readonly conservationDifference: Gauge<'society'>
  readonly audits: Counter<'society'>
  readonly auditLastTimestamp: Gauge<'society'>
  readonly auditAccounts: Gauge<'society'>
  /** How often a log was resumed. */
  readonly logEpoch: Gauge<'society'>
  readonly decay: DecayMetrics
  /** Prometheus text of all of them. */
  text(): Promise<string>
  readonly contentType: string
  readonly registry: Registry
}

/** As the API shows the logs at this moment. */
export function showStates(
  { logEpoch, logState }: Metrics,
  logs: readonly { readonly society: string; readonly state: string; readonly epoch: number }[],
): void {
  logState.reset()
  for (const { epoch, society, state } of logs) {
    logState.set({ society, state }, 1)
    logEpoch.set({ society }, epoch)
  }
}

/** From an fsync on a fast disk to one on a disk in trouble. */
const COMMIT_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]
/** From witnesses on one machine to a minute, when a receipt is overdue. */
const FINALITY_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export interface MetricsInit {
  /** Memory, event loop and the like of the whole process: once, not for each of several nodes in one process. */
  readonly process: boolean
}

/** A registry of its own for each node: several can live in one process. */
export function createMetrics(init: MetricsInit): Metrics {
  const registry = new Registry()
  const registers = [registry]
  if (init.process) collectDefaultMetrics({ register: registry })
  return {
    entries: new Counter({
      name: 'web4_entries_total',
      help: 'Entries applied and stored',
      labelNames: ['society'],
      registers,
    }),
    rejected: new Counter({ name: 'web4_rejected_total', help: 'Refusals by code', labelNames: ['code'], registers }),
    verifyQueue: new Gauge({
      name: 'web4_verify_queue_signatures',
      help: 'Signatures waiting for a worker',
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'web4_commit_seconds',
      help: 'One durable batch: written and fsynced',
      buckets: COMMIT_BUCKETS,
      registers,
    }),
    finalitySeconds: new Histogram({
      name: 'web4_finality_seconds',
      help: 'Own records from sequenced to final',
      buckets: FINALITY_BUCKETS,
      registers,
    }),
    paymentsReceived: new Counter({
      name: 'web4_payments_received_total',
      help: 'Payments to own members in other logs that became final for this node',
      registers,
    }),
    peers: new Gauge({ name: 'web4_peers', help: 'Connections that proved for whom they speak', registers }),
    logSize: new Gauge({ name: 'web4_log_size_entries', help: 'Entries of a log', labelNames: ['society'], registers }),
    logFinal: new Gauge({
      name: 'web4_log_final_entries',
      help: 'Entries of a log that are final',
      labelNames: ['society'],
      registers,
    }),
    logState: new Gauge({
      name: 'web4_log_state',
      help: 'State of a log: running, starting, key-in-use, frozen, update-needed, unsound, void, resuming, ended, succeeded',
      labelNames: ['society', 'state'],
      registers,
    }),
    logEpoch: new Gauge({
      name: 'web4_log_epoch',
      help: 'How often a log was resumed',
      labelNames: ['society'],
      registers,
    }),
    ...auditMetrics(registers),
    decay: createDecayMetrics(registers),
    text: () => registry.metrics(),
    contentType: registry.contentType,
    registry,
  }
}

type AuditMetrics = 'conservationDifference' | 'audits' | 'auditLastTimestamp' | 'auditAccounts'

function auditMetrics(registers: Registry[]): Pick<Metrics, AuditMetrics> {
  const labelNames = ['society'] as const
  return {
    conservationDifference: new Gauge({
      name: 'web4_conservation_difference',
      help: 'What the newest audit found beyond the supply, in 10^-15 micro-ATP: always 0, or the books do not balance',
      labelNames,
      registers,
    }),
    audits: new Counter({ name: 'web4_audits_total', help: 'Audits of the books of a log', labelNames, registers }),
    auditLastTimestamp: new Gauge({
      name: 'web4_audit_last_timestamp_seconds',
      help: 'When the newest audit of a log ended',
      labelNames,
      registers,
    }),
    auditAccounts: new Gauge({
      name: 'web4_audit_accounts',
      help: 'Accounts that the newest audit of a log looked at',
      labelNames,
      registers,
    }),
  }
}
