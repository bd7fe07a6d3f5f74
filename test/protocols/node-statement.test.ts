import assert from 'node:assert/strict'
import { STATEMENT_AGE_MS, STATEMENT_GRACE_MS } from '../../protocols/node-statement/constants.ts'
import { statementBytes, statementFrame } from '../../protocols/node-statement/schema.ts'
import { checkStatement, makeStatement } from '../../protocols/node-statement/statement.ts'
import { utf8Encode } from '../../src/canonical.ts'
import { signedMessageOf } from '../../src/crypto.ts'
import { toBase64url } from '../../src/encoding.ts'
import type { Signer } from '../../src/ports.ts'
import { identity } from '../support/identity.ts'
import { manualClock } from '../support/manual-clock.ts'
import { address, societyId, startNode, type TestNode, testNode, verifier } from '../support/net.ts'
import { framed, type RawPeer, rawPeer } from '../support/raw-peer.ts'
import { until } from '../support/until.ts'

const clock = manualClock()
const peer = '12D3KooWGSrXQQXYp31AUbZ64eJMb3hGywN4dmzpaZW3rWW22EfF'
const signer = identity('alpha witness')
const claims = { peer, society: societyId('alpha'), time: clock.now() }

describe('a node statement', () => {
  const check = (frame: Uint8Array, from = peer) => checkStatement(frame, from, { clock, verifier })
  const signed = (changes: Partial<typeof claims & { key: string; sig: string }>) => {
    const statement = { ...claims, key: signer.key, ...changes }
    return statementFrame.encode({ sig: toBase64url(signer.signNow(statementBytes(statement))), ...statement })
  }

  it('names the society and the witness key of a peer', async () => {
    assert.deepEqual(await check(await makeStatement(signer, claims)), {
      ok: true,
      value: { peer, society: claims.society, witnessKey: signer.key },
    })
  })

  it('may name no society yet', async () => {
    const checked = await check(await makeStatement(signer, { ...claims, society: '' }))
    assert.equal(checked.ok && checked.value.society, '')
  })

  it('signs exactly its domain line and its members in order', () => {
    const text = `web4/node/1\n{"key":"${signer.key}","peer":"${peer}","society":"${claims.society}","time":${claims.time}}`
    assert.deepEqual(statementBytes({ ...claims, key: signer.key }), utf8Encode(text))
  })

  for (const offset of [-STATEMENT_AGE_MS, STATEMENT_AGE_MS]) {
    it(`holds ${offset} ms from here, and not a millisecond further`, async () => {
      assert.equal((await check(signed({ time: claims.time + offset }))).ok, true)
      const beyond = await check(signed({ time: claims.time + offset + Math.sign(offset) }))
      assert.deepEqual(beyond, { ok: false, error: { code: 'NODE_STATEMENT', detail: 'time' } })
    })
  }

  const other = identity('somebody else')
  const otherSignature = toBase64url(other.signNow(statementBytes({ ...claims, key: signer.key })))
  const asRecord = toBase64url(signer.signNow(signedMessageOf('record', { ...claims, key: signer.key })))
  const refused: Readonly<Record<string, readonly [frame: Uint8Array, code: string, from?: string]>> = {
    'for another peer': [signed({ peer: `${peer.slice(0, -1)}G` }), 'NODE_STATEMENT'],
    'replayed on another connection': [signed({}), 'NODE_STATEMENT', `${peer.slice(0, -1)}G`],
    'signed by another key': [signed({ sig: otherSignature }), 'NODE_STATEMENT'],
    'that names a key which did not sign': [
      statementFrame.encode({
        ...claims,
        key: other.key,
        sig: toBase64url(signer.signNow(statementBytes({ ...claims, key: signer.key }))),
      }),
      'NODE_STATEMENT',
    ],
    'signed for another purpose': [signed({ sig: asRecord }), 'NODE_STATEMENT'],
    'with a key that is no key': [signed({ key: `z6Mk${'1'.repeat(44)}` }), 'NODE_STATEMENT'],
    'without a signature': [statementFrame.encode({ ...claims, key: signer.key }), 'PEER_GARBAGE'],
    'with an unknown member': [
      statementFrame.encode({ ...claims, key: signer.key, more: 1, sig: otherSignature }),
      'PEER_GARBAGE',
    ],
    'for a society that is none': [signed({ society: 'alpha' }), 'PEER_GARBAGE'],
    'in another spelling': [utf8Encode(`${Buffer.from(signed({})).toString()} `), 'PEER_GARBAGE'],
  }
  for (const [id, [frame, code, from]] of Object.entries(refused)) {
    it(`is refused ${id}`, async () => {
      const checked = await check(frame, from)
      assert.equal(!checked.ok && checked.error.code, code)
    })
  }
})

