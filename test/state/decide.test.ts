import assert from 'node:assert/strict'
import fc from 'fast-check'
import { sha256 } from '../../node/crypto/sodium.ts'
import type { Json } from '../../src/canonical.ts'
import { openEntry } from '../../src/ingest/open.ts'
import type { OpenedEntry } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { decide, touchedKeys } from '../../src/state/decide.ts'
import { readState, stateKeys } from '../../src/state/model.ts'
import { Draft, type StateView } from '../../src/state/view.ts'
import { DAY_MS, HOUR_MS } from '../../src/units.ts'
import { testLct } from '../support/entries.ts'
import { federation } from '../support/federation.ts'
import { context, entryBytes, hashText, identity, override, signRecord } from '../support/identity.ts'
import { netChanges, Replay } from '../support/replay.ts'
import type { Draftable, TestSociety } from '../support/society.ts'

const [ada, bob, fresh, stranger] = ['s0 ada', 's0 bob', 'fresh', 'stranger'].map(identity) as [
  ReturnType<typeof identity>,
  ReturnType<typeof identity>,
  ReturnType<typeof identity>,
  ReturnType<typeof identity>,
]
const FRESH_MS = 300_000
const FRESH_MULTI_MS = DAY_MS

/** A log with two members and some money; `lct` is Ada's. */
function start() {
  const [log, ...peers] = federation() as [TestSociety, ...TestSociety[]]
  const three = peers.map(({ witness }) => witness)
  log.append(log.birth('ada', 'human', three))
  log.append(log.birth('bob', 'ai', three))
  const [lct, other] = [log.lctOf(ada, 'human'), log.lctOf(bob, 'ai')]
  log.append({ kind: 'atp.mint', body: { amount: 1_000 } })
  log.append({ kind: 'atp.charge', body: { amount: 500, evidence: hashText('sun'), to: lct } })
  const pay = (amount = 1): Draftable => ({
    kind: 'atp.transfer',
    author: lct,
    signers: [ada],
    body: { amount, from: lct, to: other },
  })
  return { log, lct, other, peers, three, pay }
}

function openedOf(bytes: Uint8Array): OpenedEntry {
  const opened = openEntry(bytes, sha256)
  assert.ok(opened.ok, opened.ok ? '' : opened.error.code)
  return opened.value
}

function codeOf(view: StateView, society: string, entry: OpenedEntry): Code | undefined {
  const decided = decide(view, society, entry, context)
  return decided.ok ? undefined : decided.error.code
}

