import assert from 'node:assert/strict'
import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import { canonicalBytes, type Json } from '../../src/canonical.ts'
import { PURPOSES, type Purpose, signedMessage, signedMessageOf } from '../../src/crypto.ts'
import { fromBase64url, toBase64url } from '../../src/encoding.ts'
import { encodeSubmission, openEntry, openSubmission } from '../../src/ingest/open.ts'
import { diagnoseSignature, entryOf, verifyAll, verifyOne } from '../../src/ingest/verify.ts'
import { leafHash } from '../../src/log/merkle.ts'
import { inclusionProof, TreeEdge } from '../../src/log/tiles.ts'
import { verifyPortable } from '../../src/noble-verify.ts'
import type { SignatureJob, Verifier } from '../../src/ports.ts'
import type { AnyRecord, OpenedRecord, Sig } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { testLct } from '../support/entries.ts'
import { type Identity, identity, makeRecord, override, signRecord } from '../support/identity.ts'
import { GENESIS_MS } from '../support/society.ts'

const [ada, bob] = [identity('s0 ada'), identity('s0 bob')]
const [FROM, TO] = [testLct(1), testLct(2)]
const SOCIETY = `commons-${'a'.repeat(26)}`

function transfer(n: number): AnyRecord {
  const body = { amount: 100 + n, from: FROM, to: TO }
  return makeRecord('atp.transfer', body, { society: SOCIETY, author: FROM, n, time: GENESIS_MS })
}
const bytesOf = (record: AnyRecord) => canonicalBytes(record as unknown as Json)

function open(record: AnyRecord, sigs: readonly Sig[]): OpenedRecord {
  const opened = openSubmission(encodeSubmission(record, sigs), sha256)
  assert.ok(opened.ok, opened.ok ? '' : opened.error.code)
  return opened.value
}

function signedAs(signer: Identity, message: Uint8Array): Sig {
  return { by: signer.key, sig: toBase64url(signer.signNow(message)) }
}

type BatchSig = Extract<Sig, { readonly path: unknown }>

/** One signature for all of these records, whose leaves are messages for `leafPurpose`. */
function signBatch(
  records: readonly AnyRecord[],
  signer: Identity,
  leafPurpose: Purpose = 'record',
  purpose: Purpose = 'batch',
): BatchSig[] {
  const edge = TreeEdge.empty(sha256)
  const leaves = records.map(record => leafHash(signedMessage(leafPurpose, bytesOf(record)), sha256))
  const tiles = new Map(edge.append(leaves).map(({ tile, bytes }) => [`${tile.level}/${tile.index}`, bytes]))
  const message = signedMessageOf(purpose, { root: toBase64url(edge.root()), size: records.length })
  const sig = toBase64url(signer.signNow(message))
  return records.map((_, index) => {
    const path =
      inclusionProof(index, records.length, ({ level, index: at }) => tiles.get(`${level}/${at}`), sha256) ?? []
    return { by: signer.key, index, path: path.map(toBase64url), sig, size: records.length }
  })
}

/** Counts what it is asked, and answers by the rule. */
function counting(): Verifier & { readonly jobs: SignatureJob[] } {
  const jobs: SignatureJob[] = []
  return {
    jobs,
    async verify(asked) {
      jobs.push(...asked)
      return asked.map(({ key, message, signature }) => verifySync(key, signature, message))
    },
  }
}
async function codesOf(
  opened: readonly OpenedRecord[],
  verifier: Verifier = counting(),
): Promise<(Code | undefined)[]> {
  return (await verifyAll(opened, verifier, sha256)).map(result => (result.ok ? undefined : result.error.code))
}

const RECORD = transfer(1)
const MESSAGE = signedMessage('record', bytesOf(RECORD))

