import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Backend, Operation } from './backends.ts'

/** One thread per core that runs an operation of a backend in a loop: what this machine can do at all. */
export class RateThreads {
  readonly cores = availableParallelism()
  readonly #threads = Array.from(
    { length: this.cores },
    () => new Worker(new URL('./crypto-worker.ts', import.meta.url)),
  )

  /** Operations per second of all threads together. */
  async measure(backend: Backend, operation: Operation, durationMs: number): Promise<number> {
    const answers = this.#threads.map(thread => once(thread, 'message') as Promise<[number]>)
    for (const thread of this.#threads) thread.postMessage({ backend, operation, durationMs })
    return (await Promise.all(answers)).reduce((sum, [perSecond]) => sum + perSecond, 0)
  }

  async close(): Promise<void> {
    const exits = this.#threads.map(thread => once(thread, 'exit'))
    for (const thread of this.#threads) thread.postMessage(null)
    await Promise.all(exits)
  }
}
