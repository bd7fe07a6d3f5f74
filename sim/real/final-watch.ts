import type { NodeProcess } from './node-process.ts'

interface Waiter {
  readonly seq: number
  readonly since: number
}

/** Listens to every node's events and notes when an entry became final *there*. */
export class FinalWatch {
  readonly #final = new Map<string, number>()
  readonly #waiting = new Map<string, Waiter[]>()
  readonly #stop = new AbortController()
  readonly #listening: Promise<void>[] = []
  readonly latenciesMs: number[] = []

  listen(node: NodeProcess): void {
    this.#listening.push(this.#follow(node))
  }

  async #follow(node: NodeProcess): Promise<void> {
    try {
      for await (const { type, data } of node.client.events({ signal: this.#stop.signal })) {
        if (type !== 'final') continue
        const { society, to } = data as { society: string; to: number }
        this.#onFinal(`${node.name} ${society}`, to)
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error
    }
  }

  #onFinal(place: string, size: number): void {
    this.#final.set(place, Math.max(size, this.#final.get(place) ?? 0))
    const now = performance.now()
    const waiting = this.#waiting.get(place) ?? []
    for (const { since } of waiting.filter(({ seq }) => seq < size)) this.latenciesMs.push(now - since)
    this.#waiting.set(
      place,
      waiting.filter(({ seq }) => seq >= size),
    )
  }

  /** An entry was accepted at `since` (performance.now()); its finality counts at `node`. */
  expect(node: NodeProcess, society: string, seq: number, since: number): void {
    const place = `${node.name} ${society}`
    if ((this.#final.get(place) ?? 0) > seq) this.latenciesMs.push(performance.now() - since)
    else this.#waiting.set(place, [...(this.#waiting.get(place) ?? []), { seq, since }])
  }

  /** Entries whose finality nobody has heard of yet. */
  get open(): number {
    return [...this.#waiting.values()].reduce((sum, waiting) => sum + waiting.length, 0)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.allSettled(this.#listening)
  }
}

/** p of the sorted values, nearest rank; undefined without values. */
export function percentile(values: readonly number[], p: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)]
  return value === undefined ? undefined : Math.round(value * 10) / 10
}
