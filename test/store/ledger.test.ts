import assert from 'node:assert/strict'
import type { StoreRange } from '../../src/ports.ts'
import { keyPart, prefixEnd, rangeOf, storeKey, storePrefixes } from '../../src/store/ledger.ts'

const society = 'oak-aaaaaaaaaaaaaaaaaaaaaaaaaa'
/** Follows `society` closely in the order of keys, and begins like it. */
const neighbour = 'oak-aaaaaaaaaaaaaaaaaaaaaaaaab'
const lct = `lct:web4:ai:${society}:bbbbbbbbbbbbbbbbbbbbbbbbbb`
const id = 'A'.repeat(43)
const witness = `z6Mk${'1'.repeat(44)}`

/** One key per builder: a builder without a line here does not compile. */
const examples: { [K in keyof typeof storeKey]: string } = {
  entry: storeKey.entry(society, 7),
  state: storeKey.state(society, 'lane/x/001'),
  tile: storeKey.tile(society, 1, 12),
  tip: storeKey.tip(society),
  record: storeKey.record(society, id),
  attestSubject: storeKey.attestSubject(lct, society, 3),
  attestWitness: storeKey.attestWitness(lct, society, 3),
  paymentTo: storeKey.paymentTo(lct, 1_767_225_600_000, society, 3),
  paymentInto: storeKey.paymentInto(neighbour, society, 3),
  received: storeKey.received(lct, 1_767_225_600_000, society, 3),
  told: storeKey.told(society),
  noteLatest: storeKey.noteLatest(society),
  noteFinal: storeKey.noteFinal(society),
  noteHandover: storeKey.noteHandover(society, 9),
  cosigned: storeKey.cosigned(society, witness, 0),
  cosigner: storeKey.cosigner(society, witness),
  publicCosigner: storeKey.publicCosigner(society, witness),
  watched: storeKey.watched(id),
  fork: storeKey.fork(society),
  spent: storeKey.spent(society, 0),
  resume: storeKey.resume(society),
  dropped: storeKey.dropped(society, 1, 8),
  approval: storeKey.approval(society, 1),
  void: storeKey.void(society),
  digest: storeKey.digest(society, 10_000),
  sweep: storeKey.sweep(society),
  audit: storeKey.audit(society),
  policy: storeKey.policy(society),
  founder: storeKey.founder(witness),
  refused: storeKey.refused(id),
  pending: storeKey.pending(society, id),
  meta: storeKey.meta('version'),
}

const within = (key: string, { gte, lt }: StoreRange) => key >= gte && key < lt

