import assert from 'node:assert/strict'
import { peerIdFromString } from '@libp2p/peer-id'
import { sha256 } from '../../../node/crypto/sodium.ts'
import { recordedAddresses } from '../../../node/net/endpoints.ts'
import { transportKey } from '../../../node/net/host.ts'
import { utf8Encode } from '../../../src/canonical.ts'

const own = ['/ip4/192.0.2.1/tcp/4481']

async function recorded(
  endpoints: Readonly<Record<string, readonly string[]>>,
  choice: 'any' | 'public' = 'any',
): Promise<readonly string[]> {
  const { peer } = await transportKey(sha256(utf8Encode('self')))
  const self = { id: peerIdFromString(peer), addresses: own.map(address => `${address}/p2p/${peer}`), choice }
  return recordedAddresses(new Map(Object.entries(endpoints)), self)
}

describe('the addresses of record that are worth a connection', () => {
  it('are TCP addresses of hosts, with or without a name', async () => {
    const { peer } = await transportKey(sha256(utf8Encode('other')))
    const good = [
      '/ip4/10.0.0.1/tcp/1',
      `/ip6/2001:db8::1/tcp/2/p2p/${peer}`,
      '/dns4/node.example/tcp/3',
      '/dns/node.example/tcp/4',
    ]
    assert.deepEqual(await recorded({ a: good }), good)
  })

  it('are none of what is malformed, of another kind, or this node’s own', async () => {
    const { peer } = await transportKey(sha256(utf8Encode('self')))
    const { peer: other } = await transportKey(sha256(utf8Encode('other')))
    const bad = [
      '',
      'node.example:4481',
      '/ip4/300.0.0.1/tcp/1',
      '/ip4/10.0.0.1',
      '/ip4/10.0.0.1/udp/1',
      '/ip4/10.0.0.1/tcp/1/ws',
      '/unix/run/web4.sock',
      `/p2p/${other}`,
      `/ip4/10.0.0.1/tcp/1/p2p/${other}/p2p-circuit`,
      `/ip4/10.0.0.1/tcp/1/p2p/${other}/p2p-circuit/p2p/${other}`,
      '/dnsaddr/node.example',
      `/ip4/203.0.113.9/tcp/1/p2p/${peer}`,
      ...own,
      `${own[0]}/p2p/${other}`,
      '/ip4/10.0.0.1/tcp/1\0',
    ]
    assert.deepEqual(await recorded({ a: bad }), [])
    assert.deepEqual(await recorded({ a: [...bad, '/ip4/10.0.0.1/tcp/1'] }), ['/ip4/10.0.0.1/tcp/1'])
  })

  it('are four of a society and 64 of all, one of each society in turn', async () => {
    const many = (host: number, count: number) =>
      Array.from({ length: count }, (_, port) => `/ip4/10.0.${host}.1/tcp/${port + 1}`)
    assert.deepEqual(await recorded({ a: many(1, 1_000) }), many(1, 4))
    const all = Object.fromEntries(Array.from({ length: 60 }, (_, host) => [`s${host}`, many(host, 16)]))
    const found = await recorded(all)
    assert.equal(found.length, 64)
    assert.equal(found.filter(address => address.endsWith('/tcp/1')).length, 60)
  })

  it('are public where public ones are wanted', async () => {
    const list = ['/ip4/10.0.0.1/tcp/1', '/ip4/127.0.0.1/tcp/2', '/ip4/8.8.8.8/tcp/3', '/ip6/fd00::1/tcp/4']
    assert.deepEqual(await recorded({ a: list }, 'public'), ['/ip4/8.8.8.8/tcp/3'])
  })
})
