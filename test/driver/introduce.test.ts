import assert from 'node:assert/strict'
import { formatNote } from '../../src/log/note.ts'
import { type LctState, stateKeys } from '../../src/state/model.ts'
import { HOUR_MS } from '../../src/units.ts'
import type { Member } from '../support/cluster-node.ts'
import { signNote } from '../support/forge.ts'
import { NoticeScene } from '../support/notice-scene.ts'

describe('introducing the payee of another society', () => {
  let s: NoticeScene
  afterEach(async () => {
    await s.cluster.stop()
  })

  const pay = (to: Member) => s.home.transfer(s.anna, to, 5)
  /** A member of s5 whom s0 does not know; its birth is final. */
  async function newcomer(): Promise<Member> {
    const dan = await s.cluster.member(s.theirs, 'dan')
    await s.cluster.final([s.theirs], [s.home, s.theirs])
    return dan
  }
  async function statusHere(): Promise<string | undefined> {
    const [state] = await s.home.log().replica.states([stateKeys.lct(s.dora.lct)])
    return (state as LctState | undefined)?.status
  }

  it('ACCOUNT_UNKNOWN before; paid after; PEER_OLDER when nothing is new', async () => {
    s = await NoticeScene.start()
    const dan = await newcomer()
    assert.equal(await s.refusal(pay(dan)), 'ACCOUNT_UNKNOWN')
    await s.cluster.do(s.introduce(dan.lct))
    await s.cluster.do(pay({ ...dan }))
    assert.equal(await s.refusal(s.introduce(dan.lct)), 'PEER_OLDER')
  })

  it('INTRODUCTION_STALE: a standing that was held back too long; made anew it is taken', async () => {
    s = await NoticeScene.start({ options: { statusMs: 60_000 } })
    const dan = await newcomer()
    let held: unknown
    s.cluster.net.reply = (_by, name, result) => {
      if (name !== 'standing') return result
      held ??= result
      return { ok: false, error: { code: 'PEER_SILENT' } }
    }
    assert.equal(await s.refusal(s.introduce(dan.lct)), 'PEER_SILENT')
    await s.cluster.clock.advance(300_001)
    s.cluster.net.reply = (_by, name, result) => (name === 'standing' ? (held as typeof result) : result)
    assert.equal(await s.refusal(s.introduce(dan.lct)), 'INTRODUCTION_STALE')
    s.cluster.net.reply = (_by, _name, result) => result
    await s.cluster.do(s.introduce(dan.lct))
  })

  it('INTRODUCTION_STALE: cosignatures of more than an hour ago, when nobody signs any more', async () => {
    s = await NoticeScene.start({ options: { statusMs: 60_000 } })
    const dan = await newcomer()
    s.cluster.net.passes = (_from, _to, name) => name !== 'cosign'
    await s.cluster.clock.advance(HOUR_MS + 1_000)
    assert.equal(await s.refusal(s.introduce(dan.lct)), 'INTRODUCTION_STALE')
  })

  it('is fresh in an idle log although one of its witnesses is away for hours', async () => {
    s = await NoticeScene.start({ options: { statusMs: 60_000 } })
    const dan = await newcomer()
    const log = () => s.theirs.log()
    await s.cluster.clock.until('all five have signed', () =>
      [...log().notes.cosigned.values()].every(size => size === log().replica.tip.size),
    )
    // By the order of the keys its old line would be among those that are chosen.
    const [away] = [1, 2, 3, 4].sort((a, b) => (s.node(a).keys.witness.key < s.node(b).keys.witness.key ? -1 : 1))
    const name = `s${away}`
    s.cluster.net.partition(s.cluster.nodes.map(node => node.name).filter(other => other !== name))
    await s.cluster.clock.advance(2 * HOUR_MS)
    await s.cluster.do(s.introduce(dan.lct))
    s.cluster.assertNoFaults()
  })

  it('ACCOUNT_INACTIVE: a suspended payee, until its society says that it is active again', async () => {
    s = await NoticeScene.start()
    const settled = () => s.cluster.final([s.theirs], [s.home, s.theirs])
    await s.cluster.do(s.theirs.issue('lct.suspend', { lct: s.dora.lct }))
    await settled()
    await s.cluster.do(s.introduce())
    assert.equal(await statusHere(), 'suspended')
    assert.equal(await s.refusal(pay(s.dora)), 'ACCOUNT_INACTIVE')
    await s.cluster.do(s.theirs.issue('lct.reactivate', { lct: s.dora.lct }))
    await settled()
    await s.cluster.do(s.introduce())
    await s.cluster.do(pay(s.dora))
  })

  it('LCT_STATUS: a revoked payee is paid no more, and nothing brings it back', async () => {
    s = await NoticeScene.start()
    await s.cluster.do(s.theirs.issue('lct.revoke', { lct: s.dora.lct }))
    await s.cluster.final([s.theirs], [s.home, s.theirs])
    await s.cluster.do(s.introduce())
    assert.equal(await s.refusal(pay(s.dora)), 'ACCOUNT_INACTIVE')
    assert.equal(await s.refusal(s.introduce()), 'LCT_STATUS')
  })

  it('NOT_FINAL: born, and final only by witnesses that we do not accept', async () => {
    s = await NoticeScene.start()
    const dan = await newcomer()
    const policy = (index: number, block: boolean) => s.home.federation.policies.set(s.node(index).society, { block })
    for (const index of [1, 2]) await policy(index, true)
    assert.equal(await s.refusal(s.introduce(dan.lct)), 'NOT_FINAL')
    for (const index of [1, 2]) await policy(index, false)
    await s.cluster.do(s.introduce(dan.lct))
  })

  it('FROZEN: a payee whose society signed two histories, though it says nothing of that itself', async () => {
    s = await NoticeScene.start()
    const dan = await newcomer()
    const log = s.home.log(s.theirs.society)
    const { size } = log.replica.tip
    s.cluster.net.gossip = ({ frame, kind }) => (kind === 'proof' ? [] : [frame])
    await s.cluster.clock.run(log.follower.onNote(formatNote(signNote(s.theirs, size, new Uint8Array(32).fill(7)))))
    await s.cluster.clock.until('the fork is known', () => log.replica.halt?.mode === 'frozen')
    s.cluster.net.partition(['s0', 's5'])
    assert.equal(s.theirs.log().replica.halt, undefined)
    assert.equal(await s.refusal(s.introduce(dan.lct)), 'FROZEN')
  })
})
