import assert from 'node:assert/strict'
import { SWEEP_ACCOUNTS_MAX } from '../../src/limits.ts'
import { ENTITY_TYPES } from '../../src/records/names.ts'
import { readState } from '../../src/state/model.ts'
import { DAY_MS, type LctId, MONTH_MS } from '../../src/units.ts'
import { OTHER_SOCIETY, SOCIETY, T0, testKey, testLct } from '../support/entries.ts'
import { Ledger } from '../support/ledger.ts'
import { ada, start } from '../support/two-members.ts'

const ONE = 10n ** 15n
/** What one unit loses on its first day under the default law. */
const FIRST_DAY = ONE - 999_833_333_333_333n
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
/** Two digits. */
const base32 = (number: number) => `${BASE32[number >> 5]}${BASE32[number & 31]}`

/** Two members with 100 and 50 micro-ATP, a day later. */
function aged() {
  const ledger = new Ledger()
  const [a, b] = [ledger.enrol(11), ledger.enrol(12)].sort() as [LctId, LctId]
  ledger.mint(1_000)
  assert.equal(ledger.charge(a, 100), undefined)
  assert.equal(ledger.charge(b, 50), undefined)
  ledger.time += DAY_MS
  return { ledger, a, b }
}

describe('atp.sweep', () => {
  it('moves exactly what the named accounts lost to the pool, and leaves their lots alone', () => {
    const { ledger, a, b } = aged()
    const [pool, lots] = [ledger.pool, ledger.account(a)?.lots]
    assert.equal(ledger.sweep(a), undefined)
    assert.equal(ledger.pool - pool, 100n * FIRST_DAY)
    assert.deepEqual(ledger.account(a)?.lots, lots)
    assert.equal(ledger.account(a)?.book, (100n * (ONE - FIRST_DAY)).toString())
    assert.equal(ledger.account(b)?.book, (50n * ONE).toString(), 'who is not named waits')
    assert.equal(ledger.sweep(a, b), undefined)
    assert.equal(ledger.pool - pool, 150n * FIRST_DAY, 'and nobody loses twice')
    ledger.assertConserved()
  })

  it('changes no value, only when the loss is booked', () => {
    const { ledger, a, b } = aged()
    const before = [ledger.value(a), ledger.value(b)]
    ledger.sweep(a, b)
    assert.deepEqual([ledger.value(a), ledger.value(b)], before)
  })

  it('makes what decayed chargeable again', () => {
    const { ledger, a, b } = aged()
    const rest = Number(ledger.pool / ONE)
    ledger.time = T0 + 365 * DAY_MS
    assert.equal(ledger.charge(a, rest + 150), 'POOL_INSUFFICIENT', 'a books its own loss of 100, nobody that of b')
    assert.equal(ledger.sweep(b), undefined)
    assert.equal(ledger.charge(a, rest + 150), undefined)
    ledger.assertConserved()
  })

  it('drops lots that are dead and the account with them', () => {
    const { ledger, a } = aged()
    ledger.charge(a, 7)
    ledger.time = T0 + 365 * DAY_MS
    assert.equal(ledger.sweep(a), undefined)
    assert.deepEqual(ledger.account(a)?.lots, [[T0 / DAY_MS + 1, 7]])
    ledger.time += DAY_MS
    assert.equal(ledger.sweep(a), undefined)
    assert.equal(ledger.account(a), undefined)
    ledger.assertConserved()
  })

  it('does nothing for an account without holdings, and nothing twice in one interval', () => {
    const { ledger, a, b } = aged()
    const empty = ledger.enrol(13)
    ledger.sweep(a, b)
    const before = new Map(ledger.state.changes)
    assert.equal(ledger.sweep(empty), undefined)
    ledger.time += DAY_MS - 1
    assert.equal(ledger.sweep(...[a, b, empty].sort()), undefined)
    assert.deepEqual(ledger.state.changes, before)
    assert.equal(ledger.account(empty), undefined)
  })

  it('takes away an emptied account once its outflow is two windows old', () => {
    const ledger = new Ledger()
    const [a, b] = [ledger.enrol(11), ledger.enrol(12)]
    ledger.mint(10)
    ledger.charge(a, 10)
    assert.equal(ledger.transfer(a, b, 10), undefined)
    const window = Math.floor(T0 / MONTH_MS)
    assert.deepEqual(ledger.account(a)?.lots, [])
    ledger.time = (window + 2) * MONTH_MS - 1
    assert.equal(ledger.sweep(a), undefined)
    assert.equal(ledger.account(a)?.flow.out, '10', 'nothing was lost, so nothing is written')
    ledger.time += 1
    assert.equal(ledger.sweep(a), undefined)
    assert.equal(ledger.account(a), undefined)
    ledger.assertConserved()
  })

  for (const status of ['suspended', 'revoked'] as const) {
    it(`sweeps a ${status} holder, whose ATP decays like anybody's`, () => {
      const { ledger, a, b } = aged()
      ledger.change(a, { status })
      ledger.charge(b, 50)
      ledger.time = T0 + 30 * DAY_MS
      const pool = ledger.pool
      assert.equal(ledger.sweep(a), undefined)
      assert.equal(ledger.account(a)?.book, (100n * 961_239_119_621_443n).toString())
      assert.equal(ledger.pool - pool, 100n * (ONE - 961_239_119_621_443n))
      ledger.assertConserved()
    })
  }

  it('sweeps an introduced LCT', () => {
    const { ledger, a } = aged()
    const guest = ledger.enrol(20, 'ai', { foreign: 4 }, OTHER_SOCIETY)
    assert.equal(ledger.transfer(a, guest, 10), undefined)
    ledger.time += DAY_MS
    const [before, value] = [ledger.pool, ledger.value(guest)]
    const booked = BigInt(ledger.account(guest)?.book ?? 0)
    assert.equal(ledger.sweep(guest), undefined)
    assert.ok(value < booked)
    assert.equal(ledger.pool - before, booked - value)
    ledger.assertConserved()
  })

  it('names accounts of this log: ACCOUNT_UNKNOWN, and then nobody is swept', () => {
    const { ledger, a, b } = aged()
    const before = new Map(ledger.state.changes)
    for (const stranger of [testLct(99), testLct(20, 'ai', OTHER_SOCIETY)]) {
      assert.equal(ledger.sweep(stranger), 'ACCOUNT_UNKNOWN')
      assert.equal(ledger.sweep(...[a, b, stranger].sort()), 'ACCOUNT_UNKNOWN')
    }
    assert.deepEqual(ledger.state.changes, before)
  })

  it('names each account once, in order: FORMAT_SCHEMA', () => {
    const { ledger, a, b } = aged()
    assert.equal(ledger.sweep(b, a), 'FORMAT_SCHEMA')
    assert.equal(ledger.sweep(a, a), 'FORMAT_SCHEMA')
    assert.equal(ledger.sweep(a, b), undefined)
  })

  it('is the society and nobody else: AUTHOR_FORBIDDEN, SIGNER_WRONG', () => {
    const { ledger, a } = aged()
    const body = { accounts: [a] }
    assert.equal(ledger.do('atp.sweep', a, body, { signers: [ledger.keyOf(a)] }), 'AUTHOR_FORBIDDEN')
    assert.equal(ledger.do('atp.sweep', a, body), 'AUTHOR_FORBIDDEN', 'even with the society as signer')
    assert.equal(ledger.do('atp.sweep', SOCIETY, body, { signers: [testKey(11)] }), 'SIGNER_WRONG')
    assert.equal(ledger.do('atp.sweep', SOCIETY, body, { signers: [testKey(1), testKey(11)] }), 'SIGNER_WRONG')
    const roles = { producer: [], treasury: [testKey(11)] }
    ledger.legislate({ roles })
    assert.equal(ledger.do('atp.sweep', a, body, { signers: [ledger.keyOf(a)] }), 'AUTHOR_FORBIDDEN', 'no role may')
  })

  it('gives the first of several reasons in the order of the table of codes', () => {
    const { ledger, a } = aged()
    const unknown = testLct(99)
    const twice = { accounts: [unknown, unknown] }
    assert.equal(ledger.do('atp.sweep', a, twice, { signers: [testKey(9)] }), 'FORMAT_SCHEMA')
    assert.equal(ledger.do('atp.sweep', a, { accounts: [unknown] }, { signers: [testKey(9)] }), 'AUTHOR_FORBIDDEN')
    assert.equal(ledger.do('atp.sweep', SOCIETY, { accounts: [unknown] }, { signers: [testKey(9)] }), 'SIGNER_WRONG')
  })
})

