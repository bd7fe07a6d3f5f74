import assert from 'node:assert/strict'
import { makeBundle } from '../../src/driver/evidence.ts'
import { sendNotice } from '../../src/driver/notice.ts'
import type { ProvenPayment } from '../../src/driver/payments.ts'
import { rewind } from '../../src/driver/rewind.ts'
import { toBase64url } from '../../src/encoding.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import type { EpochMs, Seq, SocietyId } from '../../src/units.ts'
import { contentOf } from '../support/cluster.ts'
import { context, hashText } from '../support/identity.ts'
import { NoticeScene } from '../support/notice-scene.ts'

const ELM: SocietyId = `elm-${'a'.repeat(26)}`

describe('payments to an LCT, listed', () => {
  let s: NoticeScene
  beforeEach(async () => {
    s = await NoticeScene.start()
  })
  afterEach(async () => {
    s.cluster.assertNoFaults()
    await s.cluster.stop()
  })

  /** As a notice would leave it: of a society whose log is not here, signed by three accepted witnesses. */
  function proven(seq: Seq, time: EpochMs, from = s.anna.lct): ProvenPayment {
    const record = hashText(`elm ${seq}`)
    const signed = [1, 2, 3].map(index => s.node(index).keys.witness.key)
    const payment = { society: ELM, seq, record, from, to: s.dora.lct, amount: seq, time }
    return { payment, entry: '', note: '', proof: [], quorum: 3, signed }
  }

  it('are those of logs held here and those that were proved, newest first, by payer and society', async () => {
    await s.follow()
    const first = await s.pay(11)
    await s.cluster.clock.advance(1_000)
    const { payments } = s.theirs.federation
    const between = s.cluster.clock.now()
    await s.cluster.do(payments.keep(proven(3, between)))
    await s.cluster.do(payments.keep(proven(9, between + 10_000, s.dora.lct)))
    await s.cluster.clock.advance(1_000)
    const second = await s.pay(12)
    await s.cluster.final([s.home], [s.theirs])
    const list = async (filter: object) => {
      const found = await s.cluster.clock.run(payments.list({ to: s.dora.lct, limit: 100, ...filter }))
      return found.map(({ record }) => record)
    }
    const [third, last] = [hashText('elm 3'), hashText('elm 9')]
    assert.deepEqual(await list({}), [last, second.record, third, first.record])
    assert.deepEqual(await list({ society: ELM }), [last, third])
    assert.deepEqual(await list({ from: s.anna.lct }), [second.record, third, first.record])
    assert.deepEqual(await list({ limit: 2 }), [last, second.record])
    assert.deepEqual(await list({ before: between }), [first.record])
    assert.deepEqual(await list({ to: s.anna.lct }), [])
  })

  it('are never cut between those of one moment', async () => {
    await s.follow()
    const { cluster, home } = s
    const together = [1, 2, 3].map(amount => home.transfer(s.anna, s.dora, amount))
    for (const paid of together) await cluster.do(paid)
    await s.pay(4)
    await cluster.final([home], [s.theirs])
    assert.deepEqual(
      (await s.list(s.theirs, 2)).map(({ amount }) => amount),
      [4, 3, 2, 1],
    )
    assert.deepEqual(
      (await s.list(s.theirs, 1)).map(({ amount }) => amount),
      [4],
    )
  })

  it('at home are seen in the account, not here', async () => {
    const ben = await s.cluster.member(s.home, 'ben')
    await s.pay(5, ben)
    assert.deepEqual(await s.cluster.clock.run(s.home.federation.payments.list({ to: ben.lct, limit: 9 })), [])
  })

  it('of a log that goes back are gone with their entries', async () => {
    await s.follow()
    const kept = await s.pay(1)
    await s.pay(2)
    await s.cluster.final([s.home], [s.theirs])
    const { society } = s.home
    const content = await contentOf(s.theirs.setup.store)
    const store = createMemoryStore(content)
    const size = kept.seq + 1
    const root = toBase64url((await s.theirs.log(society).replica.rootAt(size)) as Uint8Array)
    const indexed = async () => {
      const keys: string[] = []
      for await (const [key] of store.range({ gte: 'payment/', lt: 'payment0' })) keys.push(key)
      return keys.filter(key => key.includes(society)).map(key => [key.split('/')[1], Number(key.slice(-16))])
    }
    assert.equal((await indexed()).length, 4)
    await rewind(store, society, { epoch: 1, phase: 'back', root, size, to: size }, context)
    assert.deepEqual(await indexed(), [
      ['into', kept.seq],
      ['to', kept.seq],
    ])
  })

  it('that the log told are not told again when a proof of them is kept', async () => {
    await s.follow()
    const { record } = await s.pay()
    await s.cluster.final([s.home], [s.theirs])
    await s.cluster.clock.advance(2_000)
    const [{ final: _final, final_for_us: _forUs, ...payment } = assert.fail()] = await s.list()
    await s.cluster.do(s.theirs.federation.payments.keep({ ...proven(0, 0), payment }))
    assert.deepEqual(s.told, [record])
    assert.equal((await s.list()).length, 1)
  })

  it('that are resumed away and come again are told again', async () => {
    await s.follow()
    const { record, seq } = await s.pay()
    await s.cluster.final([s.home], [s.theirs])
    await s.cluster.clock.advance(2_000)
    assert.deepEqual(s.told, [record])
    await s.cluster.clock.run(s.theirs.federation.payments.rewound(s.theirs.log(s.home.society), seq))
    await s.cluster.clock.advance(2_000)
    assert.deepEqual(s.told, [record, record])
  })
})

