import assert from 'node:assert/strict'
import { utf8Decode, utf8Encode } from '../../src/canonical.ts'
import type { Code } from '../../src/rejection.ts'
import { DAY_MS, HOUR_MS, MICRO, MONTH_MS } from '../../src/units.ts'
import { EconomyScene, type Holder, payment } from '../support/economy-scene.ts'
import { hashText, identity, override } from '../support/identity.ts'
import type { Draftable } from '../support/society.ts'

const HELD = 100 * MICRO
const POOL = 300 * MICRO
const TOO_MUCH = Number.MAX_SAFE_INTEGER
const evidence = hashText('evidence')

/** Ada holds 100 ATP, the pool 300; Bob and Eve hold nothing. Gus is of another society and introduced here. */
const scene = new EconomyScene()
scene.mint(HELD + POOL)
scene.charge(scene.ada, HELD)
const gus = scene.guest('gus')
const { ada, bob, eve, log } = scene

/** A good record of every kind that moves ATP, `amount` being good as well. */
const makers = {
  'atp.transfer': (amount: unknown) => payment(ada, bob, amount as number),
  'atp.discharge': (amount: unknown) => by(ada, 'atp.discharge', { amount, evidence, from: ada.lct }),
  'atp.charge': (amount: unknown) => ({ kind: 'atp.charge', body: { amount, evidence, to: ada.lct } }),
  'atp.mint': (amount: unknown) => ({ kind: 'atp.mint', body: { amount } }),
  'atp.slash of an account': (amount: unknown) => ({ kind: 'atp.slash', body: { account: ada.lct, amount, evidence } }),
  'atp.slash of the pool': (amount: unknown) => ({ kind: 'atp.slash', body: { amount, evidence } }),
} satisfies Record<string, (amount: unknown) => Draftable>
const GOOD = 7

function by(holder: Holder, kind: string, body: object): Draftable {
  return { kind, author: holder.lct, signers: [holder.key], body }
}
const sweep = (...accounts: string[]): Draftable => ({ kind: 'atp.sweep', body: { accounts } })

function refusal(input: Draftable, economy = scene): Code | undefined {
  return economy.log.refusal({ entryTime: economy.time, ...input })
}

/** The good record with another text where the amount stands, as somebody else's software could send it. */
function spelled(input: Draftable, text: string): Code | undefined {
  const bytes = utf8Decode(log.draft({ entryTime: scene.time, ...input })) ?? ''
  const at = `"amount":${GOOD}`
  assert.equal(bytes.split(at).length, 2)
  const judged = log.judge(utf8Encode(bytes.replace(at, `"amount":${text}`)))
  return judged.ok ? undefined : judged.error.code
}

describe('an amount that is no positive integer', () => {
  const spellings: readonly (readonly [text: string, code: Code])[] = [
    ['0', 'AMOUNT_NOT_POSITIVE'],
    ['-1', 'AMOUNT_NOT_POSITIVE'],
    ['-50000000', 'AMOUNT_NOT_POSITIVE'],
    ['-9007199254740991', 'AMOUNT_NOT_POSITIVE'],
    ['0.5', 'FORMAT_FLOAT'],
    ['7.0', 'FORMAT_FLOAT'],
    ['1e3', 'FORMAT_FLOAT'],
    ['1E-3', 'FORMAT_FLOAT'],
    ['1e400', 'FORMAT_FLOAT'],
    ['9007199254740992', 'FORMAT_INTEGER_RANGE'],
    ['-9007199254740992', 'FORMAT_INTEGER_RANGE'],
    ['18446744073709551623', 'FORMAT_INTEGER_RANGE'],
    ['-0', 'FORMAT_NOT_CANONICAL'],
    ['07', 'FORMAT_JSON'],
    ['+7', 'FORMAT_JSON'],
    ['NaN', 'FORMAT_JSON'],
    ['Infinity', 'FORMAT_JSON'],
    ['0x7', 'FORMAT_JSON'],
    ['"7"', 'FORMAT_SCHEMA'],
    ['null', 'FORMAT_SCHEMA'],
    ['true', 'FORMAT_SCHEMA'],
    ['[7]', 'FORMAT_SCHEMA'],
  ]
  for (const [kind, make] of Object.entries(makers)) {
    it(`is refused in ${kind}, whatever it is`, () => {
      assert.equal(refusal(make(GOOD)), undefined, 'the good one is good')
      for (const [text, code] of spellings) assert.equal(spelled(make(GOOD), text), code, text)
      const { amount: _, ...rest } = make(GOOD).body as { amount: unknown }
      assert.equal(refusal({ ...make(GOOD), body: rest }), 'FORMAT_SCHEMA', 'missing')
    })
  }
})

