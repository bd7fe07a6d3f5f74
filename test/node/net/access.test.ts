import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { createAccess, isAccessEntry } from '../../../node/net/access.ts'
import { readNetworkKey } from '../../../node/net/private-network.ts'
import { address, startNode, type TestNode, type TestNodeOptions, testNode } from '../../support/net.ts'
import { until } from '../../support/until.ts'

const A = '12D3KooWHnyKgm3KMjyweiA3cQMfuAySf47K6xk2veQ5mLCUaYpi'
const B = '12D3KooWBmwkafWE2fqfzS96VoTZgpGp6aJsF4N5eTbf8Bk5iWzE'

describe('lists of who may be connected', () => {
  it('hold names of peers, addresses and networks', () => {
    for (const good of [A, '/ip4/10.0.0.0/ipcidr/8', '/ip4/10.0.0.1', '/ip6/fe80::/ipcidr/10', '/ip6/::1'])
      assert.equal(isAccessEntry(good), true, good)
    for (const bad of [
      '',
      'x',
      `${A}x`,
      '10.0.0.1',
      '/ip4/10.0.0.1/tcp/1',
      '/ip4/10.0.0.0/ipcidr/33',
      '/ip4/10.0.0.0/ipcidr/',
      '/ip4/::1',
      '/ip6/10.0.0.1',
      '/dns4/node.example',
      `/p2p/${A}`,
    ])
      assert.equal(isAccessEntry(bad), false, bad)
  })

  const where = (text: string) => multiaddr(text)
  const lists = (parts: Partial<Parameters<typeof createAccess>[0]>) =>
    createAccess({ allowed: [], configured: [], denied: [], ...parts })

  it('let everybody in when they are empty', () => {
    const access = lists({})
    assert.equal(access.deniesAddress(where('/ip4/10.0.0.1/tcp/1'), 'in'), false)
    assert.equal(access.denies(A, where('/ip4/10.0.0.1/tcp/1')), false)
    assert.equal(access.deniesPeer(A), false)
  })

  it('deny by name and by address, whatever else is allowed', () => {
    const denied = [A, '/ip4/10.0.0.0/ipcidr/8', '/ip6/2001:db8::/ipcidr/32']
    const access = lists({ denied, allowed: [A, '/ip4/10.0.0.1'], configured: [`/ip4/10.0.0.2/tcp/1/p2p/${A}`] })
    assert.equal(access.deniesPeer(A), true)
    assert.equal(access.denies(A, where('/ip4/192.0.2.1/tcp/1')), true)
    for (const direction of ['in', 'out'] as const) {
      assert.equal(access.deniesAddress(where('/ip4/10.0.0.1/tcp/1'), direction), true)
      assert.equal(access.deniesAddress(where('/ip6/2001:db8::7/tcp/1'), direction), true)
    }
  })

  it('let in nobody but who is allowed or configured', () => {
    const access = lists({ allowed: [A, '/ip4/10.0.0.0/ipcidr/8'], configured: [`/ip4/192.0.2.1/tcp/1/p2p/${B}`] })
    assert.equal(access.denies(A, where('/ip4/203.0.113.1/tcp/1')), false)
    assert.equal(access.denies(B, where('/ip4/203.0.113.1/tcp/1')), false)
    const stranger = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'
    assert.equal(access.denies(stranger, where('/ip4/203.0.113.1/tcp/1')), true)
    assert.equal(access.denies(stranger, where('/ip4/10.1.2.3/tcp/1')), false)
    // The name is not known yet.
    assert.equal(access.deniesAddress(where('/ip4/203.0.113.1/tcp/1'), 'in'), false)
    assert.equal(access.deniesAddress(where(`/ip4/203.0.113.1/tcp/1/p2p/${stranger}`), 'out'), true)
    const byNetwork = lists({ allowed: ['/ip4/10.0.0.0/ipcidr/8'] })
    assert.equal(byNetwork.deniesAddress(where('/ip4/203.0.113.1/tcp/1'), 'in'), true)
    assert.equal(lists({ allowed: [A] }).deniesPeer(stranger), true)
    const nameless = lists({ allowed: [A], configured: ['/ip4/192.0.2.1/tcp/1'] })
    assert.equal(nameless.denies(stranger, where('/ip4/192.0.2.1/tcp/1')), false)
    assert.equal(nameless.denies(stranger, where('/ip4/192.0.2.2/tcp/1')), true)
  })
})

