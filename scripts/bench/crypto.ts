import { createVerifierPool, type VerifierPool } from '../../node/verify/pool.ts'
import type { SignatureJob } from '../../src/ports.ts'
import { BACKENDS, MESSAGE_BYTES, makeJobs, OPERATIONS, prepare, rate } from './backends.ts'
import { RateThreads } from './rate-threads.ts'
import type { BenchResult } from './result.ts'

const DURATION_MS = 1000
const TURN_MS = 300
/** Pool and raw speed are measured in many short turns, because the speed of a shared machine drifts. */
const ROUNDS = 10
const BATCH = 1024
/** Calls under way at a time, so that the pool always has work, as a busy node gives it. */
const IN_FLIGHT = 4

/** Ed25519 on this machine: the pool's verifications per second against those of bare libsodium on all cores. */
export async function benchCrypto(): Promise<BenchResult> {
  const threads = new RateThreads()
  const { cores } = threads
  const pool = createVerifierPool({ workers: cores })
  await pool.ready
  const jobs = makeJobs(BATCH)

  const pooled: number[] = []
  const raw: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    raw.push(await threads.measure('libsodium', 'verify', TURN_MS))
    pooled.push(await rateOfPool(pool, jobs))
  }
  await pool.close()

  const perSecond: Record<string, number> = {}
  for (const operation of OPERATIONS) {
    for (const backend of BACKENDS) {
      const name = `${backend}_${operation}`
      perSecond[`${name}_one_core`] = Math.round(rate(prepare(backend, operation), DURATION_MS))
      perSecond[`${name}_all_cores`] = Math.round(await threads.measure(backend, operation, DURATION_MS))
    }
  }
  await threads.close()

  const value = mean(pooled)
  const limit = mean(raw)
  return {
    name: 'crypto',
    unit: 'verifications/s',
    value: Math.round(value),
    limit: Math.round(limit),
    ratio: Math.round((value / limit) * 1000) / 1000,
    sizes: { message_bytes: MESSAGE_BYTES, cores, batch: BATCH, calls_in_flight: IN_FLIGHT, rounds: ROUNDS },
    limit_is: 'crypto_sign_verify_detached of libsodium in a loop on all cores, measured in turns with the pool',
    per_second: perSecond,
  }
}

async function rateOfPool(pool: VerifierPool, jobs: readonly SignatureJob[]): Promise<number> {
  await pool.verify(jobs)
  const start = performance.now()
  let done = 0
  const keepAsking = async () => {
    while (performance.now() - start < TURN_MS) {
      const verdicts = await pool.verify(jobs)
      if (verdicts.includes(false)) throw new Error('a valid signature was refused')
      done += verdicts.length
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, keepAsking))
  return (done * 1000) / (performance.now() - start)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
