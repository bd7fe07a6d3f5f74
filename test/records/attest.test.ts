import assert from 'node:assert/strict'
import { Value } from 'typebox/value'
import type { JsonObject } from '../../src/canonical.ts'
import { ATTESTATION_TYPES, type AttestationType, attestBody, EVENT_TYPES } from '../../src/records/attest.ts'
import { OTHER_SOCIETY, SOCIETY, T0, testHash, testKey, testLct } from '../support/entries.ts'
import { Ledger, SOCIETY_KEY } from '../support/ledger.ts'

const HASH = testHash('document')
const SUBJECT = testLct(12)
const CLAIMS: Record<AttestationType, JsonObject> = {
  time: { nonce: 'AAAAAAAAAAAAAAAAAAAAAA', ts: T0 },
  audit: { evidence: HASH, policy_id: 'data-v2', policy_met: false },
  'audit-minimal': { digest_valid: true, rate_ok: true, window_checked: true },
  oracle: { data: '21.5 °C', source: 'https://meteo.example', ts: 0 },
  existence: { method: 'lidar', observed_at: T0 - 1 },
  action: { action_type: 'deliver', result: 'done' },
  state: { measurement: -3, state: 'docked' },
  quality: { metric: 'defects', unit: 'ppm', value: 12 },
}

function witness() {
  const ledger = new Ledger()
  const author = ledger.enrol(11)
  const attest = (type: AttestationType, claims: JsonObject, rest: object = {}, overrides: object = {}) =>
    ledger.do(
      'attest',
      author,
      { claims, event: HASH, subject: SUBJECT, type, ...rest },
      { signers: [testKey(11)], ...overrides },
    )
  return { ledger, author, attest }
}

describe('attest', () => {
  for (const type of ATTESTATION_TYPES) {
    it(`holds what a witness of ${type} claims`, () => {
      assert.equal(witness().attest(type, CLAIMS[type]), undefined)
    })

    it(`wants all claims of ${type} and no others: CLAIMS_INVALID`, () => {
      const { attest } = witness()
      for (const name of Object.keys(CLAIMS[type])) {
        const { [name]: _, ...rest } = CLAIMS[type]
        assert.equal(attest(type, rest), 'CLAIMS_INVALID', `without ${name}`)
        for (const wrong of [null, [], {}, '', 'a\u0000b']) {
          assert.equal(attest(type, { ...CLAIMS[type], [name]: wrong }), 'CLAIMS_INVALID', `${name} ${wrong}`)
        }
      }
      assert.equal(attest(type, { ...CLAIMS[type], extra: 1 }), 'CLAIMS_INVALID')
      assert.equal(attest(type, {}), 'CLAIMS_INVALID')
    })

    it(`${EVENT_TYPES.has(type) ? 'wants' : 'does not want'} the event of ${type}`, () => {
      const { ledger, author } = witness()
      const body = { claims: CLAIMS[type], subject: SUBJECT, type }
      const code = ledger.do('attest', author, body, { signers: [testKey(11)] })
      assert.equal(code, EVENT_TYPES.has(type) ? 'CLAIMS_INVALID' : undefined)
    })

    it(`fits the schema of a body with ${type}`, () => {
      assert.ok(Value.Check(attestBody, { claims: CLAIMS[type], event: HASH, subject: SUBJECT, type }))
    })
  }

  it('wants the claims of its own type: CLAIMS_INVALID', () => {
    const { attest } = witness()
    for (const type of ATTESTATION_TYPES) {
      for (const other of ATTESTATION_TYPES.filter(name => name !== type)) {
        assert.equal(attest(type, CLAIMS[other]), 'CLAIMS_INVALID', `${other} as ${type}`)
      }
    }
  })

  it('has one spelling for a nonce', () => {
    const { attest } = witness()
    for (const nonce of [
      'AAAAAAAAAAAAAAAAAAAAAB',
      'AAAAAAAAAAAAAAAAAAAAA',
      `${'A'.repeat(22)}==`,
      `${'A'.repeat(21)}+`,
    ]) {
      assert.equal(attest('time', { nonce, ts: T0 }), 'CLAIMS_INVALID', nonce)
    }
  })

  it('vouches for the time of signing and no other: CLAIMS_INVALID', () => {
    const { attest } = witness()
    const nonce = 'AAAAAAAAAAAAAAAAAAAAAA'
    assert.equal(attest('time', { nonce, ts: T0 + 300_000 }), undefined)
    assert.equal(attest('time', { nonce, ts: T0 + 300_001 }), 'CLAIMS_INVALID')
    assert.equal(attest('time', { nonce, ts: T0 - 300_001 }), 'CLAIMS_INVALID')
  })

  it('may say that something is not so', () => {
    const claims = { digest_valid: false, rate_ok: false, window_checked: false }
    assert.equal(witness().attest('audit-minimal', claims), undefined)
  })

  it('may measure in words', () => {
    assert.equal(witness().attest('state', { measurement: 'calm', state: 'sea' }), undefined)
  })

  it('is about somebody else, entity or society: ATTEST_SELF', () => {
    const { author, attest } = witness()
    assert.equal(attest('state', CLAIMS.state, { subject: author }), 'ATTEST_SELF')
    assert.equal(attest('state', {}, { subject: author }), 'CLAIMS_INVALID', 'the first in the table of codes')
    assert.equal(attest('state', CLAIMS.state, { subject: SOCIETY }), undefined)
    assert.equal(attest('state', CLAIMS.state, { subject: OTHER_SOCIETY }), undefined)
    assert.equal(attest('state', CLAIMS.state, { subject: testLct(7, 'ai', OTHER_SOCIETY) }), undefined)
  })

  it('stands in the home log of its author: AUTHOR_FORBIDDEN', () => {
    const { ledger } = witness()
    const body = { claims: CLAIMS.state, subject: SUBJECT, type: 'state' as const }
    const stranger = ledger.enrol(20, 'ai', { foreign: 4 }, OTHER_SOCIETY)
    assert.equal(ledger.do('attest', stranger, body, { signers: [testKey(20)] }), 'AUTHOR_FORBIDDEN')
    assert.equal(ledger.do('attest', SOCIETY, body, { signers: [SOCIETY_KEY] }), 'AUTHOR_FORBIDDEN')
  })

  it('is signed by its author alone: SIGNER_WRONG', () => {
    const { attest } = witness()
    assert.equal(attest('state', CLAIMS.state, {}, { signers: [testKey(12)] }), 'SIGNER_WRONG')
    assert.equal(attest('state', CLAIMS.state, {}, { signers: [testKey(11), testKey(12)] }), 'SIGNER_WRONG')
  })

  it('changes nothing', () => {
    const { ledger, attest } = witness()
    const before = new Map(ledger.state.changes)
    assert.equal(attest('state', CLAIMS.state), undefined)
    assert.deepEqual(ledger.state.changes, before)
  })
})
