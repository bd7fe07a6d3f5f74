import { sha256 } from '../../node/crypto/sodium.ts'
import { canonicalBytes, type Json } from '../../src/canonical.ts'
import { type CharterBody, charterSigners } from '../../src/records/charter.ts'
import { defaultLaw } from '../../src/records/law.ts'
import { societyIdOf } from '../../src/records/names.ts'
import type { Code } from '../../src/rejection.ts'
import { DAY_MS, HOUR_MS, MICRO } from '../../src/units.ts'
import {
  commitment,
  entryBytes,
  hashText,
  type Identity,
  identity,
  keysOf,
  makeRecord,
  override,
  signRecord,
} from '../../test/support/identity.ts'
import { GENESIS_MS, keysOfSociety, TestSociety } from '../../test/support/society.ts'
import type { RecordCases } from './record-file.ts'
import { amend, changeKey, recognised } from './world.ts'

const { society, witness, next } = keysOfSociety('river')
const outer = Array.from({ length: 16 }, (_, index) => identity(`outer ${index}`))
const three = outer.slice(0, 3)
const elders = [0, 1, 2].map(index => identity(`elder ${index}`))
const known = [society, witness, next, ...outer, ...elders]

function charterBody(changes: Record<string, unknown> = {}): CharterBody {
  const law = defaultLaw({ witness_key: witness.key, finality: keysOf(three), birth: keysOf([witness, ...three]) })
  const body: CharterBody = {
    interval_ms: DAY_MS,
    law,
    next: commitment(next),
    slug: 'river',
    society_key: society.key,
  }
  return override(body, changes)
}

function charter(
  cases: RecordCases,
  id: string,
  comment: string,
  changes: Record<string, unknown>,
  code?: Code,
  members: CharterMembers = {},
): void {
  const body = charterBody(changes)
  const { seq = 0, entryTime = GENESIS_MS, signers, record: envelope } = members
  const record = makeRecord('charter', body, { time: GENESIS_MS, ...envelope })
  const wanted = charterSigners(body)
  const signed = members.signed === undefined ? record : override(record, members.signed)
  const sigs = signRecord(signed, signers ?? known.filter(({ key }) => wanted.includes(key)))
  const own = societyIdOf(body.slug, canonicalBytes(record as unknown as Json), sha256)
  cases.addCharter(id, comment, entryBytes(record, sigs, seq, entryTime), members.society ?? own, code)
}
interface CharterMembers {
  readonly seq?: number
  readonly entryTime?: number
  readonly signers?: readonly Identity[]
  readonly record?: Parameters<typeof makeRecord>[2]
  /** What the signatures are of, where it differs from the record. */
  readonly signed?: Record<string, unknown>
  /** The log in which it is judged. */
  readonly society?: string
}

