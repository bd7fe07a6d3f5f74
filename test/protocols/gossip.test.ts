import assert from 'node:assert/strict'
import type { Stream } from '@libp2p/interface'
import { sha256, systemClock } from '../../node/crypto/sodium.ts'
import { createHost, transportKey } from '../../node/net/host.ts'
import { MESSAGE_BYTES_MAX } from '../../protocols/gossip/constants.ts'
import { createGossip } from '../../protocols/gossip/gossip.ts'
import { boundIwant } from '../../protocols/gossip/internals.ts'
import { createJudge } from '../../protocols/gossip/judge.ts'
import { SCORE_THRESHOLDS } from '../../protocols/gossip/score.ts'
import { messageId } from '../../protocols/gossip/settings.ts'
import { logTopic, proofTopic, societyOfTopic } from '../../protocols/gossip/topics.ts'
import { utf8Encode } from '../../src/canonical.ts'
import type { NetHandlers, Verdict } from '../../src/driver/net.ts'
import { address, hostDefaults, societyId, startNode, type TestNode, testNode } from '../support/net.ts'
import { until } from '../support/until.ts'

const society = societyId('alpha')

describe('gossip', () => {
  const nodes: TestNode[] = []
  let received: string[] = []

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(node => node.net.stop()))
    received = []
  })

  const note =
    (name: string, verdict: (text: string) => Verdict): NetHandlers['group'] =>
    async (_society, frame) => {
      const text = Buffer.from(frame).toString()
      received.push(`${name} ${text}`)
      return verdict(text)
    }

  /** Nodes in a line: each knows only the one before it. */
  async function line(verdict: (text: string) => Verdict, ...names: string[]): Promise<TestNode[]> {
    for (const name of names) {
      const node = await testNode(name)
      const before = nodes.at(-1)
      nodes.push(node)
      node.net.join(society)
      await startNode(node, { group: note(name, verdict) })
      if (before !== undefined) assert.ok((await node.net.connect(address(before))).ok)
    }
    await until('meshes', () =>
      nodes.every(
        (node, index) => node.net.mesh(society).length === (index === 0 || index === nodes.length - 1 ? 1 : 2),
      ),
    )
    return nodes
  }
  const byFirstWord = (text: string): Verdict =>
    text.startsWith('reject') ? 'reject' : text.startsWith('ignore') ? 'ignore' : 'accept'
  const publish = (node: TestNode | undefined, text: string) => node?.net.publishGroup(society, utf8Encode(text))

  it('passes on what was accepted, and nothing else', async () => {
    const [first] = await line(byFirstWord, 'one', 'two', 'three')
    await publish(first, 'reject 1')
    await publish(first, 'ignore 1')
    await publish(first, 'accept 1')
    await until('the accepted one at the end', () => received.includes('three accept 1'))
    assert.deepEqual(received.sort(), ['three accept 1', 'two accept 1', 'two ignore 1', 'two reject 1'])
  })

  it('lowers the score of who sends rejected messages, until nothing of it is read', async () => {
    const [bad, good] = await line(byFirstWord, 'bad', 'good')
    assert.ok(bad !== undefined && good !== undefined)
    const score = () => good.net.scoreOf(bad.net.self)
    assert.ok(score() >= 0)
    await publish(bad, 'reject 1')
    await until('a negative score', () => score() < 0)
    for (const index of [2, 3, 4]) await publish(bad, `reject ${index}`)
    await until('the graylist', () => score() < SCORE_THRESHOLDS.graylistThreshold)
    // A score is looked at once a second; until then a peer that was good is still read.
    let sent = 0
    await until('nothing is read', () => {
      void publish(bad, `accept ${++sent}`)
      return !received.includes(`good accept ${sent - 1}`) && sent > 1
    })
    const before = received.length
    await publish(bad, 'accept last')
    const answer = await bad.net.request(good.net.self, 'entries', { society, from: 0, limit: 0 })
    assert.deepEqual(answer, { ok: false, error: { code: 'NOT_FOUND' } })
    assert.equal(received.includes('good accept last'), false)
    assert.equal(received.length, before)
  })

  it('takes nothing from who sends ignored messages', async () => {
    const [strange, good] = await line(byFirstWord, 'strange', 'good')
    assert.ok(strange !== undefined && good !== undefined)
    for (let index = 0; index < 50; index++) await publish(strange, `ignore ${index}`)
    await publish(strange, 'accept')
    await until('all came', () => received.length === 51)
    assert.ok(good.net.scoreOf(strange.net.self) >= 0)
    await publish(strange, 'accept more')
    await until('still read', () => received.includes('good accept more'))
  })

  it('ignores when the validator fails', async () => {
    const [one, two] = await line(
      text => {
        if (text === 'bug') throw new Error('a fault of this node')
        return 'accept'
      },
      'one',
      'two',
    )
    assert.ok(one !== undefined && two !== undefined)
    for (const text of ['bug', 'fine']) await publish(one, text)
    await until('both came', () => received.length === 2)
    assert.ok(two.net.scoreOf(one.net.self) >= 0)
  })

  it('is joined and left while nodes run, and works after a restart', async () => {
    const [one, two] = await line(byFirstWord, 'one', 'two')
    assert.ok(one !== undefined && two !== undefined)
    const other = societyId('beta')
    two.net.join(other)
    one.net.join(other)
    await until('mesh of the new topic', () => one.net.mesh(other).length === 1 && two.net.mesh(other).length === 1)
    await one.net.publishGroup(other, utf8Encode('beta 1'))
    await until('it came', () => received.includes('two beta 1'))
    two.net.leave(other)
    await until('left', () => one.net.mesh(other).length === 0)
    await one.net.publishGroup(other, utf8Encode('beta 2'))
    await publish(one, 'after')
    await until('the other topic goes on', () => received.includes('two after'))
    assert.equal(received.includes('two beta 2'), false)
    assert.ok(two.net.scoreOf(one.net.self) >= 0)

    await two.net.stop()
    await startNode(two, { group: note('two', byFirstWord) })
    assert.ok((await two.net.connect(address(one))).ok)
    await until('mesh again', () => one.net.mesh(society).length === 1)
    await publish(one, 'again')
    await until('it came again', () => received.includes('two again'))
  })

  it('carries fork proofs on their own topic', async () => {
    const proofs: string[] = []
    const [one, two] = await Promise.all([testNode('one'), testNode('two')])
    nodes.push(one, two)
    await startNode(one)
    await startNode(two, {
      async proof(frame, from) {
        proofs.push(`${Buffer.from(frame)} from ${from}`)
        return 'accept'
      },
    })
    assert.ok((await one.net.connect(address(two))).ok)
    await until('open', () => one.net.peers().length === 1)
    let sent = 0
    await until('a proof came', () => {
      void one.net.publishProof(utf8Encode(`proof ${++sent}`))
      return proofs.length > 0
    })
    assert.match(proofs[0] ?? '', new RegExp(`^proof \\d+ from ${one.net.self}$`))
  })

  it('publishes to nobody without complaint, and refuses to publish what nobody would take', async () => {
    const one = await testNode('one')
    await one.net.publishGroup(society, utf8Encode('before the start'))
    nodes.push(one)
    await startNode(one)
    await one.net.publishGroup(society, utf8Encode('alone'))
    await one.net.publishGroup(society, utf8Encode('alone'))
    await assert.rejects(one.net.publishGroup(society, new Uint8Array(MESSAGE_BYTES_MAX + 1)), RangeError)
  })

  it('carries the largest message', async () => {
    const sizes: number[] = []
    const [one, two] = await Promise.all([testNode('one'), testNode('two')])
    nodes.push(one, two)
    for (const node of [one, two]) {
      node.net.join(society)
      await startNode(node, {
        async group(_society, frame) {
          sizes.push(frame.length)
          return 'accept'
        },
      })
    }
    assert.ok((await one.net.connect(address(two))).ok)
    await until('mesh', () => one.net.mesh(society).length === 1)
    await one.net.publishGroup(society, new Uint8Array(MESSAGE_BYTES_MAX).fill(1))
    await until('it came', () => sizes.length === 1)
    assert.deepEqual(sizes, [MESSAGE_BYTES_MAX])
  })
})

