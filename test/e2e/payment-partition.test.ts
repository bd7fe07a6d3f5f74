import assert from 'node:assert/strict'
import type { JsonObject } from '../../src/canonical.ts'
import type { Fate, Moment } from '../support/api-proxy.ts'
import { type End, PaymentScene, type Running } from '../support/payment-scene.ts'
import { idOf } from '../support/real-load.ts'
import { until } from '../support/until.ts'

/**
 * `web4 pay` while the payer's node is cut off, and messages that come too late. Whole nodes on real sockets in this process,
 * on a clock that stands in the middle of a decay interval and that these tests set forward.
 */

const ATP = 1_000_000
/** After this a command gives up waiting for witnesses. */
const PATIENCE_MS = 90_000
/** A transfer may enter a log so long after it was signed, and a standing may be so old. */
const FRESHNESS_MS = 300_000
/** What a command says that cannot ask the payee's society about the payee. */
const UNREACHABLE = /^introducing \S+: waits: PEER_UNREACHABLE: /m
const DAY_MS = 86_400_000

describe('web4 pay through a partition', function () {
  this.timeout(300_000)
  let scene: PaymentScene

  before(async () => {
    scene = await PaymentScene.open()
  })
  after(() => scene?.close())
  afterEach(async () => {
    scene.api.at = () => 'goes on'
    assert.deepEqual(scene.api.faults, [])
    await scene.heal()
    for (const { faults, slug } of scene.nodes) assert.deepEqual(faults, [], slug)
  })

  const transfers = (to: string, at = scene.payer) => scene.records('atp.transfer', body => body.to === to, at)

  /** What the payee's node says that somebody was paid. */
  async function listed(to: string): Promise<readonly unknown[]> {
    const payments = await scene.payee.running.service.payments({ to, limit: 100 })
    return payments.map(({ amount, final, final_for_us, record }) => [record, amount, final, final_for_us])
  }

  function assertRefused({ answer, code, stderr }: End, expected: string): void {
    assert.deepEqual([code, answer.error?.code], [1, expected], stderr)
  }

  /** A command that is paid: everybody has one transfer, this one. */
  async function assertPaid(running: Running, to: string): Promise<string> {
    const { answer, code, stderr } = await running.ended
    assert.equal(code, 0, stderr)
    await scene.final()
    for (const node of scene.nodes) {
      assert.equal((await transfers(to, node)).length, 1, node.slug)
      const { final_for_us, status } = await node.running.service.record(String(answer.record))
      assert.deepEqual([status, final_for_us], ['final', true], node.slug)
    }
    assert.deepEqual(await listed(to), [[answer.record, 5 * ATP, true, true]])
    assert.deepEqual(answer.news, 'final')
    const [account] = await scene.payee.running.service.accounts(to, scene.payer.society)
    assert.equal(account?.lots.length, 1)
    return String(answer.record)
  }

  /** It says what it waits for; then its patience ends. */
  async function untilItGivesUp(running: Running, what = /^waiting for witnesses … \d+ s$/m): Promise<End> {
    await until('it says what it waits for', () => what.test(running.stderr))
    scene.wait(PATIENCE_MS + 1)
    return running.ended
  }

  /** The first time that a command comes to this moment. */
  function once(name: string, work: (moment: Moment) => Promise<void> | void): void {
    let isDone = false
    scene.api.at = async (moment): Promise<Fate> => {
      if (isDone || `${moment.step} ${moment.when}` !== name) return 'goes on'
      isDone = true
      await work(moment)
      return 'goes on'
    }
  }

  /** The record is signed, and its only copy does not arrive. */
  async function signedAndLost(lct: string, id: string): Promise<Uint8Array> {
    scene.api.at = ({ step }): Fate => (step.startsWith('submit') ? 'lost' : 'goes on')
    assertRefused(await scene.pay(5, lct, id).ended, 'NODE_UNREACHABLE')
    scene.api.at = () => 'goes on'
    assert.equal((await transfers(lct)).length, 0)
    return [...scene.api.submitted.values()].at(-1) as Uint8Array
  }

  /** What the payer's node says to these bytes, and what the payee's does, which passes them on. */
  async function answersTo(bytes: Uint8Array): Promise<readonly (string | number | undefined)[]> {
    const answers = await Promise.all([scene.payer, scene.payee].map(({ running }) => running.service.submit(bytes)))
    return answers.map(answer => (answer.ok ? answer.value.seq : answer.error.code))
  }

  it('before the society of the payee is recognised: NOT_FINAL, and paid once after it', async () => {
    const { lct } = await scene.newPayee()
    await scene.cut()
    const end = await untilItGivesUp(scene.pay(5, lct, 'unknown'))
    assertRefused(end, 'NOT_FINAL')
    assert.deepEqual(scene.api.submitted.size, 0)
    await scene.heal()
    await assertPaid(scene.pay(5, lct, 'unknown'), lct)
    const recognised = await scene.records('peer.recognize', ({ peer }) => peer === scene.payee.society)
    assert.equal(recognised.length, 1)
  })

  it('before the payee is introduced: PEER_UNREACHABLE, and paid once after it', async () => {
    const { lct } = await scene.newPayee()
    once('introduce asked', () => scene.cut())
    assertRefused(await untilItGivesUp(scene.pay(5, lct, 'stranger'), UNREACHABLE), 'PEER_UNREACHABLE')
    await scene.heal()
    await assertPaid(scene.pay(5, lct, 'stranger'), lct)
  })

  it('between introduction and transfer: in the log and NOT_FINAL; the same record is paid after it', async () => {
    const { lct } = await scene.newPayee()
    const sent = scene.api.submitted.size
    once('lane after introduce asked', () => scene.cut())
    assertRefused(await untilItGivesUp(scene.pay(5, lct, 'introduced')), 'NOT_FINAL')
    assert.equal((await transfers(lct)).length, 1)
    assert.equal((await transfers(lct, scene.payee)).length, 0)
    // Still cut off: the next run waits for the same.
    assertRefused(await untilItGivesUp(scene.pay(5, lct, 'introduced')), 'NOT_FINAL')
    await scene.heal()
    await assertPaid(scene.pay(5, lct, 'introduced'), lct)
    assert.equal(scene.api.submitted.size, sent + 1)
  })

  it('between transfer and finality: the payee has heard of it and takes it for nothing until it is final', async () => {
    const { lct } = await scene.newPayee()
    const isAlone = Promise.withResolvers<number>()
    once('submit asked', async () => {
      await scene.cut(scene.payee)
      isAlone.resolve(scene.payer.log().replica.tip.size)
    })
    const running = scene.pay(5, lct, 'heard')
    const size = await isAlone.promise
    await until('the payee has heard', () => scene.payee.log(scene.payer.society).replica.tip.size > size)
    await scene.cut()
    assertRefused(await untilItGivesUp(running), 'NOT_FINAL')
    const [transfer] = await transfers(lct, scene.payee)
    assert.deepEqual(await listed(lct), [[idOf(transfer as unknown as JsonObject), 5 * ATP, false, false]])
    await scene.heal()
    await assertPaid(scene.pay(5, lct, 'heard'), lct)
  })

  it('between the two nodes alone: paid, no news, and the payee hears of it from the witnesses', async () => {
    const { lct } = await scene.newPayee()
    once('submit asked', () => scene.cut(...scene.nodes.filter(node => node !== scene.payee)))
    const { answer, code, stderr } = await scene.pay(5, lct, 'quiet').ended
    assert.deepEqual([code, answer.news], [0, 'unreachable'], stderr)
    await scene.final()
    assert.deepEqual(await listed(lct), [[answer.record, 5 * ATP, true, true]])
    await scene.heal()
    assert.equal(await assertPaid(scene.pay(5, lct, 'quiet'), lct), answer.record)
  })

  describe('and a message that comes late', () => {
    it('the transfer, within its time: the next run finds it paid', async () => {
      const { lct } = await scene.newPayee()
      const bytes = await signedAndLost(lct, 'late')
      scene.move(FRESHNESS_MS - 60_000)
      // By way of the payee's node, which passes it on.
      const { ok } = await scene.payee.running.service.submit(bytes)
      assert.ok(ok)
      await assertPaid(scene.pay(5, lct, 'late'), lct)
      assert.deepEqual([...scene.api.submitted.values()].at(-1), bytes)
    })

    it('the transfer, after another one was made in its place: STALE at every door', async () => {
      const { lct } = await scene.newPayee()
      const bytes = await signedAndLost(lct, 'too-late')
      scene.move(FRESHNESS_MS + 60_000)
      await assertPaid(scene.pay(5, lct, 'too-late'), lct)
      assert.deepEqual(await answersTo(bytes), ['STALE', 'STALE'])
      assert.equal((await transfers(lct)).length, 1)
    })

    it('every transfer, since the clock of the command is behind: STALE, and no endless row of new ones', async () => {
      const { lct } = await scene.newPayee()
      const sent = scene.api.submitted.size
      scene.api.at = ({ step }): Fate => (step === 'submit' && scene.api.submitted.size > sent + 2 ? 'lost' : 'goes on')
      const running = scene.pay(5, lct, 'behind')
      scene.wait(-FRESHNESS_MS - 60_000)
      assertRefused(await running.ended, 'STALE')
      assert.deepEqual(await transfers(lct), [])
      scene.api.at = () => 'goes on'
      await assertPaid(scene.pay(5, lct, 'behind'), lct)
    })

    it("the payee's standing: INTRODUCTION_STALE, and the next run asks for another one", async () => {
      const { lct } = await scene.newPayee()
      const { serve } = scene.payee.running.federation
      const { standing } = serve
      const late: typeof standing = async (...request) => {
        const signed = await standing(...request)
        scene.move(FRESHNESS_MS + 1_000)
        return signed
      }
      Object.assign(serve, { standing: late })
      const running = scene.pay(5, lct, 'stale')
      assertRefused(await running.ended, 'INTRODUCTION_STALE')
      Object.assign(serve, { standing })
      await assertPaid(scene.pay(5, lct, 'stale'), lct)
    })

    it('all that was ever sent, a day later: the same answers, and no second payment', async () => {
      const before = scene.payer.log().replica.tip.size
      scene.move(DAY_MS)
      const transferred = await scene.records('atp.transfer', () => true)
      let entered = 0
      for (const bytes of scene.api.submitted.values()) {
        const { record } = JSON.parse(new TextDecoder().decode(bytes)) as { record: JsonObject }
        const found = await scene.payer.running.service.record(idOf(record))
        const answer = found.seq ?? 'STALE'
        assert.deepEqual(await answersTo(bytes), [answer, answer])
        if (found.seq !== undefined) entered++
      }
      assert.equal(entered, transferred.length)
      assert.equal(scene.payer.log().replica.tip.size, before)
    })
  })

  describe('and the payee is revoked meanwhile', () => {
    /** Says it, and says it again without asking anybody. */
    async function assertDead(lct: string, id: string): Promise<void> {
      assertRefused(await scene.pay(5, lct, id).ended, 'PAYMENT_DEAD')
      let asked = 0
      scene.api.at = (): Fate => {
        asked++
        return 'goes on'
      }
      assertRefused(await scene.pay(5, lct, id).ended, 'PAYMENT_DEAD')
      assert.equal(asked, 0)
      await scene.final()
      assert.deepEqual(await transfers(lct), [])
      for (const node of scene.nodes) assert.deepEqual(await node.running.service.payments({ to: lct, limit: 9 }), [])
    }

    it('before anything was signed: PAYMENT_DEAD at once, and the payee was never paid', async () => {
      const { lct } = await scene.newPayee()
      once('introduce asked', () => scene.cut())
      assertRefused(await untilItGivesUp(scene.pay(5, lct, 'revoked'), UNREACHABLE), 'PEER_UNREACHABLE')
      await scene.payee.issue('lct.revoke', { lct })
      await scene.heal()
      await scene.final()
      await assertDead(lct, 'revoked')
    })

    it('while the transfer is on its way: PAYMENT_WAITS while it can still arrive, PAYMENT_DEAD when it cannot', async () => {
      const { lct } = await scene.newPayee()
      const bytes = await signedAndLost(lct, 'doomed')
      await scene.payee.issue('lct.revoke', { lct })
      await scene.final()
      assertRefused(await scene.pay(5, lct, 'doomed').ended, 'PAYMENT_WAITS')
      scene.move(FRESHNESS_MS + 1_000)
      // Time alone is nothing that everybody agrees about: the log's own entries are.
      assertRefused(await scene.pay(5, lct, 'doomed').ended, 'PAYMENT_WAITS')
      await scene.payer.issue('atp.mint', { amount: 1 })
      await scene.final()
      await assertDead(lct, 'doomed')
      assert.deepEqual(await answersTo(bytes), ['STALE', 'STALE'])
      assert.deepEqual(await listed(lct), [])
    })

    it('while the transfer is on its way, and it arrives: paid, and both sides say so', async () => {
      const { lct } = await scene.newPayee()
      const bytes = await signedAndLost(lct, 'lucky')
      await scene.payee.issue('lct.revoke', { lct })
      await scene.final()
      assertRefused(await scene.pay(5, lct, 'lucky').ended, 'PAYMENT_WAITS')
      assert.ok((await scene.payee.running.service.submit(bytes)).ok)
      await assertPaid(scene.pay(5, lct, 'lucky'), lct)
    })
  })
})