describe('payments in a log with two histories', () => {
  let s: NoticeScene
  beforeEach(async () => {
    s = await NoticeScene.start()
  })
  afterEach(async () => {
    s.cluster.assertNoFaults()
    await s.cluster.stop()
  })

  it('CHECKPOINT_FORK: the proof of one history to who holds the other; its note is the proof of the fork', async () => {
    await s.follow()
    const copy = await s.copyOfHome()
    const seq = await s.cluster.do(copy.transfer({ ...s.anna }, s.dora, 9))
    await s.cluster.final([copy], [copy])
    await s.transfer(5)
    await s.cluster.clock.until('the own history is here', () => s.theirs.log(s.home.society).replica.tip.size > seq)
    const bundle = await s.cluster.do(makeBundle(copy.log(), seq, context.sha256))
    assert.equal(await s.refusal(s.notice(bundle)), 'CHECKPOINT_FORK')
    await s.cluster.clock.until('frozen', () => s.theirs.log(s.home.society).replica.halt?.mode === 'frozen')
    const more = await s.cluster.do(copy.transfer({ ...s.anna, n: s.anna.n + 1 }, s.dora, 9))
    await s.cluster.final([copy], [copy])
    const later = await s.cluster.do(makeBundle(copy.log(), more, context.sha256))
    assert.equal(await s.refusal(s.notice(later)), 'FROZEN')
    assert.deepEqual(s.told, [])
    assert.deepEqual(
      (await s.list()).map(({ amount, final, final_for_us }) => [amount, final, final_for_us]),
      [[5, false, false]],
    )
  })

  it('what was proved is not final any more when the copy that is held says something else', async () => {
    const copy = await s.copyOfHome()
    const seq = await s.cluster.do(copy.transfer({ ...s.anna }, s.dora, 9))
    await s.cluster.final([copy], [copy])
    const bundle = await s.cluster.do(makeBundle(copy.log(), seq, context.sha256))
    assert.equal((await s.cluster.do(s.notice(bundle))).status, 'final')
    await s.transfer(5)
    await s.cluster.clock.run(s.theirs.federation.setPolicy(s.home.society, { follow: true }))
    await s.cluster.clock.until('the other history is here', () => s.theirs.log(s.home.society).replica.tip.size > seq)
    assert.deepEqual((await s.list()).map(({ amount, final, final_for_us }) => [amount, final, final_for_us]).sort(), [
      [5, false, false],
      [9, false, false],
    ])
  })
})

describe('a notice to who follows the payer’s log, but lags behind', () => {
  it('is final by its proof, told once, and the log is fetched', async () => {
    const s = await NoticeScene.start()
    await s.follow()
    s.cluster.net.gossip = ({ frame, to }) => (to === 's5' ? [] : [frame])
    s.cluster.net.passes = (from, _to, name) => !(from === 's5' && (name === 'entries' || name === 'status'))
    const { record, seq } = await s.pay()
    const { tip } = s.theirs.log(s.home.society).replica
    assert.ok(tip.size <= seq)
    assert.equal((await s.cluster.do(sendNotice(s.home.federation, record))).status, 'final')
    assert.deepEqual(s.told, [record])
    s.cluster.net.passes = () => true
    await s.cluster.final([s.home], [s.theirs])
    await s.cluster.clock.advance(2_000)
    assert.deepEqual(s.told, [record])
    assert.equal((await s.list()).length, 1)
    s.cluster.assertNoFaults()
    await s.cluster.stop()
  })
})