describe('rules that all kinds share', () => {
  const { log, lct, pay } = start()
  const refusal = (changes: Partial<Draftable>) => log.refusal({ ...pay(), ...changes })
  const n = readState.lane(log, log.id, 0) ?? 0
  const suspended = (() => {
    const made = start()
    made.log.append({ kind: 'lct.suspend', body: { lct: made.lct } })
    return made
  })()

  it('let a good record through', () => assert.equal(refusal({}), undefined))

  it('name the log: WRONG_SOCIETY', () => {
    assert.equal(refusal({ society: `elsewhere-${'a'.repeat(26)}` }), 'WRONG_SOCIETY')
    const entry = openedOf(log.draft(pay()))
    assert.equal(codeOf(log, start().peers[0]?.id ?? '', entry), 'WRONG_SOCIETY')
    const charter = log.entries[0] as OpenedEntry
    assert.equal(codeOf(new Draft({ get: () => undefined }), `s0-${'a'.repeat(26)}`, charter), 'WRONG_SOCIETY')
  })

  it('want one charter, at 0: CHARTER_TWICE', () => {
    const charter = log.entries[0] as OpenedEntry
    assert.equal(codeOf(log, log.id, { ...charter, seq: log.size }), 'CHARTER_TWICE')
    assert.equal(codeOf(log, log.id, { ...openedOf(log.draft(pay())), seq: 0 }), 'CHARTER_TWICE')
    assert.equal(
      codeOf({ get: () => undefined }, log.id, openedOf(log.draft(pay()))),
      'CHARTER_TWICE',
      'nothing to stand on',
    )
  })

  const windows: readonly [what: string, windowMs: number, input: Draftable][] = [
    ['a transfer', FRESH_MS, pay()],
    [
      'an attestation',
      FRESH_MS,
      {
        kind: 'attest',
        author: lct,
        signers: [ada],
        body: { claims: { method: 'seen', observed_at: 1 }, subject: log.id, type: 'existence' },
      },
    ],
    ['a suspension', FRESH_MS, { kind: 'lct.suspend', body: { lct } }],
    ['a birth', FRESH_MULTI_MS, log.birth('eve', 'human', start().three)],
    ['a law.update', FRESH_MULTI_MS, { kind: 'law.update', body: { law: { ...log.law, number: 1 } } }],
    [
      'a rotation',
      FRESH_MULTI_MS,
      { kind: 'lct.rotate', author: lct, signers: [ada, fresh], body: { key: fresh.key, old: ada.key, overlap_ms: 0 } },
    ],
  ]
  for (const [what, windowMs, input] of windows) {
    it(`date ${what} within ${windowMs} ms, to the millisecond: STALE`, () => {
      const entryTime = log.clock + HOUR_MS
      const at = (apart: number) => log.refusal({ ...input, entryTime, time: entryTime + apart })
      assert.deepEqual([at(-windowMs), at(0), at(windowMs)], [undefined, undefined, undefined])
      assert.deepEqual([at(-windowMs - 1), at(windowMs + 1)], ['STALE', 'STALE'])
    })
  }

  it('never go back in time: ENTRY_TIME_BACKWARDS', () => {
    assert.equal(refusal({ entryTime: log.clock - 1 }), 'ENTRY_TIME_BACKWARDS')
    assert.equal(refusal({ entryTime: log.clock }), undefined, 'the same millisecond is good')
  })

  it('count up in each lane of each author: REPLAYED', () => {
    assert.deepEqual([refusal({ n: 1 }), refusal({ n: n + 100 })], [undefined, undefined], 'her first, with any number')
    const bySociety = { kind: 'lct.suspend', body: { lct } }
    assert.equal(log.refusal({ ...bySociety, n }), 'REPLAYED', 'equal')
    assert.equal(log.refusal({ ...bySociety, n: n - 1 }), 'REPLAYED', 'lower')
    assert.equal(log.refusal({ ...bySociety, n: 1 }), 'REPLAYED', 'far lower')
    assert.equal(log.refusal({ ...bySociety, n: n + 1 }), undefined, 'the next')
    assert.equal(log.refusal({ ...bySociety, n: n + 1_000 }), undefined, 'with a gap')
    assert.equal(log.refusal({ ...bySociety, n: Number.MAX_SAFE_INTEGER }), undefined, 'the last')
    for (const lane of [1, 255]) assert.equal(log.refusal({ ...bySociety, lane, n: 1 }), undefined, 'another lane')
  })

  it('know the author: AUTHOR_UNKNOWN', () => {
    assert.equal(refusal({ author: testLct(99) }), 'AUTHOR_UNKNOWN')
    assert.equal(refusal({ author: log.lctOf(bob, 'human') }), 'AUTHOR_UNKNOWN', 'of another type')
  })

  it('know the author as it is now: AUTHOR_INACTIVE', () => {
    const { log: other, lct: asleep, pay: payAsleep } = suspended
    assert.equal(other.refusal(payAsleep()), 'AUTHOR_INACTIVE')
    other.append({ kind: 'lct.reactivate', body: { lct: asleep } })
    assert.equal(other.refusal(payAsleep()), undefined)
    other.append({ kind: 'lct.revoke', body: { lct: asleep } })
    assert.equal(other.refusal(payAsleep()), 'AUTHOR_INACTIVE')
  })

  it("want the author's key in force: SIGNER_WRONG", () => {
    assert.equal(refusal({ signers: [stranger] }), 'SIGNER_WRONG')
    assert.equal(refusal({ signers: [bob] }), 'SIGNER_WRONG')
    assert.equal(refusal({ signers: [log.society] }), 'SIGNER_WRONG', 'nor does the society speak for its members')
    assert.equal(log.refusal({ kind: 'atp.mint', body: { amount: 1 }, signers: [log.witness] }), 'SIGNER_WRONG')
    assert.equal(log.refusal({ kind: 'atp.mint', body: { amount: 1 }, signers: [log.next] }), 'SIGNER_WRONG')
  })

  it('let the old key speak until its overlap ends, to the millisecond: SIGNER_WRONG', () => {
    const { log: other, lct: turning, pay: payAs } = start()
    const body = { key: fresh.key, old: ada.key, overlap_ms: 60_000 }
    const { time } = other.append({ kind: 'lct.rotate', author: turning, signers: [ada, fresh], body })
    const by = (signer: typeof ada, after: number) =>
      other.refusal({ ...payAs(), signers: [signer], entryTime: time + after })
    assert.deepEqual([by(ada, 0), by(ada, 59_999), by(ada, 60_000)], [undefined, undefined, 'SIGNER_WRONG'])
    assert.deepEqual([by(fresh, 0), by(fresh, 60_000)], [undefined, undefined])
    const until = { ...payAs(), signers: [ada], entryTime: time + 60_000, time: time + 59_999 }
    assert.equal(other.refusal(until), 'SIGNER_WRONG', 'the time of the entry counts')
  })

  it('stop before a later protocol and an unknown kind: UNKNOWN_PROTOCOL, UNKNOWN_KIND', () => {
    const entry = openedOf(log.draft(pay()))
    const later = new Draft(log)
    later.set(stateKeys.law, { ...log.law, protocol: 2 } as unknown as Json)
    assert.equal(codeOf(later, log.id, entry), 'UNKNOWN_PROTOCOL')
    assert.equal(codeOf(log, log.id, { ...entry, record: { ...entry.record, kind: 'swap.offer' } }), 'UNKNOWN_KIND')
    assert.equal(codeOf(log, log.id, { ...entry, record: { ...entry.record, kind: 'constructor' } }), 'UNKNOWN_KIND')
  })
})