describe('who is let in by a node', () => {
  const nodes: TestNode[] = []
  const start = async (name: string, options: TestNodeOptions = {}) => {
    const node = await testNode(name, options)
    nodes.push(node)
    await startNode(node)
    return node
  }
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(node => node.net.stop()))
  })
  const reach = async (from: TestNode, to: TestNode) => {
    const result = await from.net.connect(address(to))
    return result.ok ? 'ok' : result.error.code
  }
  /** A peer that is refused after the handshake sees the connection open and close again. */
  const never = (node: TestNode) => assert.deepEqual([node.opened, node.net.peers()], [[], []])

  it('denies by address, in and out', async () => {
    const closed = await start('closed', { denied: ['/ip4/127.0.0.0/ipcidr/8'] })
    const open = await start('open')
    assert.equal(await reach(closed, open), 'PEER_DENIED')
    assert.notEqual(await reach(open, closed), 'ok')
    never(closed)
    never(open)
  })

  it('lets in by name, and nobody else', async () => {
    const friend = await start('friend')
    const stranger = await start('stranger')
    const club = await start('club', { allowed: [friend.net.self] })
    await reach(stranger, club)
    assert.equal(await reach(friend, club), 'ok')
    await until('friend is open', () => club.opened.length === 1)
    assert.deepEqual(
      club.opened.map(({ peer }) => peer),
      [friend.net.self],
    )
    assert.equal(await reach(club, stranger), 'PEER_DENIED')
    never(stranger)
  })

  it('lets in its configured peers besides', async () => {
    const hub = await start('hub')
    const club = await start('club', { allowed: [A], peers: [address(hub)] })
    await until('hub is open', () => club.opened.length === 1)
    assert.equal(club.opened[0]?.peer, hub.net.self)
  })

  it('takes no more connections than it may', async () => {
    const small = await start('small', { connectionsMax: 2 })
    const others = await Promise.all(['a', 'b', 'c'].map(name => start(name)))
    for (const other of others.slice(0, 2)) assert.equal(await reach(other, small), 'ok')
    await until('two are open', () => small.opened.length === 2)
    assert.equal(await reach(others[2] as TestNode, small), 'PEER_UNREACHABLE')
    never(others[2] as TestNode)
    assert.equal(small.net.peers().length, 2)
  })

  describe('of a private network', () => {
    const psk = (digit: string) => Buffer.from(`/key/swarm/psk/1.0.0/\n/base16/\n${digit.repeat(64)}`)

    it('connects those with one key, and nobody with another or none', async () => {
      const [one, two] = [await start('one', { networkKey: psk('a') }), await start('two', { networkKey: psk('a') })]
      const other = await start('other', { networkKey: psk('b') })
      const none = await start('none')
      // Each waits until the other end gives up; so all at once.
      const pairs = [other, none].flatMap(stranger => [reach(stranger, one), reach(one, stranger)])
      assert.deepEqual(await Promise.all(pairs), Array(4).fill('PEER_UNREACHABLE'))
      for (const stranger of [other, none]) never(stranger)
      assert.equal(await reach(two, one), 'ok')
      await until('open', () => one.opened.length === 1)
    }).timeout(30_000)

    describe('reads its key', () => {
      let dir: string
      before(async () => {
        dir = await mkdtemp(join(tmpdir(), 'web4-swarm-'))
      })
      after(() => rm(dir, { recursive: true }))
      const file = async (text: string | Uint8Array, mode = 0o600) => {
        const path = join(dir, 'swarm.key')
        await writeFile(path, text)
        await chmod(path, mode)
        return path
      }

      it('from the usual file', async () => {
        for (const text of [psk('a').toString(), `${psk('A')}\n`, psk('0').toString().replaceAll('\n', '\r\n')])
          assert.equal(Buffer.from(await readNetworkKey(await file(text))).toString(), text)
      })

      it('and refuses a damaged one, one that others can read, and none', async () => {
        const good = psk('a').toString()
        const refused = async (path: string) =>
          readNetworkKey(path).then(
            () => 'ok',
            error => error.code,
          )
        for (const bad of [
          '',
          good.slice(0, -1),
          `${good}a`,
          `${good}\n\n`,
          good.replace('base16', 'base64'),
          good.replace('1.0.0', '2.0.0'),
          good.replace('a', 'g').slice(0, -1),
          good.replace(/a$/, 'g'),
          'a'.repeat(64),
          new Uint8Array(2_000),
        ])
          assert.equal(await refused(await file(bad)), 'NETWORK_KEY')
        assert.equal(await refused(await file(good, 0o644)), 'KEY_FILE_MODE')
        assert.equal(await refused(join(dir, 'none')), 'NETWORK_KEY')
        assert.equal(await refused(dir), 'NETWORK_KEY')
      })
    })
  })
})
