import assert from 'node:assert/strict'
import { HOUR_MS } from '../../src/units.ts'
import { type CrashStore, createCrashStore } from '../support/crash-store.ts'
import { HOLDINGS, SweepScene } from '../support/sweep-scene.ts'

/**
 * The power of the node fails at its n-th write of a sweep, for every n. Whatever of pages and entries its disk had by then: in
 * the end every loss is in the books once, and the books are those of a sweep that nothing disturbed.
 */
const limits = { read: 3, named: 2, lots: 1_000 }
const PAGES = 4

async function crashAt(n: number, survivors: number, wanted: object): Promise<string | undefined> {
  let disk: CrashStore | undefined
  const scene = await SweepScene.open({
    store: (index, content) => {
      const made = createCrashStore({ content })
      if (index === 0) disk = made
      return made.store
    },
  })
  const { clock } = scene.cluster
  await scene.toMidnight(9, HOUR_MS)
  const failing = disk as unknown as CrashStore
  const last = failing.writes + n
  failing.failAt(last)
  scene.attach({ limits })
  for (let i = 0; i < 20 && failing.writes < last; i++) await clock.advance(500)
  const hasCrashed = failing.writes >= last
  let found: string | undefined
  if (hasCrashed) {
    const rebooted = failing.restart(survivors)
    await scene.restart({ limits }, rebooted.store)
    const { cycle, done } = await scene.history()
    found = done !== undefined ? 'done' : cycle === undefined ? 'nothing' : `${cycle.entries} pages`
  }
  const history = await scene.swept()
  assert.deepEqual(await scene.books(), wanted, `n = ${n}`)
  assert.ok(
    (await scene.unbooked()).every(units => units === 0n),
    `n = ${n}`,
  )
  assert.equal(history.last?.accounts, HOLDINGS.length, `n = ${n}: on from where it was`)
  assert.equal(history.totals.cycles, 1, `n = ${n}: cycles`)
  // An entry of which the disk lost that its page was done is not counted, and not written twice.
  const sweeps = await scene.sweeps()
  const named = sweeps.flatMap(({ accounts }) => accounts)
  assert.equal(new Set(named).size, named.length, `n = ${n}: an account twice`)
  assert.equal(named.length, HOLDINGS.length, `n = ${n}`)
  assert.ok(history.totals.swept <= named.length && history.totals.swept >= named.length - limits.named, `n = ${n}`)
  await scene.cluster.final([scene.home])
  await scene.cluster.assertConverged()
  await scene.stop()
  return found
}

describe('a node that loses its power in a sweep', function () {
  this.timeout(120_000)
  let wanted: object

  before(async () => {
    const scene = await SweepScene.open()
    await scene.toMidnight(9, HOUR_MS)
    scene.attach({ limits })
    await scene.swept()
    wanted = await scene.books()
    assert.equal((await scene.sweeps()).length, PAGES)
    await scene.stop()
  })

  for (const survivors of [0, Number.POSITIVE_INFINITY]) {
    it(`books each loss once, at any write (${survivors} unsynced writes survive)`, async () => {
      const found = new Set<string>()
      for (let n = 1; ; n++) {
        const state = await crashAt(n, survivors, wanted)
        if (state === undefined) break
        found.add(state)
      }
      // The write that fails may be on the disk all the same; the first one says that a cycle begins.
      const first = survivors === 0 ? 'nothing' : '0 pages'
      for (const state of [first, ...Array.from({ length: PAGES - 1 }, (_, i) => `${i + 1} pages`)])
        assert.ok(found.has(state), `${state} was met: ${[...found].join(', ')}`)
    })
  }
})
