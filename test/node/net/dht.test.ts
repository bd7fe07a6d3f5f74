import assert from 'node:assert/strict'
import { publicKeyToProtobuf } from '@libp2p/crypto/keys'
import { type KadDHT, MessageType, Record as ValueRecord } from '@libp2p/kad-dht'
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { sha256, systemClock } from '../../../node/crypto/sodium.ts'
import { createDirectory, dhtKey } from '../../../node/net/dht.ts'
import { transportKey } from '../../../node/net/host.ts'
import { DHT_LIMITS } from '../../../node/net/limits.ts'
import { createPeerBook } from '../../../node/net/peer-book.ts'
import { utf8Encode } from '../../../src/canonical.ts'
import type { PeerId, Wants } from '../../../src/driver/net.ts'
import type { Clock } from '../../../src/ports.ts'
import type { SocietyId } from '../../../src/units.ts'
import { address, societyId, startNode, type TestNode, type TestNodeOptions, testNode } from '../../support/net.ts'
import { type RawDht, rawDht } from '../../support/raw-dht.ts'
import { until } from '../../support/until.ts'

const wants = (parts: Partial<Wants>): Wants => ({
  serves: [],
  seeks: new Map(),
  helpers: new Set(),
  endpoints: new Map(),
  ...parts,
})
const society = societyId('wanted')
const key = dhtKey(sha256, 'test', society)
const seeking = wants({ seeks: new Map([[society, 'nobody']]) })

interface Search {
  readonly found: number
  readonly dialled: readonly PeerId[]
}
type Node = TestNode & { readonly searches: Search[] }

describe('the key of a society in the DHT', () => {
  it('is the SHA-256 multihash of its name in its federation', () => {
    const hex = (federation: string) => Buffer.from(dhtKey(sha256, federation, society)).toString('hex')
    assert.equal(
      hex('test'),
      `1220${Buffer.from(sha256(utf8Encode(`web4/society/1\ntest\n${society}`))).toString('hex')}`,
    )
    assert.equal(hex('test'), '1220dd7b57f5986d68d44477e2aa2aca1017445c7adba950664e03bde6b0f50fce3e')
    assert.notEqual(hex('test'), hex('other'))
  })
})

