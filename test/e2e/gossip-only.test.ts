import assert from 'node:assert/strict'
import type { Config } from '../../node/config/options.ts'
import type { OrderedMap } from '../../src/store/ordered-map.ts'
import { contentOf } from '../support/cluster.ts'
import { hashText } from '../support/identity.ts'
import { allFinal, connectAll, type LocalMember, LocalNode, ready, steadyClock } from '../support/local-nodes.ts'
import { until } from '../support/until.ts'

const NODES = 20
/** Nodes that write a log; all others follow these logs, and most of them witness each. */
const BUSY = 5
/** A charter takes up to fifteen; each one more costs this one thread more cosignatures, which are not what is tested. */
const WITNESSES = 5
const RECORDS = 1_000
/** Records of one society that are sent at once, and so share a group. */
const TOGETHER = 8
const LIMIT_MS = 120_000
const ATP = 1_000_000

interface Busy {
  readonly node: LocalNode
  readonly anna: LocalMember
  readonly ben: LocalMember
}

describe('twenty whole nodes in one process, each log with five witnesses', function () {
  this.timeout(300_000)
  const clock = steadyClock()
  const nodes: LocalNode[] = []
  const disks: OrderedMap[] = []
  const members: (readonly [LocalMember, LocalMember])[] = []

  async function begin(config: Partial<Config>): Promise<void> {
    for (let index = 0; index < NODES; index++) {
      const content = disks[index]
      // 380 pairs of nodes in one thread: they ask each other seldom how far they are.
      const setup = { slug: `s${index}`, clock, config: { status_ms: 20_000, ...config } }
      nodes.push(await LocalNode.start(content === undefined ? setup : { ...setup, content }))
    }
    await connectAll(nodes)
  }

  async function end(): Promise<void> {
    const stopping = nodes.splice(0)
    await Promise.all(stopping.map(node => node.stop()))
    for (const node of stopping) assert.deepEqual(node.faults, [], node.slug)
  }

  /** Five societies with members that know each other, all of it final everywhere, as a set of disks. */
  before(async () => {
    await begin({})
    const busy = nodes.slice(0, BUSY)
    for (const [index, home] of busy.entries()) {
      const idle = nodes.slice(BUSY)
      // Members are born under the eyes of the other busy ones, so these are among the witnesses.
      const others = [...busy.filter(node => node !== home), ...idle.slice(index), ...idle.slice(0, index)]
      await home.found(others.slice(0, WITNESSES), busy)
      for (const node of others.slice(WITNESSES)) await node.follow(home.society)
    }
    await allFinal(busy, nodes)
    for (const node of busy)
      for (const peer of busy) if (peer !== node) await node.running.service.operator.recognize(peer.society)
    for (const node of busy) {
      await node.issue('atp.mint', { amount: 10 * ATP })
      const both = [await node.birth('anna'), await node.birth('ben')] as const
      for (const { lct } of both)
        await node.issue('atp.charge', { amount: 5 * ATP, evidence: hashText('work'), to: lct })
      members.push(both)
    }
    await allFinal(busy, nodes)
    for (const node of nodes) disks.push(await contentOf(node.store))
    await end()
  })
  afterEach(end)
  after(end)

  function actors(): Busy[] {
    return nodes.slice(0, BUSY).map((node, index) => {
      const [anna, ben] = members[index] as readonly [LocalMember, LocalMember]
      // Every run begins from the same disks.
      return { node, anna: { ...anna, n: 1 }, ben: { ...ben, n: 1 } }
    })
  }

  /** Payments and attestations, each signed by its member and sequenced by its society, all societies at once. */
  async function act(societies: readonly Busy[]): Promise<void> {
    await Promise.all(
      societies.map(async ({ node, anna, ben }, index) => {
        const { anna: subject } = societies[(index + 1) % BUSY] as Busy
        const pay = () => node.submit(anna, 'atp.transfer', { amount: anna.n, from: anna.lct, to: ben.lct })
        const attest = () => {
          const claims = { metric: 'delivery', unit: 'ppm', value: ben.n }
          const body = { claims, event: hashText(`event ${ben.n}`), subject: subject.lct, type: 'quality' }
          return node.submit(ben, 'attest', body)
        }
        const together = Array.from({ length: TOGETHER }, (_, nth) => (nth % 2 === 0 ? pay : attest))
        for (let count = 0; count < RECORDS / BUSY; count += TOGETHER) await Promise.all(together.map(send => send()))
      }),
    )
  }

  /** How many of the new records are at nodes other than the one that sequenced them. */
  function delivered(societies: readonly Busy[], before: readonly number[]): number {
    return societies.reduce((sum, { node: home }, index) => {
      const came = nodes.map(node =>
        node === home ? 0 : node.log(home.society).replica.tip.size - (before[index] ?? 0),
      )
      return sum + came.reduce((a, b) => a + b, 0)
    }, 0)
  }

  const EXPECTED = RECORDS * (NODES - 1)

  it('get all of a thousand records by gossip alone', async () => {
    await begin({ range_fetch: false })
    await ready(nodes.slice(0, BUSY))
    const societies = actors()
    const before = societies.map(({ node }) => node.log().replica.tip.size)
    const meshed = (node: LocalNode) => societies.every(home => node.net.mesh(home.node.society).length >= 2)
    await until('a mesh at every node', () => nodes.every(meshed), LIMIT_MS)
    await act(societies)
    await until('every record everywhere', () => delivered(societies, before) === EXPECTED, LIMIT_MS)
    for (const { node: home } of societies) {
      const { size, root } = home.log().replica.tip
      const told = await Promise.all(nodes.map(node => node.running.service.state(home.society)))
      const facts = told.map(state => (state.ok ? `${state.value.size} ${state.value.root} ${state.value.digest}` : ''))
      assert.equal(new Set(facts).size, 1)
      assert.ok(facts[0]?.startsWith(`${size} ${Buffer.from(root).toString('base64url')} `))
    }
    await allFinal(
      societies.map(({ node }) => node),
      nodes,
    )
  })

  it('do not with the score parameters of the library: nodes that share an address are not heard', async () => {
    await begin({ range_fetch: false, score_params: 'library' })
    await ready(nodes.slice(0, BUSY))
    const societies = actors()
    const before = societies.map(({ node }) => node.log().replica.tip.size)
    // Below it nobody reads what the other one says.
    const unheard = (node: LocalNode) => node.net.peers().every(({ peer }) => node.net.scoreOf(peer) < -80)
    await until('scores of colocation', () => nodes.every(unheard), LIMIT_MS)
    await act(societies)
    // Answers come on the same connections, behind all gossip: after two rounds nothing is on its way any more.
    const { society } = (societies[0] as Busy).node
    for (let round = 0; round < 2; round++) for (const node of nodes) await askAll(node, society)
    const came = delivered(societies, before)
    assert.ok(came < EXPECTED / 2, `${came} of ${EXPECTED}`)
  })

  async function askAll({ net }: LocalNode, society: string): Promise<void> {
    const question = { society, from: 0, limit: 0 }
    const options = { timeoutMs: LIMIT_MS }
    const answers = await Promise.all(net.peers().map(({ peer }) => net.request(peer, 'entries', question, options)))
    for (const answer of answers) assert.ok(answer.ok, answer.ok ? '' : answer.error.code)
  }
})