describe('store ledger', () => {
  it('has no prefix that is a prefix of another', () => {
    const prefixes = Object.values(storePrefixes).map(({ prefix }) => prefix)
    for (const [index, one] of prefixes.entries()) {
      assert.match(one, /^[a-z]+\/(?:[a-z]+\/)?$/)
      for (const other of prefixes.slice(index + 1))
        assert.ok(!one.startsWith(other) && !other.startsWith(one), `${one} and ${other}`)
    }
  })

  it('makes the keys that folders on disk hold', () => {
    // Frozen: a change here strands every existing folder.
    assert.deepEqual(examples, {
      entry: `entry/${society}/0000000000000007`,
      state: `state/${society}/lane/x/001`,
      tile: `tile/${society}/01/0000000000000012`,
      tip: `tip/${society}`,
      record: `record/${society}/${id}`,
      attestSubject: `attest/subject/${lct}/${society}/0000000000000003`,
      attestWitness: `attest/witness/${lct}/${society}/0000000000000003`,
      paymentTo: `payment/to/${lct}/0001767225600000/${society}/0000000000000003`,
      paymentInto: `payment/into/${neighbour}/${society}/0000000000000003`,
      received: `received/${lct}/0001767225600000/${society}/0000000000000003`,
      told: `told/${society}`,
      noteLatest: `note/${society}/latest`,
      noteFinal: `note/${society}/final`,
      noteHandover: `note/${society}/handover/0000000000000009`,
      cosigned: `cosigned/${society}/${witness}`,
      cosigner: `cosigner/${society}/${witness}`,
      publicCosigner: `public/${society}/${witness}`,
      watched: `watched/${id}`,
      fork: `fork/${society}`,
      spent: `spent/${society}/000`,
      resume: `resume/${society}`,
      dropped: `dropped/${society}/001/0000000000000008`,
      approval: `approval/${society}/001`,
      void: `void/${society}`,
      digest: `digest/${society}/0000000000010000`,
      sweep: `sweep/${society}`,
      audit: `audit/${society}`,
      policy: `policy/${society}`,
      founder: `founder/${witness}`,
      refused: `refused/${id}`,
      pending: `pending/${society}/${id}`,
      meta: 'meta/version',
    })
    assert.equal(storeKey.cosigned(society, witness, 2), `cosigned/${society}/${witness}/002`)
  })

  it('uses every prefix, and one prefix for each key', () => {
    for (const { prefix } of Object.values(storePrefixes))
      assert.ok(
        Object.values(examples).some(key => key.startsWith(prefix)),
        prefix,
      )
    for (const key of Object.values(examples)) {
      assert.equal(Object.values(storePrefixes).filter(({ prefix }) => key.startsWith(prefix)).length, 1, key)
    }
  })

  it('orders numbers as numbers, up to the largest', () => {
    const keys = [0, 1, 9, 10, 99, 1e9, Number.MAX_SAFE_INTEGER].map(seq => storeKey.entry(society, seq))
    assert.deepEqual(keys.toSorted(), keys)
    assert.deepEqual(keys.map(keyPart.number), [0, 1, 9, 10, 99, 1e9, Number.MAX_SAFE_INTEGER])
    for (const wrong of [-1, 0.5, Number.NaN, 2 ** 53]) assert.throws(() => storeKey.entry(society, wrong), RangeError)
    assert.throws(() => storeKey.tile(society, 100, 0), RangeError)
  })

  it('ranges over its own society only', () => {
    const cases: [StoreRange, (of: string) => string][] = [
      [rangeOf.entries(society), of => storeKey.entry(of, 5)],
      [rangeOf.state(society), of => storeKey.state(of, 'law')],
      [rangeOf.tiles(society, 1), of => storeKey.tile(of, 1, 0)],
      [rangeOf.records(society), of => storeKey.record(of, id)],
      [rangeOf.cosigned(society), of => storeKey.cosigned(of, witness, 0)],
      [rangeOf.cosigners(society), of => storeKey.cosigner(of, witness)],
      [rangeOf.snapshots(society), of => storeKey.state(of, 'snapshot/0000000000010000')],
      [rangeOf.digests(society), of => storeKey.digest(of, 10_000)],
      [rangeOf.pending(society), of => storeKey.pending(of, id)],
      [rangeOf.attestationsAbout(lct), of => storeKey.attestSubject(of === society ? lct : `${lct}c`, of, 1)],
      [rangeOf.attestationsBy(lct), of => storeKey.attestWitness(of === society ? lct : `${lct}c`, of, 1)],
      [rangeOf.paymentsTo(lct), of => storeKey.paymentTo(of === society ? lct : `${lct}c`, 5, of, 1)],
      [rangeOf.receivedBy(lct), of => storeKey.received(of === society ? lct : `${lct}c`, 5, of, 1)],
      [rangeOf.paymentsInto(society, 'elm', 0, 9), of => storeKey.paymentInto(of, 'elm', 1)],
      [rangeOf.paymentsInto('elm', society, 0, 9), of => storeKey.paymentInto('elm', of, 1)],
    ]
    for (const [range, key] of cases) {
      assert.ok(within(key(society), range), key(society))
      for (const other of [neighbour, `${society}a`, 'oak', 'a']) assert.ok(!within(key(other), range), key(other))
    }
    for (const key of [storeKey.tip(society), storeKey.tip(neighbour)]) assert.ok(within(key, rangeOf.tips()))
    assert.ok(within(examples.received, rangeOf.received()))
    assert.ok(within(storeKey.fork(society), rangeOf.forks()))
    assert.ok(within(storeKey.void(society), rangeOf.voids()))
    assert.ok(within(storeKey.policy(society), rangeOf.policies()))
    assert.ok(within(storeKey.founder(witness), rangeOf.founders()))
  })

  it('cuts a range of numbers at both ends', () => {
    const range = rangeOf.entries(society, 5, 10)
    const inside = [4, 5, 9, 10].map(seq => within(storeKey.entry(society, seq), range))
    assert.deepEqual(inside, [false, true, true, false])
    assert.ok(within(storeKey.entry(society, Number.MAX_SAFE_INTEGER), rangeOf.entries(society, 5)))
    const earlier = rangeOf.paymentsTo(lct, 10)
    const before = [9, 10].map(time => within(storeKey.paymentTo(lct, time, society, 1), earlier))
    assert.deepEqual(before, [true, false])
    assert.ok(!within(storeKey.tile(society, 2, 0), rangeOf.tiles(society, 1)))
    assert.ok(!within(storeKey.tile(society, 1, 3), rangeOf.tiles(society, 1, 0, 3)))
  })

  it('takes keys apart again', () => {
    assert.deepEqual(keyPart.attestation(examples.attestSubject), { society, seq: 3 })
    assert.equal(keyPart.state(society, examples.state), 'lane/x/001')
    const place = `0001767225600000/${society}/0000000000000003`
    for (const key of [examples.paymentTo, examples.received])
      assert.deepEqual(keyPart.payment(key), { place, society, seq: 3 })
    assert.equal(keyPart.last(examples.tip), society)
    assert.equal(keyPart.last(examples.cosigner), witness)
  })

  it('ends a prefix just above its last key', () => {
    assert.equal(prefixEnd('tip/'), 'tip0')
    assert.ok('~~~' < prefixEnd(''))
    assert.ok(`a\u007f` < prefixEnd('a') && prefixEnd('a') <= 'b')
  })
})