describe('an amount above what there is', () => {
  const limits = {
    'atp.transfer': [HELD, 'BALANCE_INSUFFICIENT'],
    'atp.discharge': [HELD, 'BALANCE_INSUFFICIENT'],
    'atp.charge': [POOL, 'POOL_INSUFFICIENT'],
    'atp.mint': [TOO_MUCH - HELD - POOL, 'SUPPLY_LIMIT'],
    'atp.slash of an account': [HELD, 'BALANCE_INSUFFICIENT'],
    'atp.slash of the pool': [POOL, 'POOL_INSUFFICIENT'],
  } satisfies Record<keyof typeof makers, readonly [number, Code]>
  for (const [kind, [limit, code]] of Object.entries(limits)) {
    it(`is refused in ${kind} from the first micro-ATP on: ${code}`, () => {
      // In the next window, as the ceiling of this one is used in part.
      const entryTime = kind === 'atp.mint' ? scene.time + MONTH_MS : scene.time
      const asked = (amount: number) => refusal({ ...makers[kind as keyof typeof makers](amount), entryTime })
      assert.equal(asked(limit), undefined, 'all that there is')
      assert.equal(asked(limit + 1), code)
      assert.equal(asked(TOO_MUCH - HELD), code)
    })
  }
})

describe('an account that this log does not know', () => {
  const nobody = { key: identity('nobody'), lct: log.lctOf(identity('nobody'), 'human') }
  const [home] = scene.peers
  const far = { key: identity('far'), lct: home?.lctOf(identity('far'), 'human') ?? '' }
  const charge = (holder: Holder) => ({ kind: 'atp.charge', body: { amount: 1, evidence, to: holder.lct } })
  const strangers: readonly (readonly [what: string, holder: Holder])[] = [
    ['unknown', nobody],
    ['of another society and not introduced', far],
  ]
  for (const [what, holder] of strangers) {
    it(`is refused as a party, because it is ${what}`, () => {
      assert.equal(refusal(payment(ada, holder, 1)), 'ACCOUNT_UNKNOWN')
      assert.equal(refusal(charge(holder)), 'ACCOUNT_UNKNOWN')
      assert.equal(refusal(sweep(holder.lct)), 'ACCOUNT_UNKNOWN')
      assert.equal(refusal(sweep(...[ada.lct, holder.lct].sort())), 'ACCOUNT_UNKNOWN')
      const slash = { kind: 'atp.slash', body: { account: holder.lct, amount: 1, evidence } }
      assert.equal(refusal(slash), 'BALANCE_INSUFFICIENT', 'who is not here holds nothing')
    })

    it(`is refused as an author, because it is ${what}`, () => {
      assert.equal(refusal(payment(holder, ada, 1)), 'AUTHOR_UNKNOWN')
      assert.equal(refusal(by(holder, 'atp.discharge', { amount: 1, evidence, from: holder.lct })), 'AUTHOR_UNKNOWN')
    })
  }

  it('is none once it was introduced', () => {
    assert.equal(refusal(payment(ada, gus, 1)), undefined)
    assert.equal(refusal(charge(gus)), undefined)
    assert.equal(refusal(sweep(gus.lct)), undefined)
    assert.equal(refusal(payment(gus, ada, 1)), 'BALANCE_INSUFFICIENT', 'it only holds nothing yet')
  })

  it('is not the society itself, which has a pool and no account: FORMAT_SCHEMA', () => {
    const society = { key: log.society, lct: log.id }
    assert.equal(refusal(payment(ada, society, 1)), 'FORMAT_SCHEMA')
    assert.equal(refusal(charge(society)), 'FORMAT_SCHEMA')
    assert.equal(refusal(sweep(log.id)), 'FORMAT_SCHEMA')
    assert.equal(refusal({ kind: 'atp.transfer', body: { amount: 1, from: log.id, to: ada.lct } }), 'FORMAT_SCHEMA')
  })
})

describe('a holder who is suspended or revoked', () => {
  for (const kind of ['lct.suspend', 'lct.revoke'] as const) {
    it(`neither pays nor is paid after ${kind}, but can be slashed and swept`, () => {
      const economy = new EconomyScene()
      economy.mint(HELD + POOL)
      economy.charge(economy.ada, HELD)
      economy.good({ kind, body: { lct: economy.ada.lct } })
      economy.time += DAY_MS
      const out = by(ada, 'atp.discharge', { amount: 1, evidence, from: ada.lct })
      assert.equal(refusal(payment(ada, bob, 1), economy), 'AUTHOR_INACTIVE')
      assert.equal(refusal(out, economy), 'AUTHOR_INACTIVE')
      assert.equal(refusal(makers['atp.charge'](1), economy), 'ACCOUNT_INACTIVE')
      economy.charge(economy.bob, 10)
      assert.equal(refusal(payment(bob, ada, 1), economy), 'ACCOUNT_INACTIVE')
      const before = economy.pool
      assert.equal(economy.do(makers['atp.slash of an account'](1)), undefined)
      assert.equal(economy.do(sweep(ada.lct)), undefined)
      assert.ok(economy.pool > before, 'its decay went to the pool')
    })
  }

  it('is paid by nobody here either once its home society said so', () => {
    const economy = new EconomyScene()
    economy.mint(HELD)
    economy.charge(economy.ada, HELD)
    const guest = economy.guest('gus')
    assert.equal(economy.pay(economy.ada, guest, 10), undefined)
    const [home] = economy.peers
    assert.ok(home)
    home.append({ kind: 'lct.suspend', body: { lct: guest.lct } })
    economy.time = home.clock
    economy.good({ kind: 'introduce', body: home.introduction(guest.lct) })
    assert.equal(refusal(payment(economy.ada, guest, 1), economy), 'ACCOUNT_INACTIVE')
    assert.equal(refusal(payment(guest, economy.ada, 1), economy), 'AUTHOR_INACTIVE')
    assert.equal(refusal(sweep(guest.lct), economy), undefined)
  })
})

