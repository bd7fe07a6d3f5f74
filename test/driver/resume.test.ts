import assert from 'node:assert/strict'
import { canonicalBytes } from '../../src/canonical.ts'
import { decodeForkProof, epochOfFork } from '../../src/log/fork.ts'
import { formatNote, type Note, parseNote } from '../../src/log/note.ts'
import { rangeOf, storeKey } from '../../src/store/ledger.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { copyOf, ForkScene } from '../support/resume-scene.ts'

const noteOf = (node: ClusterNode, society: string) => formatNote(node.log(society).notes.latest as Note)

describe('a log that forked', () => {
  it('is resumed by q countersignatures and goes on under epoch 1, on every node', async () => {
    const s = await ForkScene.forked()
    const { cluster, home, society } = s
    const { size } = home.log().replica.tip
    const resumed = await s.resumed()
    assert.equal(resumed.seq, size)
    assert.equal(home.log().replica.epoch, 1)
    await s.whole()
    assert.deepEqual(
      s.others.map(({ rewinds }) => rewinds),
      [[{ society, size }], [{ society, size }], [{ society, size }], [{ society, size: s.parting }]],
    )
    assert.match(noteOf(home, society), new RegExp(`^web4/${society}/epoch-1\n`))
    for (const node of cluster.nodes) {
      assert.equal(await s.stored(node, storeKey.fork(society)), undefined, node.name)
      assert.ok(await s.stored(node, storeKey.spent(society, 0)), `${node.name} keeps the proof`)
    }
  })

  it('is not frozen again by what ended its epoch: by gossip, in a status, or when a peer is suspected', async () => {
    const s = await ForkScene.forked()
    const { cluster, society } = s
    const proof = await s.proof()
    const proofOfOther = await s.proof(s.node('s4'))
    const behind = await copyOf(s.node('s4'))
    await cluster.clock.run(s.node('s4').stop())
    cluster.nodes.splice(4, 1)
    await s.resumed()
    await s.followed()
    for (const node of cluster.nodes) {
      node.rejected.length = 0
      for (const frame of [proof, proofOfOther]) assert.equal(await cluster.clock.run(node.federation.proof(frame)), 'ignore')
      assert.deepEqual(
        node.rejected.map(({ code }) => code),
        ['EPOCH_SPENT', 'EPOCH_SPENT'],
      )
    }
    // Somebody who is still frozen says so in each status and tells the proof to everybody who is not.
    let isTold = false
    cluster.net.passes = (from, to, name) => !(name === 'entries' && from === 's4')
    cluster.net.gossip = ({ kind, from, frame }) => {
      isTold ||= kind === 'proof' && from === 's4'
      return [frame]
    }
    const late = await cluster.add({ name: 's4', store: behind })
    assert.ok(s.isFrozen(late))
    await cluster.clock.advance(5_000)
    assert.ok(isTold)
    assert.ok(s.isFrozen(late), 'it could not fetch what would bring it over')
    for (const node of cluster.nodes.slice(0, 4)) {
      assert.equal(node.log(society).replica.halt, undefined, node.name)
      assert.equal(s.epochOn(node), 1)
    }
    cluster.net.passes = () => true
    await s.whole()
  })

  it('forks again in epoch 1, is frozen by that and resumed to epoch 2; the proof of epoch 0 stays spent', async () => {
    const s = await ForkScene.forked()
    const { cluster, society } = s
    const first = await s.proof()
    await s.resumed()
    await s.whole()
    await s.fork({ n: 200 })
    const second = await s.proof()
    const decoded = decodeForkProof(second)
    assert.ok(decoded.ok)
    assert.equal(epochOfFork(decoded.value), 1)
    const kept = s.sizeOn(s.home)
    await s.resumed()
    await s.whole(2, 300)
    assert.deepEqual(s.home.log().replica.inForce?.epochs.at(-1), kept)
    assert.match(noteOf(s.home, society), new RegExp(`^web4/${society}/epoch-2\n`))
    for (const node of cluster.nodes) {
      node.rejected.length = 0
      for (const frame of [first, second]) assert.equal(await cluster.clock.run(node.federation.proof(frame)), 'ignore')
      assert.deepEqual([...node.codes], ['EPOCH_SPENT'])
      assert.deepEqual(await s.stored(node, storeKey.spent(society, 0)) !== undefined, true)
      assert.deepEqual(await s.stored(node, storeKey.spent(society, 1)) !== undefined, true)
    }
    // Two more nodes: one that never heard of the log, one that was away since before the first fork.
    const stranger = await cluster.add({ name: 's9', store: (await import('../../src/store/memory.ts')).createMemoryStore() })
    await cluster.clock.run(stranger.federation.setPolicy(society, { follow: true, witness: false, block: false }))
    await cluster.clock.advance(9_000)
    const lg = stranger.log(society); console.log(lg.replica.halt, lg.replica.tip.size, lg.replica.epoch, stranger.rejected.slice(-8), stranger.rewinds)
    await s.followed(2, [stranger])
    await cluster.clock.until('all of it', () => s.sizeOn(stranger) === s.sizeOn(s.home))
  })

  it('a proof of an epoch that is not known here says nothing yet', async () => {
    const s = await ForkScene.forked()
    const { cluster } = s
    await s.resumed()
    await s.whole()
    const before = await copyOf(s.node('s3'))
    await s.fork({ n: 200, right: ['s4'] })
    const proof = await s.proof()
    // A node in epoch 0: what s3 was at the parting, gone back to a folder of before the resume.
    const s2 = await ForkScene.start()
    const target = s2.node('s1')
    assert.equal(await s2.cluster.clock.run(target.federation.proof(proof)), 'ignore')
    assert.deepEqual([...target.codes].at(-1), 'EPOCH_UNKNOWN')
    assert.equal(target.log(s2.society).replica.halt, undefined)
    assert.ok(before)
    assert.ok(cluster)
  })

  it('ignores notes of the spent epoch and of one that is not known, and blames nobody for them', async () => {
    const s = await ForkScene.forked()
    const { cluster, home, society } = s
    const size = s.sizeOn(home)
    const old = noteOf(home, society)
    const other = noteOf(s.node('s4'), society)
    const groups = cluster.net.published.filter(({ kind, from }) => kind === 'group' && from === 'copy')
    assert.ok(groups.length > 0)
    await s.resumed()
    await s.followed()
    for (const node of cluster.nodes) {
      const { follower, notes } = node.log(society)
      node.rejected.length = 0
      // Of a size that is kept it is as good as ever; the other history's is larger.
      assert.equal(await cluster.clock.run(follower.onNote(old)), 'accept')
      assert.equal(await cluster.clock.run(follower.onNote(other)), 'ignore')
      for (const { frame } of groups) assert.equal(await cluster.clock.run(node.federation.group(society, frame, 's4')), 'ignore')
      const unknown = noteOf(home, society).replaceAll('epoch-1', 'epoch-2')
      assert.equal(await cluster.clock.run(follower.onNote(unknown)), 'ignore')
      assert.deepEqual([...node.codes].sort(), ['EPOCH_SPENT', 'EPOCH_UNKNOWN'])
      assert.equal(node.log(society).replica.halt, undefined)
      assert.equal(notes.latest?.checkpoint.size, size + 1)
    }
    assert.ok(parseNote(old).ok)
    assert.ok(canonicalBytes({}))
    assert.ok(rangeOf.forks())
  })
})
