import assert from 'node:assert/strict'
import { sha256 } from '../../../node/crypto/sodium.ts'
import { dhtKey, dhtProtocol } from '../../../node/net/dht.ts'
import type { PeerId, Wants } from '../../../src/driver/net.ts'
import type { SocietyId } from '../../../src/units.ts'
import { address, societyId, startNode, type TestNode, type TestNodeOptions, testNode } from '../../support/net.ts'
import { until } from '../../support/until.ts'

const wants = (parts: Partial<Wants>): Wants => ({ serves: [], seeks: new Map(), endpoints: new Map(), ...parts })

interface Search {
  readonly society: SocietyId
  readonly found: number
  readonly dialled: readonly PeerId[]
}

describe('finding who serves a log', () => {
  const nodes: TestNode[] = []
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(node => node.net.stop()))
  })

  async function start(name: string, options: TestNodeOptions = {}): Promise<TestNode & { searches: Search[] }> {
    const searches: Search[] = []
    const searched = (society: SocietyId, found: number, dialled: readonly PeerId[]) =>
      searches.push({ society, found, dialled })
    const node = await testNode(name, { dht: 'server', ...options, components: { searched } })
    nodes.push(node)
    await startNode(node)
    return Object.assign(node, { searches })
  }

  it('finds through a third node a provider that it never met', async () => {
    const hub = await start('hub')
    const giver = await start('giver', { dht: 'client', peers: [address(hub)] })
    const society = societyId('wanted')
    giver.net.want(wants({ serves: [society] }))
    const seeker = await start('seeker', { dht: 'client', peers: [address(hub)] })
    seeker.net.want(wants({ seeks: new Map([[society, 'nobody']]) }))
    await until('connected', () => seeker.net.peers().some(({ peer }) => peer === giver.net.self))
    console.log(seeker.searches, seeker.net.foundBy(giver.net.self), giver.net.foundBy(seeker.net.self))
  })
})