describe('finding who serves a log', function () {
  this.timeout(40_000)
  const nodes: TestNode[] = []
  const raws: RawDht[] = []
  afterEach(async () => {
    await Promise.all([
      ...nodes.splice(0).map(node => node.net.stop()),
      ...raws.splice(0).map(raw => raw.libp2p.stop()),
    ])
  })

  async function start(name: string, options: TestNodeOptions = {}): Promise<Node> {
    const searches: Search[] = []
    const searched = (_society: SocietyId, found: number, dialled: readonly PeerId[]) =>
      searches.push({ found, dialled })
    const node = await testNode(name, { dht: 'server', ...options, components: { ...options.components, searched } })
    nodes.push(node)
    await startNode(node)
    return Object.assign(node, { searches })
  }

  async function stranger(...known: readonly TestNode[]): Promise<RawDht> {
    const raw = await rawDht('test')
    raws.push(raw)
    await raw.connect(...known)
    return raw
  }

  /** Whom the hub names as providers. */
  async function namedBy(hub: TestNode, asker: RawDht): Promise<readonly PeerId[]> {
    const answer = await asker.ask(hub, { type: MessageType.GET_PROVIDERS, key })
    assert.ok(answer)
    return answer.providers.map(({ id }) => id.toString())
  }

  /** Asks now and then, since a node that is asked too often does not answer. */
  async function named(hub: TestNode, asker: RawDht, isSo: (peers: readonly PeerId[]) => boolean): Promise<void> {
    const end = performance.now() + 20_000
    while (!isSo(await namedBy(hub, asker))) {
      assert.ok(performance.now() < end, 'not named as it should be')
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }

  it('finds through a third node a provider that it never met', async () => {
    const hub = await start('hub')
    const giver = await start('giver', { dht: 'client', peers: [address(hub)] })
    giver.net.want(wants({ serves: [society] }))
    const seeker = await start('seeker', { dht: 'client', peers: [address(hub)] })
    seeker.net.want(seeking)
    await until('connected', () => seeker.net.peers().some(({ peer }) => peer === giver.net.self))
    assert.deepEqual(seeker.searches.at(-1), { found: 1, dialled: [giver.net.self] })
    assert.equal(seeker.net.foundBy(giver.net.self), 'dht')
    assert.equal(seeker.net.foundBy(hub.net.self), 'configured')
    assert.equal(giver.net.foundBy(seeker.net.self), 'inbound')
  })

  it('finds nobody who serves another log alone', async () => {
    const hub = await start('hub')
    const giver = await start('giver', { dht: 'client', peers: [address(hub)] })
    giver.net.want(wants({ serves: [societyId('another')] }))
    const seeker = await start('seeker', { dht: 'client', peers: [address(hub)] })
    seeker.net.want(seeking)
    await until('searched', () => seeker.searches.length === 1)
    assert.deepEqual(seeker.searches, [{ found: 0, dialled: [] }])
  })

  it('does not hear of private addresses from a node that passes on public ones alone', async () => {
    const hub = await start('hub', { addresses: 'public' })
    const giver = await start('giver', { dht: 'client', peers: [address(hub)] })
    giver.net.want(wants({ serves: [society] }))
    const seeker = await start('seeker', { dht: 'client', peers: [address(hub)] })
    seeker.net.want(seeking)
    await until('searched', () => seeker.searches.length === 1)
    assert.deepEqual(seeker.searches, [{ found: 0, dialled: [] }])
  })

  it('takes no private addresses from others when it wants public ones', async () => {
    const { peer: self } = await transportKey(sha256(utf8Encode('self')))
    const { peer: other } = await transportKey(sha256(utf8Encode('other')))
    const id = peerIdFromString(other)
    const multiaddrs = ['/ip4/10.0.0.1/tcp/1', '/ip4/8.8.8.8/tcp/1', '/ip4/127.0.0.1/tcp/1'].map(text =>
      multiaddr(text),
    )
    const response = { name: 'PEER_RESPONSE', providers: [{ id, multiaddrs }] }
    // On loopback a table of public addresses stays empty, so the library is replaced here by its answers.
    const library = {
      async *getClosestPeers() {
        yield { name: 'FINAL_PEER', peer: { id, multiaddrs } }
      },
      network: {
        async *sendRequest() {
          yield response
        },
      },
    } as unknown as KadDHT
    const find = (addresses: 'any' | 'public') =>
      createDirectory(
        library,
        { federation: 'test', self, addresses },
        { sha256, book: createPeerBook(self, systemClock), peerInfo: async () => ({ id, multiaddrs: [] }) },
      ).find(society, new AbortController().signal)
    assert.deepEqual(await find('public'), [{ peer: other, addresses: ['/ip4/8.8.8.8/tcp/1'], namedBy: 1 }])
    assert.deepEqual(await find('any'), [{ peer: other, addresses: multiaddrs.map(String), namedBy: 1 }])
  })

  it('parts with who does not help, unless it helps with another log or the operator wants it', async () => {
    const hub = await start('hub')
    const giver = await start('giver', { dht: 'client', peers: [address(hub)] })
    giver.net.want(wants({ serves: [society] }))
    const begun = performance.now()
    // The pauses of the searches are seconds; other nodes take a statement whose clock is five minutes wrong.
    const clock: Clock = {
      now: () => Math.round(Date.now() + 19 * (performance.now() - begun)),
      after: (delayMs, task) => systemClock.after(Math.ceil(delayMs / 20), task),
    }
    const seeker = await start('seeker', { dht: 'client', peers: [address(hub)], components: { clock } })
    const seeks = seeking.seeks
    seeker.net.want(wants({ seeks, helpers: new Set([giver.net.self]) }))
    await until('searched', () => seeker.searches.length === 5, 20_000)
    const opened = () => giver.opened.filter(({ peer }) => peer === seeker.net.self).length
    assert.equal(opened(), 1)
    assert.deepEqual(giver.closed, [])
    seeker.net.want(wants({ seeks }))
    await until('parted', () => giver.closed.length === 1, 20_000)
    assert.deepEqual(await seeker.net.connect(address(giver)), { ok: true, value: giver.net.self })
    await until('open again', () => opened() === 2)
    assert.equal(seeker.net.foundBy(giver.net.self), 'operator')
  })

  it('forgets who says so no more', async () => {
    const hub = await start('hub')
    const giver = await start('giver', { peers: [address(hub)] })
    giver.net.want(wants({ serves: [society] }))
    const asker = await stranger(hub, giver)
    await named(giver, asker, peers => peers.includes(giver.net.self))
    giver.net.want(wants({}))
    await named(giver, asker, peers => peers.length === 0)
  })

  it('is not filled by one liar who names a thousand providers', async () => {
    const hub = await start('hub')
    const giver = await start('giver', { dht: 'client', peers: [address(hub)] })
    giver.net.want(wants({ serves: [society] }))
    const liar = await stranger(hub)
    for (let index = 0; index < 1_000; index++) {
      const { peer } = await transportKey(sha256(utf8Encode(`nobody ${index}`)))
      await liar.name(key, peerIdFromString(peer), [`/ip4/127.0.0.1/tcp/${index + 1}`])
    }
    await named(hub, liar, peers => peers.includes(giver.net.self))
    // It asks the liar first, and hears of the hub from there.
    const seeker = await start('seeker', { dht: 'client', peers: liar.net.addresses() })
    seeker.net.want(seeking)
    await until('connected', () => seeker.net.peers().some(({ peer }) => peer === giver.net.self), 30_000)
    const both = DHT_LIMITS.providersOfAnswer + 1
    await until('a search names both', () => seeker.searches.some(({ found }) => found === both), 30_000)
    assert.ok(seeker.searches.every(({ found }) => found <= both))
  })

  it('stores no values for strangers', async () => {
    const hub = await start('hub')
    const asker = await stranger(hub)
    const { key: pair } = await transportKey(sha256(utf8Encode('stranger')))
    const own = peerIdFromPublicKey(pair.publicKey)
    const values: [Uint8Array, Uint8Array][] = [
      // What the library takes by default.
      [Buffer.concat([utf8Encode('/pk/'), own.toMultihash().bytes]), publicKeyToProtobuf(pair.publicKey)],
      [utf8Encode('/ipns/name'), utf8Encode('value')],
      [utf8Encode('/any/thing'), utf8Encode('value')],
    ]
    for (const [name, value] of values) {
      const record = new ValueRecord(name, value, new Date()).serialize()
      assert.equal(await asker.ask(hub, { type: MessageType.PUT_VALUE, key: name, record }), undefined)
      const answer = await asker.ask(hub, { type: MessageType.GET_VALUE, key: name })
      assert.equal(answer?.record, undefined)
    }
  })

  it('takes a provider’s word for itself alone, under well-formed keys alone', async () => {
    const hub = await start('hub')
    const asker = await stranger(hub)
    const self = asker.libp2p.peerId.toMultihash().bytes
    const other = peerIdFromString(hub.net.self).toMultihash().bytes
    const multiaddrs = [multiaddr('/ip4/127.0.0.1/tcp/9').bytes]
    const add = (id: Uint8Array, under: Uint8Array) =>
      asker.tell(hub, { type: MessageType.ADD_PROVIDER, key: under, providers: [{ id, multiaddrs }] })
    await add(other, key)
    assert.deepEqual(await namedBy(hub, asker), [])
    // An identity multihash of a kilobyte, as a CID of version 1.
    await add(self, Buffer.concat([Uint8Array.of(1, 0x55, 0, 0x80, 0x08), new Uint8Array(1_024)]))
    await add(self, key)
    await named(hub, asker, peers => peers.length > 0)
    assert.deepEqual(await namedBy(hub, asker), [asker.net.self])
  })

  it('breaks off requests that are too large or too many', async () => {
    const hub = await start('hub')
    const asker = await stranger(hub)
    const ping = (bytes: number) => asker.ask(hub, { type: MessageType.PING, key: new Uint8Array(bytes) })
    assert.ok(await ping(DHT_LIMITS.streamBytes - 100))
    assert.equal(await ping(DHT_LIMITS.streamBytes), undefined)
    let answered = 0
    while ((await ping(1)) !== undefined) answered++
    assert.ok(answered >= DHT_LIMITS.requests.burst / 2 && answered < 10 * DHT_LIMITS.requests.burst, `${answered}`)
  })
})
