import { RateThreads } from './rate-threads.ts'

const LIMIT_MS = 2_000

export interface Round {
  readonly value: number
  readonly limit: number
  readonly ratio: number
}

export interface Rounds<T> {
  readonly cores: number
  /** libsodium verifications a second on all cores, before, between and after the rounds. */
  readonly limits: readonly number[]
  readonly rounds: readonly (Round & T)[]
  /** The round with the median ratio. */
  readonly median: Round & T
}

/** Rounds of a benchmark, each with the limit of its time: the mean of what was measured before it and after it. */
export async function measureRounds<T extends object>(
  count: number,
  run: (round: number) => Promise<{ readonly value: number } & T>,
): Promise<Rounds<T>> {
  const threads = new RateThreads()
  try {
    const limits = [await threads.measure('libsodium', 'verify', LIMIT_MS)]
    const rounds: (Round & T)[] = []
    for (let round = 0; round < count; round++) {
      const measured = await run(round)
      limits.push(await threads.measure('libsodium', 'verify', LIMIT_MS))
      const limit = ((limits[round] ?? 0) + (limits[round + 1] ?? 0)) / 2
      const ratio = thousandths(measured.value / limit)
      rounds.push({ ...measured, value: Math.round(measured.value), limit: Math.round(limit), ratio })
      process.stderr.write(`round ${round + 1} of ${count} done\n`)
    }
    const [median] = [...rounds].sort((a, b) => a.ratio - b.ratio).slice((count - 1) / 2) as [Round & T]
    return { cores: threads.cores, limits: limits.map(Math.round), rounds, median }
  } finally {
    await threads.close()
  }
}

export const LIMIT_IS =
  'crypto_sign_verify_detached of libsodium in a loop on all cores, mean of before and after the round; value, limit and ratio are those of the round with the median ratio'

export function tenths(value: number): number {
  return Math.round(value * 10) / 10
}

export function thousandths(value: number): number {
  return Math.round(value * 1_000) / 1_000
}
