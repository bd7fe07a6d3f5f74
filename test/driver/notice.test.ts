import assert from 'node:assert/strict'
import { canonicalBytes, decodeCanonical, type JsonObject } from '../../src/canonical.ts'
import { makeBundle } from '../../src/driver/evidence.ts'
import { sendNotice, serveNotice } from '../../src/driver/notice.ts'
import { PROVEN_MAX, PROVEN_OF_SOCIETY_MAX } from '../../src/driver/payments.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { peerOf } from '../support/forge.ts'
import { context, hashText } from '../support/identity.ts'
import { NoticeScene } from '../support/notice-scene.ts'

describe('notice of a payment in another society', () => {
  let s: NoticeScene
  beforeEach(async () => {
    s = await NoticeScene.start()
  })
  afterEach(async () => {
    s.cluster.assertNoFaults()
    await s.cluster.stop()
  })
  const send = (record: string) => sendNotice(s.home.federation, record)

  it('is final for the payee by the witnesses that its node accepts, without the payer’s log', async () => {
    assert.equal(s.theirs.federation.logs.has(s.home.society), false)
    const { record, seq } = await s.pay(7)
    const reply = await s.cluster.do(send(record))
    assert.deepEqual([reply.status, reply.lct, reply.record], ['final', s.dora.lct, record])
    const [listed] = await s.list()
    assert.deepEqual(
      { ...listed, time: 0 },
      {
        society: s.home.society,
        seq,
        record,
        from: s.anna.lct,
        to: s.dora.lct,
        amount: 7,
        time: 0,
        final: true,
        final_for_us: true,
      },
    )
    assert.deepEqual(s.told, [record])
  })

  it('is told once, however often it comes, and after a restart as well', async () => {
    const { record } = await s.pay()
    await s.cluster.do(send(record))
    await s.cluster.do(send(record))
    await s.cluster.restart(s.theirs)
    await s.cluster.clock.advance(5_000)
    await s.cluster.do(send(record))
    // Of the process that began again.
    assert.deepEqual(s.told, [])
    assert.equal((await s.list()).length, 1)
  })

  it('is told and listed once when the payer’s log is followed later', async () => {
    const { record } = await s.pay()
    await s.cluster.do(send(record))
    await s.follow()
    assert.deepEqual(s.told, [record])
    assert.deepEqual(
      (await s.list()).map(payment => [payment.record, payment.final_for_us]),
      [[record, true]],
    )
  })

  it('is not needed by who follows the payer’s log; comes too late there, and is no news', async () => {
    await s.follow()
    const { record } = await s.pay()
    await s.cluster.final([s.home], [s.theirs])
    await s.cluster.clock.run(s.theirs.federation.payments.idle())
    assert.deepEqual(s.told, [record])
    await s.cluster.do(send(record))
    assert.deepEqual(s.told, [record])
    const [kept] = await s.theirs.setup.store.getMany([storeKey.told(s.home.society)])
    assert.ok(kept, 'how far it told is on the disk')
    const again = await s.cluster.restart(s.theirs)
    await s.cluster.clock.advance(5_000)
    assert.deepEqual(again.received, [])
    assert.deepEqual((await s.list()).length, 1)
  })

  it('is not told before it is final, nor before it is final for us', async () => {
    await s.follow()
    await s.refuse(1, 2)
    const { record, seq } = await s.pay()
    await s.cluster.final([s.home], [s.theirs])
    await s.cluster.clock.advance(5_000)
    assert.deepEqual(s.told, [])
    assert.deepEqual(
      (await s.list()).map(({ final, final_for_us }) => [final, final_for_us]),
      [[true, false]],
    )
    await s.accept(1)
    // Nothing comes from the network: what counts has changed here.
    await s.cluster.clock.advance(2_000)
    assert.deepEqual(s.told, [record])
    await s.cluster.clock.run(s.theirs.federation.payments.rewound(s.theirs.log(s.home.society), seq + 1))
    await s.cluster.clock.advance(2_000)
    assert.deepEqual(s.told, [record])
  })

  it('proves itself by those cosignatures that count there, if there are enough', async () => {
    const { record } = await s.pay()
    // Whom the bundle holds is chosen by the order of the keys.
    const byKey = [1, 2, 3, 4].sort((a, b) => (s.node(a).keys.witness.key < s.node(b).keys.witness.key ? -1 : 1))
    await s.refuse(byKey[0] as number)
    await s.cluster.clock.until('all four have signed', () =>
      [...s.home.log().notes.cosigned.values()].every(size => size === s.home.log().replica.tip.size),
    )
    assert.equal(
      (await s.cluster.do(s.notice(await s.bundle(s.home.log().replica.tip.size - 1)))).status,
      'not-final-for-us',
    )
    assert.equal((await s.cluster.do(send(record))).status, 'final')
    assert.deepEqual(s.told, [record])
  })

  it('not final for them: nothing is kept, and it says whom they count', async () => {
    const { record } = await s.pay()
    await s.refuse(1, 2)
    const reply = await s.cluster.do(send(record))
    assert.equal(reply.status, 'not-final-for-us')
    assert.deepEqual(reply.accepts, [s.node(3), s.node(4)].map(({ keys }) => keys.witness.key).sort())
    assert.deepEqual([await s.list(), s.told], [[], []])
    await s.accept(1, 2)
    assert.equal((await s.cluster.do(send(record))).status, 'final')
    // And when they count no longer, it is no longer final for us.
    await s.refuse(1, 2)
    assert.deepEqual(
      (await s.list()).map(({ final, final_for_us }) => [final, final_for_us]),
      [[true, false]],
    )
  })

  it('sendNotice: NOT_FOUND, NOT_FINAL, BAD_REQUEST, PEER_UNREACHABLE, PEER_SILENT', async () => {
    assert.equal(await s.refusal(send(hashText('nothing'))), 'NOT_FOUND')
    const charter = await s.recordAt(0)
    assert.equal(await s.refusal(send(charter)), 'BAD_REQUEST')
    const { record } = await s.transfer()
    assert.equal(await s.refusal(send(record)), 'NOT_FINAL')
    await s.cluster.final([s.home], [s.home])
    s.cluster.net.passes = (_from, _to, name) => name !== 'notice'
    assert.equal(await s.refusal(send(record)), 'PEER_SILENT')
    s.cluster.net.reply = (_by, name, result) =>
      name === 'notice' && result.ok ? { ok: true, value: { ...(result.value as object), lct: s.anna.lct } } : result
    s.cluster.net.passes = () => true
    assert.equal(await s.refusal(send(record)), 'PEER_GARBAGE')
    s.cluster.net.partition(['s0', 's1', 's2', 's3', 's4'])
    assert.equal(await s.refusal(send(record)), 'PEER_UNREACHABLE')
  })

  describe('refused', () => {
    it('PEER_DENIED: who brings it is blocked; PEER_BLOCKED: whose log it is', async () => {
      const { seq } = await s.pay()
      const bundle = await s.bundle(seq)
      await s.refuse(0)
      assert.equal(await s.refusal(s.notice(bundle)), 'PEER_DENIED')
      assert.equal(await s.refusal(s.notice(bundle, s.node(3))), 'PEER_BLOCKED')
      assert.deepEqual([await s.list(), s.told], [[], []])
    })

    it('PEER_GARBAGE: no JSON, no bundle, no payment, or one within its society', async () => {
      const ben = await s.cluster.member(s.home, 'ben')
      const { seq } = await s.pay(5, ben)
      for (const bytes of [new Uint8Array(3), canonicalBytes({}), canonicalBytes({ entry: {}, society: 'x' })])
        assert.equal(await s.refusal(s.notice(bytes)), 'PEER_GARBAGE')
      for (const at of [0, 1, seq]) assert.equal(await s.refusal(s.notice(await s.bundle(at))), 'PEER_GARBAGE')
    })

    it('LCT_FOREIGN: a payee of another society; LCT_UNKNOWN: nobody of ours; STARTING: perhaps one in what is missing', async () => {
      const { seq } = await s.pay()
      const bundle = await s.bundle(seq)
      const elsewhere = serveNotice(s.node(3).federation, peerOf(s.home), bundle)
      assert.equal(await s.refusal(elsewhere), 'LCT_FOREIGN')

      const { store } = s.theirs.setup
      const key = storeKey.state(s.theirs.society, `lct/${s.dora.lct}`)
      await store.batch([{ type: 'del', key }], { sync: false })
      s.cluster.net.partition(['s0', 's1', 's2', 's3', 's4'], ['s5'])
      await s.cluster.restart(s.theirs)
      assert.equal(await s.refusal(s.notice(bundle)), 'STARTING')
      s.cluster.net.heal()
      await s.cluster.ready([s.theirs])
      assert.equal(await s.refusal(s.notice(bundle)), 'LCT_UNKNOWN')
    })

    it('what is not signed by all that it names', async () => {
      const { seq } = await s.pay()
      const bundle = await s.bundle(seq)
      const decoded = decodeCanonical(bundle)
      assert.ok(decoded.ok)
      const whole = decoded.value as JsonObject & { entry: JsonObject & { record: JsonObject }; note: string }
      const spoiled = (changes: JsonObject) => s.refusal(s.notice(canonicalBytes({ ...whole, ...changes })))
      const { record } = whole.entry
      const more = { ...record, body: { ...(record.body as JsonObject), amount: 5_000 } }
      assert.equal(await spoiled({ entry: { ...whole.entry, record: more } }), 'SIGNATURE_INVALID')
      assert.equal(await spoiled({ entry: { ...whole.entry, seq: seq - 1 } }), 'PROOF_INVALID')
      assert.equal(await spoiled({ note: `${whole.note.split('\n').slice(0, -2).join('\n')}\n` }), 'BUNDLE_QUORUM')
      assert.equal(await spoiled({ society: s.node(1).society }), 'BUNDLE_CHAIN')
      assert.deepEqual([await s.list(), s.told], [[], []])
    })

    it('PEER_TOO_MUCH: a society of which no more proofs are kept, and then none of any', async () => {
      const { record } = await s.pay()
      const { store } = s.theirs.setup
      const fill = async (society: string, count: number) => {
        const key = (seq: number) => storeKey.received(s.dora.lct, 1, society, seq)
        const ops = Array.from({ length: count }, (_, seq) => ({
          type: 'put' as const,
          key: key(seq),
          value: canonicalBytes({}),
        }))
        await store.batch(ops, { sync: false })
      }
      await fill(s.home.society, PROVEN_OF_SOCIETY_MAX - 1)
      await s.cluster.do(send(record))
      const more = await s.pay()
      assert.equal(await s.refusal(send(more.record)), 'PEER_TOO_MUCH')
      // What is kept already is still known.
      assert.equal((await s.cluster.do(send(record))).status, 'final')
      assert.deepEqual(s.told, [record])
      // The log itself needs no room.
      await s.follow()
      assert.equal((await s.cluster.do(send(more.record))).status, 'final')
      assert.deepEqual(s.told, [record, more.record])
    })

    it('PEER_TOO_MUCH: too many of all societies', async () => {
      const { record } = await s.pay()
      const keys = Array.from({ length: PROVEN_MAX }, (_, seq) =>
        storeKey.received(s.dora.lct, 1, `oak-${'a'.repeat(25)}${'abcdefghijklmnop'[seq % 16]}`, seq),
      )
      const ops = keys.map(key => ({ type: 'put' as const, key, value: canonicalBytes({}) }))
      await s.theirs.setup.store.batch(ops, { sync: false })
      assert.equal(await s.refusal(send(record)), 'PEER_TOO_MUCH')
    })
  })
})

describe('makeBundle', () => {
  it('for a reader who accepts too few: NOT_FINAL', async () => {
    const s = await NoticeScene.start()
    const { seq } = await s.pay()
    const accepts = [s.node(1), s.node(2)].map(({ keys }) => keys.witness.key)
    assert.equal(await s.refusal(makeBundle(s.home.log(), seq, context.sha256, accepts)), 'NOT_FINAL')
    await s.cluster.stop()
  })
})
