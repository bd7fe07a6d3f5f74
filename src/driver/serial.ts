/** Runs tasks one after another, in the order of the calls. A failed task does not stop the next. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve()

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task, task)
    this.#last = result.catch(() => undefined)
    return result
  }

  /** Resolves when everything queued so far has ended. */
  idle(): Promise<void> {
    return this.#last.then(() => undefined)
  }
}
