import { SWEEP_ACCOUNTS_MAX } from '../../src/limits.ts'
import type { Code } from '../../src/rejection.ts'
import { DAY_MS, MICRO, MONTH_MS } from '../../src/units.ts'
import { hashText, identity } from '../../test/support/identity.ts'
import type { Draftable } from '../../test/support/society.ts'
import type { RecordCases } from './record-file.ts'
import { amend, charge, discharge, mint, peopled, rich, slash, status, sweep, transfer, type World } from './world.ts'

const TOO_MUCH = Number.MAX_SAFE_INTEGER
type Add = (id: string, comment: string, input: Draftable, code?: Code) => void

/** What every amount must be. `make` gives the good record with another amount. */
function amountCases(add: Add, make: (amount: number) => Draftable): void {
  add('zero', 'nothing', make(0), 'AMOUNT_NOT_POSITIVE')
  add('negative', 'less than nothing', make(-1), 'AMOUNT_NOT_POSITIVE')
}

function mintCases(cases: RecordCases): void {
  const world = peopled()
  const { s0: log, ada, tess } = world
  const add: Add = (id, comment, input, code) => cases.add(log, id, comment, input, code)
  const good = mint(world, 10_000 * MICRO)
  add('good', 'the treasurer adds ADP', good)
  add('ceiling', 'exactly the ceiling of the window', mint(world, 20_000 * MICRO))
  cases.addShared(log, good, 'amount')
  amountCases(add, amount => mint(world, amount))
  add(
    'not-treasurer',
    'a member without the role',
    { ...good, author: ada.lct, signers: [ada.key] },
    'AUTHOR_FORBIDDEN',
  )
  add(
    'society',
    'the society gave the role away',
    { ...good, author: log.id, signers: [log.society] },
    'AUTHOR_FORBIDDEN',
  )
  add('two-signers', 'the society signs as well', { ...good, signers: [tess.key, log.society] }, 'SIGNATURE_COUNT')
  add('above', 'a millionth above the ceiling', mint(world, 20_000 * MICRO + 1), 'MINT_CEILING')
  log.append(mint(world, 15_000 * MICRO))
  add('window-full', 'above the ceiling with what was minted before', mint(world, 5_000 * MICRO + 1), 'MINT_CEILING')
  const later = (Math.floor(log.clock / MONTH_MS) + 1) * MONTH_MS
  add('next-window', 'the next window begins at a multiple of 30 days', {
    ...mint(world, 20_000 * MICRO),
    entryTime: later,
  })
  add(
    'month-less-1',
    'a millisecond before it',
    { ...mint(world, 5_000 * MICRO + 1), entryTime: later - 1 },
    'MINT_CEILING',
  )
  log.append(amend(log, { ceilings: { charge: 0, mint: TOO_MUCH } }))
  add('raise-waits', 'a higher ceiling holds after 30 days only', mint(world, 5_000 * MICRO + 1), 'MINT_CEILING')
  add(
    'supply',
    'the supply would reach 2^53',
    { ...mint(world, TOO_MUCH), entryTime: later + MONTH_MS },
    'SUPPLY_LIMIT',
  )
}

function chargeCases(cases: RecordCases): void {
  const world = rich()
  const { s0: log, ada, bob, dora, paul } = world
  const add: Add = (id, comment, input, code) => cases.add(log, id, comment, input, code)
  const good = charge(world, ada, 5 * MICRO)
  add('good', 'the same origin adds', good)
  add('first', 'a new account', charge(world, paul, 1))
  add('foreign', 'an introduced LCT', charge(world, dora, 1))
  add('later', 'a new origin; what decayed goes to the pool', { ...good, entryTime: log.clock + 40 * DAY_MS })
  cases.addShared(log, good, 'evidence')
  amountCases(add, amount => charge(world, ada, amount))
  add('society-less', 'the society did not sign', { ...good, signers: [paul.key] }, 'SIGNER_WRONG')
  add('producer-less', 'the producer did not sign', { ...good, signers: [log.society] }, 'SIGNER_WRONG')
  add(
    'not-producer',
    'a member without the role',
    { ...good, author: ada.lct, signers: [ada.key, log.society] },
    'AUTHOR_FORBIDDEN',
  )
  add(
    'three-signers',
    'one signature too many',
    { ...good, signers: [paul.key, log.society, ada.key] },
    'SIGNATURE_COUNT',
  )
  add('ceiling', "exactly what is left of the producer's ceiling", charge(world, bob, 3_990 * MICRO))
  add('above', 'a millionth more', charge(world, bob, 3_990 * MICRO + 1), 'CHARGE_CEILING')
  const nobody = { key: identity('nobody'), lct: log.lctOf(identity('nobody'), 'human') }
  add('unknown', 'an account that nobody has', charge(world, nobody, 1), 'ACCOUNT_UNKNOWN')
  log.append(status('suspend', bob))
  add('inactive', 'the payee is suspended', charge(world, bob, 1), 'ACCOUNT_INACTIVE')
  const poor = peopled()
  poor.s0.append(mint(poor, 10))
  cases.add(poor.s0, 'pool', 'more than the pool holds', charge(poor, poor.ada, 11), 'POOL_INSUFFICIENT')
}

