import type { DemoOptions, DemoResult } from './demo.ts'
import type { Society } from './found.ts'

const PROGRESS_MS = 1000

/** What a person sees: steps on stderr with --json, so that stdout ends with the one object. */
export class Report {
  readonly #json: boolean
  #shown = performance.now()

  constructor(json: boolean) {
    this.#json = json
  }

  start(options: DemoOptions, seed: number, dir: string): void {
    this.#line(
      `web4 demo: ${options.societies} societies of ${options.members} members, ${options.rate} records/s for ${options.seconds} s, seed ${seed}`,
    )
    this.#line(`data in ${dir}`)
  }

  step(text: string): void {
    this.#line(`✓ ${text}`)
  }

  founded(
    societies: readonly Society[],
    finality:
      | { readonly n: number; readonly q: number; readonly liars_tolerated: number; readonly away_tolerated: number }
      | undefined,
  ): void {
    this.step('charters written and final; societies:')
    for (const { id, node } of societies) this.#line(`    ${id}  ${node.url}`)
    if (finality === undefined) return
    const { n, q, liars_tolerated: liars, away_tolerated: away } = finality
    this.#line(`  each log has n = ${n} witnesses and is final with q = ${q}: ${liars} may lie, ${away} may be away`)
  }

  progress(accepted: number, planned: number): void {
    if (performance.now() - this.#shown < PROGRESS_MS) return
    this.#shown = performance.now()
    process.stderr.write(`  load: ${accepted} of ${Math.round(planned)} accepted\n`)
  }

  /** What a node itself refused, late and early messages included. */
  debug(name: string, rejected: Readonly<Record<string, number>>): void {
    const refusals = Object.entries(rejected).map(([code, count]) => `${code} ${count}`)
    this.#line(`  ${name} refused: ${refusals.join(', ') || 'nothing'}`)
  }

  problem(text: string): void {
    process.stderr.write(`✗ ${text}\n`)
  }

  kept(dir: string): void {
    this.#line(`kept: ${dir}`)
  }

  end(result: DemoResult): void {
    const { finalMs, rejected } = result
    const refusals = Object.entries(rejected).map(([code, count]) => `${code} ${count}`)
    this.#line('')
    this.#line(`entries        ${result.entries} in ${result.societies} logs, ${result.ratePerSecond}/s under load`)
    this.#line(`births         ${result.births}`)
    this.#line(`transfers      ${result.transfers}`)
    this.#line(`attestations   ${result.attestations}`)
    this.#line(
      `final          ${result.final} on every node; p50 ${finalMs.p50 ?? '–'} ms, p99 ${finalMs.p99 ?? '–'} ms from accepted to final at the payee or subject`,
    )
    this.#line(
      `refused        ${refusals.length === 0 ? 'nothing' : refusals.join(', ')} (bad records are part of the load)`,
    )
    this.#line(`converged      ${yes(result.converged)}: size, root and state digest of every log on every node`)
    this.#line(`conserved      ${yes(result.conserved)}: every account recomputed from the raw entries`)
    this.#line(`took           ${(result.durationMs / 1000).toFixed(1)} s`)
    if (this.#json) process.stdout.write(`${JSON.stringify(result)}\n`)
  }

  #line(text: string): void {
    ;(this.#json ? process.stderr : process.stdout).write(`${text}\n`)
  }
}

function yes(value: boolean): string {
  return value ? 'yes' : 'NO'
}
