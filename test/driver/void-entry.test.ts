import assert from 'node:assert/strict'
import { formatNote } from '../../src/log/note.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { forgeBranch, forgeEntry, peerOf, signNote } from '../support/forge.ts'

describe('a void entry under a valid checkpoint', () => {
  it('stops replicas before it and witnesses below it, freezes nothing, and leaves other logs alone', async () => {
    const cluster = await Cluster.resume({ societies: 4 })
    await cluster.ready()
    await cluster.clock.advance(2_000)
    const [liar, ...honest] = cluster.nodes as [ClusterNode, ...ClusterNode[]]
    const { anna, ben } = cluster.members
    const log = liar.society
    const { size } = liar.log().replica.tip
    const pay = (seq: number, amount: number) =>
      forgeEntry(liar.draft(anna, 'atp.transfer', { amount, from: anna.lct, to: ben.lct }), [anna.identity], seq)
    // Good, overdrawn, good again.
    const lie = await forgeBranch(liar, size, [pay(size, 5), pay(size + 1, 5_000_000), pay(size + 2, 5)])
    await cluster.clock.run(liar.federation.ports.net.publishGroup(log, lie.frame))
    await cluster.clock.advance(3_000)

    for (const node of honest) {
      const { replica } = node.log(log)
      assert.deepEqual(replica.halt, { mode: 'void', seq: size + 1, code: 'BALANCE_INSUFFICIENT' })
      assert.equal(replica.tip.size, size + 1, 'what was good before it')
      assert.deepEqual(node.halts, [{ society: log, code: 'BALANCE_INSUFFICIENT' }])
      const ask = (note: string) => cluster.refusal(node.federation.serve.cosign(peerOf(liar), { note }))
      assert.equal(await ask(formatNote(lie.note)), 'VOID_ENTRY')
      assert.equal(await ask(formatNote(signNote(liar, size + 1, replica.tip.root))), undefined, 'below it all is well')
      const [fork] = await node.setup.store.getMany([storeKey.fork(log)])
      assert.equal(fork, undefined)
    }

    const [other] = honest as [ClusterNode]
    await cluster.do(other.mint(7))
    await cluster.final([other])

    const restarted = await cluster.restart(other)
    assert.deepEqual(restarted.log(log).replica.halt, { mode: 'void', seq: size + 1, code: 'BALANCE_INSUFFICIENT' })
    await cluster.clock.advance(5_000)
    const again = restarted.federation.serve.cosign(peerOf(liar), { note: formatNote(lie.note) })
    assert.equal(await cluster.refusal(again), 'VOID_ENTRY')
    assert.equal(await cluster.refusal(restarted.mint(8)), undefined)
    cluster.assertNoFaults()
  })
})