function charterCases(cases: RecordCases): void {
  const amendments = { k: 2, keys: keysOf(elders) }
  const predecessor = { id: `river-${'a'.repeat(26)}`, root: hashText('root'), size: 17 }
  charter(cases, 'default', 'a society with three witnesses', {})
  charter(cases, 'practice', 'a practice log: nothing in it is ever final', {
    'law.finality': { quorum: 0, witnesses: [] },
  })
  charter(cases, 'everything', 'with amend keys, predecessor and all of the law', {
    amend: amendments,
    predecessor,
    law: fullLaw(),
  })
  charter(cases, 'edges', 'fifteen witnesses, the longest interval', {
    interval_ms: 30 * DAY_MS,
    'law.finality': { quorum: 8, witnesses: keysOf(outer.slice(0, 15)) },
  })
  charter(cases, 'a-day-late', 'an entry 24 h after the record', {}, undefined, { entryTime: GENESIS_MS + DAY_MS })

  charter(cases, 'member-more', 'a member that the schema does not know', { surplus: 1 }, 'FORMAT_UNKNOWN_FIELD')
  charter(cases, 'law-member-more', 'also inside the law', { 'law.surplus': 1 }, 'FORMAT_UNKNOWN_FIELD')
  charter(cases, 'member-less', 'without next', { next: undefined }, 'FORMAT_SCHEMA')
  charter(cases, 'slug', 'a slug that is none', { slug: 'River' }, 'FORMAT_SCHEMA')
  charter(
    cases,
    'amend-16',
    'more amend keys than a record can carry signatures',
    { amend: { k: 1, keys: keysOf(outer) } },
    'FORMAT_SCHEMA',
  )
  charter(cases, 'n-2', 'a charter has n 1', {}, 'FORMAT_SCHEMA', { record: { n: 2 } })
  charter(cases, 'lane-1', 'and lane 0', {}, 'FORMAT_SCHEMA', { record: { lane: 1 } })
  charter(cases, 'author', 'and no author', {}, 'FORMAT_SCHEMA', { record: { author: `river-${'a'.repeat(26)}` } })
  charter(cases, 'consent-less', 'a witness did not sign', {}, 'CHARTER_SIGNATURES', {
    signers: [society, witness, ...three.slice(1)],
  })
  charter(cases, 'consent-more', 'somebody signed who is not named', {}, 'CHARTER_SIGNATURES', {
    signers: [society, witness, ...three, next],
  })
  charter(cases, 'own-witness-less', 'the witness key did not sign', {}, 'CHARTER_SIGNATURES', {
    signers: [society, ...three],
  })
  charter(cases, 'forged', 'signatures of another charter', {}, 'SIGNATURE_INVALID', {
    signed: { 'body.slug': 'brook' },
  })
  charter(cases, 'wrong-society', 'the charter of another society', {}, 'WRONG_SOCIETY', {
    society: `river-${'a'.repeat(26)}`,
  })
  charter(cases, 'stale', 'a millisecond more than 24 h', {}, 'STALE', { entryTime: GENESIS_MS + DAY_MS + 1 })
  charter(cases, 'not-first', 'a charter at 1', {}, 'CHARTER_TWICE', { seq: 1 })
  lawRules((id, comment, changes, code) => charter(cases, id, comment, prefixed(changes), code))
  charter(
    cases,
    'quorum-own',
    'the society key as a witness',
    { 'law.finality': { quorum: 3, witnesses: keysOf([...three, society]) } },
    'LAW_QUORUM',
  )
  charter(cases, 'interval-short', 'an interval below an hour', { interval_ms: HOUR_MS - 1 }, 'LAW_VALUES')
  charter(cases, 'interval-long', 'an interval above 30 days', { interval_ms: 30 * DAY_MS + 1 }, 'LAW_VALUES')
  charter(cases, 'number', 'the law of a charter has number 0', { 'law.number': 1 }, 'LAW_VALUES')
  charter(cases, 'amend-k', 'k above the number of keys', { amend: { ...amendments, k: 4 } }, 'LAW_VALUES')
  charter(cases, 'amend-0', 'k below 1', { amend: { ...amendments, k: 0 } }, 'LAW_VALUES')
}

const prefixed = (changes: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(changes).map(([path, value]) => [`law.${path}`, value]))

function fullLaw(): object {
  const norm = {
    condition: 'always',
    id: 'n1',
    operator: '<=',
    priority: 1,
    reason: 'thrift',
    selector: 'atp.amount',
    type: 'limit',
    value: 1_000,
  }
  const procedure = {
    id: 'p1',
    quorum: 2,
    steps: ['ask', 'wait', 'act'],
    timeout_ms: 60_000,
    triggers: ['on birth'],
    witnesses: 2,
  }
  return {
    ...charterBody().law,
    ceilings: { charge: 5 * MICRO, mint: 0 },
    decay: { base_ppm: 0, grace_ms: 0, max_age_ms: DAY_MS },
    endpoints: ['/ip4/127.0.0.1/tcp/4001', '/dns4/river.example/tcp/4001'],
    norms: [
      norm,
      { id: 'n2', operator: 'in', priority: 2, selector: 'role', type: 'allow', value: ['élève', 'Meister'] },
    ],
    procedures: [procedure],
    roles: { producer: keysOf(elders), treasury: keysOf(elders.slice(1)) },
  }
}

