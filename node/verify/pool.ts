import { availableParallelism } from 'node:os'
import type { SignatureJob, Verifier } from '../../src/ports.ts'
import { CodedError } from '../../src/rejection.ts'
import { selfTest } from '../../src/self-test.ts'
import { verifySync } from '../crypto/sodium.ts'
import { bitAt, fitsLayout } from './layout.ts'
import { Slot } from './slot.ts'

/** About 8 ms of work: the cost of a message to a thread (some 30 µs) vanishes, and what comes next waits little. */
const CHUNK_JOBS_MAX = 128
/** Below this a chunk is not split further to use one more thread. */
const CHUNK_JOBS_MIN = 4
/** Messages of full size would make a chunk of 8 MiB; hashing them costs more than the curve from about 16 KiB on. */
const CHUNK_BYTES_MAX = 1024 * 1024

export interface VerifierPoolOptions {
  /** Threads; 0 verifies in this one. Default: one per processor. */
  readonly workers?: number
  /** Another thread body (tests). */
  readonly script?: URL
}

export interface VerifierPool extends Verifier {
  readonly workers: number
  /** Settles when every thread passed its self-test, or rejects with what failed: then `verify` rejects as well. */
  readonly ready: Promise<void>
  /** Finishes what was asked before, then ends the threads. Idempotent. */
  close(): Promise<void>
}

interface Batch {
  readonly verdicts: boolean[]
  /** Jobs without a verdict; REJECTED once the whole batch is, and then what is left of it interests nobody. */
  open: number
  resolve(verdicts: readonly boolean[]): void
  reject(error: CodedError): void
}

const REJECTED = -1

interface Task {
  readonly job: SignatureJob
  readonly batch: Batch
  readonly index: number
}

type Chunk = readonly Task[]

/** Throws when this process fails the signature self-test. */
export function createVerifierPool(options: VerifierPoolOptions = {}): VerifierPool {
  const fault = selfTest(verifySync)
  if (fault !== undefined) throw new CodedError('INTERNAL', fault)
  const workers = options.workers ?? Math.max(1, availableParallelism())
  return workers === 0 ? inThread() : new ThreadPool(workers, options.script ?? workerScript())
}

/** Beside this file, and of its kind: source runs as .ts, the built package as .js. */
function workerScript(): URL {
  return new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url)
}

function inThread(): VerifierPool {
  let closed = false
  return {
    workers: 0,
    ready: Promise.resolve(),
    async verify(jobs) {
      if (closed) throw closedError()
      return jobs.map(job => verifySync(job.key, job.signature, job.message))
    },
    async close() {
      closed = true
    },
  }
}

function closedError(): CodedError {
  return new CodedError('INTERNAL', 'the verifier is closed')
}

class ThreadPool implements VerifierPool {
  readonly workers: number
  readonly ready: Promise<void>
  readonly #slots: Slot<Chunk>[] = []
  readonly #started = Promise.withResolvers<void>()
  #queue: Task[] = []
  /** Tasks of the queue that already went out; it is cut when half of it has. */
  #head = 0
  #scheduled = false
  #failure: CodedError | undefined
  #openBatches = 0
  #drained = Promise.withResolvers<void>()
  #closing: Promise<void> | undefined

  constructor(workers: number, script: URL) {
    this.workers = workers
    this.ready = this.#started.promise
    // `verify` tells of the failure as well; nobody is obliged to look here.
    this.ready.catch(() => undefined)
    for (let i = 0; i < workers; i++) this.#slots.push(this.#slot(script))
  }

  /** The bytes are copied when their turn comes: nobody changes them before the answer. */
  verify(jobs: readonly SignatureJob[]): Promise<readonly boolean[]> {
    if (this.#closing !== undefined) return Promise.reject(closedError())
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      const batch: Batch = { verdicts: new Array<boolean>(jobs.length).fill(false), open: 0, resolve, reject }
      for (const [index, job] of jobs.entries()) {
        if (!fitsLayout(job)) continue
        batch.open++
        this.#queue.push({ job, batch, index })
      }
      if (batch.open === 0) {
        resolve(batch.verdicts)
        return
      }
      this.#openBatches++
      this.#schedule()
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    if (this.#openBatches > 0) await this.#drained.promise
    await Promise.all(this.#slots.map(slot => slot.close()))
    this.#started.reject(closedError())
  }

  #slot(script: URL): Slot<Chunk> {
    return new Slot<Chunk>(script, {
      onFree: () => {
        if (this.#slots.every(slot => slot.ready)) this.#started.resolve()
        this.#dispatch()
      },
      onAnswer: (chunk, bitmap) => {
        for (const [i, { batch, index }] of chunk.entries()) {
          if (batch.open === REJECTED) continue
          batch.verdicts[index] = bitAt(bitmap, i)
          batch.open--
          if (batch.open === 0) this.#settle(() => batch.resolve(batch.verdicts))
        }
      },
      onCrash: (chunks, cause) => {
        const error = new CodedError('INTERNAL', 'a verifier thread died', { cause })
        for (const chunk of chunks) for (const task of chunk) this.#drop(task.batch, error)
      },
      onDead: reason => this.#onDead(reason),
    })
  }

  /** A failed self-test is the same in every thread, and one thread less is no state to stay in unseen: all stops. */
  #onDead(reason: string): void {
    this.#failure ??= new CodedError('INTERNAL', reason)
    this.#started.reject(this.#failure)
    const waiting = this.#queue.slice(this.#head)
    this.#queue = []
    this.#head = 0
    for (const task of waiting) this.#drop(task.batch, this.#failure)
  }

  /** Waits for the other calls of this turn, so that many small ones share a chunk. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.#dispatch()
    })
  }

  #dispatch(): void {
    // Two chunks for each thread, as far as that makes sense.
    const share = Math.ceil((this.#queue.length - this.#head) / (2 * this.workers))
    const limit = Math.min(Math.max(share, CHUNK_JOBS_MIN), CHUNK_JOBS_MAX)
    for (;;) {
      const slot = this.#freest()
      if (slot === undefined) return
      const chunk = this.#nextChunk(limit)
      if (chunk.length === 0) return
      slot.send(
        chunk,
        chunk.map(task => task.job),
      )
    }
  }

  #freest(): Slot<Chunk> | undefined {
    let best: Slot<Chunk> | undefined
    for (const slot of this.#slots) {
      if (slot.free && (best === undefined || slot.outstanding < best.outstanding)) best = slot
    }
    return best
  }

  #nextChunk(limit: number): Chunk {
    const chunk: Task[] = []
    let bytes = 0
    while (chunk.length < limit && bytes < CHUNK_BYTES_MAX) {
      const task = this.#queue[this.#head]
      if (task === undefined) break
      this.#head++
      if (task.batch.open === REJECTED) continue
      chunk.push(task)
      bytes += task.job.message.length
    }
    if (this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head)
      this.#head = 0
    }
    return chunk
  }

  #drop(batch: Batch, error: CodedError): void {
    if (batch.open === REJECTED) return
    batch.open = REJECTED
    this.#settle(() => batch.reject(error))
  }

  #settle(settle: () => void): void {
    settle()
    this.#openBatches--
    if (this.#openBatches === 0 && this.#closing !== undefined) this.#drained.resolve()
  }
}
