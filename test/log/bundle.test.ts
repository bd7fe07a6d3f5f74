import assert from 'node:assert/strict'
import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import { utf8Encode } from '../../src/canonical.ts'
import { BUNDLE_BYTES_MAX, type Bundle, type BundleVerdict, verifyBundle } from '../../src/log/bundle.ts'
import type { VerifySync } from '../../src/log/note.ts'
import { verifyPortable } from '../../src/noble-verify.ts'
import type { Code } from '../../src/rejection.ts'
import type { KeyText, SocietyId } from '../../src/units.ts'
import { type BundleOptions, bundleBytes, bundleOf } from '../support/bundle.ts'
import { federation } from '../support/federation.ts'
import { commitment, type Identity, identity, keysOf, override } from '../support/identity.ts'
import type { TestSociety } from '../support/society.ts'

interface Reader {
  readonly society?: SocietyId
  readonly accept?: readonly KeyText[]
}

function judge(bundle: Bundle | Uint8Array, reader: Reader = {}, verify: VerifySync = verifySync) {
  return verifyBundle(bundle instanceof Uint8Array ? bundle : bundleBytes(bundle), { ...reader, verify, sha256 })
}
function refusal(bundle: Bundle | Uint8Array, reader: Reader = {}): Code | undefined {
  const judged = judge(bundle, reader)
  return judged.ok ? undefined : judged.error.code
}
function verdict(bundle: Bundle, reader: Reader = {}): BundleVerdict {
  const judged = judge(bundle, reader)
  assert.ok(judged.ok, judged.ok ? '' : `${judged.error.code} ${judged.error.detail}`)
  return judged.value
}

/** Five societies: four witnesses each, of which three make a quorum. Ada is born in the first. */
function start(): { log: TestSociety; birth: number; witnesses: readonly Identity[] } {
  const [log, ...peers] = federation({ societies: 5 }) as [TestSociety, ...TestSociety[]]
  const three = peers.slice(0, 3).map(({ witness }) => witness)
  const { seq } = log.append(log.birth('ada', 'human', three))
  log.append({ kind: 'atp.mint', body: { amount: 7 } })
  return { log, birth: seq, witnesses: log.witnesses }
}

describe('a certificate bundle', () => {
  const { log, birth, witnesses } = start()
  const bundle = bundleOf(log, { seq: birth })

  it('says what it proves and whose word that is', () => {
    const { record, ...found } = verdict(bundle)
    assert.deepEqual(found, {
      society: log.id,
      kind: 'birth',
      id: log.entries[birth]?.id,
      seq: birth,
      size: log.size,
      quorum: 3,
      witnesses: keysOf(witnesses),
      signed: keysOf(witnesses.slice(0, 3)),
      known: [],
    })
    assert.deepEqual(record, log.entries[birth]?.record)
  })

  it('holds on the portable verifier too', () => assert.ok(judge(bundle, {}, verifyPortable).ok))

  it('holds with every quorum of the witnesses, and with no more and no fewer', () => {
    const by = (cosigners: readonly Identity[]) => refusal(bundleOf(log, { seq: birth, note: { cosigners } }))
    for (const absent of witnesses) assert.equal(by(witnesses.filter(witness => witness !== absent)), undefined)
    assert.equal(by(witnesses), 'BUNDLE_QUORUM')
    assert.equal(by(witnesses.slice(2)), 'BUNDLE_QUORUM')
    assert.equal(by([]), 'BUNDLE_QUORUM')
    assert.equal(by([...witnesses.slice(2), identity('stranger')]), 'BUNDLE_QUORUM')
    assert.equal(by([...witnesses.slice(1), identity('stranger')]), 'BUNDLE_SUPERFLUOUS')
  })

  it('is of the society that the reader expects: BUNDLE_CHAIN', () => {
    assert.equal(refusal(bundle, { society: log.id }), undefined)
    const [, other] = federation({ societies: 5 }) as [TestSociety, TestSociety]
    assert.equal(refusal(bundle, { society: other.id }), 'BUNDLE_CHAIN')
    assert.equal(refusal(override(bundle, { society: other.id })), 'BUNDLE_CHAIN')
  })

  it('counts for a reader only whom it accepts: BUNDLE_QUORUM', () => {
    const signed = keysOf(witnesses.slice(0, 3))
    const away = witnesses[3]?.key ?? ''
    assert.deepEqual(verdict(bundle, { accept: signed }).known, signed)
    assert.deepEqual(verdict(bundle, { accept: [...signed, away, identity('friend').key] }).known, signed)
    for (const accept of [[], signed.slice(1), [...signed.slice(1), away], [identity('friend').key]])
      assert.equal(refusal(bundle, { accept }), 'BUNDLE_QUORUM')
    assert.equal(
      refusal(bundle, { accept: [...signed.slice(1), signed[1] ?? ''] }),
      'BUNDLE_QUORUM',
      'a key named twice',
    )
  })

  it('has a size: FORMAT_TOO_LARGE', () => {
    assert.equal(refusal(new Uint8Array(BUNDLE_BYTES_MAX + 1)), 'FORMAT_TOO_LARGE')
  })

  it('is nothing of a practice log: BUNDLE_QUORUM', () => {
    const [practice] = federation({
      recognised: false,
      law: law => ({ ...law, finality: { quorum: 0, witnesses: [] } }),
    })
    assert.ok(practice)
    assert.equal(refusal(bundleOf(practice, { note: { cosigners: [] } })), 'BUNDLE_QUORUM')
  })
})