describe('verifying', () => {
  it('answers in the order of the records, each by its own signatures', async () => {
    const good = [1, 2, 3].map(n => open(transfer(n), signRecord(transfer(n), [ada])))
    const forged = open(
      transfer(4),
      [signedAs(bob, signedMessage('record', bytesOf(transfer(4))))].map(sig => ({ ...sig, by: ada.key })),
    )
    const [first, second, third] = good as [OpenedRecord, OpenedRecord, OpenedRecord]
    assert.deepEqual(await codesOf([first, forged, second, forged, third]), [
      undefined,
      'SIGNATURE_INVALID',
      undefined,
      'SIGNATURE_INVALID',
      undefined,
    ])
    assert.deepEqual(await codesOf([]), [])
  })

  it('wants every signature of a record to hold', async () => {
    const rotation = makeRecord(
      'lct.rotate',
      { key: bob.key, old: ada.key, overlap_ms: 0 },
      { society: SOCIETY, author: FROM },
    )
    const [one, two] = signRecord(rotation, [ada, bob]) as [Sig, Sig]
    const swapped = [
      { ...one, sig: two.sig },
      { ...two, sig: one.sig },
    ]
    assert.deepEqual(
      await codesOf(
        [[one, two], [one, { ...two, sig: one.sig }], [{ ...one, sig: two.sig }, two], swapped].map(sigs =>
          open(rotation, sigs),
        ),
      ),
      [undefined, 'SIGNATURE_INVALID', 'SIGNATURE_INVALID', 'SIGNATURE_INVALID'],
    )
  })

  it('refuses what was changed after signing: SIGNATURE_INVALID', async () => {
    const sigs = signRecord(RECORD, [ada])
    const changes = [
      { 'body.amount': 102 },
      { n: 2 },
      { lane: 1 },
      { time: GENESIS_MS + 1 },
      { 'body.to': testLct(3) },
      { society: `other-${'a'.repeat(26)}` },
    ]
    const codes = await codesOf(changes.map(change => open(override(RECORD, change), sigs)))
    assert.deepEqual(
      codes,
      changes.map(() => 'SIGNATURE_INVALID'),
    )
  })

  it('refuses what was signed for another purpose, or for none: SIGNATURE_INVALID', async () => {
    const others = PURPOSES.filter(purpose => purpose !== 'record')
    const messages = [...others.map(purpose => signedMessage(purpose, bytesOf(RECORD))), bytesOf(RECORD)]
    const codes = await codesOf(messages.map(message => open(RECORD, [signedAs(ada, message)])))
    assert.deepEqual(
      codes,
      messages.map(() => 'SIGNATURE_INVALID'),
    )
  })

  it('a forged copy has the id of the original and does not stand in its way', async () => {
    const original = open(RECORD, signRecord(RECORD, [ada]))
    const copy = open(RECORD, [{ by: ada.key, sig: toBase64url(bob.signNow(MESSAGE)) }])
    assert.equal(copy.id, original.id)
    for (const order of [
      [copy, original],
      [original, copy],
      [copy, copy, original, copy],
    ]) {
      const expected = order.map(opened => (opened === original ? undefined : 'SIGNATURE_INVALID'))
      assert.deepEqual(await codesOf(order), expected)
    }
  })

  it('says the same synchronously, on libsodium and on the portable verifier', () => {
    const good = open(RECORD, signRecord(RECORD, [ada]))
    const bad = open(RECORD, signRecord(transfer(2), [ada]))
    for (const verify of [verifySync, verifyPortable]) {
      assert.equal(verifyOne(good, verify, sha256), undefined)
      assert.deepEqual(verifyOne(bad, verify, sha256), { code: 'SIGNATURE_INVALID', detail: ada.key })
    }
  })

  it('gives a record its place without touching its bytes', async () => {
    const [verified] = await verifyAll([open(RECORD, signRecord(RECORD, [ada]))], counting(), sha256)
    assert.ok(verified?.ok)
    const entry = entryOf(verified.value, 17, GENESIS_MS, sha256)
    const opened = openEntry(entry.bytes, sha256)
    assert.ok(opened.ok)
    assert.deepEqual([opened.value.id, opened.value.seq, opened.value.time], [entry.id, 17, GENESIS_MS])
    assert.deepEqual(opened.value.leaf, entry.leaf)
  })
})

