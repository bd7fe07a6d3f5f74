import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import { canonicalBytes, type JsonObject } from '../../src/canonical.ts'
import { draftCharter } from '../../src/driver/genesis.ts'
import { UNMARKED } from '../../src/driver/policy.ts'
import { societyIdOf } from '../../src/records/names.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { commitment, keysOf } from '../support/identity.ts'

/** Whom a node lets name it as a witness. Broken once to see it: without the question who asks, the third test is red. */

interface Scene {
  readonly cluster: Cluster
  readonly founder: ClusterNode
  readonly witness: ClusterNode
  readonly other: ClusterNode
}

async function scene(): Promise<Scene> {
  const cluster = await Cluster.boot({ societies: 3, options: { consent: 'none' } })
  const [founder, witness, other] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode]
  return { cluster, founder, witness, other }
}

function keyOf({ keys }: ClusterNode): string {
  return keys.witness.key
}

describe('consent to a founder', () => {
  it('NOT_CONSENTED names who refused, and nothing is kept; with the consents the charter is written', async () => {
    const { cluster, founder, other, witness } = await scene()
    await witness.federation.policies.setFounder(keyOf(founder), true)
    const refused = await cluster.clock.run(cluster.foundOne(founder))
    assert.deepEqual(refused, {
      ok: false,
      error: { code: 'NOT_CONSENTED', detail: `${keyOf(other)}: NOT_CONSENTED` },
    })
    assert.equal(founder.federation.own, undefined)
    assert.equal(founder.federation.logs.size, 0)
    // Another moment, another charter: what the first try left at its witness is nobody's any more.
    await cluster.clock.advance(1_000)
    await other.federation.policies.setFounder(keyOf(founder), true)
    const society = await cluster.do(cluster.foundOne(founder))
    await cluster.final([founder])
    for (const { federation } of [witness, other]) {
      assert.deepEqual(federation.policies.get(society), { follow: true, witness: true, block: false })
      // The charter that came to nothing has left no trace.
      assert.deepEqual([...federation.logs.keys()], [society])
      assert.deepEqual(federation.policies.followed(), [society])
    }
    cluster.assertNoFaults()
  })

  it('PEER_UNREACHABLE: a witness that is away, by its key', async () => {
    const { cluster, founder, other, witness } = await scene()
    for (const node of [witness, other]) await node.federation.policies.setFounder(keyOf(founder), true)
    await cluster.clock.run(other.stop())
    const refused = await cluster.clock.run(cluster.foundOne(founder))
    assert.deepEqual(refused, {
      ok: false,
      error: { code: 'PEER_UNREACHABLE', detail: `${keyOf(other)}: PEER_UNREACHABLE` },
    })
    assert.equal(founder.federation.own, undefined)
  })

  it('NOT_CONSENTED: a charter in the name of the founder that somebody else asks for', async () => {
    const { cluster, founder, other, witness } = await scene()
    await witness.federation.policies.setFounder(keyOf(founder), true)
    const request = {
      slug: 's0',
      witnesses: keysOf([witness.keys.witness]),
      birth_witnesses: [],
      next: commitment(founder.keys.next),
    }
    const now = cluster.clock.now()
    const record = draftCharter(request, founder.keys.society.key, keyOf(founder), now) as unknown as JsonObject
    const ask = (from: ClusterNode) =>
      cluster.clock.run(from.federation.ports.net.request(witness.name, 'countersign', { record }))
    const stranger = await ask(other)
    assert.equal(stranger.ok ? 'ok' : stranger.error.code, 'NOT_CONSENTED')
    assert.deepEqual(witness.federation.policies.followed(), [])
    // A block of exactly this society is stronger than what its founder was promised.
    const id = societyIdOf('s0', canonicalBytes(record), sha256)
    await witness.federation.setPolicy(id, { block: true })
    const blocked = await ask(founder)
    assert.equal(blocked.ok ? 'ok' : blocked.error.code, 'NOT_CONSENTED')
    await witness.federation.setPolicy(id, { block: false })
    const own = await ask(founder)
    assert.equal(own.ok && own.value.by, keyOf(witness))
  })

  it('NOT_CONSENTED: taken back before the founder asked', async () => {
    const { cluster, founder, other, witness } = await scene()
    for (const node of [witness, other]) await node.federation.policies.setFounder(keyOf(founder), true)
    await witness.federation.policies.setFounder(keyOf(founder), false)
    assert.equal(await cluster.refusal(cluster.foundOne(founder)), 'NOT_CONSENTED')
  })

  it('NOT_CONSENTED: a block of the society is stronger', async () => {
    const { cluster, founder, other, witness } = await scene()
    for (const node of [witness, other]) await node.federation.policies.setFounder(keyOf(founder), true)
    const society = await cluster.do(cluster.foundOne(founder, ['s1']))
    await cluster.final([founder], [founder, witness])
    await other.federation.setPolicy(society, { follow: true, block: true })
    await cluster.clock.advance(5_000)
    assert.equal(other.log(society).replica.tip.size, 1)
    const { law } = founder.log().replica.inForce ?? {}
    assert.ok(law)
    const finality = { quorum: 2, witnesses: keysOf([witness.keys.witness, other.keys.witness]).sort() }
    const change = () => founder.laws.update({ changes: { finality } as unknown as JsonObject })
    assert.equal(await cluster.refusal(change()), 'LAW_CONSENT')
    await other.federation.setPolicy(society, { block: false })
    await cluster.do(change())
  })

  it('outlives a restart, and so does its withdrawal', async () => {
    const { cluster, founder, witness } = await scene()
    await witness.federation.policies.setFounder(keyOf(founder), true)
    const again = await cluster.restart(witness)
    assert.deepEqual(again.federation.policies.founders(), [keyOf(founder)])
    await again.federation.policies.setFounder(keyOf(founder), false)
    assert.deepEqual((await cluster.restart(again)).federation.policies.founders(), [])
  })

  it('LAW_QUORUM before anybody is asked', async () => {
    const { cluster, founder, witness } = await scene()
    assert.equal(
      await cluster.refusal(cluster.foundOne(founder, [founder.name, ...Array(2).fill(witness.name)])),
      'LAW_QUORUM',
    )
    assert.equal(witness.federation.policies.all().size, 0)
  })
})

describe('switches of a policy', () => {
  it('are independent: to follow does not withdraw the consent to witness', async () => {
    const { cluster, witness } = await scene()
    const id = `s9-${'a'.repeat(26)}`
    const { policies } = witness.federation
    await policies.set(id, { witness: true })
    await policies.set(id, { follow: true })
    assert.deepEqual(policies.get(id), { follow: true, witness: true, block: false })
    await policies.set(id, { block: true })
    await policies.set(id, { follow: false })
    assert.deepEqual(policies.get(id), { follow: false, witness: true, block: true })
    const again = await cluster.restart(witness)
    assert.deepEqual(again.federation.policies.get(id), { follow: false, witness: true, block: true })
    await again.federation.policies.forget(id)
    assert.deepEqual(again.federation.policies.get(id), UNMARKED)
  })
})