function transferCases(cases: RecordCases): void {
  const world = rich()
  const { s0: log, ada, bob, tess, dora } = world
  const add: Add = (id, comment, input, code) => cases.add(log, id, comment, input, code)
  const good = transfer(ada, bob, 400 * MICRO)
  const entryTime = log.clock + 30 * DAY_MS
  add('good', 'on the day of the charge', good)
  add('all', 'nothing is left: the account stays for the sake of its flow', transfer(ada, bob, 1_000 * MICRO))
  add('memo', 'with the hash of a memo', { ...good, body: { ...good.body, memo: hashText('memo') } })
  add('first', 'the payee had no account', transfer(ada, tess, 1))
  add('foreign', 'to an introduced LCT', transfer(ada, dora, 1))
  add('rounding', 'after 30 days one millionth takes two units; what is beyond it goes along', {
    ...transfer(ada, bob, 1),
    entryTime,
  })
  add('decayed', 'all that is left after 30 days', { ...transfer(ada, bob, 961_239_119), entryTime })
  add('lane', 'another lane begins anew', { ...good, lane: 255, n: 1 })
  cases.addShared(log, good, 'to')
  amountCases(add, amount => transfer(ada, bob, amount))
  add('2-53', '2^53 − 1 is more than anybody holds', transfer(ada, bob, TOO_MUCH), 'BALANCE_INSUFFICIENT')
  add('self', 'payer and payee are one', transfer(ada, ada, 1), 'TRANSFER_SELF')
  add('not-payer', 'the payee takes', { ...good, author: bob.lct, signers: [bob.key] }, 'AUTHOR_FORBIDDEN')
  add('signer', 'another key', { ...good, signers: [bob.key] }, 'SIGNER_WRONG')
  add('two-signers', 'the payee signs as well', { ...good, signers: [ada.key, bob.key] }, 'SIGNATURE_COUNT')
  add('above', 'a millionth more than there is', transfer(ada, bob, 1_000 * MICRO + 1), 'BALANCE_INSUFFICIENT')
  add(
    'above-decayed',
    'a millionth more than is left after 30 days',
    { ...transfer(ada, bob, 961_239_120), entryTime },
    'BALANCE_INSUFFICIENT',
  )
  const nobody = { key: identity('nobody'), lct: log.lctOf(identity('nobody'), 'human') }
  add('unknown', 'a payee whom this log does not know', transfer(ada, nobody, 1), 'ACCOUNT_UNKNOWN')
  log.append(good)
  add('replayed', 'n was used in this lane', { ...good, n: log.entries.at(-1)?.record.n ?? 0 }, 'REPLAYED')
  log.append(status('suspend', bob))
  add('payee-suspended', 'the payee is suspended', transfer(ada, bob, 1), 'ACCOUNT_INACTIVE')
  add('payer-suspended', 'the payer is suspended', transfer(bob, ada, 1), 'AUTHOR_INACTIVE')
}

function dischargeCases(cases: RecordCases): void {
  const { s0: log, ada, bob }: World = rich()
  const add: Add = (id, comment, input, code) => cases.add(log, id, comment, input, code)
  const good = discharge(ada, 400 * MICRO)
  const entryTime = log.clock + 30 * DAY_MS
  add('good', 'ATP becomes ADP', good)
  add('all', 'nothing is left: the account stays for the sake of its flow', discharge(ada, 1_000 * MICRO))
  add('rounding', 'what the last unit takes beyond the amount goes to the pool', { ...discharge(ada, 1), entryTime })
  cases.addShared(log, good, 'evidence')
  amountCases(add, amount => discharge(ada, amount))
  add('not-holder', "somebody else's account", { ...good, author: bob.lct, signers: [bob.key] }, 'AUTHOR_FORBIDDEN')
  add('signer', 'another key', { ...good, signers: [bob.key] }, 'SIGNER_WRONG')
  add('above', 'a millionth more than there is', discharge(ada, 1_000 * MICRO + 1), 'BALANCE_INSUFFICIENT')
  log.append(status('suspend', ada))
  add('suspended', 'the holder is suspended', good, 'AUTHOR_INACTIVE')
}