describe('a bundle over handovers', () => {
  const { log, witnesses } = start()
  const first = log.society
  const fresh = identity('s0 new witness')
  const later = [...witnesses.slice(0, 3), fresh]
  const lawOf = (changes: object) => ({ ...log.law, number: log.law.number + 1, ...changes })
  const set = log.append({
    kind: 'law.update',
    body: { law: lawOf({ finality: { quorum: 3, witnesses: keysOf(later) } }) },
    signers: [first, fresh],
  }).seq
  const between = log.size
  const key = log.append({
    kind: 'law.update',
    body: { law: lawOf({}), next: commitment(fresh), society_key: log.next.key },
    signers: [log.next],
  }).seq
  log.society = log.next
  const last = log.append({ kind: 'atp.mint', body: { amount: 1 } }).seq

  const bySet = { seq: set, note: { size: between, logKey: first, cosigners: witnesses.slice(0, 3) } }
  const byKey = { seq: key, note: { cosigners: later.slice(0, 3) } }
  const note = { cosigners: later.slice(1) }
  const of = (options: BundleOptions) => bundleOf(log, { seq: last, note, ...options })

  it('holds from the charter on', () => {
    const found = verdict(of({ handovers: [bySet, byKey] }))
    assert.deepEqual([found.seq, found.witnesses, found.signed], [last, keysOf(later), keysOf(later.slice(1))])
  })

  it('holds when the old set spoke only after a second handover', () => {
    const afterBoth = { seq: set, note: { cosigners: witnesses.slice(0, 3) } }
    assert.equal(refusal(of({ handovers: [afterBoth, byKey] })), undefined)
    const oldKey = { seq: set, note: { cosigners: witnesses.slice(0, 3), logKey: first } }
    assert.equal(refusal(of({ handovers: [oldKey, byKey] })), 'NOTE_SIGNATURE', 'a note beyond the change of the key')
  })

  const defects: readonly [what: string, code: Code, options: BundleOptions][] = [
    ['none of them', 'NOTE_SIGNATURE', {}],
    ['the first left out: its new witness did not consent to the second', 'BUNDLE_CHAIN', { handovers: [byKey] }],
    ['the second left out', 'NOTE_SIGNATURE', { handovers: [bySet] }],
    ['in the wrong order', 'BUNDLE_CHAIN', { handovers: [byKey, bySet] }],
    ['one twice', 'BUNDLE_CHAIN', { handovers: [bySet, bySet, byKey] }],
    ['an entry that is no law', 'BUNDLE_CHAIN', { handovers: [bySet, byKey, { seq: last, note }] }],
    [
      'a note that ends before it',
      'BUNDLE_CHAIN',
      { handovers: [{ ...bySet, note: { ...bySet.note, size: set } }, byKey] },
    ],
    [
      'too few of the old set',
      'BUNDLE_QUORUM',
      { handovers: [{ ...bySet, note: { ...bySet.note, cosigners: witnesses.slice(1, 3) } }, byKey] },
    ],
    [
      'the new set in place of the old one',
      'BUNDLE_QUORUM',
      { handovers: [{ ...bySet, note: { ...bySet.note, cosigners: later.slice(1) } }, byKey] },
    ],
    [
      'signed by a key that was not in force',
      'NOTE_SIGNATURE',
      { handovers: [{ ...bySet, note: { ...bySet.note, logKey: log.next } }, byKey] },
    ],
  ]
  for (const [what, code, options] of defects) it(`${what}: ${code}`, () => assert.equal(refusal(of(options)), code))
})

