import assert from 'node:assert/strict'
import type { Stream } from '@libp2p/interface'
import { COSIGN_LIMITS } from '../../protocols/cosign/constants.ts'
import { requestProtocols } from '../../protocols/requests.ts'
import { STANDING_LIMITS } from '../../protocols/standing/constants.ts'
import { utf8Encode } from '../../src/canonical.ts'
import type { NetHandlers, PeerInfo, RequestName, Requests } from '../../src/driver/net.ts'
import { type Code, rejection } from '../../src/rejection.ts'
import { fail, ok } from '../../src/result.ts'
import { hashText, identity } from '../support/identity.ts'
import { type ManualClock, manualClock } from '../support/manual-clock.ts'
import { address, societyId, startNode, type TestNode, testNode } from '../support/net.ts'
import { framed, type RawPeer, rawPeer } from '../support/raw-peer.ts'
import { until } from '../support/until.ts'

const society = societyId('alpha')
const { key } = identity('a witness')
const root = hashText('root')
const sig = `${'A'.repeat(85)}A`
const lct = `lct:web4:human:${society}:${'b'.repeat(26)}`
const note = `web4/${society}\n3\nroot\n\n— web4/${society} AAAA\n`
const log = { society, size: 3, root, final: 2, note }

type Examples = {
  readonly [Name in RequestName]: { request: Requests[Name]['request']; reply: Requests[Name]['reply'] }
}
const examples: Examples = {
  status: {
    request: { clock: 1, logs: [log], verdict: { verdict: 'ok' } },
    reply: { clock: 2, logs: [], verdict: { verdict: 'blocked', why: 'fork' } },
  },
  cosign: { request: { note }, reply: { line: '— web4/witness AAAA' } },
  countersign: { request: { record: { kind: 'birth' } }, reply: { by: key, sig } },
  standing: { request: { lct }, reply: { key, lct, sig, size: 3, society, status: 'active', time: 5 } },
  submit: {
    request: utf8Encode('{"record":{},"sigs":[]}'),
    reply: { by: key, id: root, sig, size: 4, society, time: 5 },
  },
  notice: {
    request: utf8Encode('{"society":"x","v":1}'),
    reply: { accepts: [key], lct, record: root, status: 'final' },
  },
  entries: {
    request: { society, from: 1, limit: 3 },
    reply: { entries: Array.from({ length: 3 }, (_, n) => new Uint8Array(65_535).fill(n)), note, proof: [root], root },
  },
}
const names = Object.keys(examples) as RequestName[]

/** Answers every request by its example, and notes what came. */
function exemplary(heard: { name: RequestName; from: PeerInfo; request: unknown }[]): NetHandlers['serve'] {
  const serve = names.map(name => [
    name,
    async (from: PeerInfo, request: unknown) => {
      heard.push({ name, from, request })
      return ok(examples[name].reply)
    },
  ])
  return Object.fromEntries(serve) as unknown as NetHandlers['serve']
}

async function pair(serve: Partial<NetHandlers['serve']>, clock?: ManualClock): Promise<[TestNode, TestNode]> {
  const alpha = await testNode('alpha', clock === undefined ? {} : { components: { clock } })
  const beta = await testNode('beta', clock === undefined ? {} : { components: { clock } })
  await startNode(alpha)
  await startNode(beta, { serve })
  await alpha.net.connect(address(beta))
  await until('open', () => alpha.opened.length === 1 && beta.opened.length === 1)
  return [alpha, beta]
}

const codeOf = (result: { ok: boolean; error?: { code: Code; detail?: string } }) => (result.ok ? 'ok' : result.error)

