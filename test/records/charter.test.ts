import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import { logOf, openEntry } from '../../src/ingest/open.ts'
import { type CharterBody, charterSigners } from '../../src/records/charter.ts'
import { defaultLaw } from '../../src/records/law.ts'
import type { AnyRecord } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import type { Result } from '../../src/result.ts'
import { decide } from '../../src/state/decide.ts'
import { readState } from '../../src/state/model.ts'
import type { Draft } from '../../src/state/view.ts'
import { DAY_MS, HOUR_MS } from '../../src/units.ts'
import {
  commitment,
  context,
  entryBytes,
  hashText,
  type Identity,
  identity,
  keysOf,
  makeRecord,
  override,
  signRecord,
} from '../support/identity.ts'
import { GENESIS_MS, keysOfSociety } from '../support/society.ts'

const { society, witness, next } = keysOfSociety('river')
const witnesses = Array.from({ length: 16 }, (_, index) => identity(`witness ${index}`))
const four = witnesses.slice(0, 4)
const everybody = [society, witness, ...witnesses]

const body: CharterBody = {
  interval_ms: DAY_MS,
  law: defaultLaw({ witness_key: witness.key, finality: keysOf(four), birth: keysOf(four) }),
  next: commitment(next),
  slug: 'river',
  society_key: society.key,
}

interface Founding {
  readonly without?: Identity
  readonly more?: Identity
  readonly members?: Partial<AnyRecord>
}

function found(changes: Record<string, unknown> = {}, { without, more, members }: Founding = {}): Result<Draft> {
  const changed = override(body, changes)
  const wanted = charterSigners(changed)
  const signers = everybody.filter(one => (wanted.includes(one.key) && one !== without) || one === more)
  const record = makeRecord('charter', changed, { time: GENESIS_MS, ...members })
  const opened = openEntry(entryBytes(record, signRecord(record, signers), 0, GENESIS_MS), sha256)
  if (!opened.ok) return opened
  return decide({ get: () => undefined }, logOf(opened.value, sha256), opened.value, context)
}

function codeOf(result: Result<unknown>): Code | undefined {
  return result.ok ? undefined : result.error.code
}

/** keys of `count` witnesses and this quorum */
const finality = (count: number, quorum: number) => ({
  'law.finality': { quorum, witnesses: keysOf(witnesses.slice(0, count)) },
})

