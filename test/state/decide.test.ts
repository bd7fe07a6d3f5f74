import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import type { Json } from '../../src/canonical.ts'
import { openEntry } from '../../src/ingest/open.ts'
import type { OpenedEntry } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { readState, stateKeys } from '../../src/state/model.ts'
import { Draft } from '../../src/state/view.ts'
import { DAY_MS, HOUR_MS } from '../../src/units.ts'
import { testLct } from '../support/entries.ts'
import { entryBytes, override, signRecord } from '../support/identity.ts'
import type { Draftable } from '../support/society.ts'
import { ada, bob, codeOf, fresh, openedOf, start, stranger } from '../support/two-members.ts'

const FRESH_MS = 300_000
const FRESH_MULTI_MS = DAY_MS

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