describe('a stream of gossip that ended before its connection', () => {
  it('is opened again', async () => {
    let streams = (): ReadonlyMap<string, { rawStream: Stream }> => new Map()
    const { key } = await transportKey(sha256(utf8Encode('publisher')))
    const gossip = createGossip({ federation: 'test' }, { sha256 })
    const listener = await testNode('listener')
    const came: string[] = []
    listener.net.join(society)
    await startNode(listener, {
      async group(_society, frame) {
        came.push(Buffer.from(frame).toString())
        return 'accept'
      },
    })
    const host = await createHost(
      { ...hostDefaults, key },
      {
        clock: systemClock,
        sha256,
        pubsub(components) {
          const pubsub = gossip.service(components)
          streams = () =>
            (pubsub as unknown as { streamsOutbound: ReadonlyMap<string, { rawStream: Stream }> }).streamsOutbound
          return pubsub
        },
        connected: () => {},
        disconnected: () => {},
      },
    )
    await host.start()
    gossip.start({ group: async () => 'accept', proof: async () => 'accept' }, () => [listener.net.self])
    assert.ok((await host.dial(address(listener), new AbortController().signal)).ok)
    gossip.join(society)
    await until('mesh', () => gossip.mesh(society).length === 1)
    streams().get(listener.net.self)?.rawStream.abort(new Error('too slow'))
    assert.equal(streams().size, 0)
    let sent = 0
    await until('a message came', () => {
      void gossip.publishGroup(society, utf8Encode(`message ${++sent}`))
      return came.length > 0
    })
    gossip.stop()
    await host.stop()
    await listener.net.stop()
  })
})

