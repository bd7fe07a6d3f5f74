import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Json } from '../../src/canonical.ts'
import type { Code } from '../../src/rejection.ts'
import { decide, touchedKeys } from '../../src/state/decide.ts'
import { stateKeys } from '../../src/state/model.ts'
import type { StateView } from '../../src/state/view.ts'
import { DAY_MS } from '../../src/units.ts'
import { testLct } from '../support/entries.ts'
import { context, entryBytes, override, signRecord } from '../support/identity.ts'
import { netChanges, Replay } from '../support/replay.ts'
import type { Draftable, TestSociety } from '../support/society.ts'
import { ada, codeOf, openedOf, start } from '../support/two-members.ts'

describe('deciding', () => {
  it('leaves no trace of what it refuses, and none of what it accepts until that is taken', () => {
    const { log, pay } = start()
    const watched: StateView = { get: key => deepFrozen(log.get(key)) }
    const inputs = [
      pay(),
      pay(10 ** 9),
      { ...pay(), n: 1 },
      { ...pay(), entryTime: log.clock + 40 * DAY_MS },
      { ...pay(10 ** 9), entryTime: log.clock + 40 * DAY_MS },
    ]
    const before = snapshot(log)
    for (const input of inputs) decide(watched, log.id, openedOf(log.draft(input)), context)
    assert.deepEqual(snapshot(log), before)
  })

  it('gives the same twice', () => {
    const { log, pay } = start()
    for (const input of [pay(), pay(10 ** 9), { ...pay(), entryTime: log.clock + 400 * DAY_MS }]) {
      const entry = openedOf(log.draft(input))
      const [first, second] = [0, 1].map(() => decide(log, log.id, entry, context))
      assert.ok(first && second)
      assert.deepEqual(
        first.ok ? netChanges(log, first.value) : first,
        second.ok ? netChanges(log, second.value) : second,
      )
    }
  })

  it('reads no key that it did not foretell, for what is good and for what is not', () => {
    const { log, pay, lct } = start()
    const inputs: Draftable[] = [
      pay(),
      pay(10 ** 9),
      { ...pay(), author: testLct(99) },
      { kind: 'lct.suspend', body: { lct } },
      { kind: 'atp.mint', body: { amount: 5 } },
    ]
    for (const input of inputs) {
      const entry = openedOf(log.draft(input))
      const foretold = new Set(touchedKeys(entry))
      const strict: StateView = {
        get(key) {
          assert.ok(foretold.has(key), `${input.kind} reads ${key}`)
          return log.get(key)
        },
      }
      decide(strict, log.id, entry, context)
    }
  })

  it('refuses every accepted entry when it comes again, at its place or behind', () => {
    const { log, pay } = start()
    log.append(pay())
    const replay = new Replay()
    for (const { bytes } of log.entries) assert.ok(replay.apply(bytes).ok)
    for (const entry of log.entries) {
      const at = { ...entry, seq: log.size, time: log.clock }
      const code = codeOf(replay, log.id, at)
      assert.ok(code === 'CHARTER_TWICE' || code === 'REPLAYED', `${entry.seq}: ${code}`)
      assert.equal(code === 'CHARTER_TWICE', entry.seq === 0)
    }
    const digest = replay.digest()
    for (const { bytes } of log.entries) assert.equal(replay.apply(bytes).ok, false)
    assert.deepEqual(replay.digest(), digest)
  })

  it('is the same on every replica, however often entries are refused in between', () => {
    const { log, pay, other } = start()
    const amounts = fc.array(
      fc.record({ amount: fc.integer({ min: 1, max: 400 }), days: fc.integer({ min: 0, max: 60 }) }),
      { maxLength: 12 },
    )
    const property = fc.property(amounts, drawn => {
      const [clean, noisy] = [new Replay(), new Replay()]
      for (const { bytes } of log.entries) for (const replica of [clean, noisy]) assert.ok(replica.apply(bytes).ok)
      let n = 100
      let time = log.clock
      for (const { amount, days } of drawn) {
        n += 1
        time += days * DAY_MS
        const record = override(openedOf(log.draft(pay())).record, { 'body.amount': amount, n, time })
        const bytes = entryBytes(record, signRecord(record, [ada]), clean.entries.length, time)
        for (const bad of [{ n: 1, 'body.to': other, 'body.amount': 10 ** 9 }, { author: testLct(99) }]) {
          const refused = override(record, bad)
          assert.equal(
            noisy.apply(entryBytes(refused, signRecord(refused, [ada]), noisy.entries.length, time + DAY_MS)).ok,
            false,
          )
        }
        assert.deepEqual(codeOfApplied(clean, bytes), codeOfApplied(noisy, bytes))
      }
      assert.deepEqual(clean.digest(), noisy.digest())
    })
    fc.assert(property, { numRuns: 30, verbose: 1 })
  })
})

function codeOfApplied(replay: Replay, bytes: Uint8Array): Code | undefined {
  const applied = replay.apply(bytes)
  return applied.ok ? undefined : applied.error.code
}

/** Writing into a value of the state would change other replicas' caches: so it must throw. */
function deepFrozen(value: Json | undefined): Json | undefined {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFrozen(member as Json)
    Object.freeze(value)
  }
  return value
}
function snapshot(log: TestSociety): Record<string, unknown> {
  const keys = [
    stateKeys.time,
    stateKeys.pool,
    stateKeys.decay,
    stateKeys.law,
    stateKeys.keys,
    stateKeys.lane(log.id, 0),
  ]
  return structuredClone(Object.fromEntries(keys.map(key => [key, log.get(key)])))
}
