import assert from 'node:assert/strict'
import { Issuer } from '../../src/driver/issue.ts'
import type { PeerId, PeerInfo, Requests } from '../../src/driver/net.ts'
import { serveEntries } from '../../src/driver/serve.ts'
import { toBase64url } from '../../src/encoding.ts'
import { formatNote } from '../../src/log/note.ts'
import type { Clock } from '../../src/ports.ts'
import type { Law } from '../../src/records/law.ts'
import { ok } from '../../src/result.ts'
import type { SocietyId } from '../../src/units.ts'
import { LocalNode, type LocalNodeSetup, steadyClock } from '../support/local-nodes.ts'
import { startNode, type TestNode, testNode } from '../support/net.ts'
import { GENESIS_MS } from '../support/society.ts'
import { until } from '../support/until.ts'

const SPEED = 5

/** Five times as fast for everybody: pauses of the searches are seconds long. */
function fastClock(): Clock {
  const clock = steadyClock(0)
  return {
    now: () => GENESIS_MS + SPEED * clock.now(),
    after: (delayMs, task) => clock.after(delayMs / SPEED, task),
  }
}

/** Nodes that know one address and one society id, and nothing of each other. */
describe('finding a society', function () {
  this.timeout(60_000)
  const nodes: LocalNode[] = []
  const liars: TestNode[] = []
  let clock: Clock
  beforeEach(() => {
    clock = fastClock()
  })
  afterEach(async () => {
    const stopped = nodes.splice(0)
    await Promise.all([...stopped.map(node => node.stop()), ...liars.splice(0).map(liar => liar.net.stop())])
    assert.deepEqual(
      stopped.flatMap(node => node.faults),
      [],
    )
  })

  async function start(slug: string, config: LocalNodeSetup['config'] = {}): Promise<LocalNode> {
    const node = await LocalNode.start({ slug, clock, config: { status_ms: 500, ...config } })
    nodes.push(node)
    return node
  }

  const rootOf = (node: LocalNode, society: SocietyId) => {
    const { root, size } = node.log(society).replica.tip
    return { root: toBase64url(root), size }
  }

  /** A society with a log of some length, on a node that knows the hub alone and that nobody's routing table names. */
  async function society(slug: string, hub: LocalNode): Promise<LocalNode> {
    const node = await start(slug, { peers: [hub.address], dht: 'client' })
    await node.found([], [])
    for (let round = 0; round < 3; round++) await node.issue('atp.mint', { amount: 1_000 })
    return node
  }

  it('follows a log to the same root through the DHT, from one address and one id', async () => {
    const hub = await start('hub')
    const far = await society('far', hub)
    // Servers meet each other anyway while they fill their tables; of a client only a provider record tells.
    const seeker = await start('seeker', { peers: [hub.address], dht: 'client' })
    await seeker.follow(far.society)
    await until('the whole log', () => seeker.log(far.society).replica.tip.size === far.log().replica.tip.size, 30_000)
    assert.deepEqual(rootOf(seeker, far.society), rootOf(far, far.society))
    assert.equal(hub.running.federation.logs.has(far.society), false)
    assert.equal(seeker.net.foundBy(far.net.self), 'dht')
  })

  it('does not find it with the DHT off', async () => {
    const hub = await start('hub')
    await hub.found([], [])
    const far = await society('far', hub)
    const seeker = await start('seeker', { peers: [hub.address], dht: 'off' })
    await seeker.follow(far.society)
    await seeker.follow(hub.society)
    // Somebody in the same place, at the same time, who has the DHT.
    const other = await start('other', { peers: [hub.address], dht: 'client' })
    await other.follow(far.society)
    await until('the other has it', () => other.log(far.society).replica.tip.size === 4, 30_000)
    // What it can reach it does get.
    await hub.issue('atp.mint', { amount: 1_000 })
    await until('synced', () => seeker.log(hub.society).replica.tip.size === 2)
    assert.deepEqual(
      seeker.net.peers().map(({ peer }) => peer),
      [hub.net.self],
    )
    assert.equal(seeker.log(far.society).replica.tip.size, 0)
  })

  /** Says to serve a society's log, and gives entries of the hub's. */
  async function liar(name: string, society: SocietyId, hub: LocalNode): Promise<TestNode & { askers: PeerId[] }> {
    const node = Object.assign(
      await testNode(name, { federation: 'web4', dht: 'client', peers: [hub.address], components: { clock } }),
      { askers: [] as PeerId[] },
    )
    liars.push(node)
    const note = () => formatNote(hub.log().notes.latest ?? assert.fail('no note'))
    await startNode(node, {
      peerOpened: peer => node.opened.push(peer),
      peerClosed: peer => node.closed.push(peer),
      serve: {
        async status() {
          const { root } = rootOf(hub, hub.society)
          return ok({
            clock: clock.now(),
            logs: [{ society, size: 1_000_000, root, final: 0, note: note() }],
            verdict: { verdict: 'ok' },
          })
        },
        async entries(peer: PeerInfo, request: Requests['entries']['request']) {
          node.askers.push(peer.peer)
          return serveEntries(hub.running.federation, peer, { ...request, society: hub.society })
        },
      },
    })
    node.net.want({ serves: [society], seeks: new Map(), helpers: new Set(), endpoints: new Map() })
    return node
  }

  it('gives up providers of another log, stores nothing of theirs, and ends with the true one', async () => {
    const hub = await start('hub')
    await hub.found([], [])
    // Nobody hears of the honest one before the liars have been tried.
    const far = await start('far', { dht: 'client' })
    await far.found([], [])
    await far.issue('atp.mint', { amount: 1_000 })
    const bad = await Promise.all(['liar1', 'liar2', 'liar3'].map(name => liar(name, far.society, hub)))
    const seeker = await start('seeker', { peers: [hub.address], dht: 'client' })
    await seeker.follow(far.society)
    const kept = await keysIn(seeker)
    const sawOff = (node: TestNode) => node.closed.some(({ peer }) => peer === seeker.net.self)
    await until('all liars are given up', () => bad.every(sawOff), 40_000)
    assert.equal(seeker.log(far.society).replica.tip.size, 0)
    assert.deepEqual(await keysIn(seeker), kept)
    await far.connect(hub)
    await until('the whole log', () => seeker.log(far.society).replica.tip.size === 2, 40_000)
    assert.deepEqual(rootOf(seeker, far.society), rootOf(far, far.society))
    assert.deepEqual([...seeker.running.federation.logs.keys()], [far.society])
    for (const node of bad) {
      // `far` asks them as well: they say to have more of its own log than it has itself.
      const asked = node.askers.filter(peer => peer === seeker.net.self).length
      assert.ok(asked >= 1 && asked <= 5, `${node.name} was asked ${asked} times`)
      const met = node.opened.filter(({ peer }) => peer === seeker.net.self).length
      assert.equal(met, 1, `${node.name} was dialled ${met} times`)
    }
  })

  it('keeps a connection to the addresses of record, and follows them when the law changes', async () => {
    const off = { dht: 'off' } as const
    const far = await start('far', off)
    await far.found([], [])
    const hub = await start('hub', { ...off, peers: [far.address] })
    await hub.follow(far.society)
    const mirror = await start('mirror', off)
    const seeker = await start('seeker', { ...off, peers: [hub.address] })
    await seeker.follow(far.society)
    await until('synced', () => seeker.log(far.society).replica.tip.size === 1)
    const met = () => seeker.net.peers().map(({ peer }) => [peer, seeker.net.foundBy(peer)].join(' '))
    assert.deepEqual(met(), [`${hub.net.self} configured`])
    let number = 0
    const move = async (endpoints: readonly string[]) => {
      const law = { ...(far.log().replica.inForce?.law as Law), number: ++number, endpoints }
      const issued = await new Issuer(far.running.federation).issue('law.update', { law } as never)
      assert.ok(issued.ok)
    }
    await move([far.address])
    await until('at its endpoint', () => met().includes(`${far.net.self} endpoint`))
    // A law may say what it likes: no addresses, this node's own, names that nobody has, ports where nobody is.
    const hostile = ['nonsense', seeker.address, '/dns4/nobody.invalid/tcp/1', '/ip4/127.0.0.1/tcp/1', 'x'.repeat(256)]
    await move([...hostile, mirror.address])
    await until('at its new endpoint', () => met().includes(`${mirror.net.self} endpoint`))
    assert.equal(met().length, 3)
  })
})

/** Every key of a node's store, as text. */
async function keysIn(node: LocalNode): Promise<readonly string[]> {
  const keys: string[] = []
  for await (const [key] of node.store.range({ gte: '', lt: '\uffff' })) keys.push(key)
  return keys
}
