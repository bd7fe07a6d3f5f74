import assert from 'node:assert/strict'
import type { Json } from '../../src/canonical.ts'
import { SNAPSHOT_ENTRIES_MIN } from '../../src/limits.ts'
import { readState, stateKeys, stateValue } from '../../src/state/model.ts'
import { advanceSnapshots, isSnapshotSize } from '../../src/state/snapshots.ts'
import { Draft, MissingKey, type StateView } from '../../src/state/view.ts'
import { growTo, longLog } from '../support/long-log.ts'
import { randomLog } from '../support/random-log.ts'

const S = SNAPSHOT_ENTRIES_MIN
const viewOf = (pairs: Readonly<Record<string, Json>>): StateView => ({ get: key => pairs[key] })
const snapshots = (keys: number, last: number) => ({ [stateKeys.snapshots]: stateValue({ keys, last }) })

/** What the end of an entry leaves behind. */
function advance(base: StateView, size: number, change: (draft: Draft) => void = () => {}) {
  const draft = new Draft(base)
  change(draft)
  advanceSnapshots(draft, size)
  const mark = draft.changes.get(stateKeys.snapshot(size))
  return { snapshots: readState.snapshots(draft), mark, draft }
}

describe('sizes of snapshots', () => {
  it('are 10 000 entries apart, or as many as the state has keys, whichever is more', () => {
    const rows: readonly (readonly [size: number, last: number, keys: number, isDue: boolean])[] = [
      [S - 1, 0, 1, false],
      [S, 0, 1, true],
      [S, 0, S, true],
      [S, 0, S + 1, false],
      [S + 1, 0, S + 1, true],
      [S + 6, 7, 1, false],
      [S + 7, 7, 1, true],
      [250_000, 100_000, 150_001, false],
      [250_000, 100_000, 150_000, true],
    ]
    for (const [size, last, keys, isDue] of rows)
      assert.equal(isSnapshotSize(size, last, keys), isDue, `${size} ${last} ${keys}`)
  })

  it('are marked by the entry that makes the size, with the keys of that entry but not the mark itself', () => {
    const base = viewOf({ ...snapshots(S - 1, 0), a: 1 })
    assert.deepEqual(advance(base, S).snapshots, { keys: S, last: S })
    const one = advance(base, S, draft => draft.create('new', 1))
    assert.deepEqual([one.snapshots, one.mark], [{ keys: S + 1, last: S }, {}])
    const two = advance(base, S, draft => {
      draft.create('new', 1)
      draft.create('newer', 1)
    })
    assert.deepEqual([two.snapshots, two.mark], [{ keys: S + 1, last: 0 }, undefined])
  })

  it('count what an entry adds and takes away, and write nothing when that is nothing', () => {
    const base = viewOf({ ...snapshots(100, 0), a: 1, b: 2 })
    const counted = (change: (draft: Draft) => void) => advance(base, 50, change)
    const idle = counted(draft => draft.set('a', 3))
    assert.equal(idle.draft.changes.has(stateKeys.snapshots), false)
    assert.deepEqual(counted(draft => draft.set('c', 3)).snapshots, { keys: 101, last: 0 })
    assert.deepEqual(counted(draft => draft.set('a', undefined)).snapshots, { keys: 99, last: 0 })
    const nothing = counted(draft => {
      draft.set('c', 3)
      draft.set('c', undefined)
      draft.set('d', undefined)
      draft.set('a', undefined)
      draft.set('a', 4)
    })
    assert.deepEqual(nothing.snapshots, { keys: 100, last: 0 })
    assert.equal(counted(draft => draft.replace('a', 5)).draft.changes.has(stateKeys.snapshots), false)
    const changedItsMind = counted(draft => {
      draft.create('c', 1)
      draft.set('c', undefined)
      draft.replace('a', 1)
      draft.set('a', undefined)
    })
    assert.deepEqual(changedItsMind.snapshots, { keys: 99, last: 0 })
  })

  it('need every key that was set and never read, but those that cannot be there', () => {
    const strict: StateView = {
      get(key) {
        if (key !== stateKeys.snapshots) throw new MissingKey(key)
        return { keys: 100, last: 0 }
      },
    }
    assert.throws(() => advance(strict, 50, draft => draft.set('c', 1)), MissingKey)
    assert.deepEqual(advance(strict, 50, draft => draft.create('c', 1)).snapshots, { keys: 101, last: 0 })
  })

  it('come in a log by themselves, claim or no claim', function () {
    this.timeout(60_000)
    const log = longLog(S - 1)
    assert.deepEqual(readState.snapshot(log, 0), {})
    assert.equal(readState.snapshots(log)?.last, 0)
    assert.equal(readState.snapshot(log, S), undefined)
    growTo(log, S)
    assert.equal(readState.snapshots(log)?.last, S)
    assert.deepEqual(readState.snapshot(log, S), {})
    growTo(log, 2 * S)
    assert.equal(readState.snapshots(log)?.last, 2 * S)
    assert.deepEqual(readState.snapshot(log, 2 * S), {})
  })

  for (const seed of [1, 2]) {
    it(`know how many keys a state has after whatever happened to it (seed ${seed})`, function () {
      this.timeout(60_000)
      const { replay, kinds } = randomLog(seed, 2_000)
      assert.ok((kinds['peer.block'] ?? 0) > 0, 'something was taken away')
      assert.equal(readState.snapshots(replay)?.keys, replay.pairs().length)
    })
  }
})
