import assert from 'node:assert/strict'
import type { JsonObject } from '../../src/canonical.ts'
import type { ResumePlan } from '../../src/driver/resume.ts'
import { openEntry } from '../../src/ingest/open.ts'
import type { AnyRecord } from '../../src/records/types.ts'
import { rejection } from '../../src/rejection.ts'
import { fail, type Result } from '../../src/result.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { sha256 } from '../support/entries.ts'
import { peerOf } from '../support/forge.ts'
import { entryBytes, hashText, signRecord } from '../support/identity.ts'
import { copyOf, ForkScene, forceResume, resumeRecord } from '../support/resume-scene.ts'
import { keysOfSociety } from '../support/society.ts'

/** What the witness answers to s0 when it asks for a countersignature. */
async function asked(s: ForkScene, witness: ClusterNode, record: AnyRecord): Promise<string | undefined> {
  const request = { record: record as unknown as JsonObject }
  return s.cluster.refusal(witness.federation.serve.countersign(peerOf(s.home), request))
}

/** Code of each witness's refusal, by name, as the society's plan shows it. */
async function refusals(s: ForkScene): Promise<Record<string, string | undefined>> {
  const plan: ResumePlan = await s.cluster.do(s.home.federation.resumes.plan())
  const nameOf = (key: string) => ['s1', 's2', 's3', 's4'].find(name => keysOfSociety(name).witness.key === key) ?? key
  return Object.fromEntries(
    plan.witnesses.map(({ key, refused, signed }) => [nameOf(key), signed ? 'signed' : refused]),
  )
}

