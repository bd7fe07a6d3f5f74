import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LCT } from './support/fake-service.ts'
import { PAYEE, PayWorld } from './support/pay-world.ts'

const stepsOf = ({ steps }: Record<string, unknown>) => (steps as { step: string }[]).map(({ step }) => step)

describe('web4 pay to another society', function () {
  this.timeout(30_000)
  let world: PayWorld
  beforeEach(async () => {
    world = await PayWorld.open()
  })
  afterEach(() => world.close())

  it('takes every step, and the news is the last one', async () => {
    const paid = await world.pay('--id', 'rent')
    assert.deepEqual(stepsOf(paid), ['follow', 'recognize', 'introduce', 'transfer', 'news'])
    assert.deepEqual([paid.payment, paid.news], ['paid', 'final'])
    const { done, news } = await world.file('id-rent.json')
    assert.deepEqual([done, news], [paid.record, 'final'])
  })

  it('dies at any request, before it or over its answer: the next run pays once', async () => {
    const whole = await PayWorld.open()
    await whole.pay('--id', 'x')
    const count = whole.calls.length
    await whole.close()
    assert.ok(count >= 15, `${count} requests`)
    for (const when of ['before', 'after'] as const) {
      for (let at = 0; at < count; at++) {
        const broken = await PayWorld.open()
        broken.breaks = { at, when }
        const end = await broken.run('--id', 'x', '--json')
        const name = `${when} request ${at}, ${broken.calls[at]}`
        // News that fails is no failure of the payment.
        assert.equal(end.code, broken.calls[at] === 'notice' ? 0 : 1, `${name}: ${end.stderr}`)
        assert.ok(broken.taken.length <= 1, name)
        broken.breaks = undefined
        const again = await broken.pay('--id', 'x')
        assert.deepEqual([again.record, again.news], [broken.taken[0], 'final'], name)
        assert.deepEqual([broken.taken.length, broken.recognitions, broken.introductions], [1, 1, 1], name)
        assert.equal(new Set(broken.sent).size, 1, name)
        await broken.close()
      }
    }
  })

  it('an introduction whose answer was lost, and one that is newer than our copy of their log, are taken as they are', async () => {
    world.next('introduce', 'lost')
    await world.refused('STORE_CLOSED', '--id', 'x')
    await world.pay('--id', 'x')
    assert.equal(world.introductions, 1)
    // The payer's log knows more than the copy of theirs that is here.
    world.there.set(PAYEE, 'active')
    world.here.set(PAYEE, 'suspended')
    world.next('introduce', 'PEER_OLDER', 'PEER_OLDER')
    await world.refused('ACCOUNT_INACTIVE', '--id', 'y')
    assert.equal(world.taken.length, 1)
  })

  it('INTRODUCTION_STALE is made anew; their node may be away or start for a while; and it says for what it waits', async () => {
    world.next('introduce', 'INTRODUCTION_STALE', 'PEER_UNREACHABLE', 'PEER_SILENT', 'STARTING')
    world.next('submit', 'STARTING', 'STARTING')
    const { code, stderr } = await world.run('--id', 'x', '--json')
    assert.equal(code, 0)
    for (const refusal of ['INTRODUCTION_STALE', 'PEER_UNREACHABLE', 'PEER_SILENT'])
      assert.match(stderr, new RegExp(`introducing ${PAYEE}: waits: ${refusal}: `))
    assert.match(stderr, /sending the record: waits: STARTING: /)
    assert.equal(stderr.match(/sending the record: waits/g)?.length, 1, 'said once')
    assert.deepEqual([world.introductions, world.taken.length], [1, 1])
    assert.equal(new Set(world.sent).size, 1)
  })

  it('PEER_UNREACHABLE: their node stays away; nothing is signed, and the next run goes on', async () => {
    const began = Date.now()
    let looks = 0
    // So much for each look at the clock.
    world.scene.now = () => began + 20_000 * looks++
    world.next('introduce', ...Array<'PEER_UNREACHABLE'>(200).fill('PEER_UNREACHABLE'))
    await world.refused('PEER_UNREACHABLE', '--id', 'x')
    assert.deepEqual(await world.files(), [])
    world.scene.now = Date.now
    world.next('introduce')
    await world.pay('--id', 'x')
    assert.equal(world.taken.length, 1)
  })

  it('ACCOUNT_UNKNOWN for a record that was signed: introduced once more, and the same record is sent', async () => {
    world.next('submit', 'OVERLOADED')
    await world.refused('OVERLOADED', '--id', 'x')
    // The payer's log was resumed from before the introduction.
    world.here.delete(PAYEE)
    await world.pay('--id', 'x')
    assert.equal(world.introductions, 2)
    assert.deepEqual([new Set(world.sent).size, world.taken.length], [1, 1])
  })

  it('ACCOUNT_INACTIVE: a suspended payee is no dead one; nothing is signed until it is active again', async () => {
    world.there.set(PAYEE, 'suspended')
    await world.refused('ACCOUNT_INACTIVE', '--id', 'x')
    assert.deepEqual([world.introductions, await world.files()], [0, []])
    world.there.set(PAYEE, 'active')
    await world.pay('--id', 'x')
  })

  it('NODE_UNREACHABLE: the own node is gone; the next run pays', async () => {
    const path = join(world.scene.dir, 'api.json')
    const there = await readFile(path, 'utf8')
    await writeFile(path, JSON.stringify({ url: 'http://127.0.0.1:1' }))
    await world.refused('NODE_UNREACHABLE', '--id', 'x')
    await writeFile(path, there)
    await world.pay('--id', 'x')
    assert.equal(world.taken.length, 1)
  })

  describe('news', () => {
    for (const [news, said] of [
      ['not-final-for-us', 'not-final-for-them'],
      ['PEER_UNREACHABLE', 'unreachable'],
      ['PEER_SILENT', 'unreachable'],
      ['PEER_DENIED', 'blocked'],
      ['PEER_BLOCKED', 'blocked'],
      ['LCT_UNKNOWN', 'refused'],
    ] as const) {
      it(`${news}: paid all the same; with the same id only the news is tried again, until it is delivered`, async () => {
        world.news = news
        const paid = await world.pay('--id', 'x')
        assert.deepEqual([paid.payment, paid.news], ['paid', said])
        const again = await world.pay('--id', 'x')
        assert.deepEqual([again.payment, again.record, again.news], ['paid before', paid.record, said])
        assert.deepEqual(stepsOf(again), ['news'])
        world.news = 'final'
        assert.equal((await world.pay('--id', 'x')).news, 'final')
        const { length } = world.calls
        assert.equal((await world.pay('--id', 'x')).news, 'final')
        assert.deepEqual([world.calls.length, world.notices, world.sent.length], [length, 3, 1])
      })
    }

    it('without an id the same command would pay again: it says how to tell them', async () => {
      world.news = 'PEER_UNREACHABLE'
      const { stdout } = await world.run()
      const record = world.taken[0] as string
      assert.ok(stdout.includes(`web4 payments tell done-${record}`), stdout)
      assert.ok(!stdout.includes('run the same command again'))
      world.news = 'final'
      for (const name of [`done-${record}`, record])
        assert.deepEqual(await world.scene.json('payments', 'tell', name), {
          name: `done-${record}`,
          record,
          news: 'final',
        })
      assert.deepEqual([world.sent.length, world.notices], [1, 2])
    })

    it('the own node is gone by then: unreachable, and exit code 0', async () => {
      world.news = 'PEER_SILENT'
      await world.pay('--id', 'x')
      await writeFile(join(world.scene.dir, 'api.json'), JSON.stringify({ url: 'http://127.0.0.1:1' }))
      const again = await world.pay('--id', 'x')
      assert.deepEqual([again.payment, again.news], ['paid before', 'unreachable'])
    })

    it('tell: NOT_FOUND, NOT_FINAL', async () => {
      await world.scene.refused('NOT_FOUND', 'payments', 'tell', 'x')
      world.next('submit', 'BALANCE_INSUFFICIENT')
      await world.refused('BALANCE_INSUFFICIENT', '--id', 'x')
      await world.scene.refused('NOT_FINAL', 'payments', 'tell', 'x')
    })
  })

  it('web4 atp received: what an LCT was paid elsewhere, and whether it counts here', async () => {
    const { lct, payments } = await world.scene.json<{ lct: string; payments: { to: string; from: string }[] }>(
      'atp',
      'received',
      PAYEE,
      '--from',
      LCT,
    )
    assert.deepEqual([lct, payments[0]?.to, payments[0]?.from], [PAYEE, PAYEE, LCT])
    const { stdout } = await world.scene.web4(['atp', 'received', PAYEE])
    assert.match(stdout, /^1970-01-01T00:00:00.001Z {2}12.5 ATP of \S+ from \S+: final for them, not for us$/m)
    await world.scene.refused('BAD_REQUEST', 'atp', 'received', PAYEE, '--limit', '0')
    await world.scene.refused('BAD_REQUEST', 'atp', 'received', 'grace')
  })
})
