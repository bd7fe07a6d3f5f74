import assert from 'node:assert/strict'
import type { ScoreChoice } from '../../protocols/gossip/settings.ts'
import { utf8Encode } from '../../src/canonical.ts'
import { address, societyId, startNode, type TestNode, testNode } from '../support/net.ts'
import { until } from '../support/until.ts'

const NODES = 20
const PUBLISHERS = 5
const MESSAGES = 1_000
const society = societyId('busy')

/** Twenty real nodes on one address, each connected with all others, all followers of one log. */
async function constellation(
  scoreParams: ScoreChoice,
  nodes: TestNode[],
  received: Map<string, Set<string>>,
): Promise<void> {
  for (let index = 0; index < NODES; index++) {
    const node = await testNode(`node-${index}`, { federation: 'colocation', scoreParams })
    const mine = new Set<string>()
    received.set(node.name, mine)
    node.net.join(society)
    await startNode(node, {
      async group(_society, frame) {
        mine.add(Buffer.from(frame).toString())
        return 'accept'
      },
    })
    const dials = await Promise.all(nodes.map(earlier => node.net.connect(address(earlier))))
    nodes.push(node)
    assert.ok(dials.every(dial => dial.ok))
  }
  await until('all know all', () => nodes.every(node => node.net.peers().length === NODES - 1), 20_000)
}

async function publishAll(nodes: readonly TestNode[]): Promise<void> {
  for (let index = 0; index < MESSAGES; index++) {
    const publisher = nodes[index % PUBLISHERS]
    await publisher?.net.publishGroup(society, utf8Encode(`message ${index} ${'x'.repeat(400)}`))
    // A turn of the event loop, so that reading keeps up with writing.
    if (index % 20 === 19) await new Promise(resolve => setImmediate(resolve))
  }
}

async function askAll({ net }: TestNode): Promise<void> {
  const question = { society, from: 0, limit: 0 }
  const answers = await Promise.all(net.peers().map(({ peer }) => net.request(peer, 'entries', question)))
  for (const answer of answers) assert.deepEqual(answer, { ok: false, error: { code: 'NOT_FOUND' } })
}

/** Messages that came to nodes other than their publisher. */
function delivered(received: Map<string, Set<string>>): number {
  return [...received.values()].reduce((sum, messages) => sum + messages.size, 0)
}

const EXPECTED = MESSAGES * (NODES - 1)

describe('twenty nodes on one address', function () {
  this.timeout(120_000)
  const nodes: TestNode[] = []
  const received = new Map<string, Set<string>>()

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(node => node.net.stop()))
    received.clear()
  })

  it('get every message by gossip alone with the score parameters of the federation', async () => {
    await constellation('federation', nodes, received)
    await until('a mesh at every node', () => nodes.every(node => node.net.mesh(society).length >= 2))
    await publishAll(nodes)
    await until('every message everywhere', () => delivered(received) === EXPECTED, 60_000)
  })

  it('do not with the defaults of the library', async () => {
    await constellation('library-default', nodes, received)
    // Every score is below the graylist threshold by then: nobody reads what anybody says.
    await until('scores of colocation', () =>
      nodes.every(node => node.net.peers().every(({ peer }) => node.net.scoreOf(peer) < -80)),
    )
    await publishAll(nodes)
    // Answers come on the same connections, behind all gossip: after two rounds nothing is on its way any more.
    for (let round = 0; round < 2; round++) await Promise.all(nodes.map(askAll))
    assert.ok(delivered(received) < EXPECTED / 2, `${delivered(received)} of ${EXPECTED}`)
  })
})
