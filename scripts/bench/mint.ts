import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunningNode } from '../../node/compose.ts'
import { sha256 } from '../../node/crypto/sodium.ts'
import type { Json } from '../../src/canonical.ts'
import { Issuer, signRecord } from '../../src/driver/issue.ts'
import { sequence } from '../../src/driver/serve.ts'
import { encodeSubmission, openSubmission } from '../../src/ingest/open.ts'
import { verifyAll } from '../../src/ingest/verify.ts'
import type { AnyRecord, Sig } from '../../src/records/types.ts'
import { HOUR_MS } from '../../src/units.ts'
import { hashText } from '../../test/support/identity.ts'
import { signBatch } from './batch-sign.ts'
import { adoptLog, createBenchNode } from './bench-node.ts'
import { heard, startChild, tell } from './child.ts'
import { settle } from './ingest-log.ts'
import { type FromSigner, memberOf, type SignerTask } from './mint-messages.ts'
import { RateThreads } from './rate-threads.ts'
import type { BenchResult } from './result.ts'
import { thousandths } from './rounds.ts'

const ROUNDS = 3
/** Of each way in each round. */
const BIRTHS = 600
/** Subject, society, its own witness key and those of two other societies. */
const SIGNATURES = 5
/** Births under way; a society has 240 lanes for what waits for signatures of others. */
const IN_FLIGHT = 64
const BATCH = 100
const BATCHES_IN_FLIGHT = 2
const LIMIT_MS = 1_000

interface Way {
  readonly perSecond: number
  readonly ratio: number
}

interface MintRound {
  readonly limit: number
  readonly single: Way
  readonly batch: Way
}

/** Births with all their signatures: members and the witnesses of two other societies are processes of their own. */
export async function benchMint(): Promise<BenchResult> {
  const threads = new RateThreads()
  const rounds: MintRound[] = []
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const before = await limitOf(threads)
      const { batch, single } = await runRound()
      const limit = (before + (await limitOf(threads))) / 2
      const way = (perSecond: number) => ({ perSecond: Math.round(perSecond), ratio: thousandths(perSecond / limit) })
      rounds.push({ limit: Math.round(limit), single: way(single), batch: way(batch) })
      process.stderr.write(`round ${round + 1} of ${ROUNDS} done\n`)
    }
  } finally {
    await threads.close()
  }
  const [median] = [...rounds].sort((a, b) => a.single.ratio - b.single.ratio).slice((ROUNDS - 1) / 2) as [MintRound]
  return {
    name: 'mint',
    unit: 'births/s, one by one',
    value: median.single.perSecond,
    limit: median.limit,
    ratio: median.single.ratio,
    batchPerSecond: median.batch.perSecond,
    batchRatio: median.batch.ratio,
    sizes: {
      births: BIRTHS,
      signatures: SIGNATURES,
      batch: BATCH,
      inFlight: IN_FLIGHT,
      processes: 4,
      cores: threads.cores,
    },
    rounds,
    limit_is:
      'births/s if all cores did nothing but make the five signatures of each, one by one, and verify each once (libsodium in a loop, mean of before and after the round); the values are those of the round with the median ratio',
  }
}

async function limitOf(threads: RateThreads): Promise<number> {
  const signs = await threads.measure('libsodium', 'sign', LIMIT_MS)
  const verifies = await threads.measure('libsodium', 'verify', LIMIT_MS)
  return 1 / (SIGNATURES / signs + SIGNATURES / verifies)
}

async function runRound(): Promise<{ readonly single: number; readonly batch: number }> {
  const dir = await mkdtemp(join(tmpdir(), 'web4-bench-'))
  const { others, society } = settle({ authors: 0, time: Date.now() - HOUR_MS, practice: true })
  const node = await createBenchNode({ dir, slug: society.slug })
  const signers: Signers[] = []
  try {
    const { addresses } = await node.start()
    const log = await adoptLog(node, society)
    const task = { society: society.id, size: log.replica.tip.size, address: addresses[0] ?? '' }
    const tasks: SignerTask[] = [{ members: 2 * BIRTHS }, ...others.map(({ slug }) => ({ ...task, witness: slug }))]
    for (const each of tasks) signers.push(new Signers(startChild(new URL('./mint-signer.ts', import.meta.url), each)))
    await Promise.all(signers.map(({ ready }) => ready))
    const mint = new Mint(node, signers)
    const single = await timed(() => mint.single(0))
    const batch = await timed(() => mint.batches(BIRTHS))
    return { single, batch }
  } finally {
    await Promise.all(signers.map(each => each.end()))
    await node.stop()
    await rm(dir, { recursive: true })
  }
}