describe('atp.sweep as an entry of a log', () => {
  const { log, lct } = start()
  const sweep = (accounts: readonly unknown[]) => ({ kind: 'atp.sweep', body: { accounts } })
  /** Well-formed ids that nobody has, sorted. */
  const strangers = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${prefix}${base32(i)}`).sort()

  it('names between one account and 512 of them: FORMAT_SCHEMA', () => {
    const many = strangers(lct.slice(0, -2), SWEEP_ACCOUNTS_MAX + 1)
    assert.equal(many.length, 513)
    assert.equal(log.refusal(sweep([])), 'FORMAT_SCHEMA')
    assert.equal(log.refusal(sweep(many)), 'FORMAT_SCHEMA')
    assert.equal(log.refusal(sweep(many.slice(1))), 'ACCOUNT_UNKNOWN', '512 are well formed')
  })

  it('names LCTs and nothing else: FORMAT_SCHEMA, FORMAT_UNKNOWN_FIELD', () => {
    for (const bad of [log.id, 'lct:web4:human:commons', '', 7, null, [lct]])
      assert.equal(log.refusal(sweep([bad])), 'FORMAT_SCHEMA', JSON.stringify(bad))
    assert.equal(log.refusal({ kind: 'atp.sweep', body: {} }), 'FORMAT_SCHEMA')
    assert.equal(log.refusal({ kind: 'atp.sweep', body: { accounts: [lct], amount: 1 } }), 'FORMAT_UNKNOWN_FIELD')
  })

  it('has room for 512 of the longest names', () => {
    const type = [...ENTITY_TYPES].sort((x, y) => y.length - x.length)[0]
    const longest = `lct:web4:${type}:${'s'.repeat(32)}-${'a'.repeat(26)}:${'a'.repeat(24)}`
    const accounts = strangers(longest, SWEEP_ACCOUNTS_MAX)
    assert.equal(accounts[0]?.length, 108)
    assert.equal(log.refusal(sweep(accounts)), 'ACCOUNT_UNKNOWN', 'and so not FORMAT_TOO_LARGE')
  })

  it('is signed once: SIGNATURE_COUNT', () => {
    assert.equal(log.refusal({ ...sweep([lct]), signers: [log.society, ada] }), 'SIGNATURE_COUNT')
    assert.equal(log.refusal({ ...sweep([lct]), signers: [ada] }), 'SIGNER_WRONG')
    assert.equal(log.refusal({ ...sweep([lct]), author: lct, signers: [ada] }), 'AUTHOR_FORBIDDEN')
  })

  it('finds a revoked holder in the books', () => {
    const { log: other, lct: gone } = start()
    other.append({ kind: 'lct.revoke', body: { lct: gone } })
    other.append({ ...sweep([gone]), entryTime: other.clock + 366 * DAY_MS })
    assert.equal(readState.account(other, gone), undefined)
    assert.equal(readState.pool(other)?.pool, (1_000n * ONE).toString())
  })
})
