import assert from 'node:assert/strict'
import { LocalNode, steadyClock } from '../support/local-nodes.ts'
import { until } from '../support/until.ts'

describe('operator of a node', function () {
  this.timeout(30_000)
  const nodes: LocalNode[] = []
  afterEach(async () => {
    await Promise.all(nodes.splice(0).map(node => node.stop()))
  })

  it('SLUG_TAKEN: a society of that name is held here', async () => {
    const clock = steadyClock()
    for (const slug of ['alpha', 'beta']) nodes.push(await LocalNode.start({ slug, clock }))
    const [alpha, beta] = nodes as [LocalNode, LocalNode]
    const society = await alpha.found([], [])
    await beta.connect(alpha)
    await beta.follow(society)
    await until('its charter is here', () => beta.log(society).replica.tip.size > 0)
    const { operator } = beta.running.service
    const taken = await operator.genesis({ slug: 'alpha', witnesses: [], birth_witnesses: [] })
    assert.deepEqual(taken, { ok: false, error: { code: 'SLUG_TAKEN', detail: `alpha: ${society}` } })
    assert.equal(beta.society, '')
    assert.ok((await operator.genesis({ slug: 'beta', witnesses: [], birth_witnesses: [] })).ok)
  })
})
