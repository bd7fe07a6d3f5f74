import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import type { Json } from '../../src/canonical.ts'
import { openEntry } from '../../src/ingest/open.ts'
import { defaultLaw, type Law } from '../../src/records/law.ts'
import { type LawUpdateBody, lawUpdateRules } from '../../src/records/law-update.ts'
import type { Code } from '../../src/rejection.ts'
import { readState, stateKeys } from '../../src/state/model.ts'
import { Draft } from '../../src/state/view.ts'
import { commitment, context, type Identity, identity, keysOf, override } from '../support/identity.ts'
import { keysOfSociety, TestSociety } from '../support/society.ts'

const { society, witness, next } = keysOfSociety('river')
const witnesses = Array.from({ length: 6 }, (_, index) => identity(`witness ${index}`))
const three = witnesses.slice(0, 3)
const fourth = witnesses[3] as Identity
const after = identity('river after next')
const elders = Array.from({ length: 3 }, (_, index) => identity(`elder ${index}`))
const [elder, second, third] = elders as [Identity, Identity, Identity]

function start(amend?: { k: number; keys: string[] }): TestSociety {
  const law = defaultLaw({ witness_key: witness.key, finality: keysOf(three), birth: keysOf(three) })
  return new TestSociety({ slug: 'river', law, witnesses: three, charter: amend === undefined ? {} : { amend } })
}

function update(
  log: TestSociety,
  changes: Record<string, unknown> = {},
  members: Partial<LawUpdateBody> = {},
  signers: readonly Identity[] = [society],
) {
  const law: Law = override({ ...log.law, number: log.law.number + 1 }, changes)
  return { kind: 'law.update', body: { law, ...members }, signers }
}

const newKey = { next: commitment(after), society_key: next.key }
const four = { quorum: 3, witnesses: keysOf([...three, fourth]) }

describe('law.update', () => {
  it('brings a law into force and keeps the lowest ceiling', () => {
    const log = start()
    const ceilings = { charge: 5, mint: 7 }
    const { time } = log.append(update(log, { ceilings, 'decay.base_ppm': 10_000 }))
    assert.equal(log.law.number, 1)
    assert.equal(log.law.decay.base_ppm, 10_000)
    assert.deepEqual(readState.ceilings(log)?.at(-1), { ...ceilings, since: time })
    assert.equal(readState.ceilings(log)?.length, 2)
    assert.equal(readState.handover(log, 1), undefined)
  })

  it('leaves a handover when the witnesses change, with the consent of the new ones', () => {
    const log = start()
    assert.equal(log.refusal(update(log, { finality: four })), 'SIGNER_WRONG')
    log.append(update(log, { finality: four }, {}, [society, fourth]))
    assert.deepEqual(readState.handover(log, 1), { key: society.key, quorum: 3, witnesses: keysOf(three) })
    log.append(update(log, { 'finality.quorum': 4 }))
    assert.deepEqual(readState.handover(log, 2), { key: society.key, ...four })
  })

  it('hands over to the committed key, which alone signs', () => {
    const log = start()
    assert.equal(log.refusal(update(log, {}, newKey, [society])), 'SIGNER_WRONG')
    assert.equal(log.refusal(update(log, {}, newKey, [society, next])), 'SIGNER_WRONG')
    assert.equal(log.refusal(update(log, {}, { ...newKey, society_key: after.key }, [after])), 'LAW_NEXT_KEY')
    log.append(update(log, {}, newKey, [next]))
    assert.deepEqual(readState.keys(log), { next: commitment(after), society: next.key })
    assert.deepEqual(readState.handover(log, 1), { key: society.key, quorum: 3, witnesses: keysOf(three) })
    assert.equal(log.refusal(update(log)), 'SIGNER_WRONG')
    assert.equal(log.refusal(update(log, {}, {}, [next])), undefined)
  })

  it('needs next and society_key together', () => {
    const log = start()
    assert.equal(log.refusal(update(log, {}, { next: commitment(after) })), 'FORMAT_SCHEMA')
    assert.equal(log.refusal(update(log, {}, { society_key: next.key }, [next])), 'FORMAT_SCHEMA')
  })

  it('needs the consent of a new witness key', () => {
    const log = start()
    assert.equal(log.refusal(update(log, { witness_key: after.key })), 'SIGNER_WRONG')
    assert.equal(log.refusal(update(log, { witness_key: after.key }, {}, [society, after])), undefined)
  })

  it('needs exactly k of the amend keys; a key in two roles signs once', () => {
    const log = start({ k: 2, keys: keysOf(elders) })
    assert.equal(log.refusal(update(log)), 'SIGNER_WRONG')
    assert.equal(log.refusal(update(log, {}, {}, [society, elder])), 'SIGNER_WRONG')
    assert.equal(log.refusal(update(log, {}, {}, [society, ...elders])), 'SIGNER_WRONG')
    assert.equal(log.refusal(update(log, {}, {}, [society, elder, fourth])), 'SIGNER_WRONG')
    assert.equal(log.refusal(update(log, {}, {}, [society, elder, third])), undefined)
    const asWitness = { finality: { quorum: 3, witnesses: keysOf([...three, second]) } }
    assert.equal(log.refusal(update(log, asWitness, {}, [society, second])), 'SIGNER_WRONG')
    assert.equal(log.refusal(update(log, asWitness, {}, [society, second, elder])), undefined)
    const both = { finality: { quorum: 3, witnesses: keysOf([...three, ...elders]) }, 'finality.quorum': 4 }
    assert.equal(log.refusal(update(log, both, {}, [society, ...elders])), undefined)
  })

  it('is no business of an LCT, nor of strangers', () => {
    const log = start()
    assert.equal(log.refusal({ ...update(log, {}, {}, [elder]) }), 'SIGNER_WRONG')
    assert.equal(log.refusal({ ...update(log, {}, {}, [society, elder]) }), 'SIGNER_WRONG')
  })

  const refusals: [what: string, code: Code, changes: Record<string, unknown>][] = [
    ['the same number', 'LAW_NUMBER', { number: 0 }],
    ['a number left out', 'LAW_NUMBER', { number: 2 }],
    ['quorum too small', 'LAW_QUORUM', { 'finality.quorum': 1 }],
    ['maximal age below the interval', 'LAW_VALUES', { decay: { base_ppm: 0, grace_ms: 0, max_age_ms: 1 } }],
    ['unsorted list', 'LAW_VALUES', { 'birth.witnesses': keysOf(three).reverse() }],
    ['protocol of the future', 'UNKNOWN_PROTOCOL', { protocol: 2 }],
  ]
  for (const [what, code, changes] of refusals) {
    it(`${what}: ${code}`, () => {
      const log = start()
      assert.equal(log.refusal(update(log, changes)), code)
    })
  }

  it('never takes the new society key as its own witness', () => {
    const log = start()
    const finality = { quorum: 3, witnesses: keysOf([...three, next]) }
    assert.equal(log.refusal(update(log, { finality }, newKey, [next])), 'LAW_QUORUM')
  })

  it('never falls to older rules', () => {
    // No way leads into a later protocol yet, so the rule is asked directly.
    const log = start()
    const opened = openEntry(log.draft(update(log)), sha256)
    assert.ok(opened.ok)
    const draft = new Draft(log)
    draft.set(stateKeys.law, { ...log.law, protocol: 2 } as Json)
    assert.equal(lawUpdateRules.decide(draft, opened.value as never, context)?.code, 'LAW_PROTOCOL_FALLS')
  })
})
