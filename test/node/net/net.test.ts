import assert from 'node:assert/strict'
import { address, startNode, type TestNode, testNode } from '../../support/net.ts'
import { until } from '../../support/until.ts'

describe('the net of a node', () => {
  const nodes: TestNode[] = []
  const make = async (...given: Parameters<typeof testNode>) => {
    const node = await testNode(...given)
    nodes.push(node)
    return node
  }
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(node => node.net.stop()))
  })

  it('has one name, whether it runs or not', async () => {
    const node = await make('alpha')
    const again = await make('alpha')
    assert.equal(node.net.self, again.net.self)
    assert.deepEqual(node.net.addresses(), [])
    await startNode(node)
    assert.match(address(node), new RegExp(`^/ip4/127\\.0\\.0\\.1/tcp/\\d+/p2p/${node.net.self}$`))
  })

  it('starts and stops twice, and starts again', async () => {
    const [alpha, beta] = [await make('alpha'), await make('beta')]
    await startNode(beta)
    await Promise.all([startNode(alpha), startNode(alpha)])
    for (let round = 1; round <= 2; round++) {
      assert.ok((await alpha.net.connect(address(beta))).ok)
      await until('open', () => alpha.opened.length === round && beta.opened.length === round)
      await Promise.all([alpha.net.stop(), alpha.net.stop()])
      assert.equal(alpha.closed.length, round)
      assert.deepEqual(alpha.net.peers(), [])
      assert.deepEqual(await alpha.net.connect(address(beta)), {
        ok: false,
        error: { code: 'PEER_UNREACHABLE', detail: 'not running' },
      })
      await until('beta noticed', () => beta.closed.length === round)
      await startNode(alpha)
    }
  })

  it('leaves nothing behind when it cannot start', async () => {
    const alpha = await make('alpha')
    await startNode(alpha)
    const [listen = ''] = alpha.net.addresses()
    const squatter = await make('squatter', { listen: [listen.replace(/\/p2p\/.*/, '')] })
    await assert.rejects(startNode(squatter))
    assert.deepEqual(squatter.net.addresses(), [])
    await squatter.net.stop()
  })

  it('keeps its configured peers connected', async () => {
    const beta = await make('beta', { listen: ['/ip4/127.0.0.1/tcp/0'] })
    await startNode(beta)
    const where = address(beta)
    const alpha = await make('alpha', { peers: [where] })
    await startNode(alpha)
    await until('open', () => alpha.opened.length === 1)
    await beta.net.stop()
    await until('closed', () => alpha.closed.length === 1)
    const again = await make('beta', { listen: [where.replace(/\/p2p\/.*/, '')] })
    await startNode(again)
    await until('open again', () => alpha.opened.length === 2)
  })

  it('says why it could not connect', async () => {
    const beta = await make('beta')
    await startNode(beta)
    const alpha = await make('alpha', { denied: [beta.net.self] })
    await startNode(alpha)
    const code = async (target: string) => {
      const result = await alpha.net.connect(target)
      return result.ok ? 'ok' : result.error.code
    }
    assert.equal(await code('somewhere'), 'BAD_REQUEST')
    assert.equal(await code('/ip4/127.0.0.1/tcp/9'), 'PEER_UNREACHABLE')
    assert.equal(await code(address(beta)), 'PEER_DENIED')
    await beta.net.connect(address(alpha))
    assert.deepEqual([alpha.net.peers(), beta.net.peers()], [[], []])
  })

  it('is not fooled about who is at an address', async () => {
    const [alpha, beta, gamma] = [await make('alpha'), await make('beta'), await make('gamma')]
    for (const node of [alpha, beta]) await startNode(node)
    const wrong = address(beta).replace(beta.net.self, gamma.net.self)
    const result = await alpha.net.connect(wrong)
    assert.equal(!result.ok && result.error.code, 'PEER_UNREACHABLE')
  })

  it('keeps a peer open when both dial each other at once', async () => {
    const [alpha, beta] = [await make('alpha'), await make('beta')]
    for (const node of [alpha, beta]) await startNode(node)
    await Promise.all([alpha.net.connect(address(beta)), beta.net.connect(address(alpha))])
    await until('open', () => alpha.opened.length === 1 && beta.opened.length === 1)
    const answer = await alpha.net.request(beta.net.self, 'entries', {
      society: `a-${'a'.repeat(26)}`,
      from: 0,
      limit: 1,
    })
    assert.deepEqual(answer, { ok: false, error: { code: 'NOT_FOUND' } })
    assert.deepEqual([alpha.closed, beta.closed], [[], []])
  })
})
