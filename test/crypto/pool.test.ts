import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { keyPair, signSync } from '../../node/crypto/sodium.ts'
import { bitAt, packJobs, verifyPacked } from '../../node/verify/layout.ts'
import { createVerifierPool, type VerifierPool } from '../../node/verify/pool.ts'
import type { SignatureJob } from '../../src/ports.ts'

const { publicKey, secretKey } = keyPair(new Uint8Array(32).fill(9))

function job(text: string, valid = true): SignatureJob {
  const message = new TextEncoder().encode(text)
  const signature = signSync(secretKey, valid ? message : Uint8Array.of(0))
  return { key: publicKey, signature, message }
}

/** Jobs of which `i` is valid exactly when `valid(i)`, signed once each. */
function jobs(count: number, valid: (i: number) => boolean): SignatureJob[] {
  return Array.from({ length: count }, (_, i) => job(`message ${i}`, valid(i)))
}

function script(name: string): URL {
  return new URL(`./${name}-worker.ts`, import.meta.url)
}

async function using(options: Parameters<typeof createVerifierPool>[0], use: (pool: VerifierPool) => Promise<void>) {
  const pool = createVerifierPool(options)
  try {
    await use(pool)
  } finally {
    await pool.close()
  }
}

describe('verifier pool', function () {
  this.timeout(20_000)

  for (const workers of [0, 1, 2, 5]) {
    it(`${workers} workers: verdicts stand in the order of the jobs`, () =>
      using({ workers }, async pool => {
        assert.equal(pool.workers, workers)
        const valid = (i: number) => i % 3 !== 1
        for (const count of [0, 1, 2, 7, 8, 9, 130, 1000]) {
          const expected = Array.from({ length: count }, (_, i) => valid(i))
          assert.deepEqual(await pool.verify(jobs(count, valid)), expected)
        }
      }))

    it(`${workers} workers: hostile lengths are false and disturb no neighbour`, () =>
      using({ workers }, async pool => {
        const good = job('good')
        const long = Uint8Array.of(...good.signature, 0)
        const hostile = [
          good,
          { ...good, signature: new Uint8Array(0) },
          { ...good, signature: good.signature.subarray(0, 63) },
          good,
          { ...good, signature: long },
          { ...good, key: new Uint8Array(0) },
          { ...good, key: Uint8Array.of(...good.key, 0) },
          { ...good, message: new Uint8Array(0) },
          good,
        ]
        const expected = [true, false, false, true, false, false, false, false, true]
        assert.deepEqual(await pool.verify(hostile), expected)
        assert.deepEqual(await pool.verify(hostile.slice(1, 3)), [false, false])
      }))
  }

  it('uses all processors by default', () =>
    using({}, async pool => {
      assert.equal(pool.workers, availableParallelism())
      await pool.ready
    }))

  it('verifies 10 000 jobs in calls of all sizes', () =>
    using({ workers: 2 }, async pool => {
      const valid = (i: number) => (i * 7919) % 11 !== 0
      const all = jobs(10_000, valid)
      const calls: Promise<readonly boolean[]>[] = []
      for (let from = 0, size = 1; from < all.length; from += size, size = (size * 3) % 701) {
        calls.push(pool.verify(all.slice(from, from + size)))
      }
      const verdicts = (await Promise.all(calls)).flat()
      assert.deepEqual(
        verdicts,
        Array.from({ length: 10_000 }, (_, i) => valid(i)),
      )
    }))

  it('takes messages of every size', () =>
    using({ workers: 2 }, async pool => {
      const sizes = [0, 1, 65_535, 3_000_000, 2, 65_535]
      const large = sizes.map(size => {
        const message = new Uint8Array(size).fill(size & 0xff)
        return { key: publicKey, signature: signSync(secretKey, message), message }
      })
      assert.deepEqual(await pool.verify(large), [true, true, true, true, true, true])
    }))

  it('leaves the bytes of the caller as they are', () =>
    using({ workers: 1 }, async pool => {
      const mine = job('mine')
      await pool.verify([mine])
      assert.equal(mine.message.length, 4)
      assert.deepEqual(await pool.verify([mine]), [true])
    }))

  it('close waits for what was asked, is idempotent and ends the service', async () => {
    for (const workers of [0, 2]) {
      const pool = createVerifierPool({ workers })
      const busy = pool.verify(jobs(600, () => true))
      let answered = false
      void busy.then(() => {
        answered = true
      })
      await Promise.all([pool.close(), pool.close()])
      assert.equal(answered, true)
      assert.equal((await busy).every(Boolean), true)
      await pool.close()
      await assert.rejects(pool.verify([job('late')]), { code: 'INTERNAL', message: /closed/ })
    }
  })

  it('can be closed before it has started', async () => {
    const pool = createVerifierPool({ workers: 2 })
    await pool.close()
  })

  it('rejects the jobs of a thread that crashed and starts it again', () =>
    using({ workers: 1, script: script('crashing') }, async pool => {
      for (let round = 0; round < 5; round++) {
        const lost = pool.verify([job('before'), job('crash'), job('after')])
        await assert.rejects(lost, { name: 'CodedError', code: 'INTERNAL', message: /died/ })
        assert.deepEqual(await pool.verify([job('again'), job('forged', false)]), [true, false])
      }
    }))

  it('a crash rejects whole batches once, and only those with jobs in the thread', () =>
    using({ workers: 2, script: script('crashing') }, async pool => {
      await pool.ready
      const doomed = pool.verify([job('crash'), ...jobs(900, () => true)])
      const innocent = pool.verify(jobs(50, () => true))
      await assert.rejects(doomed, { code: 'INTERNAL' })
      assert.equal((await innocent).every(Boolean), true)
    }))

  it('refuses to start when a thread fails its self-test', () =>
    using({ workers: 2, script: script('failing') }, async pool => {
      const early = pool.verify([job('early')])
      await assert.rejects(early, { code: 'INTERNAL', message: /self-test: speccheck 0/ })
      await assert.rejects(pool.ready, { code: 'INTERNAL', message: /self-test/ })
      await assert.rejects(pool.verify([job('late')]), { code: 'INTERNAL', message: /self-test/ })
    }))

  it('gives up on a thread that cannot start', () =>
    using({ workers: 1, script: script('dying') }, async pool => {
      await assert.rejects(pool.verify([job('early')]), { code: 'INTERNAL', message: /cannot start.*cannot load/ })
      await assert.rejects(pool.ready, { code: 'INTERNAL' })
    }))
})

describe('layout of packed jobs', () => {
  it('gives back every part of every job', () => {
    const packed = jobs(19, () => true)
    const seen: SignatureJob[] = []
    const bitmap = verifyPacked(packJobs(packed), (key, signature, message) => {
      seen.push({ key: key.slice(), signature: signature.slice(), message: message.slice() })
      return seen.length % 2 === 0
    })
    assert.deepEqual(seen, packed)
    assert.equal(bitmap.length, 3)
    for (let i = 0; i < 19; i++) assert.equal(bitAt(bitmap, i), i % 2 === 1)
  })
})
