import assert from 'node:assert/strict'
import { type LctState, readState } from '../../src/state/model.ts'
import { present } from '../../src/state/present.ts'
import { holdsRole } from '../../src/state/roles.ts'
import { authorKey, exactSigners, onlyAuthorSigned, signingKey } from '../../src/state/signers.ts'
import { OTHER_SOCIETY, SOCIETY, sha256, T0, testEntry, testKey, testLct } from '../support/entries.ts'
import { Ledger, SOCIETY_KEY } from '../support/ledger.ts'

const [a, b, c] = [testKey(11), testKey(12), testKey(13)]
const signedBy = (...signers: string[]) => testEntry('attest', testLct(11), {}, { signers })

describe('signers', () => {
  it('are exactly the keys asked for, each once', () => {
    assert.ok(exactSigners(signedBy(a, b), [b, a]))
    assert.ok(exactSigners(signedBy(a), [a, a]), 'a key in two roles signs once')
    assert.ok(!exactSigners(signedBy(a), [a, b]))
    assert.ok(!exactSigners(signedBy(a, b), [a]))
    assert.ok(!exactSigners(signedBy(a, c), [a, b]))
    assert.ok(!exactSigners(signedBy(a, a), [a]))
  })

  it('of an LCT are its key, or the one before while both hold', () => {
    const lct: LctState = { key: a, overlap: { key: b, until: T0 + 1 }, status: 'active', type: 'human' }
    assert.equal(signingKey(lct, signedBy(a)), a)
    assert.equal(signingKey(lct, signedBy(b)), b)
    assert.equal(signingKey(lct, { ...signedBy(b), time: T0 + 1 }), undefined)
    assert.equal(signingKey(lct, signedBy(c)), undefined)
  })

  it('of a society are its key in force', () => {
    const { state } = new Ledger()
    assert.equal(authorKey(state, testEntry('atp.mint', SOCIETY, {})), SOCIETY_KEY)
    assert.equal(authorKey(state, testEntry('atp.mint', SOCIETY, {}, { signers: [a] })), undefined)
    assert.ok(onlyAuthorSigned(state, testEntry('atp.mint', SOCIETY, {})))
    assert.ok(!onlyAuthorSigned(state, testEntry('atp.mint', SOCIETY, {}, { signers: [SOCIETY_KEY, a] })))
    assert.ok(!onlyAuthorSigned(state, testEntry('atp.mint', testLct(40), {})))
  })
})

describe('roles', () => {
  const roles = { producer: [], treasury: [testKey(11), testKey(12)].sort() }
  const ledger = new Ledger({ law: { roles } })
  const treasurer = ledger.enrol(11, 'role')
  const holds = (role: 'producer' | 'treasury', author: string) =>
    holdsRole(ledger.state, present(readState.law(ledger.state)), role, author, SOCIETY, sha256)

  it('without keys belong to the society', () => {
    assert.ok(holds('producer', SOCIETY))
    assert.ok(!holds('producer', treasurer))
  })

  it('belong to the active LCTs born with the keys of the law', () => {
    assert.ok(holds('treasury', treasurer))
    assert.ok(!holds('treasury', SOCIETY))
    assert.ok(!holds('treasury', testLct(12)), 'not registered')
    const suspended = ledger.enrol(12, 'ai', { status: 'suspended' })
    assert.ok(!holds('treasury', suspended))
  })

  it('stay with the LCT when its key rotates, and do not come with a rotation', () => {
    ledger.change(treasurer, { key: testKey(50) })
    assert.ok(holds('treasury', treasurer))
    const other = ledger.enrol(13)
    ledger.change(other, { key: testKey(12) })
    assert.ok(!holds('treasury', other))
  })

  it('belong to nobody born elsewhere', () => {
    assert.ok(!holds('treasury', ledger.enrol(11, 'role', { foreign: 9 }, OTHER_SOCIETY)))
  })
})
