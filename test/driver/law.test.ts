import assert from 'node:assert/strict'
import { canonicalBytes, type Json, type JsonObject } from '../../src/canonical.ts'
import { signedMessage } from '../../src/crypto.ts'
import { foundSociety } from '../../src/driver/genesis.ts'
import { toBase64url } from '../../src/encoding.ts'
import type { AnyRecord } from '../../src/records/types.ts'
import { rejection } from '../../src/rejection.ts'
import { fail } from '../../src/result.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { commitment, type Identity, identity, keysOf } from '../support/identity.ts'
import { rotationOf } from '../support/rings.ts'

type Six = [ClusterNode, ClusterNode, ClusterNode, ClusterNode, ClusterNode, ClusterNode]
const names = (cluster: Cluster) => cluster.nodes.map(({ name }) => name)

/** s0, witnessed by s1, s2 and s3 (q = 3); s4, s5 and deaf hold nothing of it, and deaf consents to nothing. */
async function scene(): Promise<{ cluster: Cluster; nodes: Six; deaf: ClusterNode }> {
  const cluster = await Cluster.boot({ societies: 6 })
  const deaf = await cluster.add({ name: 'deaf', store: createMemoryStore(), options: { consent: 'none' } })
  const nodes = cluster.nodes as unknown as Six
  await cluster.clock.advance(100)
  await cluster.do(cluster.foundOne(nodes[0], ['s1', 's2', 's3']))
  await cluster.final([nodes[0]], nodes.slice(0, 4))
  return { cluster, nodes, deaf }
}

/** These as the witnesses of s0. */
const witnessed = (...nodes: readonly ClusterNode[]): JsonObject => ({
  finality: { witnesses: keysOf(nodes.map(({ keys }) => keys.witness)) },
})

const refusal = async ({ cluster, nodes: [home] }: Awaited<ReturnType<typeof scene>>, changes: JsonObject) => {
  const { size } = home.log().replica.tip
  const answer = await cluster.clock.run(home.laws.update({ changes }))
  assert.equal(home.log().replica.tip.size, size, 'nothing was sequenced')
  return answer.ok ? undefined : `${answer.error.code} ${answer.error.detail ?? ''}`.trim()
}

describe('a change of the law', () => {
  it('of rates, ceilings, endpoints, roles and birth witnesses holds from the next entry on; the rest stays', async () => {
    const s = await scene()
    const [home, s1] = s.nodes
    const before = home.log().replica.inForce?.law
    assert.ok(before)
    const treasury = identity('treasurer')
    const changes = {
      birth: { witnesses: [s1.keys.witness.key, home.keys.witness.key, s1.keys.witness.key] },
      ceilings: { mint: 7 },
      decay: { base_ppm: 10_000 },
      endpoints: ['/ip4/127.0.0.1/tcp/1'],
      roles: { treasury: [treasury.key] },
    }
    await s.cluster.do(home.laws.update({ changes }))
    assert.deepEqual(home.log().replica.inForce?.law, {
      ...before,
      birth: { ...before.birth, witnesses: keysOf([s1.keys.witness, home.keys.witness]) },
      ceilings: { ...before.ceilings, mint: 7 },
      decay: { ...before.decay, base_ppm: 10_000 },
      endpoints: ['/ip4/127.0.0.1/tcp/1'],
      number: 1,
      roles: { ...before.roles, treasury: [treasury.key] },
    })
    assert.deepEqual(home.log().replica.finalitySets().handovers, [])
    assert.equal(await s.cluster.refusal(home.mint(1)), 'AUTHOR_FORBIDDEN')
  })

  it('to witnesses who hold nothing of the log yet asks them, and takes the default quorum of their number', async () => {
    const s = await scene()
    const { cluster, nodes } = s
    const [home, s1, s2, s3, s4, s5] = nodes
    await cluster.do(home.laws.update({ changes: witnessed(s1, s2, s3, s4, s5) }))
    assert.equal(home.log().replica.inForce?.law.finality.quorum, 4)
    await cluster.final([home], nodes.slice(0, 6))
    assert.deepEqual(s5.federation.policies.get(home.society), { follow: true, witness: true, block: false })
  })

  it('is shown and tried without changing or asking anything', async () => {
    const s = await scene()
    const { cluster, nodes } = s
    const [home, s1, s2, s3, s4] = nodes
    const asked = cluster.net.answered.length
    const plan = await cluster.do(home.laws.plan({ changes: witnessed(s1, s2, s4) }))
    assert.equal(plan.handover, true)
    assert.deepEqual(plan.consents, [s4.keys.witness.key])
    assert.deepEqual(plan.connected, { after: 3, before: 3 })
    assert.deepEqual(plan.before, home.log().replica.inForce?.law)
    assert.equal(plan.law.number, 1)
    assert.ok(!cluster.net.answered.slice(asked).some(({ name }) => name === 'countersign'))
    cluster.net.partition(names(cluster).filter(name => name !== s3.name))
    const less = await cluster.do(home.laws.plan({ changes: witnessed(s1, s2, s4) }))
    assert.deepEqual(less.connected, { after: 3, before: 2 })
  })
})