describe('a resume is refused', () => {
  it('by everybody when nothing is wrong with the log, and by the door of other records always', async () => {
    const s = await ForkScene.start()
    const { cluster, home } = s
    const { size } = home.log().replica.tip
    assert.equal(await cluster.refusal(home.federation.resumes.plan()), 'RESUME_SOUND')
    assert.equal(await cluster.refusal(s.resume()), 'RESUME_SOUND')
    const record = await resumeRecord(home, size)
    for (const witness of s.others) {
      assert.equal(await asked(s, witness, record), 'RESUME_SOUND')
      assert.deepEqual(witness.federation.resumes.witness.proposals(), [])
    }
    const signers = [home.keys.society, ...['s1', 's2', 's3'].map(name => keysOfSociety(name).witness)]
    assert.equal(await cluster.refusal(home.submit(record, signers)), 'RESUME_SOUND')
    assert.equal(home.log().replica.tip.size, size)
    assert.equal(await cluster.refusal(s.node('s1').federation.resumes.plan()), 'RESUME_SOUND', 'its own log')
  })

  it('by a witness whose operator has not approved exactly that one', async () => {
    const s = await ForkScene.forked()
    const { cluster, society, home } = s
    const { size, root } = home.log().replica.tip
    const refused = await cluster.clock.run(s.resume())
    assert.ok(!refused.ok)
    assert.equal(refused.error.code, 'RESUME_QUORUM')
    assert.match(refused.error.detail ?? '', /^0 of 3; /)
    assert.deepEqual(await refusals(s), {
      s1: 'RESUME_APPROVAL',
      s2: 'RESUME_APPROVAL',
      s3: 'RESUME_APPROVAL',
      s4: 'RESUME_COSIGNED',
    })
    const [s1, s2] = s.others as [ClusterNode, ClusterNode]
    const rootText = Buffer.from(root).toString('base64url')
    const proposal = {
      society,
      epoch: 1,
      size,
      root: rootText,
      cause: 'fork',
      here: size,
      final: size,
      approved: false,
    }
    assert.deepEqual(s1.federation.resumes.witness.proposals(), [proposal])
    assert.deepEqual(s.proposalAt(s.node('s4')), undefined, 'what it cannot sign is not put to its operator')
    for (const wrong of [{ root: hashText('root') }, { size: size - 1 }, { epoch: 2 }, { society: s1.society }])
      assert.equal(await cluster.refusal(s1.federation.resumes.witness.approve({ ...proposal, ...wrong })), 'NOT_FOUND')
    await s.approve([s1, s2])
    assert.deepEqual(s1.federation.resumes.witness.proposals(), [{ ...proposal, approved: true }])
    assert.equal(await cluster.refusal(s.resume()), 'RESUME_QUORUM')
    assert.deepEqual(await refusals(s), {
      s1: 'signed',
      s2: 'signed',
      s3: 'RESUME_APPROVAL',
      s4: 'RESUME_COSIGNED',
    })
    assert.equal(home.log().replica.halt?.mode, 'frozen', 'nothing was given up so far')
  })

  it('by a witness that cosigned what would be dropped, also when that was shorter', async () => {
    const s = await ForkScene.forked({ onLeft: 3, onRight: 1 })
    await s.cluster.refusal(s.resume())
    assert.equal((await refusals(s)).s4, 'RESUME_COSIGNED')
    // On the society's own history as well: s1 signed more than this would keep, though too few did to make it final.
    const t = await ForkScene.forked({ onLeft: 2, right: ['s3', 's4'] })
    const { size } = t.home.log().replica.tip
    assert.ok(t.home.log().notes.final < size)
    await t.cluster.refusal(t.resume(size - 1))
    const short = await resumeRecord(t.home, size - 1)
    assert.equal(await asked(t, t.node('s1'), short), 'RESUME_COSIGNED')
    assert.equal(await asked(t, t.node('s1'), await resumeRecord(t.home, size)), 'RESUME_APPROVAL')
  })

  it('when it would drop a final: by the society’s own node and by each witness that knows it', async () => {
    const s = await ForkScene.forked()
    const { cluster, home } = s
    const { final } = home.log().notes
    assert.equal(final, s.parting + 2)
    for (const size of [final - 1, 1]) {
      assert.equal(await cluster.refusal(home.federation.resumes.plan(size)), 'RESUME_FINAL')
      const record = await resumeRecord(home, size)
      for (const witness of s.others.slice(0, 3))
        assert.equal(await asked(s, witness, record), 'RESUME_FINAL', witness.name)
    }
    for (const size of [0, final + 1]) {
      const code = size === 0 ? 'RESUME_FINAL' : 'RESUME_SIZE'
      assert.equal(await cluster.refusal(home.federation.resumes.plan(size)), code)
    }
  })

  it('by who was not asked to witness, and for what the record itself says', async () => {
    const s = await ForkScene.forked()
    const { home, cluster, society } = s
    const { size } = home.log().replica.tip
    const witness = s.node('s1')
    const good = await resumeRecord(home, size)
    assert.equal(await asked(s, witness, good), 'RESUME_APPROVAL')
    assert.equal(await asked(s, witness, { ...good, author: witness.society }), 'AUTHOR_FORBIDDEN')
    assert.equal(await asked(s, witness, { ...good, body: { ...good.body, surplus: 1 } }), 'FORMAT_UNKNOWN_FIELD')
    for (const epoch of [0, 2])
      assert.equal(await asked(s, witness, await resumeRecord(home, size, { epoch })), 'RESUME_EPOCH')
    const root = hashText('a root of nothing')
    assert.equal(await asked(s, witness, await resumeRecord(home, size, { root })), 'RESUME_FINAL')
    assert.equal(await asked(s, witness, { ...good, time: good.time - 25 * 3_600_000 }), 'STALE')
    assert.equal(await asked(s, home, good), 'NOT_CONSENTED', 'the society is no witness of its own')
    await cluster.clock.run(witness.federation.setPolicy(society, { witness: false }))
    assert.equal(await asked(s, witness, good), 'NOT_CONSENTED')
    const watcher = await cluster.add({ name: 's9', store: createMemoryStore() })
    assert.equal(await asked(s, watcher, good), 'NOT_CONSENTED', 'it does not hold the log')
    await cluster.clock.run(watcher.federation.setPolicy(society, { follow: true, witness: true, block: false }))
    await cluster.clock.until('its copy', () => s.sizeOn(watcher) > 0)
    assert.equal(await asked(s, watcher, good), 'NOT_CONSENTED', 'the law does not name it')
  })

  it('while the witness has just started and does not know what it may have forgotten', async () => {
    const s = await ForkScene.forked()
    const { cluster, home } = s
    const good = await resumeRecord(home, home.log().replica.tip.size)
    cluster.net.partition(['s1'])
    const witness = await cluster.restart(s.node('s1'))
    assert.equal(await asked(s, witness, good), 'STARTING')
    cluster.net.heal()
    await cluster.clock.advance(3_000)
    assert.equal(await asked(s, witness, good), 'RESUME_APPROVAL')
  })

  it('only as far as a witness goes that answers with rubbish: the others are enough', async () => {
    const s = await ForkScene.forked({ onLeft: 2, onRight: 2 })
    const { cluster } = s
    const spoil = (by: string, name: string, result: Result<unknown>): Result<unknown> =>
      by === 's4' && name === 'countersign'
        ? { ok: true, value: { by: keysOfSociety('s4').witness.key, sig: `${'A'.repeat(86)}` } }
        : result
    cluster.net.reply = spoil
    assert.equal(await cluster.refusal(s.resume()), 'RESUME_QUORUM')
    assert.match((await refusals(s)).s4 ?? '', /^SIGNATURE_/)
    await s.approve(s.others.slice(0, 3))
    await cluster.do(s.resume())
    assert.equal(s.epochOn(s.home), 1)
  })

  it('by a peer that is cut off: asked again when it is there', async () => {
    const s = await ForkScene.forked()
    const { cluster } = s
    cluster.net.reply = (by, name, result) =>
      by === 's1' && name === 'countersign' ? fail(rejection('PEER_SILENT')) : result
    assert.equal(await cluster.refusal(s.resume()), 'RESUME_QUORUM')
    assert.equal((await refusals(s)).s1, 'PEER_SILENT')
    cluster.net.reply = (_by, _name, result) => result
    await s.cluster.refusal(s.resume())
    assert.equal((await refusals(s)).s1, 'RESUME_APPROVAL')
  })
})