/** What both kinds that bring a law refuse. */
function lawRules(add: (id: string, comment: string, changes: Record<string, unknown>, code: Code) => void): void {
  const unsorted = keysOf(three).reverse()
  add('protocol', 'a later protocol: no verdict, the replica stops there', { protocol: 2 }, 'UNKNOWN_PROTOCOL')
  add('quorum-half', 'half of the witnesses: two finals without a liar', { 'finality.quorum': 1 }, 'LAW_QUORUM')
  add('quorum-above', 'more than there are', { 'finality.quorum': 4 }, 'LAW_QUORUM')
  add('base', 'a rate above all of it', { 'decay.base_ppm': 1_000_001 }, 'LAW_VALUES')
  add('grace', 'grace beyond the maximal age', { 'decay.grace_ms': 365 * DAY_MS + 1 }, 'LAW_VALUES')
  add(
    'age-short',
    'a maximal age below the interval',
    { decay: { base_ppm: 0, grace_ms: 0, max_age_ms: DAY_MS - 1 } },
    'LAW_VALUES',
  )
  add('age-long', 'more than 10 000 intervals', { 'decay.max_age_ms': 10_000 * DAY_MS + 1 }, 'LAW_VALUES')
  add('births-unsorted', 'a list that is not sorted', { 'birth.witnesses': unsorted }, 'LAW_VALUES')
  add('producers-twice', 'a key twice in a list', { 'roles.producer': [three[0]?.key, three[0]?.key] }, 'LAW_VALUES')
}

function river(changes: Partial<CharterBody> = {}): TestSociety {
  return new TestSociety({ slug: 'river', law: charterBody().law, witnesses: three, charter: changes })
}

function updateCases(cases: RecordCases): void {
  const { s2 } = recognised()
  const plain = amend(s2, { ceilings: { charge: 1 * MICRO, mint: 2 * MICRO } })
  cases.add(s2, 'ceilings', 'lower ceilings hold at once; the list remembers what was', plain)
  cases.add(
    s2,
    'decay',
    'another decay',
    amend(s2, { decay: { base_ppm: 0, grace_ms: 0, max_age_ms: 10_000 * DAY_MS } }),
  )
  const fresh = identity('s2 new witness')
  const finality = { quorum: 2, witnesses: keysOf([...s2.witnesses.slice(0, 2), fresh]) }
  cases.add(s2, 'witnesses', 'a handover; the new witness consents', amend(s2, { finality }, {}, [s2.society, fresh]))
  cases.add(s2, 'society-key', 'the committed key signs alone and commits to the next one', changeKey(s2))
  const own = identity('s2 other witness')
  cases.add(
    s2,
    'witness-key',
    'another witness key of its own, which signs',
    amend(s2, { witness_key: own.key }, {}, [s2.society, own]),
  )
  cases.addShared(s2, plain, 'law')

  const body = plain.body as { law: object }
  cases.add(
    s2,
    'next-alone',
    'next goes with society_key',
    { ...plain, body: { ...body, next: hashText('x') } },
    'FORMAT_SCHEMA',
  )
  cases.add(s2, 'consent-less', 'the new witness did not sign', amend(s2, { finality }), 'SIGNER_WRONG')
  cases.add(
    s2,
    'old-key',
    'the old society key signs its own end',
    { ...changeKey(s2), signers: [s2.society] },
    'SIGNER_WRONG',
  )
  cases.add(
    s2,
    'both-keys',
    'the old society key signs as well',
    { ...changeKey(s2), signers: [s2.society, s2.next] },
    'SIGNER_WRONG',
  )
  const thief = { next: hashText('x'), society_key: fresh.key }
  cases.add(s2, 'not-committed', 'a key that nobody committed to', amend(s2, {}, thief, [fresh]), 'LAW_NEXT_KEY')
  cases.add(s2, 'number-same', 'the number in force again', amend(s2, { number: 0 }), 'LAW_NUMBER')
  cases.add(s2, 'number-left-out', 'a number is left out', amend(s2, { number: 2 }), 'LAW_NUMBER')
  lawRules((id, comment, changes, code) =>
    cases.add(s2, id, comment, { ...plain, body: { law: override(body.law, changes) } }, code),
  )
  const nextOwn = { quorum: 3, witnesses: keysOf([...s2.witnesses, s2.next]) }
  cases.add(s2, 'quorum-own', 'the new society key as a witness', changeKey(s2, { finality: nextOwn }), 'LAW_QUORUM')

  const log = river({ amend: { k: 2, keys: keysOf(elders) } })
  const [a, b] = elders as [Identity, Identity]
  cases.add(log, 'amend', 'k of the amend keys sign as well', amend(log, {}, {}, [log.society, a, b]))
  cases.add(log, 'amend-less', 'one too few of the amend keys', amend(log, {}, {}, [log.society, a]), 'SIGNER_WRONG')
  cases.add(
    log,
    'amend-more',
    'one too many of the amend keys',
    amend(log, {}, {}, [log.society, ...elders]),
    'SIGNER_WRONG',
  )
}

export function lawCases(cases: RecordCases): void {
  charterCases(cases)
  updateCases(cases)
}