describe('requests between two nodes', () => {
  let alpha: TestNode
  let beta: TestNode
  const nodes: TestNode[] = []
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(node => node.net.stop()))
  })
  const connect = async (serve: Partial<NetHandlers['serve']>, clock?: ManualClock) => {
    ;[alpha, beta] = await pair(serve, clock)
    nodes.push(alpha, beta)
  }

  for (const name of names) {
    it(`${name}: the question arrives with who asks, the answer comes back`, async () => {
      const heard: { name: RequestName; from: PeerInfo; request: unknown }[] = []
      await connect(exemplary(heard))
      const { request, reply } = examples[name]
      assert.deepEqual(await alpha.net.request(beta.net.self, name, request), { ok: true, value: reply })
      assert.deepEqual(heard, [{ name, from: beta.opened[0], request }])
      const { protocol } = requestProtocols[name].limits
      assert.ok(alpha.outcomes.includes(`asked ${protocol} ok`))
      assert.ok(beta.outcomes.includes(`served ${protocol} ok`))
    })
  }

  it('a refusal travels as its code alone', async () => {
    await connect({ cosign: async () => fail(rejection('CHECKPOINT_FORK', 'what only this node knows')) })
    const result = await alpha.net.request(beta.net.self, 'cosign', { note })
    assert.deepEqual(result, { ok: false, error: { code: 'CHECKPOINT_FORK' } })
  })

  it('a handler that fails, and an answer that cannot be sent, are INTERNAL and no more', async () => {
    const bad = { ...examples.standing.reply, size: 0.5 }
    await connect({ cosign: () => Promise.reject(new Error('a path, a password')), standing: async () => ok(bad) })
    assert.deepEqual(codeOf(await alpha.net.request(beta.net.self, 'cosign', { note })), { code: 'INTERNAL' })
    assert.deepEqual(codeOf(await alpha.net.request(beta.net.self, 'standing', { lct })), { code: 'INTERNAL' })
  })

  it('what cannot be sent is not sent', async () => {
    await connect({})
    const huge = await alpha.net.request(beta.net.self, 'submit', new Uint8Array(65_536))
    assert.equal(!huge.ok && huge.error.code, 'PEER_TOO_MUCH')
    const float = await alpha.net.request(beta.net.self, 'entries', { society, from: 0.5, limit: 1 })
    assert.equal(!float.ok && float.error.code, 'BAD_REQUEST')
    assert.ok(!beta.outcomes.some(outcome => outcome.includes('/web4/submit/1') || outcome.includes('/web4/entries/1')))
  })

  it('nobody answers for a peer that is not connected', async () => {
    await connect({})
    const result = await alpha.net.request('12D3KooWGSrXQQXYp31AUbZ64eJMb3hGywN4dmzpaZW3rWW22EfF', 'standing', { lct })
    assert.deepEqual(codeOf(result), { code: 'PEER_UNREACHABLE' })
    await beta.net.stop()
    await until('closed', () => alpha.closed.length === 1)
    assert.deepEqual(codeOf(await alpha.net.request(beta.net.self, 'standing', { lct })), { code: 'PEER_UNREACHABLE' })
  })

  it('an answer that does not come in time is PEER_SILENT, at the time of its protocol or of the asker', async () => {
    const clock = manualClock()
    let asked = 0
    const never = () => {
      asked += 1
      return new Promise<never>(() => {})
    }
    await connect({ cosign: never, submit: never }, clock)
    const cosign = alpha.net.request(beta.net.self, 'cosign', { note })
    await until('asked', () => asked === 1)
    clock.advance(COSIGN_LIMITS.timeoutMs)
    assert.deepEqual(codeOf(await cosign), { code: 'PEER_SILENT' })
    const submit = alpha.net.request(beta.net.self, 'submit', examples.submit.request, { timeoutMs: 100 })
    await until('asked again', () => asked === 2)
    clock.advance(100)
    assert.deepEqual(codeOf(await submit), { code: 'PEER_SILENT' })
    const controller = new AbortController()
    const aborted = alpha.net.request(beta.net.self, 'submit', examples.submit.request, { signal: controller.signal })
    await until('asked a third time', () => asked === 3)
    controller.abort()
    assert.deepEqual(codeOf(await aborted), { code: 'PEER_SILENT' })
  })

  it('one in flight is one, even when the asker gave up', async () => {
    const clock = manualClock()
    const finishers: (() => void)[] = []
    const served = (count: number) => until(`asked ${count} times`, () => finishers.length === count)
    const serve = () =>
      new Promise<ReturnType<typeof ok<{ line: string }>>>(resolve => {
        finishers.push(() => resolve(ok({ line: 'x' })))
      })
    await connect({ cosign: serve }, clock)
    const ask = async () => codeOf(await alpha.net.request(beta.net.self, 'cosign', { note }))
    const first = ask()
    await served(1)
    assert.deepEqual(await ask(), { code: 'PEER_TOO_MUCH' })
    clock.advance(COSIGN_LIMITS.timeoutMs)
    assert.deepEqual(await first, { code: 'PEER_SILENT' })
    assert.deepEqual(await ask(), { code: 'PEER_TOO_MUCH' })
    finishers[0]?.()
    const again = ask()
    await served(2)
    finishers[1]?.()
    assert.equal(await again, 'ok')
  })

  it('more in a second than allowed is PEER_TOO_MUCH, and later it goes on', async () => {
    const clock = manualClock()
    await connect(exemplary([]), clock)
    const ask = async () => codeOf(await alpha.net.request(beta.net.self, 'standing', { lct }))
    for (let index = 0; index < STANDING_LIMITS.burst; index++) assert.equal(await ask(), 'ok')
    assert.deepEqual(await ask(), { code: 'PEER_TOO_MUCH' })
    clock.advance(1_000)
    assert.equal(await ask(), 'ok')
  })
})

