import assert from 'node:assert/strict'
import { toBase64url } from '../../src/encoding.ts'
import type { SocietyId } from '../../src/units.ts'
import { LocalNode, type LocalNodeSetup, steadyClock } from '../support/local-nodes.ts'
import { until } from '../support/until.ts'

/** Nodes that know one address and one society id, and nothing of each other. */
describe('finding a society', function () {
  this.timeout(60_000)
  const nodes: LocalNode[] = []
  const clock = steadyClock()
  afterEach(async () => {
    const stopped = nodes.splice(0)
    await Promise.all(stopped.map(node => node.stop()))
    assert.deepEqual(
      stopped.flatMap(node => node.faults),
      [],
    )
  })

  async function start(slug: string, config: LocalNodeSetup['config'] = {}): Promise<LocalNode> {
    const node = await LocalNode.start({ slug, clock, config: { status_ms: 200, ...config } })
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
    // What it can reach it does get, for as long as the other way took, and more.
    await seeker.follow(hub.society)
    for (let round = 0; round < 20; round++) {
      await hub.issue('atp.mint', { amount: 1_000 })
      await until('synced', () => seeker.log(hub.society).replica.tip.size === hub.log().replica.tip.size)
    }
    assert.deepEqual(
      seeker.net.peers().map(({ peer }) => peer),
      [hub.net.self],
    )
    assert.equal(seeker.log(far.society).replica.tip.size, 0)
  })
})
