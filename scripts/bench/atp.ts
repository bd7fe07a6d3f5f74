import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RunningNode } from '../../node/compose.ts'
import { sha256 } from '../../node/crypto/sodium.ts'
import { createVerifierPool, type VerifierPool } from '../../node/verify/pool.ts'
import type { SocietyLog } from '../../src/driver/society-log.ts'
import { openSubmission } from '../../src/ingest/open.ts'
import { verifyAll } from '../../src/ingest/verify.ts'
import { HOUR_MS } from '../../src/units.ts'
import { submissionBytes } from '../../test/support/identity.ts'
import { adoptLog, createBenchNode } from './bench-node.ts'
import { fsyncsPerSecond } from './disk.ts'
import { payment, type Settled, settle } from './ingest-log.ts'
import type { BenchResult } from './result.ts'
import { LIMIT_IS, measureRounds, thousandths } from './rounds.ts'

const ROUNDS = 3
const TRANSFERS = 20_000
/** Also the number of submissions under way: so each author waits for one transfer before the next. */
const AUTHORS = 1_000
const VERIFY_BATCH = 1_024
const VERIFY_IN_FLIGHT = 4
const FSYNC_MS = 500

/** Transfers from their making to the disk of the node that writes the log: made and signed, verified, sequenced. */
export async function benchAtp(): Promise<BenchResult> {
  const pool = createVerifierPool()
  await pool.ready
  try {
    const { cores, limits, median, rounds } = await measureRounds(ROUNDS, () => runRound(pool))
    const { createPerSecond, fsyncShare, fsyncsPerSecond: fsyncs, groups, verifyPerSecond } = median
    return {
      name: 'atp',
      unit: 'transfers/s',
      value: median.value,
      limit: median.limit,
      ratio: median.ratio,
      createPerSecond,
      verifyPerSecond,
      sequencePerSecond: median.value,
      fsyncsPerSecond: fsyncs,
      fsyncShare,
      sizes: { transfers: TRANSFERS, authors: AUTHORS, inFlight: AUTHORS, groups, cores },
      rounds,
      limits,
      limit_is: LIMIT_IS,
      fsync_share_is:
        'groups written / durable writes of a group’s size that the disk makes in a second / time of the round: the part of the time that the disk alone would need',
    }
  } finally {
    await pool.close()
  }
}

async function runRound(pool: VerifierPool) {
  const dir = await mkdtemp(join(tmpdir(), 'web4-bench-'))
  // A second for each entry: all of them before now.
  const settled = settle({ authors: AUTHORS, time: Date.now() - 2 * HOUR_MS, practice: true })
  const node = await createBenchNode({ dir, slug: settled.society.slug })
  try {
    await node.start()
    const log = await adoptLog(node, settled.society)
    const { submissions, perSecond: createPerSecond } = create(settled)
    const verifyPerSecond = await verify(pool, submissions)
    const { groups, seconds } = await sequence(node, log, submissions)
    const bytes = submissions.reduce((sum, { length }) => sum + length, 0)
    const fsyncs = await fsyncsPerSecond(dir, Math.round(bytes / groups), FSYNC_MS)
    return {
      value: TRANSFERS / seconds,
      createPerSecond: Math.round(createPerSecond),
      verifyPerSecond: Math.round(verifyPerSecond),
      fsyncsPerSecond: Math.round(fsyncs),
      fsyncShare: thousandths(groups / fsyncs / seconds),
      groups,
    }
  } finally {
    await node.stop()
    await rm(dir, { recursive: true })
  }
}

/** Records built, signed by their authors and encoded, in one thread. */
function create({ authors, society }: Settled) {
  const start = performance.now()
  const submissions = Array.from({ length: TRANSFERS }, (_, index) => {
    const { payer, record } = payment(society.id, authors, index, Date.now())
    return submissionBytes(record, [payer.identity])
  })
  return { submissions, perSecond: (TRANSFERS * 1_000) / (performance.now() - start) }
}

/** Bytes opened in this thread, signatures verified in all. */
async function verify(pool: VerifierPool, submissions: readonly Uint8Array[]): Promise<number> {
  const start = performance.now()
  let next = 0
  const work = async () => {
    while (next < submissions.length) {
      const batch = submissions.slice(next, next + VERIFY_BATCH)
      next += batch.length
      const opened = batch.map(bytes => {
        const record = openSubmission(bytes, sha256)
        if (!record.ok) throw new Error(record.error.code)
        return record.value
      })
      for (const verdict of await verifyAll(opened, pool, sha256)) if (!verdict.ok) throw new Error(verdict.error.code)
    }
  }
  await Promise.all(Array.from({ length: VERIFY_IN_FLIGHT }, work))
  return (submissions.length * 1_000) / (performance.now() - start)
}

/** From bytes to the answer that they are durable, by the door that HTTP uses: opened and verified there once more. */
async function sequence(node: RunningNode, log: SocietyLog, submissions: readonly Uint8Array[]) {
  let groups = 0
  const stop = log.replica.onCommit(() => {
    groups++
  })
  const before = log.replica.tip.size
  const start = performance.now()
  const send = async (author: number) => {
    for (let index = author; index < submissions.length; index += AUTHORS) {
      const sent = await node.service.submit(submissions[index] as Uint8Array)
      if (!sent.ok) throw new Error(`${sent.error.code} ${sent.error.detail ?? ''}`)
    }
  }
  await Promise.all(Array.from({ length: AUTHORS }, (_, author) => send(author)))
  const seconds = (performance.now() - start) / 1_000
  stop()
  // The node may have added a claim of its state.
  const added = log.replica.tip.size - before
  if (added < submissions.length) throw new Error(`${added} of ${submissions.length} are in the log`)
  return { groups, seconds }
}
