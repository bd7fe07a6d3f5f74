import assert from 'node:assert/strict'
import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import { makeBundle } from '../../src/driver/evidence.ts'
import { verifyBundle } from '../../src/log/bundle.ts'
import { formatNote } from '../../src/log/note.ts'
import type { Law } from '../../src/records/law.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { cosign, peerOf, signNote } from '../support/forge.ts'
import { keysOf } from '../support/identity.ts'

type Five = [ClusterNode, ClusterNode, ClusterNode, ClusterNode, ClusterNode]

/** s0, witnessed by s1, s2 and s3 (q = 3), and s4, who follows its log. */
async function scene(): Promise<{ cluster: Cluster; nodes: Five }> {
  const cluster = await Cluster.boot({ societies: 5 })
  const nodes = cluster.nodes as Five
  const [home, s1, s2, s3, s4] = nodes
  await cluster.do(cluster.foundOne(home, ['s1', 's2', 's3']))
  for (const node of [s1, s2, s3, s4]) await cluster.do(cluster.foundOne(node))
  await cluster.clock.run(s4.federation.setPolicy(home.society, { follow: true, witness: true, block: false }))
  await cluster.final()
  await cluster.do(home.mint(1))
  await cluster.final()
  return { cluster, nodes }
}

/** s4 takes the place of s3. */
async function replace({ cluster, nodes: [home, s1, s2, , s4] }: { cluster: Cluster; nodes: Five }): Promise<number> {
  const law = home.log().replica.inForce?.law as Law
  const finality = { quorum: 3, witnesses: keysOf([s1, s2, s4].map(({ keys }) => keys.witness)) }
  return cluster.do(home.issue('law.update', { law: { ...law, number: 1, finality } }, [s4.keys.witness]))
}

describe('a law.update that replaces a witness', () => {
  for (const [who, missing] of [
    ['the set that it brings in', 's4'],
    ['the set that it replaces', 's3'],
  ] as const) {
    it(`is not final before a quorum of ${who} has cosigned it`, async () => {
      const s = await scene()
      const { cluster, nodes } = s
      const [home] = nodes
      cluster.net.partition(cluster.nodes.map(({ name }) => name).filter(name => name !== missing))
      const seq = await replace(s)
      await cluster.do(home.mint(2))
      await cluster.clock.advance(10_000)
      for (const node of nodes) assert.ok(node.log(home.society).notes.final <= seq, node.name)
      assert.equal((await makeBundle(home.log(), seq, sha256)).ok, false)
      cluster.net.heal()
      await cluster.final()
      await cluster.assertConverged()
    })
  }

  it('is not final for anybody to whom the sequencer shows the new set’s word alone', async () => {
    const s = await scene()
    const { cluster, nodes } = s
    const [home, s1, s2, s3, s4] = nodes
    cluster.net.passes = (_from, to, name) => !(name === 'cosign' && to === 's3')
    const seq = await replace(s)
    await cluster.do(home.mint(2))
    await cluster.clock.advance(3_000)
    const { replica, notes } = s2.log(home.society)
    const bare = signNote(home, replica.tip.size, replica.tip.root)
    const seconds = Math.floor(cluster.clock.now() / 1_000)
    const offer = (...witnesses: ClusterNode[]) => {
      const note = cosign(
        bare,
        witnesses.map(({ keys }) => keys.witness),
        seconds,
      )
      return cluster.clock.run(s2.log(home.society).follower.onNote(formatNote(note)))
    }
    assert.equal(await offer(s1, s2, s4), 'accept')
    assert.ok(notes.final <= seq)
    assert.equal(await offer(s3), 'accept')
    assert.equal(notes.final, replica.tip.size)
  })

  it('is final with both; bundles across it verify on every node; who was replaced cosigns no more', async () => {
    const s = await scene()
    const { cluster, nodes } = s
    const [home, s1, , s3, s4] = nodes
    const before = home.log().replica.tip.size - 1
    const seq = await replace(s)
    await cluster.final()
    const after = await cluster.do(home.mint(2))
    await cluster.final()
    for (const node of nodes) {
      for (const at of [0, before, seq, after]) {
        const bundle = await makeBundle(node.log(home.society), at, sha256)
        assert.ok(bundle.ok, `${node.name}, entry ${at}: ${bundle.ok ? '' : bundle.error.code}`)
        const verdict = verifyBundle(bundle.value, { society: home.society, verify: verifySync, sha256 })
        assert.ok(
          verdict.ok,
          `${node.name}, entry ${at}: ${verdict.ok ? '' : `${verdict.error.code} ${verdict.error.detail}`}`,
        )
        assert.equal(verdict.value.seq, at)
        assert.equal(verdict.value.quorum, 3)
        assert.ok(verdict.value.witnesses.includes(s4.keys.witness.key))
        assert.ok(!verdict.value.signed.includes(s3.keys.witness.key))
      }
    }
    const note = formatNote(home.log().notes.latest as NonNullable<ReturnType<typeof home.log>['notes']['latest']>)
    const ask = (node: ClusterNode) => cluster.refusal(node.federation.serve.cosign(peerOf(home), { note }))
    assert.equal(await ask(s3), 'NOT_CONSENTED')
    assert.equal(await ask(s1), undefined)
    cluster.assertNoFaults()
  })
})