describe('a change of the law is refused', () => {
  const rows: readonly [string, JsonObject][] = [
    ['LAW_VALUES decay.base_ppm', { decay: { base_ppm: 1_000_001 } }],
    ['LAW_VALUES decay.grace_ms', { decay: { grace_ms: 10, max_age_ms: 9 } }],
    ['LAW_QUORUM 1 of 3', { finality: { quorum: 1 } }],
    ['LAW_QUORUM 4 of 3', { finality: { quorum: 4 } }],
    ['UNKNOWN_PROTOCOL 2', { protocol: 2 }],
    ['BAD_REQUEST it changes nothing', { ceilings: {} }],
  ]
  for (const [expected, changes] of rows) {
    it(`with ${expected} for ${JSON.stringify(changes)}`, async () => {
      assert.equal(await refusal(await scene(), changes), expected)
    })
  }

  it('with FORMAT codes when the result is no law at all', async () => {
    const s = await scene()
    assert.match((await refusal(s, { decay: { base_ppm: 'much' } })) ?? '', /^FORMAT_SCHEMA/)
    assert.match((await refusal(s, { colour: 'blue' })) ?? '', /^FORMAT_UNKNOWN_FIELD/)
    assert.match((await refusal(s, { ceilings: { mint: null } })) ?? '', /^FORMAT_SCHEMA/)
  })

  it('with LAW_QUORUM for a key of the society among the witnesses', async () => {
    const s = await scene()
    const [home, s1, s2] = s.nodes
    assert.match((await refusal(s, witnessed(home, s1, s2))) ?? '', /^LAW_QUORUM/)
  })

  it('with LAW_CONSENT when a new witness says no', async () => {
    const s = await scene()
    const [, s1, s2, s3] = s.nodes
    const said = await refusal(s, witnessed(s1, s2, s3, s.deaf))
    assert.equal(said, `LAW_CONSENT ${s.deaf.keys.witness.key}: NOT_CONSENTED`)
  })

  it('with LAW_CONSENT_SILENT when a new witness is not there', async () => {
    const s = await scene()
    const [, s1, s2, s3, s4] = s.nodes
    s.cluster.net.partition(names(s.cluster).filter(name => name !== 's4'))
    const said = await refusal(s, witnessed(s1, s2, s3, s4))
    assert.equal(said, `LAW_CONSENT_SILENT ${s4.keys.witness.key}: PEER_UNREACHABLE`)
  })

  it('with LAW_CONSENT_SILENT when a witness consented and has gone before the last one answered', async () => {
    const s = await scene()
    const { cluster, nodes } = s
    const [, s1, s2, s3, s4, s5] = nodes
    let held = false
    cluster.net.reply = (by, name, result) => {
      if (by !== 's5' || name !== 'countersign' || held || !result.ok) return result
      held = true
      cluster.clock.after(100, () => cluster.net.partition(names(cluster).filter(other => other !== 's4')))
      return fail(rejection('STARTING'))
    }
    const said = await refusal(s, witnessed(s1, s2, s3, s4, s5))
    assert.equal(said, `LAW_CONSENT_SILENT ${s4.keys.witness.key}: PEER_UNREACHABLE`)
    assert.ok(cluster.net.answered.some(({ by, name, result }) => by === 's4' && name === 'countersign' && result.ok))
  })

  for (const [which, gone] of [
    ['new', 's4'],
    ['replaced', 's3'],
  ] as const) {
    it(`with LAW_UNWITNESSED when the ${which} set has fewer than q of its witnesses here; a mere rate is not`, async () => {
      const s = await scene()
      const { cluster, nodes } = s
      const [home, s1, s2, s3, s4, s5] = nodes
      // s3 and s4 are known; two of q = 3 are left of the one set or the other.
      await cluster.do(home.laws.update({ changes: witnessed(s1, s2, s3, s4) }))
      await cluster.final([home], nodes.slice(0, 5))
      const away = which === 'new' ? ['s3', 's4'] : [gone, 's2']
      cluster.net.partition(names(cluster).filter(name => !away.includes(name)))
      const changes = which === 'new' ? witnessed(s1, s3, s4, s5) : witnessed(s1, s4, s5)
      const said = await refusal(s, changes)
      assert.equal(said, `LAW_UNWITNESSED 2 witnesses of the ${which} set are connected, 3 needed`)
      await cluster.do(home.laws.update({ changes: { ceilings: { mint: 5 } } }))
    })
  }

  it('with LAW_BUSY while another one is in work', async () => {
    const s = await scene()
    const [home, s1, s2, s3, s4] = s.nodes
    const first = s.cluster.do(home.laws.update({ changes: witnessed(s1, s2, s3, s4) }))
    const second = home.laws.update({ changes: { ceilings: { mint: 5 } } })
    assert.equal(await s.cluster.refusal(second), 'LAW_BUSY')
    await first
    await s.cluster.do(home.laws.update({ changes: { ceilings: { mint: 5 } } }))
  })

  it('with HANDOVER_OPEN until the replaced set has signed beyond the handover before; another change is not', async () => {
    const s = await scene()
    const { cluster, nodes } = s
    const [home, s1, s2, s3, s4] = nodes
    cluster.net.passes = (_from, _to, name) => name !== 'cosign'
    const { seq } = await cluster.do(home.laws.update({ changes: witnessed(s1, s2, s3, s4) }))
    assert.equal(await refusal(s, witnessed(s1, s2, s4)), `HANDOVER_OPEN entry ${seq}`)
    const rotated = await cluster.refusal(home.laws.update({ changes: {}, rotation: rotationOf('s0', 1) }))
    assert.equal(rotated, 'HANDOVER_OPEN')
    await cluster.do(home.laws.update({ changes: { ceilings: { mint: 5 } } }))
    cluster.net.passes = () => true
    await cluster.final([home], nodes.slice(0, 5))
    await cluster.do(home.laws.update({ changes: witnessed(s1, s2, s4) }))
    await cluster.final([home], nodes.slice(0, 5))
  })
})

