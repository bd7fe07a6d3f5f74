import assert from 'node:assert/strict'
import { encodeGroup } from '../../src/ingest/group.ts'
import { decodeForkProof, epochOfFork } from '../../src/log/fork.ts'
import {
  checkpointText,
  formatNote,
  logSignatureMessage,
  makeLogNote,
  type Note,
  originOf,
} from '../../src/log/note.ts'
import { storeKey } from '../../src/store/ledger.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { sha256 } from '../support/entries.ts'
import { forgeBranch, forgeEntry, peerOf, signNote } from '../support/forge.ts'
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

  it('is resumed once, however often it is asked for at one time', async () => {
    const s = await ForkScene.forked()
    const { cluster, home, society } = s
    assert.equal(await cluster.refusal(s.resume()), 'RESUME_QUORUM')
    await s.approve(s.others.slice(0, 3))
    const [first, second] = await cluster.clock.run(Promise.all([s.resume(), s.resume()]))
    assert.ok(first.ok)
    assert.deepEqual(second, { ok: false, error: { code: 'RESUME_SOUND' } })
    await s.whole()
    assert.deepEqual(home.log().replica.inForce?.epochs, [first.value.size])
    for (const node of cluster.nodes) assert.equal(node.log(society).replica.halt, undefined)
    cluster.assertNoFaults()
  })

  it('is not frozen again by what ended its epoch: neither by gossip nor by the status of who is frozen still', async () => {
    const s = await ForkScene.forked()
    const { cluster, society } = s
    const proofs = [await s.proof(), await s.proof(s.node('s4'))]
    const behind = await copyOf(s.node('s4'))
    await cluster.clock.run(s.node('s4').stop())
    cluster.nodes.splice(4, 1)
    await s.resumed()
    await s.followed()
    for (const node of cluster.nodes) {
      node.rejected.length = 0
      for (const frame of proofs) assert.equal(await cluster.clock.run(node.federation.proof(frame)), 'ignore')
      assert.deepEqual(node.rejected, [{ code: 'EPOCH_SPENT' }, { code: 'EPOCH_SPENT' }])
    }
    cluster.net.passes = (from, _to, name) => !(name === 'entries' && from === 's4')
    const late = await cluster.add({ name: 's4', store: behind })
    const before = cluster.net.answered.length
    await cluster.clock.advance(5_000)
    assert.ok(s.isFrozen(late), 'it could not fetch what would bring it over')
    const told = cluster.net.answered.slice(before).filter(({ by, name }) => by === 's4' && name === 'status')
    assert.ok(told.some(({ result }) => JSON.stringify(result).includes('"frozen":true')))
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
    const { size: kept1 } = await s.resumed()
    await s.whole()
    await s.fork({ n: 200 })
    for (const node of cluster.nodes) assert.equal(await cluster.clock.run(node.federation.proof(first)), 'ignore')
    const second = await s.proof()
    const decoded = decodeForkProof(second)
    assert.ok(decoded.ok)
    assert.equal(epochOfFork(decoded.value), 1)
    const { size: kept2 } = await s.resumed()
    await s.whole(2, 300)
    assert.deepEqual(s.home.log().replica.inForce?.epochs, [kept1, kept2])
    assert.match(noteOf(s.home, society), new RegExp(`^web4/${society}/epoch-2\n`))
    for (const node of cluster.nodes) {
      node.rejected.length = 0
      for (const frame of [first, second]) assert.equal(await cluster.clock.run(node.federation.proof(frame)), 'ignore')
      assert.deepEqual(node.rejected, [{ code: 'EPOCH_SPENT' }, { code: 'EPOCH_SPENT' }])
      assert.ok(await s.stored(node, storeKey.spent(society, 0)))
      assert.ok(await s.stored(node, storeKey.spent(society, 1)))
    }
  })

  it('a proof of an epoch that is not known here says nothing yet', async () => {
    const s = await ForkScene.forked()
    await s.resumed()
    await s.whole()
    await s.fork({ n: 200 })
    const proof = await s.proof()
    const early = await ForkScene.start()
    const target = early.node('s1')
    target.rejected.length = 0
    assert.equal(await early.cluster.clock.run(target.federation.proof(proof)), 'ignore')
    assert.deepEqual(target.rejected, [{ code: 'EPOCH_UNKNOWN' }])
    assert.equal(target.log(s.society).replica.halt, undefined)
  })

  it('ignores notes of the history that was given up and of epochs that are not known, and blames nobody for them', async () => {
    const s = await ForkScene.forked()
    const { cluster, home, society } = s
    const size = s.sizeOn(home)
    const old = noteOf(home, society)
    const other = noteOf(s.node('s4'), society)
    const groups = cluster.net.published.filter(({ kind, from }) => kind === 'group' && from === 'copy')
    assert.ok(groups.length >= 3)
    await s.resumed()
    await s.followed()
    const unknown = noteOf(home, society).replaceAll('epoch-1', 'epoch-2')
    for (const node of cluster.nodes) {
      const { follower, notes, replica } = node.log(society)
      node.rejected.length = 0
      // Of a size and history that are kept it is as good as ever.
      assert.equal(await cluster.clock.run(follower.onNote(old)), 'accept')
      assert.equal(await cluster.clock.run(follower.onNote(other)), 'ignore')
      for (const { frame } of groups)
        assert.equal(await cluster.clock.run(node.federation.group(society, frame, 's4')), 'ignore')
      assert.deepEqual([...node.codes], ['EPOCH_SPENT'])
      assert.equal(await cluster.clock.run(follower.onNote(unknown)), 'ignore')
      assert.equal(node.rejected.at(-1)?.code, 'EPOCH_UNKNOWN')
      assert.equal(replica.halt, undefined)
      assert.equal(notes.latest?.checkpoint.size, size + 1)
      // Even of the resumed history itself, a note beyond the kept size under the old name says nothing.
      const spent = formatNote(signNote(home, size + 1, replica.tip.root))
      assert.equal(await cluster.clock.run(follower.onNote(spent)), 'ignore')
      assert.equal(node.rejected.at(-1)?.code, 'EPOCH_SPENT')
      if (node === home) continue
      const ask = node.federation.serve.cosign(peerOf(home), { note: spent })
      assert.equal(await cluster.refusal(ask), 'EPOCH_SPENT')
    }
  })

  it('takes no entries under a note of an epoch that they do not lead to', async () => {
    const s = await ForkScene.start()
    const { cluster, home, society } = s
    const { anna, ben } = cluster.members
    const { size } = home.log().replica.tip
    const record = home.draft(anna, 'atp.transfer', { amount: 5, from: anna.lct, to: ben.lct })
    const { entries, note } = await forgeBranch(home, size, [forgeEntry(record, [anna.identity], size)])
    const checkpoint = { ...note.checkpoint, origin: originOf(society, 1) }
    const { raw, signNow } = home.keys.society
    const lie = makeLogNote(checkpoint, raw, signNow(logSignatureMessage(checkpointText(checkpoint))), sha256)
    const frame = encodeGroup({ first: size, entries, checkpoint: formatNote(lie), notes: [] })
    const node = s.node('s1')
    await cluster.clock.run(node.federation.group(society, frame, 's0'))
    await cluster.clock.advance(500)
    assert.equal(s.sizeOn(node), size)
    assert.equal(node.rejected.at(-1)?.code, 'EPOCH_UNKNOWN')
  })
})
