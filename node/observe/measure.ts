import type { Store, Verifier } from '../../src/ports.ts'
import type { Metrics } from './metrics.ts'

/** The same store; durable batches are timed. */
export function timedStore(store: Store, metrics: Metrics): Store {
  return {
    getMany: keys => store.getMany(keys),
    range: range => store.range(range),
    snapshot: () => store.snapshot(),
    close: () => store.close(),
    async batch(ops, options) {
      if (!options.sync) return store.batch(ops, options)
      const end = metrics.commitSeconds.startTimer()
      const written = await store.batch(ops, options)
      end()
      return written
    },
  }
}

/** The same verifier; signatures that wait are counted. */
export function countedVerifier(verifier: Verifier, metrics: Metrics): Verifier {
  return {
    async verify(jobs) {
      metrics.verifyQueue.inc(jobs.length)
      try {
        return await verifier.verify(jobs)
      } finally {
        metrics.verifyQueue.dec(jobs.length)
      }
    },
  }
}
