import assert from 'node:assert/strict'
import { adoptHistory, otherHistory } from '../../src/driver/resume-adopt.ts'
import { ForkScene } from '../support/resume-scene.ts'

describe('a log whose own node holds the history that its witnesses do not', () => {
  it('goes over to theirs, and is resumed there', async () => {
    // The copy has the majority: what s0 wrote is what has to go.
    const s = await ForkScene.forked({ right: ['s1', 's2', 's3'], onLeft: 2, onRight: 3 })
    const { cluster, home, society } = s
    const witness = s.node('s1').keys.witness.key
    assert.equal(await cluster.refusal(s.resume()), 'RESUME_QUORUM')
    for (const name of ['s1', 's2', 's3']) assert.equal(s.proposalAt(s.node(name)), undefined, 'nothing to decide')

    const other = await cluster.do(otherHistory(home.federation, witness))
    const { common, final, here, size } = other
    assert.deepEqual([common, here, size], [s.parting, s.parting + 2, s.parting + 3])
    assert.ok(final <= common)
    assert.equal(
      await cluster.refusal(adoptHistory(home.federation, witness, { ...other, root: 'A'.repeat(43) })),
      'RESUME_ROOT',
    )
    assert.equal(s.sizeOn(home), here, 'nothing was given up')
    await cluster.do(adoptHistory(home.federation, witness, other))
    assert.deepEqual([s.sizeOn(home), home.log().replica.halt?.mode], [size, 'resuming'])
    assert.equal(await cluster.refusal(home.mint(1)), 'RESUMING')

    assert.equal(await cluster.refusal(s.resume()), 'RESUME_QUORUM')
    for (const name of ['s1', 's2', 's3']) {
      const proposal = s.proposalAt(s.node(name))
      assert.ok(proposal)
      assert.equal(proposal.size, size)
      await cluster.do(s.node(name).federation.resumes.witness.approve(proposal))
    }
    const resumed = await cluster.do(s.resume())
    assert.equal(resumed.seq, size)
    await cluster.clock.until('all follow', () => [home, ...s.others].every(node => s.epochOn(node) === 1))
    const given = await cluster.clock.run(home.federation.resumes.droppedOf(home.log(), 0, 10))
    assert.deepEqual(
      given.map(({ seq }) => seq),
      [final, final + 1, final + 2, final + 3].filter(seq => seq < here),
    )
    const again = await cluster.restart(home)
    await cluster.ready()
    await cluster.do(again.mint(5))
    await cluster.final([again])
    for (const node of s.others) assert.equal(node.log(society).replica.halt, undefined)
    cluster.assertNoFaults()
  })

  it('RESUME_FINAL: what is final here is not in theirs', async () => {
    const s = await ForkScene.forked({ onLeft: 3, onRight: 2 })
    const { cluster, home } = s
    const witness = s.node('s4').keys.witness.key
    assert.equal(await cluster.refusal(otherHistory(home.federation, witness)), 'RESUME_FINAL')
    assert.equal(await cluster.refusal(otherHistory(home.federation, home.keys.witness.key)), 'PEER_UNREACHABLE')
    assert.equal(s.sizeOn(home), s.parting + 3)
  })

  it('RESUME_SOUND: nothing is wrong with the log', async () => {
    const s = await ForkScene.start()
    const witness = s.node('s1').keys.witness.key
    assert.equal(await s.cluster.refusal(otherHistory(s.home.federation, witness)), 'RESUME_SOUND')
  })
})
