import { Counter, Gauge, type Registry } from 'prom-client'
import type { SweeperState, SweepOptions } from '../../src/driver/sweeper.ts'
import { BOOK_ONE } from '../../src/state/account.ts'
import { MICRO } from '../../src/units.ts'

/** The decay service of the own log. All of it is kept in the data folder, so nothing starts again from 0 with the process. */
export interface DecayMetrics {
  readonly cycles: Counter<'society'>
  /** Looked at. */
  readonly accounts: Counter<'society'>
  /** Named in entries. */
  readonly swept: Counter<'society'>
  readonly entries: Counter<'society'>
  readonly decayed: Counter<'society'>
  readonly errors: Counter<'society'>
  /** End of the newest cycle that left nothing out; 0: there was none. No line while the schedule is off. */
  readonly lastCycle: Gauge<'society'>
  readonly lastDuration: Gauge<'society'>
  readonly interval: Gauge<'society'>
}

export function createDecayMetrics(registers: readonly Registry[]): DecayMetrics {
  const facts = (name: string, help: string) => ({
    name: `web4_decay_${name}`,
    help,
    labelNames: ['society'] as const,
    registers: [...registers],
  })
  return {
    cycles: new Counter(facts('cycles_total', 'Sweeps that went through all accounts')),
    accounts: new Counter(facts('accounts_total', 'Accounts that sweeps looked at')),
    swept: new Counter(facts('swept_accounts_total', 'Accounts that entries of sweeps name')),
    entries: new Counter(facts('entries_total', 'Entries of sweeps')),
    decayed: new Counter(facts('atp_total', 'ATP that sweeps brought back to the pool')),
    errors: new Counter(facts('errors_total', 'Sweeps that failed and were tried again')),
    lastCycle: new Gauge(
      facts('last_cycle_timestamp_seconds', 'End of the newest sweep of an interval; 0: none, absent: not scheduled'),
    ),
    lastDuration: new Gauge(facts('last_cycle_duration_seconds', 'How long the newest sweep took')),
    interval: new Gauge(facts('interval_seconds', 'Interval of decay: a sweep is due once in each')),
  }
}

/** As it is at this moment; nothing when this node writes no log. */
export function showDecay(
  metrics: DecayMetrics,
  society: string,
  found: SweeperState | undefined,
  { isScheduled }: SweepOptions,
): void {
  for (const metric of Object.values(metrics) as DecayMetrics[keyof DecayMetrics][]) metric.reset()
  if (found === undefined) return
  const { done, last, totals } = found.history
  const of = { society }
  metrics.cycles.inc(of, totals.cycles)
  metrics.accounts.inc(of, totals.accounts)
  metrics.swept.inc(of, totals.swept)
  metrics.entries.inc(of, totals.entries)
  // Whole micro-ATP first: a double holds 2^53 of them.
  metrics.decayed.inc(of, Number(BigInt(totals.decayed) / BOOK_ONE) / MICRO)
  metrics.errors.inc(of, totals.errors)
  metrics.interval.set(of, found.intervalMs / 1_000)
  if (last !== undefined) metrics.lastDuration.set(of, last.spent / 1_000)
  if (isScheduled) metrics.lastCycle.set(of, Math.floor((done?.time ?? 0) / 1_000))
}
