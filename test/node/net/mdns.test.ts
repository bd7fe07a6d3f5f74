import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { startNode, type TestNode, testNode } from '../../support/net.ts'
import { until } from '../../support/until.ts'

const GROUP = '224.0.0.251'

/** Whether what this machine sends to a group comes back to it; without a route for multicast it does not. */
async function hasMulticast(): Promise<boolean> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  try {
    socket.bind(0)
    await once(socket, 'listening')
    socket.addMembership(GROUP)
    socket.setMulticastLoopback(true)
    const came = once(socket, 'message', { signal: AbortSignal.timeout(2_000) })
    socket.send('here?', socket.address().port, GROUP)
    await came
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}

// Multicast cannot be kept on loopback: port 5353 is open to the network while this runs. The nodes themselves listen on loopback.
describe('finding nodes on the local network', function () {
  this.timeout(30_000)
  const nodes: TestNode[] = []
  const start = async (name: string, federation: string) => {
    const node = await testNode(name, { federation, mdns: true })
    nodes.push(node)
    await startNode(node)
    return node
  }
  before(async function () {
    if (!(await hasMulticast())) this.skip()
  })
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(node => node.net.stop()))
  })

  it('connects nodes of one federation, and no others', async () => {
    const [one, other] = [await start('one', 'mdns-one'), await start('other', 'mdns-other')]
    const [two, others] = [await start('two', 'mdns-one'), await start('others', 'mdns-other')]
    await until('found', () => nodes.every(node => node.opened.length > 0), 20_000)
    for (const [a, b] of [
      [one, two],
      [other, others],
    ] as const) {
      assert.deepEqual(
        [a, b].map(node => node.opened.map(({ peer }) => peer)),
        [[b.net.self], [a.net.self]],
      )
      assert.ok([a.net.foundBy(b.net.self), b.net.foundBy(a.net.self)].includes('mdns'))
    }
  })
})
