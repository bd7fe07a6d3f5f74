import assert from 'node:assert/strict'
import { createAnnouncer } from '../../../node/net/announcer.ts'
import { BOOK_LIMITS } from '../../../node/net/limits.ts'
import { manualClock } from '../../support/manual-clock.ts'

/** Chance at its largest, so that pauses are whole. */
const random = { bytes: (length: number) => new Uint8Array(length).fill(255) }
const turn = () => new Promise(resolve => setImmediate(resolve))

function setup(told: () => Promise<number> = async () => 1) {
  const clock = manualClock()
  const said: string[] = []
  const withdrawn: string[] = []
  const announcer = createAnnouncer({
    clock,
    random,
    directory: {
      provide: society => {
        said.push(society)
        return told()
      },
      withdraw: async society => void withdrawn.push(society),
    },
  })
  announcer.start()
  const pass = async (ms: number) => {
    clock.advance(ms)
    await turn()
  }
  return { announcer, clock, pass, said, withdrawn }
}

describe('saying what is served', () => {
  it('says it at once, soon again, and then well before it is forgotten', async () => {
    const { announcer, clock, pass, said } = setup()
    announcer.serve(['a', 'b'])
    assert.deepEqual(clock.pending(), [500, 500])
    await pass(500)
    assert.deepEqual(said, ['a', 'b'])
    const pauses: number[] = []
    for (let round = 0; round < 10; round++) {
      pauses.push(clock.pending()[0] ?? 0)
      announcer.serve(['a', 'b'])
      await pass(pauses.at(-1) ?? 0)
    }
    assert.deepEqual(
      pauses,
      [15, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600].map(seconds => seconds * 1_000),
    )
    assert.ok(BOOK_LIMITS.providerValidityMs > 2 * (pauses.at(-1) ?? 0))
    assert.equal(said.length, 22)
    await announcer.stop()
    assert.deepEqual(clock.pending(), [])
  })

  it('tries again, more and more slowly, while nobody can be told', async () => {
    let answer: () => Promise<number> = async () => 0
    const { announcer, clock, pass, said } = setup(() => answer())
    announcer.serve(['a'])
    const pauses: number[] = []
    for (let round = 0; round < 7; round++) {
      await pass(clock.pending()[0] ?? 0)
      pauses.push(clock.pending()[0] ?? 0)
      answer = () => Promise.reject(new Error('no route'))
    }
    assert.deepEqual(pauses, [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
    assert.equal(said.length, 7)
    await announcer.stop()
  })

  it('withdraws what is served no more', async () => {
    const { announcer, clock, pass, said, withdrawn } = setup()
    announcer.serve(['a', 'b'])
    await pass(500)
    announcer.serve(['b'])
    assert.deepEqual(withdrawn, ['a'])
    assert.equal(clock.pending().length, 1)
    await pass(15_000)
    assert.deepEqual(said, ['a', 'b', 'b'])
    await announcer.stop()
  })

  it('tells new neighbours, at most once a minute', async () => {
    const { announcer, clock, pass, said } = setup()
    announcer.serve(['a'])
    await pass(500)
    for (let round = 0; round < 9; round++) await pass(clock.pending()[0] ?? 0)
    assert.deepEqual(clock.pending(), [3_600_000])
    for (let count = 0; count < 100; count++) announcer.met()
    assert.deepEqual(clock.pending(), [60_000])
    await pass(60_000)
    assert.equal(said.length, 11)
    await pass(600_000)
    announcer.met()
    assert.deepEqual(clock.pending(), [2_000])
    await announcer.stop()
  })

  it('says two things at a time', async () => {
    const open: ((told: number) => void)[] = []
    const { announcer, pass, said } = setup(() => new Promise(resolve => open.push(resolve)))
    announcer.serve(['a', 'b', 'c'])
    await pass(500)
    assert.deepEqual(said, ['a', 'b'])
    open[0]?.(1)
    await turn()
    assert.deepEqual(said, ['a', 'b', 'c'])
    for (const resolve of open) resolve(1)
    await announcer.stop()
  })

  it('gives up an announcement that takes too long', async () => {
    const clock = manualClock()
    let signal: AbortSignal | undefined
    const announcer = createAnnouncer({
      clock,
      random,
      directory: {
        provide: (_society, given) =>
          new Promise((_resolve, reject) => {
            signal = given
            given.addEventListener('abort', () => reject(new Error('aborted')))
          }),
        withdraw: async () => {},
      },
    })
    announcer.start()
    announcer.serve(['a'])
    clock.advance(500)
    await turn()
    clock.advance(30_000)
    await turn()
    assert.equal(signal?.aborted, true)
    assert.deepEqual(clock.pending(), [2_000])
    await announcer.stop()
  })
})