describe('a charter with amend keys', () => {
  const holders = [identity('amend 1'), identity('amend 2'), identity('amend 3')]

  async function amended(): Promise<{ cluster: Cluster; home: ClusterNode }> {
    const cluster = await Cluster.boot({ societies: 4 })
    const home = cluster.nodes[0] as ClusterNode
    const witnesses = keysOf(cluster.nodes.slice(1).map(({ keys }) => keys.witness))
    const request = {
      slug: 's0',
      witnesses,
      birth_witnesses: [],
      next: commitment(home.keys.next),
      amend: { k: 2, keys: keysOf(holders) },
    }
    await cluster.do(foundSociety(home.federation, request, home.keys.society))
    await cluster.final([home])
    return { cluster, home }
  }

  const sigOf = (record: AnyRecord, { key, signNow }: Identity) => ({
    by: key,
    sig: toBase64url(signNow(signedMessage('record', canonicalBytes(record as unknown as Json)))),
  })

  it('lets no law.update through without exactly k of them, and takes a prepared one with theirs', async () => {
    const { cluster, home } = await amended()
    const [one, two, three] = holders as [Identity, Identity, Identity]
    const changes = { ceilings: { mint: 9 } }
    assert.equal(await cluster.refusal(home.laws.update({ changes })), 'LAW_AMEND')
    const { amend, record } = await cluster.do(home.laws.prepare({ changes }))
    assert.deepEqual(amend, { k: 2, keys: keysOf(holders) })
    await cluster.do(home.mint(1))
    assert.notEqual(home.issuer.tryLane(), record.lane, 'nobody else gets its lane')
    assert.equal(await cluster.refusal(home.laws.complete(record, [sigOf(record, one)])), 'LAW_AMEND')
    const all = [one, two, three].map(holder => sigOf(record, holder))
    assert.equal(await cluster.refusal(home.laws.complete(record, all)), 'LAW_AMEND')
    const stranger = [sigOf(record, one), sigOf(record, identity('stranger'))]
    assert.equal(await cluster.refusal(home.laws.complete(record, stranger)), 'LAW_AMEND')
    await cluster.do(home.laws.complete(record, [sigOf(record, one), sigOf(record, three)]))
    assert.equal(home.log().replica.inForce?.law.ceilings.mint, 9)
    assert.equal(
      await cluster.refusal(home.laws.complete(record, [sigOf(record, one), sigOf(record, three)])),
      'REPLAYED',
    )
    await cluster.final([home])
  })

  it('asks them for a change of the society key as well', async () => {
    const { cluster, home } = await amended()
    const request = { changes: {}, rotation: rotationOf('s0', 1) }
    assert.equal(await cluster.refusal(home.laws.update(request)), 'LAW_AMEND')
    const { record } = await cluster.do(home.laws.prepare(request))
    await cluster.do(
      home.laws.complete(
        record,
        holders.slice(1).map(holder => sigOf(record, holder)),
      ),
    )
    assert.equal(home.log().replica.inForce?.keys.society, rotationOf('s0', 1).key)
    await cluster.final([home])
  })
})