describe('node statements between nodes', () => {
  let alpha: TestNode
  let beta: TestNode
  const raw: RawPeer[] = []

  beforeEach(async () => {
    alpha = await testNode('alpha')
    beta = await testNode('beta')
    beta.society = ''
    await startNode(alpha)
    await startNode(beta)
  })
  afterEach(async () => {
    await Promise.all(raw.splice(0).map(peer => peer.stop()))
    await Promise.all([alpha.net.stop(), beta.net.stop()])
  })

  it('go both ways on a new connection, and each end hears of the other once', async () => {
    assert.deepEqual(await alpha.net.connect(address(beta)), { ok: true, value: beta.net.self })
    await until('both open', () => alpha.opened.length === 1 && beta.opened.length === 1)
    const alphaInfo = { peer: alpha.net.self, society: societyId('alpha'), witnessKey: identity('alpha witness').key }
    const betaInfo = { peer: beta.net.self, society: '' as const, witnessKey: identity('beta witness').key }
    assert.deepEqual(beta.net.peers(), [alphaInfo])
    assert.deepEqual(alpha.net.peers(), [betaInfo])
    await beta.net.stop()
    await until('alpha heard of the end', () => alpha.closed.length === 1)
    assert.deepEqual(alpha.closed, [betaInfo])
    assert.deepEqual(alpha.net.peers(), [])
  })

  it('are said again when the society changes, and only a change is told', async () => {
    await alpha.net.connect(address(beta))
    await until('both open', () => alpha.opened.length === 1 && beta.opened.length === 1)
    beta.net.restate()
    beta.society = societyId('beta')
    beta.net.restate()
    await until('alpha knows', () => alpha.net.peers()[0]?.society === societyId('beta'))
    await until('all taken', () => beta.outcomes.filter(outcome => outcome.startsWith('asked')).length >= 2)
    assert.deepEqual(
      alpha.closed.map(info => info.society),
      [''],
    )
    assert.deepEqual(
      alpha.opened.map(info => info.society),
      ['', societyId('beta')],
    )
    assert.equal(beta.opened.length, 1)
  })

  it('that are forged open nothing: no stream is answered, the peer is none', async () => {
    const liar: Signer = { key: identity('alpha witness').key, sign: identity('liar').sign }
    const peer = await rawPeer('gamma', alpha, liar)
    raw.push(peer)
    await until('refused', () => alpha.outcomes.includes('served /web4/node/1 NODE_STATEMENT'))
    assert.deepEqual(alpha.net.peers(), [])
    for (const protocol of ['status', 'entries', 'cosign', 'countersign', 'standing', 'submit']) {
      assert.deepEqual(await peer.say(alpha, `/web4/${protocol}/1`, framed('{}')), ['{"code":"NODE_STATEMENT"}'])
    }
    assert.equal(
      await alpha.net.request(peer.self, 'standing', { lct: '' }).then(result => !result.ok && result.error.code),
      'PEER_UNREACHABLE',
    )
  })

  it('that are garbage, too much or too many get their codes', async () => {
    const peer = await rawPeer('gamma', alpha)
    raw.push(peer)
    await until('open', () => alpha.net.peers().length === 1)
    const say = (bytes: Uint8Array) => peer.say(alpha, '/web4/node/1', bytes)
    assert.deepEqual(await say(framed('not JSON')), ['{"code":"PEER_GARBAGE"}'])
    assert.deepEqual(await say(framed(new Uint8Array(513))), ['{"code":"PEER_TOO_MUCH"}'])
    // Faster than one a second, however slow this machine is.
    for (let count = 0, answer = ''; answer !== '{"code":"PEER_TOO_MUCH"}'; count++) {
      assert.ok(count < 500)
      answer = (await say(framed('{}')))[0] ?? ''
    }
    assert.equal(alpha.net.peers().length, 1)
  })
})

describe('a peer that never says who it is', () => {
  it('is hung up on when its time is over', async () => {
    const clock = manualClock()
    const node = await testNode('alpha', { components: { clock } })
    await startNode(node)
    const stranger = await rawPeer('gamma', node, { key: signer.key, sign: async () => new Uint8Array(64) })
    await until(
      'refused',
      () =>
        node.outcomes.includes('served /web4/node/1 NODE_STATEMENT') ||
        node.outcomes.includes('served /web4/node/1 PEER_GARBAGE'),
    )
    clock.advance(STATEMENT_GRACE_MS)
    await until('gone', () => stranger.statements.peerOf(node.net.self) === undefined)
    await stranger.stop()
    await node.net.stop()
    assert.deepEqual(clock.pending(), [])
  })
})