describe('a peer that does not keep to a protocol', () => {
  let node: TestNode
  let peer: RawPeer
  let clock: ManualClock
  let started: TestNode | undefined

  beforeEach(async () => {
    clock = manualClock(Date.now())
    node = await testNode('alpha', { components: { clock } })
    started = node
    await startNode(node, { serve: exemplary([]) })
    peer = await rawPeer('gamma', node)
    await until('open', () => node.net.peers().length === 1)
  })
  afterEach(async () => {
    await peer.stop()
    await started?.net.stop()
  })

  /** The node still answers the same peer, and no timer of the bad request is left. */
  async function stillServing() {
    const [answer] = await peer.say(node, '/web4/standing/1', framed(`{"lct":"${lct}"}`))
    assert.match(answer ?? '', /^\{"ok":true,"reply":/)
    await until('no timer left', () => clock.pending().length === 0)
  }

  for (const name of names) {
    const { protocol, requestBytesMax } = requestProtocols[name].limits
    if (name !== 'submit') {
      it(`${name}: garbage is told so`, async () => {
        assert.deepEqual(await peer.say(node, protocol, framed('{"a":1,')), ['{"code":"PEER_GARBAGE"}'])
        assert.deepEqual(await peer.say(node, protocol, Uint8Array.of(9, 1, 2)), ['{"code":"PEER_GARBAGE"}'])
        await stillServing()
      })
    }
    it(`${name}: nothing at all is garbage, too much is told so at once, silence when the time is over`, async () => {
      if (name !== 'cosign')
        assert.deepEqual(await peer.say(node, protocol, new Uint8Array(0)), ['{"code":"PEER_GARBAGE"}'])
      const large = framed(new Uint8Array(requestBytesMax + 1))
      assert.deepEqual(await peer.say(node, protocol, large.subarray(0, 5), { open: true }), [
        '{"code":"PEER_TOO_MUCH"}',
      ])
      if (name !== 'cosign')
        assert.deepEqual(await peer.say(node, protocol, framed('{}', '{}'), { open: true }), [
          '{"code":"PEER_TOO_MUCH"}',
        ])
      await until(
        'idle',
        () =>
          node.outcomes.filter(outcome => outcome.startsWith(`served ${protocol}`)).length >=
          (name === 'cosign' ? 1 : 3),
      )
      clock.advance(10_000)
      const silent = peer.say(node, protocol, new Uint8Array(0), { open: true })
      await until('reading', () => clock.pending().length > 0)
      clock.advance(5_000)
      assert.deepEqual(await silent, ['{"code":"PEER_SILENT"}'])
      await stillServing()
    })
  }

  const answers: Readonly<Record<string, readonly [answer: (stream: Stream) => void, code: Code]>> = {
    'not JSON': [stream => stream.send(framed('nonsense')), 'PEER_GARBAGE'],
    'a code unknown here': [stream => stream.send(framed('{"code":"NEVER_HEARD_OF"}')), 'PEER_GARBAGE'],
    'a known code': [stream => stream.send(framed('{"code":"FROZEN"}')), 'FROZEN'],
    'two answers': [stream => stream.send(framed('{"code":"FROZEN"}', '{"code":"FROZEN"}')), 'PEER_TOO_MUCH'],
    'too many bytes': [stream => stream.send(framed(new Uint8Array(9_000))), 'PEER_TOO_MUCH'],
    'half a frame': [stream => stream.send(Uint8Array.of(9, 1)), 'PEER_GARBAGE'],
    nothing: [() => {}, 'PEER_GARBAGE'],
    'a reset': [stream => stream.abort(new Error('reset')), 'PEER_UNREACHABLE'],
  }
  for (const [id, [answer, code]] of Object.entries(answers)) {
    it(`answers with ${id}: ${code}`, async () => {
      await peer.host.handle(
        '/web4/standing/1',
        async stream => {
          answer(stream)
          if (stream.status === 'open') await stream.close()
        },
        4,
      )
      const result = await node.net.request(peer.self, 'standing', { lct })
      assert.equal(!result.ok && result.error.code, code)
      await peer.host.unhandle('/web4/standing/1')
      await stillServing()
    })
  }

  it('speaks no such protocol: PEER_UNREACHABLE', async () => {
    const result = await node.net.request(peer.self, 'standing', { lct })
    assert.equal(!result.ok && result.error.code, 'PEER_UNREACHABLE')
    await stillServing()
  })

  it('refuses before it has read all: the asker hears it', async () => {
    await peer.host.handle(
      '/web4/submit/1',
      async stream => {
        stream.send(framed('{"code":"PEER_DENIED"}'))
        await stream.close()
      },
      4,
    )
    const result = await node.net.request(peer.self, 'submit', new Uint8Array(65_535))
    assert.deepEqual(result, { ok: false, error: { code: 'PEER_DENIED' } })
  })
})
