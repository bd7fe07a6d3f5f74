import assert from 'node:assert/strict'
import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import type { JsonObject } from '../../src/canonical.ts'
import { makeBundle } from '../../src/driver/evidence.ts'
import { RANGE_ENTRIES_MAX } from '../../src/driver/net.ts'
import { introduce } from '../../src/driver/relations.ts'
import { serveEntries } from '../../src/driver/serve.ts'
import { toBase64url } from '../../src/encoding.ts'
import { encodeGroup } from '../../src/ingest/group.ts'
import { verifyBundle } from '../../src/log/bundle.ts'
import { formatNote } from '../../src/log/note.ts'
import type { Law } from '../../src/records/law.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { forgeBranch, forgeEntry, peerOf, signNote } from '../support/forge.ts'
import { commitment, keysOf } from '../support/identity.ts'
import { copyOf, ForkScene } from '../support/resume-scene.ts'
import { keyRing, societyKey } from '../support/rings.ts'

const followed = { follow: true, witness: false, block: false }

/** All hold the same log; those that hold other logs as well need not agree on these. */
async function same(s: ForkScene, nodes: readonly ClusterNode[]): Promise<void> {
  const { cluster, society, home } = s
  await cluster.clock.until('the same sizes', () =>
    nodes.every(node => s.sizeOn(node) === s.sizeOn(home) && node.log(society).notes.final === home.log().notes.final),
  )
  const [first] = await Promise.all([home.holdings()])
  for (const node of nodes) assert.deepEqual((await node.holdings())[society], first?.[society], node.name)
}

async function newcomer(s: ForkScene, name: string): Promise<ClusterNode> {
  const node = await s.cluster.add({ name, store: createMemoryStore(), ring: keyRing() })
  await s.cluster.clock.run(node.federation.setPolicy(s.society, followed))
  return node
}

describe('the log of a society that resumed it', () => {
  it('is synced from nothing over one resume and over two, by one range or by many', async () => {
    const s = await ForkScene.forked()
    const { cluster } = s
    await s.resumed()
    await s.whole()
    const one = await newcomer(s, 's7')
    await same(s, [one])
    await s.fork({ n: 200 })
    await cluster.clock.until('the proof', () => s.isFrozen(one))
    await s.resumed()
    await s.whole(2, 300)
    // Nobody hears of anything by gossip; ranges come in pieces.
    cluster.net.gossip = () => []
    let pieces = 0
    cluster.net.ask = (name, request) => {
      const { limit = 0 } = request as { limit?: number }
      if (name !== 'entries' || limit < RANGE_ENTRIES_MAX) return request
      pieces++
      return { ...(request as object), limit: 3 }
    }
    const two = await newcomer(s, 's8')
    await same(s, [one, two])
    assert.ok(pieces > 5)
    assert.deepEqual([one.rewinds.length, two.rewinds.length], [1, 0])
    assert.deepEqual(s.epochOn(two), 2)
  })

  it('is taken up by who was behind, on the other branch, away, or only watching', async () => {
    const s = await ForkScene.start()
    const { cluster, society } = s
    const watcher = await newcomer(s, 's7')
    await same(s, [watcher])
    const stores = new Map<string, Awaited<ReturnType<typeof copyOf>>>()
    stores.set('behind', await copyOf(s.node('s3')))
    await s.fork({ isSecret: true, onLeft: 3, onRight: 2 })
    // As s4 is now: on the other branch, and it has not heard of the fork.
    stores.set('other', await copyOf(s.node('s4')))
    cluster.net.heal()
    await cluster.clock.until('the proof', () => [s.home, ...s.others, watcher].every(node => s.isFrozen(node)))
    for (const node of [s.node('s3'), s.node('s4')]) await cluster.clock.run(node.stop())
    cluster.nodes.splice(3, 2)
    assert.equal(await cluster.refusal(s.resume()), 'RESUME_QUORUM')
    await s.approve(s.others.slice(0, 2))
    const third = await cluster.add({ name: 's3', store: stores.get('behind') as ReturnType<typeof createMemoryStore> })
    await cluster.clock.until('frozen, too', () => s.isFrozen(third))
    await cluster.clock.advance(3_000)
    assert.equal(await cluster.refusal(s.resume()), 'RESUME_QUORUM')
    await s.approve([third])
    const { size } = await cluster.do(s.resume())
    const fourth = await cluster.add({ name: 's4', store: stores.get('other') as ReturnType<typeof createMemoryStore> })
    assert.equal(fourth.log(society).replica.halt, undefined)
    cluster.nodes.sort((a, b) => (a.name < b.name ? -1 : 1))
    await s.followed()
    assert.ok(size > s.parting)
    await s.ready()
    await s.pay(s.home, 2, 90)
    await same(s, [...s.others, watcher])
    assert.deepEqual(fourth.rewinds, [{ society, size: s.parting }])
    cluster.assertNoFaults()
  })

  it('is followed by who was away all the time and by who was behind the kept size, without going back', async () => {
    const s = await ForkScene.start()
    const { cluster } = s
    const early = await copyOf(s.node('s4'))
    await cluster.clock.run(s.node('s4').stop())
    cluster.nodes.splice(4, 1)
    await s.fork({ right: [], onLeft: 3, onRight: 2, isSecret: true })
    const { home } = s
    cluster.net.heal()
    // The copy's history was seen by nobody; its proof comes from a note that s1 is shown.
    const copy = cluster.net.published.findLast(({ kind, from }) => kind === 'group' && from === 'copy')
    assert.ok(copy)
    await cluster.clock.run(s.node('s1').federation.group(home.society, copy.frame, 'copy'))
    await cluster.clock.until('the proof', () => [home, ...s.others].every(node => s.isFrozen(node)))
    await s.resumed()
    await s.followed()
    const late = await cluster.add({ name: 's4', store: early })
    await s.whole()
    assert.deepEqual(late.rewinds, [])
  })
})