describe('batch signatures', () => {
  for (const size of [2, 3, 5, 8, 33]) {
    it(`one for ${size} records is checked once`, async () => {
      const records = Array.from({ length: size }, (_, index) => transfer(index + 1))
      const sigs = signBatch(records, ada)
      const verifier = counting()
      const opened = records.map((record, index) => open(record, [sigs[index] as Sig]))
      assert.deepEqual(
        await codesOf(opened, verifier),
        records.map(() => undefined),
      )
      assert.equal(verifier.jobs.length, 1)
    })
  }

  const records = [1, 2, 3, 4, 5].map(transfer)
  const sigs = signBatch(records, ada)
  const at = (index: number) => sigs[index] as BatchSig
  const opened = (index: number, changes: Partial<BatchSig> = {}) =>
    open(records[index] as AnyRecord, [{ ...at(index), ...changes }])

  it('are remembered by key, signature, root and size: all four', async () => {
    const verifier = counting()
    const other = signBatch(records, bob)[0] as BatchSig
    const resigned = toBase64url((fromBase64url(at(0).sig, 64) as Uint8Array).with(0, 1))
    const batch = [
      opened(0),
      opened(1),
      opened(0, { by: bob.key }),
      opened(0, { sig: resigned }),
      open(records[0] as AnyRecord, [other]),
      open(transfer(9), [at(0)]),
      // Another size for which the same path has the right length leads to the same root.
      opened(0, { size: 6 }),
    ]
    const bad = 'SIGNATURE_INVALID'
    assert.deepEqual(await codesOf(batch, verifier), [undefined, undefined, bad, bad, undefined, bad, bad])
    assert.equal(verifier.jobs.length, 6, 'only the second was known')
  })

  it('a bad one first does not spoil the good ones', async () => {
    const forged = opened(0, { path: at(0).path.toReversed() })
    assert.deepEqual(await codesOf([forged, opened(0), opened(1)]), ['SIGNATURE_INVALID', undefined, undefined])
  })

  it('hold for nothing but their own leaf', async () => {
    const leaves = [0, 1, 2, 3].map(index => open(records[index + 1] as AnyRecord, [{ ...at(index), index }]))
    assert.deepEqual(
      await codesOf(leaves),
      leaves.map(() => 'SIGNATURE_INVALID'),
    )
  })

  it('are nothing without their path', async () => {
    const { by, sig } = at(0)
    assert.deepEqual(await codesOf([open(records[0] as AnyRecord, [{ by, sig }])]), ['SIGNATURE_INVALID'])
    const single = signRecord(records[0] as AnyRecord, [ada])[0] as Sig
    assert.deepEqual(await codesOf([opened(0, { sig: single.sig })]), ['SIGNATURE_INVALID'])
  })
})

describe('diagnosing a signature', () => {
  const diagnosis = (record: AnyRecord, sigs: readonly Sig[]) =>
    diagnoseSignature(open(record, sigs), verifySync, sha256)

  for (const purpose of PURPOSES.filter(other => other !== 'record')) {
    it(`made for ${purpose}: SIGNATURE_PURPOSE`, () => {
      const found = diagnosis(RECORD, [signedAs(ada, signedMessage(purpose, bytesOf(RECORD)))])
      assert.deepEqual(found, { code: 'SIGNATURE_PURPOSE', detail: `${ada.key} signed as ${purpose}` })
    })
  }

  it('of a batch: SIGNATURE_PURPOSE for its leaves, and for itself', () => {
    const records = [1, 2, 3].map(transfer)
    for (const sig of [signBatch(records, ada, 'standing')[1], signBatch(records, ada, 'record', 'record')[1]]) {
      assert.equal(diagnosis(records[1] as AnyRecord, [sig as Sig])?.code, 'SIGNATURE_PURPOSE')
    }
  })

  it('names the first that fails among several', () => {
    const rotation = makeRecord(
      'lct.rotate',
      { key: bob.key, old: ada.key, overlap_ms: 0 },
      { society: SOCIETY, author: FROM },
    )
    const [one, two] = signRecord(rotation, [ada, bob]) as [Sig, Sig]
    const second = two.by === ada.key ? ada : bob
    const wrong = signedAs(second, signedMessage('request', bytesOf(rotation)))
    assert.deepEqual(diagnosis(rotation, [one, wrong]), {
      code: 'SIGNATURE_PURPOSE',
      detail: `${second.key} signed as request`,
    })
  })

  it('that is simply wrong: SIGNATURE_INVALID', () => {
    assert.equal(diagnosis(RECORD, signRecord(transfer(2), [ada]))?.code, 'SIGNATURE_INVALID')
    assert.equal(diagnosis(RECORD, [{ ...signedAs(bob, MESSAGE), by: ada.key }])?.code, 'SIGNATURE_INVALID')
    assert.equal(diagnosis(RECORD, [signedAs(ada, bytesOf(RECORD))])?.code, 'SIGNATURE_INVALID', 'without any purpose')
  })

  it('that holds: nothing', () => {
    assert.equal(diagnosis(RECORD, signRecord(RECORD, [ada])), undefined)
  })
})
