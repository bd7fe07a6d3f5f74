import assert from 'node:assert/strict'
import { formatNote, type Note } from '../../src/log/note.ts'
import { peerOf, signNote } from '../support/forge.ts'
import { copyOf, ForkScene } from '../support/resume-scene.ts'

describe('a folder from before the resume', () => {
  for (const when of ['before the fork', 'while it was frozen'] as const) {
    it(`of the society itself (${when}): it learns of the epoch before it signs anything`, async () => {
      const s = await ForkScene.start()
      const { cluster, society } = s
      const early = await copyOf(s.home)
      await s.fork()
      const frozen = await copyOf(s.home)
      await s.resumed()
      await s.whole()
      const { size } = s.home.log().replica.tip
      await cluster.clock.run(s.home.stop())
      cluster.net.partition(['s1', 's2', 's3', 's4'])
      const published = cluster.net.published.length
      const restored = await cluster.restart(s.home, when === 'before the fork' ? early : frozen)
      await cluster.clock.advance(5_000)
      const code = when === 'before the fork' ? 'STARTING' : 'FROZEN'
      assert.equal(restored.federation.sequencerBarrier()?.code, code)
      // It hears of the epoch, and cannot get it yet: what the others say of it counts for nothing here.
      cluster.net.passes = (from, _to, name) => from !== 's0' || name !== 'entries'
      cluster.net.heal()
      await cluster.clock.advance(5_000)
      assert.equal(restored.federation.sequencerBarrier()?.code, code)
      cluster.net.passes = () => true
      await cluster.clock.until('epoch 1', () => s.epochOn(restored) === 1 && s.sizeOn(restored) === size)
      const signed = cluster.net.published
        .slice(published)
        .filter(({ from, kind }) => from === 's0' && kind === 'group')
      assert.deepEqual(signed, [])
      await s.whole(1, 200)
      for (const node of cluster.nodes) assert.equal(node.log(society).replica.halt, undefined)
    })

    it(`of a witness (${when}): it cosigns nothing of the epoch that it remembers`, async () => {
      const s = await ForkScene.start()
      const { cluster, society } = s
      const early = await copyOf(s.node('s1'))
      await s.fork()
      const frozen = await copyOf(s.node('s1'))
      const old = formatNote(s.home.log().notes.latest as Note)
      await s.resumed()
      await s.whole()
      cluster.net.partition(['s0', 's2', 's3', 's4'])
      const restored = await cluster.restart(s.node('s1'), when === 'before the fork' ? early : frozen)
      cluster.net.passes = (from, _to, name) => from !== 's1' || name !== 'entries'
      cluster.net.heal()
      await cluster.clock.advance(5_000)
      assert.equal(s.epochOn(restored), 0)
      const ask = restored.federation.serve.cosign(peerOf(s.home), { note: old })
      const code = when === 'before the fork' ? 'CHECKPOINT_AHEAD' : 'FROZEN'
      assert.equal(await cluster.refusal(ask), code)
      const held = restored.log(society).replica.tip
      const here = formatNote(signNote(s.home, held.size, held.root))
      const again = await cluster.refusal(restored.federation.serve.cosign(peerOf(s.home), { note: here }))
      assert.equal(again, when === 'before the fork' ? 'STARTING' : 'FROZEN')
      cluster.net.passes = () => true
      await s.whole(1, 200)
    })
  }
})
