import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FRESHNESS_MS } from '../../src/limits.ts'
import { LCT, SOCIETY } from './support/fake-service.ts'
import { PAYEE, PayWorld, THEIRS } from './support/pay-world.ts'

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

  describe('that can never happen any more', () => {
    const causes: Readonly<Record<string, readonly [code: string, cause: () => void]>> = {
      'the payer is revoked': ['AUTHOR_INACTIVE', () => world.here.set(LCT, 'revoked')],
      'the payee is revoked at home': [
        'ACCOUNT_INACTIVE',
        () => {
          world.isFollowed = true
          world.there.set(PAYEE, 'revoked')
        },
      ],
      'the payee is revoked here': ['ACCOUNT_INACTIVE', () => world.here.set(PAYEE, 'revoked')],
      'the log of the payer has ended': ['FROZEN', () => Object.assign(world.home, { state: 'ended' })],
      'the log of the payer is succeeded': ['FROZEN', () => Object.assign(world.home, { state: 'succeeded' })],
      'the log of the payee has ended, which is not introduced': [
        'FROZEN',
        () => {
          Object.assign(world.theirs, { state: 'ended' })
          world.next('introduce', 'FROZEN')
        },
      ],
      'relations with their society have ended': ['PEER_BLOCKED', () => world.next('recognize', 'PEER_BLOCKED')],
    }
    for (const [name, [code, cause]] of Object.entries(causes)) {
      it(`PAYMENT_DEAD: ${name}; the next run says it without asking anybody`, async () => {
        cause()
        const why = await world.refused('PAYMENT_DEAD', '--id', 'x')
        assert.equal(((await world.file('id-x.json')).dead as { code: string }).code, code)
        const { length } = world.calls
        assert.equal(await world.refused('PAYMENT_DEAD', '--id', 'x'), why)
        assert.deepEqual([world.calls.length, world.sent.length], [length, 0])
        const { payments } = await world.scene.json<{ payments: { state: string; why: string }[] }>('payments')
        assert.deepEqual(
          payments.map(({ state }) => state),
          ['dead'],
        )
      })
    }

    it('without an id it makes room for another payment of the same terms', async () => {
      world.here.set(LCT, 'revoked')
      await world.refused('PAYMENT_DEAD')
      world.here.set(LCT, 'active')
      await world.pay()
      assert.deepEqual(
        (await world.files()).map(name => name.slice(0, 5)),
        ['dead-', 'done-'],
      )
    })

    it('a revocation that is not final yet says nothing for ever', async () => {
      const began = Date.now()
      let looks = 0
      world.scene.now = () => began + 20_000 * looks++
      world.isFollowed = true
      world.there.set(PAYEE, 'revoked')
      Object.assign(world.theirs, { final_for_us: 2 })
      await world.refused('ACCOUNT_INACTIVE', '--id', 'x')
      Object.assign(world.theirs, { final_for_us: 3 })
      await world.refused('PAYMENT_DEAD', '--id', 'x')
      assert.equal(world.sent.length, 0)
    })

    it('relations that only this node’s policy ended may begin again', async () => {
      world.isFollowed = true
      Object.assign(world.theirs, { policy: { follow: true, witness: false, block: true } })
      await world.refused('PEER_BLOCKED', '--id', 'x')
      Object.assign(world.theirs, { policy: { follow: true, witness: false, block: false } })
      await world.pay('--id', 'x')
    })

    /** Signed, sent, and refused for now; then the payee is revoked at home. */
    async function signedThenRevoked(): Promise<number> {
      world.next('submit', 'BALANCE_INSUFFICIENT')
      await world.refused('BALANCE_INSUFFICIENT', '--id', 'x')
      world.there.set(PAYEE, 'revoked')
      const time = await world.signedTime()
      world.newest = time + FRESHNESS_MS
      return time
    }

    it('PAYMENT_WAITS while its record may still enter the log, and until when; it is not sent meanwhile', async () => {
      const time = await signedThenRevoked()
      const { length } = world.sent
      const said = await world.refused('PAYMENT_WAITS', '--id', 'x')
      assert.ok(said.includes(new Date(time + FRESHNESS_MS).toISOString()), said)
      world.newest = time + FRESHNESS_MS + 1
      await world.refused('PAYMENT_DEAD', '--id', 'x')
      assert.deepEqual([world.sent.length, world.taken.length], [length, 0])
    })

    it('what passed it must be final', async () => {
      const time = await signedThenRevoked()
      world.newest = time + FRESHNESS_MS + 1
      const began = Date.now()
      let looks = 0
      world.scene.now = () => began + 20_000 * looks++
      Object.assign(world.home, { final: 2 })
      await world.refused('PAYMENT_WAITS', '--id', 'x')
      Object.assign(world.home, { final: 3 })
      await world.refused('PAYMENT_DEAD', '--id', 'x')
    })

    it('its lane went on without it: dead', async () => {
      await signedThenRevoked()
      world.nextN = 2
      await world.refused('PAYMENT_DEAD', '--id', 'x')
    })

    it('the payer’s log knows of the revocation: dead', async () => {
      await signedThenRevoked()
      world.here.set(PAYEE, 'revoked')
      await world.refused('PAYMENT_DEAD', '--id', 'x')
    })

    it('it had entered: paid, not dead', async () => {
      world.next('submit', 'lost')
      await world.refused('STORE_CLOSED', '--id', 'x')
      world.there.set(PAYEE, 'revoked')
      world.here.set(LCT, 'revoked')
      const paid = await world.pay('--id', 'x')
      assert.deepEqual([paid.payment, paid.record], ['paid', world.taken[0]])
      assert.equal(world.sent.length, 1)
    })

    it('the log ended after it was sent: dead at once, since nothing enters any more', async () => {
      world.next('submit', 'FROZEN')
      await world.refused('FROZEN', '--id', 'x')
      Object.assign(world.home, { state: 'ended' })
      await world.refused('PAYMENT_DEAD', '--id', 'x')
    })
  })

  describe('web4 payments', () => {
    it('lists them: open, paid, dead, cancelled, damaged', async () => {
      assert.deepEqual(await world.scene.json('payments'), { payments: [] })
      await world.pay('--id', 'a-paid')
      world.next('submit', 'BALANCE_INSUFFICIENT', 'BALANCE_INSUFFICIENT')
      await world.refused('BALANCE_INSUFFICIENT', '--id', 'b-open')
      await world.refused('BALANCE_INSUFFICIENT', '--id', 'c-cancelling')
      await world.scene.refused('PAYMENT_WAITS', 'payments', 'cancel', 'c-cancelling')
      await writeFile(join(world.scene.dir, 'payments', 'id-d.json'), '{"v":1,')
      world.here.set(LCT, 'revoked')
      await world.refused('PAYMENT_DEAD', '--id', 'e-dead')
      const { payments } = await world.scene.json<{ payments: Record<string, unknown>[] }>('payments')
      const terms = { amount: 5_000_000, from: LCT, to: PAYEE }
      const [paid] = world.taken
      assert.deepEqual(payments[0], { name: 'a-paid', state: 'paid', terms, record: paid, news: 'final' })
      assert.deepEqual(
        payments.map(({ name, state }) => [name, state]),
        [
          ['a-paid', 'paid'],
          ['b-open', 'open'],
          ['c-cancelling', 'cancelling'],
          ['d', 'damaged'],
          ['e-dead', 'dead'],
        ],
      )
      const { stdout } = await world.scene.web4(['payments'])
      assert.match(stdout, new RegExp(`^a-paid {2}paid {2}5 ATP to ${PAYEE} {2}record ${paid} {2}news final$`, 'm'))
    })

    it('a run that died before it put the file of a finished payment away: paid before, and the next one pays anew', async () => {
      const first = await world.pay()
      const folder = join(world.scene.dir, 'payments')
      world.next('submit', 'BALANCE_INSUFFICIENT')
      await world.refused('BALANCE_INSUFFICIENT')
      const [done, open] = (await world.files()) as [string, string]
      await writeFile(join(folder, open), await readFile(join(folder, done)))
      const again = await world.pay()
      assert.deepEqual([again.payment, again.record], ['paid before', first.record])
      assert.deepEqual(await world.files(), [done])
      await world.pay()
      assert.equal(world.taken.length, 2)
    })

    it('cancel: NOT_FOUND; one that nothing is signed of needs no node', async () => {
      await world.scene.refused('NOT_FOUND', 'payments', 'cancel', 'x')
      const terms = { amount: 5_000_000, from: LCT, to: PAYEE }
      await world.pay('--id', 'other')
      const path = join(world.scene.dir, 'payments', 'id-x.json')
      await writeFile(path, JSON.stringify({ v: 1, terms, records: [] }))
      const { length } = world.calls
      assert.deepEqual(await world.scene.json('payments', 'cancel', 'x'), { name: 'x', state: 'cancelled' })
      await world.refused('PAYMENT_DEAD', '--id', 'x')
      assert.equal(world.calls.length, length)
      const { payments } = await world.scene.json<{ payments: { state: string }[] }>('payments')
      assert.deepEqual(
        payments.map(({ state }) => state),
        ['paid', 'cancelled'],
      )
    })

    it('cancel: from then on nothing is sent; dead when its record is', async () => {
      world.next('submit', 'BALANCE_INSUFFICIENT')
      await world.refused('BALANCE_INSUFFICIENT', '--id', 'x')
      const time = await world.signedTime()
      const said = await world.scene.refused('PAYMENT_WAITS', 'payments', 'cancel', 'x')
      assert.ok(said.includes(new Date(time + FRESHNESS_MS).toISOString()), said)
      await world.refused('PAYMENT_WAITS', '--id', 'x')
      assert.deepEqual([world.sent.length, world.taken.length], [0, 0])
      world.newest = time + FRESHNESS_MS + 1
      assert.deepEqual(await world.scene.json('payments', 'cancel', 'x'), { name: 'x', state: 'cancelled' })
      await world.refused('PAYMENT_DEAD', '--id', 'x')
      assert.equal(world.sent.length, 0)
    })

    it('cancel --wait: until it is dead', async () => {
      world.next('submit', 'BALANCE_INSUFFICIENT')
      await world.refused('BALANCE_INSUFFICIENT', '--id', 'x')
      const time = await world.signedTime()
      let looks = 0
      world.scene.now = () => {
        if (looks++ > 3) world.newest = time + FRESHNESS_MS + 1
        return Date.now()
      }
      assert.deepEqual(await world.scene.json('payments', 'cancel', 'x', '--wait'), { name: 'x', state: 'cancelled' })
    })

    it('cancel: it was paid all the same, and says so with exit code 1', async () => {
      world.next('submit', 'lost')
      await world.refused('STORE_CLOSED', '--id', 'x')
      const { code, stdout } = await world.scene.web4(['payments', 'cancel', 'x', '--json'])
      const [record] = world.taken
      assert.deepEqual([code, JSON.parse(stdout)], [1, { name: 'x', state: 'paid', record }])
      assert.equal((await world.file('id-x.json')).done, record)
      assert.equal((await world.pay('--id', 'x')).payment, 'paid before')
      assert.equal(world.sent.length, 1)
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

  it('NOT_SEQUENCER: the node of another society can neither pay, cancel nor tell', async () => {
    world.next('submit', 'BALANCE_INSUFFICIENT')
    await world.refused('BALANCE_INSUFFICIENT', '--id', 'x')
    const path = join(world.scene.dir, 'payments', 'id-x.json')
    const state = await readFile(path, 'utf8')
    await writeFile(path, state.replaceAll(LCT, LCT.replace(SOCIETY, THEIRS)))
    await world.scene.refused('NOT_SEQUENCER', 'payments', 'cancel', 'x')
  })
})