describe('charter', () => {
  it('founds a society', () => {
    const founded = found({ amend: { k: 1, keys: keysOf(four.slice(0, 2)) }, predecessor: undefined })
    assert.ok(founded.ok)
    const { value: state } = founded
    assert.deepEqual(readState.charter(state), {
      amend: { k: 1, keys: keysOf(four.slice(0, 2)) },
      interval_ms: DAY_MS,
      slug: 'river',
    })
    assert.deepEqual(readState.law(state), body.law)
    assert.deepEqual(readState.keys(state), { next: commitment(next), society: society.key })
    assert.deepEqual(readState.pool(state), { minted: '0', pool: '0', slashed: '0' })
    assert.deepEqual(readState.ceilings(state), [{ ...body.law.ceilings, since: GENESIS_MS }])
    assert.equal(readState.decay(state)?.k, Math.floor(GENESIS_MS / DAY_MS))
    assert.equal(readState.time(state), GENESIS_MS)
    assert.equal(readState.key(state, society.key), undefined)
  })

  it('needs the consent of everybody whom it names, and of nobody else', () => {
    assert.equal(codeOf(found({}, { without: four[2] as Identity })), 'CHARTER_SIGNATURES')
    assert.equal(codeOf(found({}, { without: society })), 'CHARTER_SIGNATURES')
    assert.equal(codeOf(found({}, { without: witness })), 'CHARTER_SIGNATURES')
    assert.equal(codeOf(found({}, { more: witnesses[9] as Identity })), 'CHARTER_SIGNATURES')
  })

  it('names no society, author, lane or number', () => {
    for (const members of [
      { lane: 1 },
      { n: 2 },
      { author: `river-${'a'.repeat(26)}` },
      { society: `river-${'a'.repeat(26)}` },
    ]) {
      assert.equal(codeOf(found({}, { members })), 'FORMAT_SCHEMA', JSON.stringify(members))
    }
    assert.equal(codeOf(found({ 'law.roles.treasury': [`z6Mk${'z'.repeat(44)}`] })), 'FORMAT_ENCODING')
  })

  it('may have a predecessor, and no witnesses (a practice log)', () => {
    assert.equal(
      codeOf(found({ predecessor: { id: `river-${'a'.repeat(26)}`, root: hashText('root'), size: 7 } })),
      undefined,
    )
    assert.equal(codeOf(found(finality(0, 0))), undefined)
  })

  const quorums: [count: number, quorum: number, code: Code | undefined][] = [
    [0, 1, 'LAW_QUORUM'],
    [1, 0, 'LAW_QUORUM'],
    [1, 1, undefined],
    [2, 1, 'LAW_QUORUM'],
    [3, 2, undefined],
    [4, 2, 'LAW_QUORUM'],
    [4, 3, undefined],
    [4, 5, 'LAW_QUORUM'],
    [15, 8, undefined],
    [16, 11, 'LAW_QUORUM'],
  ]
  for (const [count, quorum, code] of quorums) {
    it(`quorum ${quorum} of ${count}: ${code ?? 'good'}`, () =>
      assert.equal(codeOf(found(finality(count, quorum))), code))
  }

  const key = (index: number) => keysOf(four)[index] as string
  const refusals: [what: string, code: Code, changes: Record<string, unknown>][] = [
    ['witness twice', 'LAW_QUORUM', { 'law.finality': { quorum: 2, witnesses: [key(0), key(0), key(1)] } }],
    ['society key as witness', 'LAW_QUORUM', { 'law.finality': { quorum: 1, witnesses: [society.key] } }],
    ['witness key as witness', 'LAW_QUORUM', { 'law.finality': { quorum: 1, witnesses: [witness.key] } }],
    ['protocol of the future', 'UNKNOWN_PROTOCOL', { 'law.protocol': 2 }],
    ['interval below an hour', 'LAW_VALUES', { interval_ms: HOUR_MS - 1 }],
    ['interval above 30 days', 'LAW_VALUES', { interval_ms: 30 * DAY_MS + 1 }],
    ['decay above everything', 'LAW_VALUES', { 'law.decay.base_ppm': 1_000_001 }],
    ['grace above the maximal age', 'LAW_VALUES', { 'law.decay.grace_ms': 366 * DAY_MS }],
    ['maximal age below the interval', 'LAW_VALUES', { 'law.decay.max_age_ms': DAY_MS - 1, 'law.decay.grace_ms': 0 }],
    ['maximal age of too many intervals', 'LAW_VALUES', { 'law.decay.max_age_ms': 10_000 * DAY_MS + 1 }],
    ['law number', 'LAW_VALUES', { 'law.number': 1 }],
    ['birth witnesses unsorted', 'LAW_VALUES', { 'law.birth.witnesses': [key(1), key(0)] }],
    ['finality witnesses unsorted', 'LAW_VALUES', { 'law.finality': { quorum: 2, witnesses: [key(1), key(0)] } }],
    ['producers twice', 'LAW_VALUES', { 'law.roles.producer': [key(0), key(0)] }],
    ['treasury unsorted', 'LAW_VALUES', { 'law.roles.treasury': [key(1), key(0)] }],
    ['amend without k', 'LAW_VALUES', { amend: { k: 0, keys: [key(0)] } }],
    ['amend with too few keys', 'LAW_VALUES', { amend: { k: 2, keys: [key(0)] } }],
    ['amend unsorted', 'LAW_VALUES', { amend: { k: 1, keys: [key(1), key(0)] } }],
    ['law too large', 'LAW_VALUES', { 'law.endpoints': [], 'law.norms': longNorms() }],
  ]
  for (const [what, code, changes] of refusals) {
    it(`${what}: ${code}`, () => assert.equal(codeOf(found(changes)), code))
  }

  it('takes bounds as good', () => {
    assert.equal(codeOf(found({ interval_ms: HOUR_MS })), undefined)
    assert.equal(codeOf(found({ interval_ms: 30 * DAY_MS })), undefined)
    assert.equal(
      codeOf(found({ 'law.decay': { base_ppm: 1_000_000, grace_ms: DAY_MS, max_age_ms: DAY_MS } })),
      undefined,
    )
  })
})

/** Some 25 KiB: above the limit of a law, below that of a charter. */
function longNorms(): object[] {
  return Array.from({ length: 50 }, (_, index) => ({
    condition: 'x'.repeat(400),
    id: `norm-${index}`,
    operator: '<=',
    priority: 1,
    selector: 'r6.resource.atp',
    type: 'deny',
    value: 100,
  }))
}