describe('the judge', () => {
  const never = () => new Promise<Verdict>(() => {})
  const accept = async (): Promise<Verdict> => 'accept'

  it('ignores what goes over the bytes of one peer, and takes more when some were judged', async () => {
    const judge = createJudge({ perPeer: 100, all: 1_000 })
    let finish: (verdict: Verdict) => void = () => {}
    const first = judge.judge('a', 60, () => new Promise(resolve => (finish = resolve)))
    assert.equal(await judge.judge('a', 41, accept), 'ignore')
    assert.equal(await judge.judge('a', 40, accept), 'accept')
    assert.equal(await judge.judge('b', 100, accept), 'accept')
    finish('reject')
    assert.equal(await first, 'reject')
    assert.equal(await judge.judge('a', 100, accept), 'accept')
  })

  it('ignores what goes over the bytes of all peers', async () => {
    const judge = createJudge({ perPeer: 100, all: 150 })
    void judge.judge('a', 100, never)
    assert.equal(await judge.judge('b', 51, accept), 'ignore')
    assert.equal(await judge.judge('b', 50, accept), 'accept')
  })

  it('gives the bytes back when a validator fails', async () => {
    const judge = createJudge({ perPeer: 100, all: 100 })
    assert.equal(await judge.judge('a', 100, () => Promise.reject(new Error('bug'))), 'ignore')
    assert.equal(await judge.judge('a', 100, accept), 'accept')
  })
})

describe('an answer to IWANT', () => {
  it('carries no more bytes than its bound and one message, each time', async () => {
    const cache = {
      getWithIWantCount: (_id: string, _peer: string) => ({ msg: { data: new Uint8Array(60) }, count: 1 }),
    }
    boundIwant(cache, 100)
    const answer = () =>
      Array.from({ length: 5 }, (_, id) => cache.getWithIWantCount(`${id}`, 'peer')).filter(entry => entry !== null)
        .length
    assert.equal(answer(), 2)
    await Promise.resolve()
    assert.equal(answer(), 2)
  })
})

describe('names of gossip', () => {
  it('tell topics and societies apart', () => {
    assert.equal(logTopic('test', society), `/web4/1/test/log/${society}`)
    assert.equal(proofTopic('test'), '/web4/1/test/proof')
    assert.equal(societyOfTopic('test', logTopic('test', society)), society)
    assert.equal(societyOfTopic('test', proofTopic('test')), undefined)
    assert.equal(societyOfTopic('test', logTopic('tester', society)), undefined)
  })

  it('make one id of topic and bytes, with a zero byte between', () => {
    const id = (topic: string, text: string) => Buffer.from(messageId(sha256, topic, utf8Encode(text))).toString('hex')
    assert.equal(id('t', 'x'), Buffer.from(sha256(utf8Encode('t\u0000x'))).toString('hex'))
    assert.notEqual(id('t', 'ux'), id('tu', 'x'))
  })
})