/** Births a second. */
async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (BIRTHS * 1_000) / (performance.now() - start)
}

/** The home society: makes the records, collects signatures and sequences. */
class Mint {
  readonly #node: RunningNode['federation']
  readonly #issuer: Issuer
  readonly #signers: readonly Signers[]

  constructor({ federation }: RunningNode, signers: readonly Signers[]) {
    this.#node = federation
    this.#issuer = new Issuer(federation)
    this.#signers = signers
  }

  async single(from: number): Promise<void> {
    let next = from
    const work = async () => {
      while (next < from + BIRTHS) await this.#bearOne(next++)
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, work))
  }

  async batches(from: number): Promise<void> {
    let next = from
    const work = async () => {
      while (next < from + BIRTHS) {
        const first = next
        next += BATCH
        await this.#bearMany(first)
      }
    }
    await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, work))
  }

  async #bearOne(index: number): Promise<void> {
    await this.#issuer.withLane(async lane => {
      const record = await this.#draft(index, lane)
      const sigs = await Promise.all(this.#signers.map(each => each.sign([record], index, false)))
      const own = await signRecord(record, this.#node.ports.witnessSigner)
      const issued = await this.#issuer.finish(record, [...sigs.flat(), own])
      if (!issued.ok) throw new Error(`${issued.error.code} ${issued.error.detail ?? ''}`)
    })
  }

  /** The society signs the batch, too, so what is left for each birth alone is its subject's signature. */
  async #bearMany(from: number): Promise<void> {
    const lanes = Array.from({ length: BATCH }, () => this.#issuer.tryLane() ?? -1)
    try {
      const drafts = lanes.map((lane, index) => this.#draft(from + index, lane))
      await this.#finishMany(from, await Promise.all(drafts))
    } finally {
      for (const lane of lanes) this.#issuer.releaseLane(lane)
    }
  }

  async #finishMany(from: number, records: readonly AnyRecord[]): Promise<void> {
    const society = this.#node.societySigner()
    if (!society.ok) throw new Error(society.error.code)
    const all = await Promise.all([
      ...this.#signers.map(each => each.sign(records, from, true)),
      signBatch(records, this.#node.ports.witnessSigner),
      signBatch(records, society.value),
    ])
    const opened = records.map((record, index) => {
      const sigs = all.map(each => each[index] as Sig)
      const submission = openSubmission(encodeSubmission(record, sigs), sha256)
      if (!submission.ok) throw new Error(submission.error.code)
      return submission.value
    })
    const verified = await verifyAll(opened, this.#node.ports.verifier, sha256)
    const answers = await Promise.all(verified.map(each => (each.ok ? sequence(this.#node, each.value) : each)))
    for (const answer of answers) if (!answer.ok) throw new Error(`${answer.error.code} ${answer.error.detail ?? ''}`)
  }

  async #draft(index: number, lane: number): Promise<AnyRecord> {
    const body = {
      entity_ref: hashText(`bench member ${index}`),
      entity_type: 'human',
      key: memberOf(index).key,
      law: 0,
      lineage: [],
      responsibilities: ['abide_law', 'respect_quorum'],
      rights: ['exist', 'interact', 'accumulate_reputation'],
    }
    const record = await this.#issuer.draft('birth', body as Json, lane)
    if (record === undefined) throw new Error('no society')
    return record
  }
}

/** A process that signs. */
class Signers {
  readonly ready: Promise<unknown>
  readonly #child: ChildProcess
  readonly #open = new Map<number, (sigs: readonly Sig[]) => void>()
  #next = 0

  constructor(child: ChildProcess) {
    this.#child = child
    this.ready = heard<FromSigner, 'ready'>(child, 'ready')
    child.on('message', (message: FromSigner) => {
      if (!('signed' in message)) return
      this.#open.get(message.signed.id)?.(message.signed.sigs)
      this.#open.delete(message.signed.id)
    })
  }

  sign(records: readonly AnyRecord[], from: number, batch: boolean): Promise<readonly Sig[]> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#open.set(id, resolve)
      if (this.#child.exitCode !== null) reject(new Error('a signing process has ended'))
      tell(this.#child, { id, records, from, batch })
    })
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }
}