describe("somebody else's signature", () => {
  const all: Record<string, Draftable> = {
    ...Object.fromEntries(Object.entries(makers).map(([kind, make]) => [kind, make(GOOD)])),
    'atp.sweep': sweep(ada.lct),
  }
  for (const [kind, good] of Object.entries(all)) {
    it(`moves nothing with ${kind}: SIGNER_WRONG, SIGNATURE_COUNT, SIGNATURE_INVALID, AUTHOR_FORBIDDEN`, () => {
      assert.equal(refusal(good), undefined)
      assert.equal(refusal({ ...good, signers: [eve.key] }), 'SIGNER_WRONG')
      const author = good.author === undefined ? log.society : ada.key
      const count = kind === 'atp.charge' ? 'SIGNER_WRONG' : 'SIGNATURE_COUNT'
      assert.equal(refusal({ ...good, signers: [author, eve.key] }), count)
      assert.equal(refusal({ ...good, author: eve.lct, signers: [eve.key] }), 'AUTHOR_FORBIDDEN')
      assert.equal(refusal({ ...good, author: eve.lct, signers: [author] }), 'SIGNER_WRONG', 'nor in her name')
      assert.equal(refusal({ ...good, signers: [] }), 'FORMAT_SCHEMA', 'unsigned')
      if (kind !== 'atp.sweep') assert.equal(spelled(good, `${GOOD + 1}`), 'SIGNATURE_INVALID', 'changed on the way')
    })
  }
})

describe('a law of decay outside its bounds', () => {
  const update = (decay: object): Draftable => ({
    kind: 'law.update',
    body: { law: override(log.law, { number: 1, decay: { ...log.law.decay, ...decay } }) },
  })
  const rows: readonly (readonly [what: string, decay: object, code: Code | undefined])[] = [
    ['takes more than everything', { base_ppm: 1_000_001 }, 'LAW_VALUES'],
    ['takes everything in a month', { base_ppm: 1_000_000 }, undefined],
    ['takes nothing', { base_ppm: 0 }, undefined],
    ['pays for keeping', { base_ppm: -1 }, 'FORMAT_SCHEMA'],
    ['has a grace longer than the maximal age', { grace_ms: 365 * DAY_MS + 1 }, 'LAW_VALUES'],
    ['has a grace as long as the maximal age', { grace_ms: 365 * DAY_MS }, undefined],
    ['has a grace below nothing', { grace_ms: -1 }, 'FORMAT_SCHEMA'],
    ['has a maximal age of more than 10 000 intervals', { max_age_ms: 10_000 * DAY_MS + 1 }, 'LAW_VALUES'],
    ['has a maximal age of 10 000 intervals', { max_age_ms: 10_000 * DAY_MS }, undefined],
    ['has a maximal age below an interval', { grace_ms: 0, max_age_ms: DAY_MS - 1 }, 'LAW_VALUES'],
    ['has a maximal age of an interval', { grace_ms: 0, max_age_ms: DAY_MS }, undefined],
    ['has no maximal age', { max_age_ms: undefined }, 'FORMAT_SCHEMA'],
    ['has a maximal age for ever', { max_age_ms: TOO_MUCH }, 'LAW_VALUES'],
  ]
  for (const [what, decay, code] of rows) {
    it(`${what}: ${code ?? 'good'}`, () => assert.equal(refusal(update(decay)), code))
  }

  it('has a rate with a fraction: FORMAT_FLOAT', () => {
    const bytes = utf8Decode(log.draft({ entryTime: scene.time, ...update({ base_ppm: 12_345 }) })) ?? ''
    const judged = log.judge(utf8Encode(bytes.replace('"base_ppm":12345', '"base_ppm":12345.5')))
    assert.equal(judged.ok ? undefined : judged.error.code, 'FORMAT_FLOAT')
  })
})

describe('a clock set back', () => {
  it('is refused for every kind: ENTRY_TIME_BACKWARDS, STALE', () => {
    const kinds = [...Object.values(makers).map(make => make(GOOD)), sweep(ada.lct)]
    for (const good of kinds) {
      assert.equal(refusal({ ...good, entryTime: log.clock - 1 }), 'ENTRY_TIME_BACKWARDS', good.kind)
      assert.equal(refusal({ ...good, time: scene.time - HOUR_MS }), 'STALE', good.kind)
      assert.equal(refusal({ ...good, time: scene.time + HOUR_MS }), 'STALE', good.kind)
    }
  })
})
