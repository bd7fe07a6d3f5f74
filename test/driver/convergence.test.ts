import assert from 'node:assert/strict'
import { Cluster } from '../support/cluster.ts'

describe('a federation on a virtual network', () => {
  it('runs births, charges, transfers and attestations to finality, alike on every node', async () => {
    const cluster = await Cluster.found({ societies: 4, latencyMs: [1, 40], seed: 11 })
    await cluster.recognise()
    const [home] = cluster.nodes
    assert.ok(home)
    const anna = await cluster.member(home, 'anna')
    const ben = await cluster.member(home, 'ben')
    await cluster.do(home.mint(1_000_000))
    await cluster.do(home.charge(anna, 500_000))
    for (let i = 0; i < 5; i++) await cluster.do(home.transfer(anna, ben, 1_000))
    await cluster.do(home.attest(anna, ben.lct))
    await cluster.final()
    await cluster.assertConverged()
    cluster.assertNoFaults()
  })
})
