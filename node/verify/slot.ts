import { Worker } from 'node:worker_threads'
import type { SignatureJob } from '../../src/ports.ts'
import { packJobs } from './layout.ts'

/** Two chunks: one that the worker checks and one that waits there, so that it never idles while this thread answers. */
const OUTSTANDING_MAX = 2
/** A thread that dies this often in a row before it is ready will not do better the next time. */
const STARTS_MAX = 3

export interface SlotEvents<C> {
  /** The worker can take a chunk (more). */
  onFree(): void
  onAnswer(chunk: C, bitmap: Uint8Array): void
  /** The thread died while it held these chunks. */
  onCrash(chunks: readonly C[], cause: unknown): void
  /** The slot will never work: its self-test failed or it cannot stay alive. */
  onDead(reason: string): void
}

/** One verifier thread that is started again when it crashes. It keeps the process alive only while it starts or works. */
export class Slot<C> {
  readonly #script: URL
  readonly #events: SlotEvents<C>
  #worker: Worker
  #exited: Promise<void> = Promise.resolve()
  #outstanding: C[] = []
  #state: 'starting' | 'ready' | 'closing' | 'dead' = 'starting'
  #starts = 0

  constructor(script: URL, events: SlotEvents<C>) {
    this.#script = script
    this.#events = events
    this.#worker = this.#start()
  }

  get ready(): boolean {
    return this.#state === 'ready'
  }

  get outstanding(): number {
    return this.#outstanding.length
  }

  get free(): boolean {
    return this.#state === 'ready' && this.#outstanding.length < OUTSTANDING_MAX
  }

  send(chunk: C, jobs: readonly SignatureJob[]): void {
    const buffer = packJobs(jobs)
    if (this.#outstanding.length === 0) this.#worker.ref()
    this.#outstanding.push(chunk)
    this.#worker.postMessage(buffer, [buffer])
  }

  /** Ends the thread after what it holds. */
  close(): Promise<void> {
    if (this.#state !== 'dead') {
      this.#state = 'closing'
      this.#worker.ref()
      this.#worker.postMessage(null)
    }
    return this.#exited
  }

  #start(): Worker {
    this.#starts++
    const worker = new Worker(this.#script, { name: 'verifier' })
    let cause: unknown
    worker.on('message', (message: string | Uint8Array) => this.#onMessage(message))
    worker.on('error', error => {
      cause = error
    })
    this.#exited = new Promise(resolve => {
      worker.once('exit', () => {
        this.#onExit(cause)
        resolve()
      })
    })
    return worker
  }

  #onMessage(message: string | Uint8Array): void {
    if (typeof message !== 'string') {
      const chunk = this.#outstanding.shift()
      if (this.#outstanding.length === 0 && this.#state === 'ready') this.#worker.unref()
      if (chunk !== undefined) this.#events.onAnswer(chunk, message)
    } else if (message !== 'ready') {
      this.#die(message)
      void this.#worker.terminate()
      return
    } else if (this.#state === 'starting') {
      this.#state = 'ready'
      this.#starts = 0
      this.#worker.unref()
    }
    this.#events.onFree()
  }

  #onExit(cause: unknown): void {
    if (this.#state === 'dead') return
    const lost = this.#outstanding
    this.#outstanding = []
    if (this.#state !== 'closing') this.#restart(cause)
    if (lost.length > 0) this.#events.onCrash(lost, cause)
  }

  #restart(cause: unknown): void {
    if (this.#starts >= STARTS_MAX) {
      this.#die(`a verifier thread cannot start: ${cause}`)
      return
    }
    this.#state = 'starting'
    this.#worker = this.#start()
  }

  #die(reason: string): void {
    this.#state = 'dead'
    this.#events.onDead(reason)
  }
}