describe('a node that went back', () => {
  it('takes nothing but what leads to the resume, whatever the log signed before', async () => {
    const s = await ForkScene.forked({ onLeft: 2, onRight: 5 })
    const { cluster, home, society } = s
    const node = s.node('s4')
    const request = { society, from: s.parting, limit: 100 }
    const other = await cluster.do(serveEntries(node.federation, peerOf(home), request))
    assert.equal(other.entries.length, 5)
    cluster.net.partition(['s4'])
    const { root, size } = home.log().replica.tip
    const log = node.log(society)
    await cluster.clock.run(log.rewind({ epoch: 1, root: toBase64url(root), size, to: s.parting }))
    assert.equal(await cluster.refusal(log.follower.onRange(s.parting, other)), 'EPOCH_SPENT')
    assert.equal(s.sizeOn(node), s.parting)
    cluster.net.heal()
    await s.resumed()
    await s.whole()
  })
})

describe('a resume and handovers', () => {
  it('gives up a handover: the set and the key that were in force before it countersign and sign on', async () => {
    const s = await ForkScene.start()
    const { cluster, home, society } = s
    const size = s.sizeOn(home)
    const law = home.log().replica.inForce?.law as Law
    // Nobody cosigns any more, so that nothing of it becomes final.
    cluster.net.passes = (_from, _to, name) => name !== 'cosign'
    const next = { next: commitment(societyKey('s0', 2)), society_key: societyKey('s0', 1).key }
    const three = keysOf(['s1', 's2', 's3'].map(name => s.node(name).keys.witness))
    const changed = { ...law, number: law.number + 1, finality: { quorum: 3, witnesses: three } }
    await cluster.do(home.issuer.issue('law.update', { law: changed, ...next } as unknown as JsonObject))
    const { anna, ben } = cluster.members
    const tooMuch = home.draft(anna, 'atp.transfer', { amount: 5_000_000, from: anna.lct, to: ben.lct })
    const { entries, first, note } = await forgeBranch(home, size + 1, [forgeEntry(tooMuch, [anna.identity], size + 1)])
    const signed = signNote(home, note.checkpoint.size, note.checkpoint.root, societyKey('s0', 1))
    const frame = encodeGroup({ first, entries, checkpoint: formatNote(signed), notes: [] })
    await cluster.clock.run(home.federation.ports.net.publishGroup(society, frame))
    await cluster.clock.run(home.federation.group(society, frame, 's1'))
    await cluster.clock.advance(1_000)
    for (const node of cluster.nodes) {
      const { halt, inForce, tip } = node.log(society).replica
      assert.deepEqual([halt?.mode, tip.size], ['void', size + 1], node.name)
      assert.equal(inForce?.keys.society, societyKey('s0', 1).key)
    }
    cluster.net.passes = () => true
    const kept = await cluster.do(home.federation.resumes.plan())
    assert.deepEqual([kept.size, kept.witnesses.length], [size + 1, 3])
    const plan = await cluster.do(home.federation.resumes.plan(size))
    assert.deepEqual([plan.size, plan.witnesses.length], [size, 4], 'those in force at the kept size')
    await s.resumed(size)
    await s.whole()
    for (const node of cluster.nodes) {
      const { inForce } = node.log(society).replica
      assert.equal(inForce?.keys.society, societyKey('s0', 0).key)
      assert.equal(inForce?.law.finality.witnesses.length, 4)
      assert.deepEqual(node.log(society).replica.finalitySets().handovers, [])
    }
    // What was committed to before can still be revealed.
    const again = { law: { ...law, number: law.number + 1 }, ...next } as unknown as JsonObject
    await cluster.do(home.issuer.issue('law.update', again))
    await cluster.final()
  })

  it('right after a handover: the new set countersigns, also for those who never saw the handover', async () => {
    const s = await ForkScene.start()
    const { cluster, home, society } = s
    const law = home.log().replica.inForce?.law as Law
    const early = await copyOf(s.node('s1'))
    await cluster.clock.run(s.node('s1').stop())
    cluster.nodes.splice(1, 1)
    const three = keysOf(['s2', 's3', 's4'].map(name => s.node(name).keys.witness))
    // s1 is away; what it sees is the copy's history, parted before the handover.
    const store = await copyOf(home)
    const names = ['s2', 's3', 's4']
    cluster.net.partition(['s0', ...names], ['copy', 's1'])
    const copy = await cluster.add({ name: 'copy', slug: 's0', store })
    const away = await cluster.add({ name: 's1', store: early })
    copy.log().startUp.override()
    await s.pay(copy, 2, 20, 9)
    await cluster.clock.until('the other history', () => s.sizeOn(away) === s.sizeOn(copy))
    await cluster.clock.run(copy.stop())
    cluster.nodes.splice(cluster.nodes.indexOf(copy), 1)
    const update = { law: { ...law, number: law.number + 1, finality: { quorum: 2, witnesses: three } } }
    await cluster.do(home.issue('law.update', update))
    const nodes = names.map(name => s.node(name))
    await cluster.final([home], [home, ...nodes])
    const { size } = home.log().replica.tip
    cluster.net.heal()
    await cluster.clock.until('the proof', () => [home, away, ...nodes].every(node => s.isFrozen(node)))
    const plan = await cluster.do(home.federation.resumes.plan())
    assert.deepEqual(
      plan.witnesses.map(({ key }) => key),
      three,
    )
    assert.equal(await cluster.refusal(s.resume()), 'RESUME_QUORUM')
    // Two of them are enough now, which s1 has to find out from a range.
    await s.approve(nodes.slice(0, 2))
    assert.equal((await cluster.do(s.resume())).size, size)
    await s.followed()
    assert.deepEqual(away.rewinds, [{ society, size: size - 1 }])
    await s.ready()
    await s.pay(s.home, 1, 90)
    await cluster.final()
    await cluster.assertConverged()
    assert.deepEqual(away.log(society).replica.inForce?.law.finality.witnesses, three)
  })
})