function slashCases(cases: RecordCases): void {
  const world = rich()
  const { s0: log, ada, bob, tess } = world
  const add: Add = (id, comment, input, code) => cases.add(log, id, comment, input, code)
  const good = slash(world, 400 * MICRO, ada)
  add('account', 'ATP of an account is destroyed', good)
  add('pool', 'ADP of the pool is destroyed', slash(world, 8_990 * MICRO))
  add('rounding', 'what the last unit takes beyond the amount goes to the pool', {
    ...slash(world, 1, ada),
    entryTime: log.clock + 30 * DAY_MS,
  })
  cases.addShared(log, good, 'evidence')
  amountCases(add, amount => slash(world, amount, ada))
  add(
    'not-treasurer',
    'a member without the role',
    { ...good, author: ada.lct, signers: [ada.key] },
    'AUTHOR_FORBIDDEN',
  )
  add('signer', 'another key', { ...good, signers: [ada.key] }, 'SIGNER_WRONG')
  add('above', 'a millionth more than the account holds', slash(world, 10 * MICRO + 1, bob), 'BALANCE_INSUFFICIENT')
  add('no-account', 'an account that is empty', slash(world, 1, tess), 'BALANCE_INSUFFICIENT')
  add('above-pool', 'a millionth more than the pool holds', slash(world, 8_990 * MICRO + 1), 'POOL_INSUFFICIENT')
  log.append(status('revoke', bob))
  add('revoked', 'whatever its status', slash(world, 1, bob))
}

function sweepCases(cases: RecordCases): void {
  const world = rich()
  const { s0: log, ada, bob, tess, dora } = world
  const add: Add = (id, comment, input, code) => cases.add(log, id, comment, input, code)
  log.append(transfer(ada, dora, 100 * MICRO))
  const entryTime = log.clock + 30 * DAY_MS
  const later = (input: Draftable): Draftable => ({ ...input, entryTime })
  const good = later(sweep(ada, bob))
  const named = (...accounts: readonly string[]): Draftable => later({ kind: 'atp.sweep', body: { accounts } })
  const [first, second] = [ada.lct, bob.lct].sort() as [string, string]
  add('good', 'moves exactly what two accounts lost to the pool', good)
  add('same-interval', 'nothing is lost yet, so nothing but time and lane changes', sweep(ada, bob))
  add('one', 'the others wait', later(sweep(bob)))
  add('foreign', 'an introduced LCT', later(sweep(dora)))
  add('empty-account', 'an account without holdings stays absent', later(sweep(tess)))
  add('dead', 'all lots are dead: the account goes, unless something left it lately', {
    ...sweep(ada, bob, dora),
    entryTime: log.clock + 365 * DAY_MS,
  })
  cases.addShared(log, good, 'accounts')
  add('none', 'names nobody', named(), 'FORMAT_SCHEMA')
  add('too-many', 'one name more than 512', named(...strangers(SWEEP_ACCOUNTS_MAX + 1)), 'FORMAT_SCHEMA')
  add('many', '512 names are well formed', named(...strangers(SWEEP_ACCOUNTS_MAX)), 'ACCOUNT_UNKNOWN')
  add('unsorted', 'the names in another order', named(second, first), 'FORMAT_SCHEMA')
  add('twice', 'one name twice', named(first, first), 'FORMAT_SCHEMA')
  add('no-lct', 'the society has no account', named(log.id), 'FORMAT_SCHEMA')
  const nobody = log.lctOf(identity('nobody'), 'human')
  add('unknown', "one of the accounts is nobody's", named(...[ada.lct, nobody].sort()), 'ACCOUNT_UNKNOWN')
  add('not-society', 'a member', { ...good, author: ada.lct, signers: [ada.key] }, 'AUTHOR_FORBIDDEN')
  add('treasurer', 'no role sweeps', { ...good, author: tess.lct, signers: [tess.key] }, 'AUTHOR_FORBIDDEN')
  add('signer', 'another key', { ...good, signers: [ada.key] }, 'SIGNER_WRONG')
  add('two-signers', 'a holder signs as well', { ...good, signers: [log.society, ada.key] }, 'SIGNATURE_COUNT')
  log.append(status('suspend', ada))
  log.append(status('revoke', bob))
  add('inactive', 'suspended and revoked holders lose like all others', later(sweep(ada, bob)))
}

/** Well-formed ids that nobody has, sorted. */
function strangers(count: number): string[] {
  const digits = 'abcdefghijklmnopqrstuvwxyz234567'
  const id = (i: number) => `lct:web4:ai:s0-${'a'.repeat(26)}:${'a'.repeat(24)}${digits[i >> 5]}${digits[i & 31]}`
  return Array.from({ length: count }, (_, i) => id(i)).sort()
}

export function atpCases(cases: RecordCases): void {
  mintCases(cases)
  chargeCases(cases)
  transferCases(cases)
  dischargeCases(cases)
  slashCases(cases)
  sweepCases(cases)
}
