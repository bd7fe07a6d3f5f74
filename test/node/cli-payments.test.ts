import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FRESHNESS_MS } from '../../src/limits.ts'
import { LCT, SOCIETY } from './support/fake-service.ts'
import { PAYEE, PayWorld, THEIRS } from './support/pay-world.ts'

describe('web4 payments', function () {
  this.timeout(30_000)
  let world: PayWorld
  beforeEach(async () => {
    world = await PayWorld.open()
  })
  afterEach(() => world.close())

  describe('of a payment that can never happen any more', () => {
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

  describe('of the data folder', () => {
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

  it('NOT_SEQUENCER: the node of another society can neither pay, cancel nor tell', async () => {
    world.next('submit', 'BALANCE_INSUFFICIENT')
    await world.refused('BALANCE_INSUFFICIENT', '--id', 'x')
    const path = join(world.scene.dir, 'payments', 'id-x.json')
    const state = await readFile(path, 'utf8')
    await writeFile(path, state.replaceAll(LCT, LCT.replace(SOCIETY, THEIRS)))
    await world.scene.refused('NOT_SEQUENCER', 'payments', 'cancel', 'x')
  })
})