describe('what others made of the log', () => {
  it('bundles of before and after verify offline, and other societies take its word under epoch 1', async () => {
    const s = await ForkScene.start()
    const { cluster, society } = s
    const check = (bytes: Uint8Array) => verifyBundle(bytes, { society, verify: verifySync, sha256 })
    const seq = s.home.log().notes.final - 1
    const before = await cluster.do(makeBundle(s.home.log(), seq, sha256))
    await s.fork()
    const frozen = await cluster.do(makeBundle(s.home.log(), s.parting, sha256))
    await s.resumed()
    await s.whole()
    const cleo = await cluster.member(s.home, 'cleo')
    await cluster.final()
    const born = s.home.log().replica.tip.size - 1
    for (const node of cluster.nodes)
      for (const at of [0, seq, s.parting, born]) {
        const verdict = check(await cluster.do(makeBundle(node.log(society), at, sha256)))
        assert.ok(verdict.ok, `${node.name} ${at}: ${verdict.ok ? '' : verdict.error.code}`)
        assert.equal(verdict.value.seq, at)
      }
    assert.deepEqual(
      [check(before), check(frozen)].map(({ ok }) => ok),
      [true, true],
    )
    const other = s.node('s2')
    await cluster.do(introduce(other.federation, other.issuer, cleo.lct))
  })
})
