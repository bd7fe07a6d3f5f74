import assert from 'node:assert/strict'
import { KeyGuard } from '../../src/witnessing/key-guard.ts'

const STARTED = 1_000
const facts = ({ inUse, owed }: KeyGuard) => ({ inUse, owed })

describe('notes of the own key that this process did not sign', () => {
  it('say how much was forgotten: the largest counts', () => {
    const guard = new KeyGuard(STARTED)
    assert.deepEqual(facts(guard), { inUse: false, owed: 0 })
    for (const size of [12, 15, 13]) guard.onNote(size, { signing: false, ready: false })
    assert.deepEqual(facts(guard), { inUse: false, owed: 15 })
  })

  it('say that another process signs, when this one has signed already', () => {
    const guard = new KeyGuard(STARTED)
    guard.onNote(12, { signing: true, ready: true })
    assert.deepEqual(facts(guard), { inUse: true, owed: 12 })
  })

  it('may show a forgotten tail late, once', () => {
    const guard = new KeyGuard(STARTED)
    guard.onNote(12, { signing: false, ready: true })
    // The same tail, told by others, and another note of it that came while it was being fetched.
    guard.onNote(12, { signing: false, ready: true })
    guard.onNote(13, { signing: false, ready: false })
    assert.deepEqual(facts(guard), { inUse: false, owed: 13 })
    guard.onNote(14, { signing: false, ready: true })
    assert.deepEqual(facts(guard), { inUse: true, owed: 14 })
  })
})

describe('entries of the own log that this process did not write', () => {
  for (const [why, newest, signing, inUse] of [
    ['written before it began', STARTED, false, false],
    ['written after it began', STARTED + 1, false, true],
    ['after it wrote some itself', STARTED - 500, true, true],
  ] as const)
    it(`${inUse ? 'another process' : 'forgotten'}: ${why}`, () => {
      const guard = new KeyGuard(STARTED)
      guard.onEntries(newest, { signing })
      assert.equal(guard.inUse, inUse)
    })
})
