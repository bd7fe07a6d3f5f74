import assert from 'node:assert/strict'
import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import { makeBundle } from '../../src/driver/evidence.ts'
import { introduce, recognize } from '../../src/driver/relations.ts'
import { verifyBundle } from '../../src/log/bundle.ts'
import { formatNote } from '../../src/log/note.ts'
import type { Law } from '../../src/records/law.ts'
import { type PeerState, stateKeys } from '../../src/state/model.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { Cluster, type Members } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { cosign, peerOf, signNote } from '../support/forge.ts'
import { identity, keysOf } from '../support/identity.ts'
import { rotationOf } from '../support/rings.ts'

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

interface Relations {
  readonly cluster: Cluster & { readonly members: Members }
  readonly home: ClusterNode
  /** Recognised home's charter, and is away. */
  readonly away: ClusterNode
}

/** s0, witnessed by s1 to s4; s4 is cut off. */
async function relations(): Promise<Relations> {
  const cluster = await Cluster.resume({ societies: 5 })
  await cluster.ready()
  const [home, , , , away] = cluster.nodes as Five
  cluster.net.partition(cluster.nodes.map(({ name }) => name).filter(name => name !== away.name))
  return { cluster, home, away }
}

const peerState = async (node: ClusterNode, society: string) =>
  (await node.log().replica.states([stateKeys.peer(society)]))[0] as unknown as PeerState

/** The witness key of home's law, if nothing else, becomes this one. */
async function renameWitness({ cluster, home }: Relations, name: string): Promise<number> {
  const law = home.log().replica.inForce?.law as Law
  const key = identity(name)
  return cluster.do(home.issue('law.update', { law: { ...law, number: law.number + 1, witness_key: key.key } }, [key]))
}

describe('a society that recognises another one', () => {
  const witnesses = ({ cluster }: Relations, ...names: string[]) => ({
    finality: {
      witnesses: keysOf(cluster.nodes.filter(({ name }) => names.includes(name)).map(({ keys }) => keys.witness)),
    },
  })

  it('and was away for three handovers recognises them one by one, and introductions work again', async () => {
    const s = await relations()
    const { away, cluster, home } = s
    const there = cluster.nodes.slice(0, 4)
    const rotation = rotationOf('s0', 1)
    const requests = [
      { changes: witnesses(s, 's1', 's2', 's3') },
      { changes: {}, rotation },
      { changes: witnesses(s, 's2', 's3') },
    ]
    for (const request of requests) {
      await cluster.do(home.laws.update(request))
      await cluster.final([home], there)
    }
    cluster.net.heal()
    await cluster.final([home], [...there, away])
    // What it missed comes with the next status.
    await cluster.clock.until('all steps shown', () => away.log(home.society).notes.lacking === undefined)
    const { anna } = cluster.members
    assert.equal(
      await cluster.refusal(introduce(away.federation, away.issuer, anna.lct)),
      'PEER_EVIDENCE',
      'before it recognises them',
    )
    const { size } = away.log().replica.tip
    await cluster.do(recognize(away.federation, away.issuer, home.society))
    assert.equal(away.log().replica.tip.size, size + 3)
    const { number, key, quorum } = await peerState(away, home.society)
    assert.deepEqual({ key, number, quorum }, { key: rotation.key, number: 3, quorum: 2 })
    assert.equal(await cluster.refusal(recognize(away.federation, away.issuer, home.society)), 'PEER_OLDER')
    await cluster.do(introduce(away.federation, away.issuer, anna.lct))
    await cluster.final(cluster.nodes, [...there, away])
    cluster.assertNoFaults()
  })

  it('for the first time after its key has changed begins with the charter all the same', async () => {
    const s = await relations()
    const { cluster, home } = s
    const there = cluster.nodes.slice(0, 4)
    for (const n of [1, 2]) {
      await cluster.do(home.laws.update({ changes: {}, rotation: rotationOf('s0', n) }))
      await cluster.final([home], there)
    }
    const late = await cluster.add({ name: 'late', store: createMemoryStore() })
    cluster.net.partition([...there.map(({ name }) => name), 'late'])
    await cluster.do(cluster.foundOne(late, ['s1', 's2', 's3']))
    await cluster.clock.run(late.federation.setPolicy(home.society, { follow: true, witness: false, block: false }))
    await cluster.final([home, late], [late])
    await cluster.clock.until('all steps shown', () => late.log(home.society).notes.lacking === undefined)
    await cluster.do(recognize(late.federation, late.issuer, home.society))
    assert.equal((await peerState(late, home.society)).key, rotationOf('s0', 2).key)
    assert.equal(late.log().replica.tip.size, 4)
  })

  it('recognises a mere change of the witness key, before a handover and after it', async () => {
    const s = await relations()
    const { away, cluster, home } = s
    const there = cluster.nodes.slice(0, 4)
    await renameWitness(s, 'witness two')
    await cluster.final([home], there)
    await cluster.do(home.laws.update({ changes: witnesses(s, 's1', 's2', 's3') }))
    await cluster.final([home], there)
    await renameWitness(s, 'witness three')
    await cluster.final([home], there)
    cluster.net.heal()
    await cluster.final([home], [...there, away])
    // What it missed comes with the next status.
    await cluster.clock.until('all steps shown', () => away.log(home.society).notes.lacking === undefined)
    const { size } = away.log().replica.tip
    await cluster.do(recognize(away.federation, away.issuer, home.society))
    assert.equal(away.log().replica.tip.size, size + 3)
    assert.equal((await peerState(away, home.society)).witness_key, identity('witness three').key)
  })
})
