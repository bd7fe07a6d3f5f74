import assert from 'node:assert/strict'
import { until } from '../../sim/real/until.ts'
import type { JsonObject } from '../../src/canonical.ts'
import type { Fate, Moment } from '../support/api-proxy.ts'
import {
  answerOf,
  assertAgreed,
  assertMadeOnce,
  nameOf,
  type Strike,
  through,
  transfers,
} from '../support/payment-deaths.ts'
import { PaymentNodes, type Terms } from '../support/payment-nodes.ts'
import type { Command, Ended } from '../support/real-command.ts'
import { idOf } from '../support/real-load.ts'
import { never } from '../support/real-nodes.ts'

/**
 * Payments between societies, each node and each command a process of its own, one of which is killed at each step. What a
 * payment is worth falls at 00:00 UTC, whenever that is for this run: payments are found by their amount, which is what
 * was signed, and compared by record and entry, never by what is left in an account.
 */

const SEED = 41
/** What a command changes, in the order of a payment. */
const WRITES = ['policy', 'recognize', 'introduce', 'submit', 'notice']
const isWrite = ({ step }: Moment) => WRITES.includes(step)
const both = (step: string) => [`${step} asked`, `${step} answered`]

describe('web4 pay to another society, with real nodes', function () {
  this.timeout(600_000)
  let scene: PaymentNodes

  before(async () => {
    scene = await PaymentNodes.start(SEED)
  })
  after(() => scene?.stop())
  afterEach(() => {
    scene.resume()
    for (const proxy of scene.proxies) {
      proxy.at = () => 'goes on'
      assert.deepEqual(proxy.faults, [])
    }
  })

  /** The nodes that have to do with a payment as witnesses only; without them nothing becomes final. */
  const bystanders = (home: number) => [2, 3, 4].map(other => (home + other) % scene.nodes.length)

  /** The transfer is in the log, and most of the witnesses stand still: so it stays, until the command looks the first time. */
  async function notFinal(home: number, terms: Terms, { kill, mend }: Pick<Strike, 'kill' | 'mend'>): Promise<void> {
    const { node } = scene.society(home)
    let isSlow = false
    const { paid, met } = await through(scene, [home, terms, `slow-${terms.amount}`], {
      dies(moment) {
        if (!isSlow && nameOf(moment) === 'submit asked') {
          isSlow = true
          scene.pause(bystanders(home))
        }
        return nameOf(moment) === 'record after submit asked'
      },
      async kill(moment, command) {
        const [transfer] = await transfers(scene, home, terms.amount)
        assert.ok(transfer !== undefined)
        assert.equal((await node.client.record({ id: idOf(transfer) })).status, 'sequenced')
        const fate = await kill(moment, command)
        scene.resume()
        return fate
      },
      mend,
    })
    assert.deepEqual(met, ['record after submit asked'])
    await assertAgreed(scene, home, terms, paid)
  }

  /** Payer and payee of a pair of societies that has not met yet, and whose node does not follow the other's log. */
  async function strangers(home: number, amount: number): Promise<Terms> {
    const payer = await scene.payer(home)
    const { lct: to } = await scene.member(home + 1)
    await unfollow(home)
    return { payer, to, amount }
  }

  async function unfollow(home: number): Promise<void> {
    const society = scene.society(home + 1).id
    await scene.society(home).node.client.policy({ body: { society, policy: { follow: false } } })
  }

  describe('the command is killed', () => {
    const kill = ({ when }: Moment, { child }: Command): Fate => {
      child.kill('SIGKILL')
      return when === 'asked' ? 'lost' : 'goes on'
    }
    const mend = ({ signal }: Ended, name: string) => assert.equal(signal, 'SIGKILL', name)
    let terms: Terms
    before(async () => {
      terms = await strangers(0, 7)
    })

    it('before each of its requests, and after each that changes something', async () => {
      const dies = (moment: Moment) => moment.when === 'asked' || (moment.when === 'answered' && isWrite(moment))
      const { paid, met } = await through(scene, [0, terms, 'rent'], { dies, kill, mend })
      const writes = met.filter(name => WRITES.some(write => name.startsWith(`${write} a`)))
      assert.deepEqual(writes, WRITES.flatMap(both))
      await assertAgreed(scene, 0, terms, paid)
      await assertMadeOnce(scene, 0, terms)
    })

    it('while its requests are in work', async () => {
      const { lct: to } = await scene.member(1)
      await unfollow(0)
      const other = { ...terms, to, amount: 8 }
      const dies = (moment: Moment) => moment.when === 'sent' && isWrite(moment)
      const { paid, met } = await through(scene, [0, other, 'rent-2'], { dies, kill, mend })
      assert.deepEqual(
        met,
        WRITES.map(step => `${step} sent`),
      )
      await assertAgreed(scene, 0, other, paid)
      await assertMadeOnce(scene, 0, other)
    })

    it('while what it sent is not final yet', async () => {
      await notFinal(0, { ...terms, amount: 20 }, { kill, mend })
    })
  })

  describe("the payer's node is killed", () => {
    let terms: Terms
    before(async () => {
      terms = await strangers(1, 9)
    })
    const kill = async (): Promise<Fate> => {
      await scene.kill(1)
      return 'lost'
    }
    const mend = async (ended: Ended, name: string) => {
      const { error, news } = answerOf(ended)
      // What is final stays paid, whoever has not heard of it.
      const said = name.startsWith('notice') ? [0, 'unreachable'] : [1, 'NODE_UNREACHABLE']
      assert.deepEqual([ended.code, error?.code ?? news], said, `${name}: ${ended.stderr}`)
      scene.resume()
      await scene.restart(1)
      await scene.meet(1)
    }

    it('before and after each step, and in the middle of the transfer', async () => {
      const dies = (moment: Moment) => isWrite(moment) && (moment.when !== 'sent' || moment.step === 'submit')
      const { paid, met } = await through(scene, [1, terms, 'rent'], { dies, kill, mend })
      const before = ['policy', 'recognize', 'introduce'].flatMap(both)
      assert.deepEqual(met.slice(0, before.length), before)
      assert.deepEqual(met.slice(-2), both('notice'))
      await assertAgreed(scene, 1, terms, paid)
      await assertMadeOnce(scene, 1, terms)
    })

    it('while the transfer is not final yet', async () => {
      await notFinal(1, { ...terms, amount: 21 }, { kill, mend })
    })

    it('and begins again alone: the same command waits until it may write', async () => {
      const lone = { ...terms, amount: 22 }
      scene.proxy(1).at = async ({ step, when }): Promise<Fate> => {
        return step === 'submit' && when === 'asked' ? kill() : 'goes on'
      }
      assert.equal(answerOf(await scene.pay(1, lone, 'lone').ended).error?.code, 'NODE_UNREACHABLE')
      scene.proxy(1).at = () => 'goes on'
      await scene.restart(1)
      const command = scene.pay(1, lone, 'lone')
      await until('it says what it waits for', never, async () =>
        /^sending the record: waits: STARTING: /m.test(command.stderr),
      )
      await scene.meet(1)
      const ended = await command.ended
      assert.equal(ended.code, 0, ended.stderr)
      await assertAgreed(scene, 1, lone, answerOf(ended))
    })
  })

  describe("the payee's node is killed", () => {
    let terms: Terms
    before(async () => {
      terms = await strangers(2, 10)
    })

    /** At this moment; `mend` may bring it back while the command runs on, else it comes back afterwards. */
    async function payWithout(name: string, given: Terms, mend?: (command: Command) => Promise<void>): Promise<Ended> {
      let isGone = false
      scene.proxy(2).at = async (moment): Promise<Fate> => {
        if (name.startsWith('record') && nameOf(moment) === 'submit asked') scene.pause(bystanders(2))
        if (isGone || nameOf(moment) !== name) return 'goes on'
        isGone = true
        await scene.kill(3)
        await until('its death is noticed', never, () => scene.isMissed(3, 2))
        scene.resume()
        return 'goes on'
      }
      const command = scene.pay(2, given, `bill-${given.amount}`)
      await mend?.(command)
      const ended = await command.ended
      assert.ok(isGone, name)
      if (mend === undefined) await comeBack()
      assert.equal(ended.code, 0, `${name}: ${ended.stderr}`)
      return ended
    }

    async function comeBack(): Promise<void> {
      await scene.restart(3)
      await scene.meet(3)
    }

    for (const [name, amount] of [
      ['policy asked', 10],
      ['introduce asked', 11],
    ] as const)
      it(`before it has said a word about the payee (${name}): the command waits for it`, async () => {
        const given =
          name === 'policy asked' ? { ...terms, amount } : { ...terms, amount, to: (await scene.member(3)).lct }
        const ended = await payWithout(name, given, async command => {
          const waits = async () => /^introducing \S+: waits: PEER_UNREACHABLE: /m.test(command.stderr)
          await until('it says what it waits for', never, waits)
          assert.equal((await transfers(scene, 2, amount)).length, 0)
          await comeBack()
        })
        assert.equal(answerOf(ended).news, 'final')
        await assertAgreed(scene, 2, given, answerOf(ended))
        await assertMadeOnce(scene, 2, given)
      })

    for (const [name, amount] of [
      ['submit asked', 12],
      ['record after submit asked', 13],
      ['notice asked', 14],
    ] as const)
      it(`after that (${name}): paid without it, and it learns of it when it is back`, async () => {
        const given = { ...terms, amount, to: (await scene.member(3)).lct }
        const ended = await payWithout(name, given)
        assert.equal(answerOf(ended).news, 'unreachable')
        const again = await scene.pay(2, given, `bill-${amount}`).ended
        const { news, payment, record } = answerOf(again)
        assert.deepEqual([payment, record, news], ['paid before', answerOf(ended).record, 'final'], again.stderr)
        await assertAgreed(scene, 2, given, answerOf(ended))
      })
  })

  describe('copies of what was sent come late', () => {
    it('and get the same answer at every door; nothing is paid twice', async () => {
      const submissions = scene.proxies.flatMap(({ submitted }) => [...submitted.values()])
      // One record for each payment, whatever befell it.
      assert.equal(submissions.length, 11)
      const sizes = () =>
        Promise.all(scene.societies.map(async ({ id, node }) => (await node.client.society({ id })).size))
      const before = await sizes()
      for (const body of submissions) {
        const { record } = JSON.parse(new TextDecoder().decode(body)) as { record: JsonObject }
        const id = idOf(record)
        // Its own node, and all others, which pass it on.
        const answers = await Promise.all(scene.nodes.map(({ client }) => client.submit({ body })))
        const [{ seq } = {}] = answers
        assert.ok(seq !== undefined)
        for (const answer of answers) assert.deepEqual([answer.id, answer.seq, answer.status], [id, seq, 'final'])
      }
      assert.deepEqual(await sizes(), before)
    })
  })
})