describe('any change of a certificate', function () {
  // Some 75 000 bundles; three times that on a slow machine with coverage.
  this.timeout(600_000)

  const { log, birth } = start()
  const bytes = bundleBytes(bundleOf(log, { seq: birth }))

  /** The signatures of the unchanged bundle, by all that a signature depends on. Whatever is not exactly one of them is checked anew. */
  const genuine = new Set<string>()
  const nameOf = (...parts: readonly Uint8Array[]) => parts.map(part => Buffer.from(part).toString('latin1')).join('|')
  const remember: VerifySync = (key, signature, message) => {
    const holds = verifySync(key, signature, message)
    if (holds) genuine.add(nameOf(key, signature, message))
    return holds
  }
  const verify: VerifySync = (key, signature, message) =>
    genuine.has(nameOf(key, signature, message)) || verifySync(key, signature, message)
  const holds = (changed: Uint8Array) => verifyBundle(changed, { society: log.id, verify, sha256 }).ok

  before(() => {
    assert.ok(verifyBundle(bytes, { society: log.id, verify: remember, sha256 }).ok)
    assert.ok(genuine.size > 10 && holds(bytes))
  })

  it('is seen: each bit of each byte', () => {
    for (const [at, byte] of bytes.entries()) {
      for (let bit = 0; bit < 8; bit++) assert.ok(!holds(bytes.with(at, byte ^ (1 << bit))), `byte ${at}, bit ${bit}`)
    }
  })

  it('is seen: other characters in the place of each byte', () => {
    for (const [at, byte] of bytes.entries()) {
      for (const other of utf8Encode(' 0A"_')) {
        if (other !== byte) assert.ok(!holds(bytes.with(at, other)), `byte ${at}: ${other}`)
      }
    }
  })

  it('is seen: each byte removed', () => {
    for (const at of bytes.keys()) {
      assert.ok(!holds(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])), `without byte ${at}`)
    }
  })

  it('is seen: a byte inserted before each, and behind the last', () => {
    for (let at = 0; at <= bytes.length; at++) {
      const own = bytes[at] ?? 0x0a
      for (const byte of new Set([own, ...utf8Encode(' 0A')])) {
        const changed = Buffer.concat([bytes.subarray(0, at), Uint8Array.of(byte), bytes.subarray(at)])
        assert.ok(!holds(changed), `${byte} before byte ${at}`)
      }
    }
  })

  it('is seen: two neighbours in the wrong order', () => {
    for (let at = 1; at < bytes.length; at++) {
      const [a, b] = [bytes[at - 1] as number, bytes[at] as number]
      if (a !== b) assert.ok(!holds(bytes.with(at - 1, b).with(at, a)), `bytes ${at - 1} and ${at}`)
    }
  })
})