describe('a resume that drops a final, with q witnesses who lie', () => {
  it('is refused by a follower that knows the final: it stays, and says so; who knew nothing goes along', async () => {
    const s = await ForkScene.start()
    const { cluster, home, society } = s
    const size = s.sizeOn(home)
    const backup = await copyOf(home)
    const early = await copyOf(s.node('s3'))
    await s.pay(home, 3, 20)
    await cluster.final([home])
    const witnessed = s.node('s4')
    const { root } = witnessed.log(society).replica.tip
    for (const node of cluster.nodes.slice(0, 4)) await cluster.clock.run(node.stop())
    cluster.net.partition(['liar'], ['s4'])
    const liar = await cluster.add({ name: 'liar', slug: 's0', store: backup })
    liar.log().startUp.override()
    await forceResume(s, liar, size, ['s1', 's2', 's3'])
    liar.log().startUp.override()
    await s.pay(liar, 5, 30, 9)
    const naive = await cluster.add({ name: 's3', store: early })
    cluster.net.heal()
    await cluster.clock.advance(5_000)
    assert.ok(witnessed.rejected.some(({ code }) => code === 'RESUME_FINAL'))
    const { replica, notes } = witnessed.log(society)
    assert.deepEqual(replica.tip.root, root)
    assert.deepEqual([replica.epoch, replica.halt, notes.final], [0, undefined, size + 3])
    assert.deepEqual(witnessed.rewinds, [])
    assert.equal(s.epochOn(naive), 1)
    assert.equal(s.sizeOn(naive), size + 6)
  })

  for (const [what, witnesses] of [
    ['too few witnesses', ['s1', 's2']],
    ['too many witnesses', ['s1', 's2', 's3', 's4']],
    ['a stranger among the witnesses', ['s1', 's2', 's9']],
  ] as const) {
    it(`brings nobody to go back when it was signed by ${what}`, async () => {
      const s = await ForkScene.forked()
      const { cluster, home, society } = s
      const { size } = home.log().replica.tip
      const record = await resumeRecord(home, size)
      const signers = [home.keys.society, ...witnesses.map(name => keysOfSociety(name).witness)]
      const forged = entryBytes(record, signRecord(record, signers), size, cluster.clock.now())
      cluster.net.reply = (_by, name, result) => {
        const reply = (result.ok ? result.value : {}) as { entries?: readonly Uint8Array[] }
        const [first] = name === 'entries' ? (reply.entries ?? []) : []
        const opened = first === undefined ? undefined : openEntry(first, sha256)
        const isIt = opened?.ok === true && opened.value.record.kind === 'resume'
        return isIt ? { ok: true, value: { ...reply, entries: [forged] } } : result
      }
      await s.resumed()
      await cluster.clock.advance(5_000)
      for (const follower of s.others) {
        assert.ok(follower.codes.has('SIGNER_WRONG'), follower.name)
        assert.deepEqual(follower.rewinds, [])
        assert.equal(follower.log(society).replica.halt?.mode, 'frozen')
      }
      cluster.net.reply = (_by, _name, result) => result
      await s.whole()
    })
  }
})