describe('the first code of several', () => {
  const { log, lct, pay } = start()
  log.append(pay())
  log.append({ kind: 'lct.suspend', body: { lct } })
  const used = readState.lane(log, lct, 0) ?? 0
  const later = new Draft(log)
  later.set(stateKeys.law, { ...log.law, protocol: 2 } as unknown as Json)

  /** Everything is wrong; each row mends what the row before it named. */
  const wrong = {
    kind: 'swap.offer',
    seq: 0,
    society: `other-${'a'.repeat(26)}`,
    recordTime: 0,
    protocol: 2,
    entryTime: log.clock - 1,
    n: used,
    author: testLct(99),
    signers: [stranger],
  }
  const rows: readonly [code: Code, mend: Partial<typeof wrong>][] = [
    ['UNKNOWN_KIND', {}],
    ['WRONG_SOCIETY', { kind: 'atp.transfer' }],
    ['CHARTER_TWICE', { society: log.id }],
    ['UNKNOWN_PROTOCOL', { seq: log.size }],
    ['STALE', { protocol: 1 }],
    ['ENTRY_TIME_BACKWARDS', { recordTime: log.clock }],
    ['REPLAYED', { author: lct, entryTime: log.clock }],
    ['AUTHOR_INACTIVE', { n: used + 1 }],
    // Who is unknown has used no lane, so this one needs no mending of n before it.
    ['AUTHOR_UNKNOWN', { author: testLct(99), n: used }],
  ]

  it('goes by kind, society, place, protocol, freshness, time, lane, author', () => {
    let now = wrong
    for (const [code, mend] of rows) {
      now = { ...now, ...mend }
      const { author, entryTime, kind, n, protocol, recordTime, seq, signers, society } = now
      const record = override(
        { ...openedOf(log.draft(pay(10 ** 9))).record },
        { author, kind, n, society, time: recordTime },
      )
      const opened = openEntry(
        entryBytes({ ...record, kind: 'atp.transfer' }, signRecord(record, signers), log.size, entryTime),
        sha256,
      )
      assert.ok(opened.ok)
      const entry = { ...opened.value, record: { ...opened.value.record, kind }, seq }
      assert.equal(codeOf(protocol === 2 ? later : log, log.id, entry), code)
    }
  })

  it('is that of the author before that of the kind', () => {
    const awake = start()
    const entry = (signers: (typeof ada)[], amount: number) => awake.log.refusal({ ...awake.pay(amount), signers })
    assert.equal(entry([stranger], 10 ** 9), 'SIGNER_WRONG')
    assert.equal(entry([ada], 10 ** 9), 'BALANCE_INSUFFICIENT')
    assert.equal(awake.log.refusal({ ...awake.pay(), author: awake.other, signers: [stranger] }), 'SIGNER_WRONG')
    assert.equal(awake.log.refusal({ ...awake.pay(), author: awake.other, signers: [bob] }), 'AUTHOR_FORBIDDEN')
  })
})

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
