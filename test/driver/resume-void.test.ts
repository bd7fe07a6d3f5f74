import assert from 'node:assert/strict'
import { canonicalBytes, type Json, type JsonObject } from '../../src/canonical.ts'
import { serveSubmit } from '../../src/driver/serve.ts'
import { toBase64url } from '../../src/encoding.ts'
import { openEntry } from '../../src/ingest/open.ts'
import { formatNote } from '../../src/log/note.ts'
import { stateKeys } from '../../src/state/model.ts'
import { rangeOf, storeKey } from '../../src/store/ledger.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { sha256 } from '../support/entries.ts'
import { forgeBranch, forgeEntry, peerOf, signNote } from '../support/forge.ts'
import { ForkScene, resumeRecord } from '../support/resume-scene.ts'

interface VoidScene extends ForkScene {
  readonly size: number
  readonly good: Uint8Array
  readonly bad: Uint8Array
}

/** s0's log has a good entry at `size`, and at `size + 1` one that is void; everybody, s0 too, found out. */
async function voided(): Promise<VoidScene> {
  const s = await ForkScene.start()
  const { cluster, home } = s
  const { anna, ben } = cluster.members
  const { size } = home.log().replica.tip
  const pay = (seq: number, amount: number) =>
    forgeEntry(home.draft(anna, 'atp.transfer', { amount, from: anna.lct, to: ben.lct }), [anna.identity], seq)
  const [good, bad] = [pay(size, 5), pay(size + 1, 5_000_000)]
  // What older software accepted and published.
  const branch = await forgeBranch(home, size, [good, bad, pay(size + 2, 6)])
  await cluster.clock.run(home.federation.ports.net.publishGroup(home.society, branch.frame))
  await cluster.clock.run(home.federation.group(home.society, branch.frame, 's1'))
  await cluster.clock.advance(1_000)
  for (const node of cluster.nodes) assert.equal(node.log(home.society).replica.halt?.mode, 'void', node.name)
  return Object.assign(s, { size, good, bad })
}

async function dropped(s: ForkScene, node: ClusterNode): Promise<[seq: number, bytes: Uint8Array][]> {
  const found: [number, Uint8Array][] = []
  for await (const [key, bytes] of node.setup.store.range(rangeOf.dropped(s.society, 0)))
    found.push([Number(key.slice(-16)), bytes])
  return found
}

const cosignature = (s: ForkScene, witness: ClusterNode, size: number, root: Uint8Array) =>
  s.cluster.refusal(witness.federation.serve.cosign(peerOf(s.home), { note: formatNote(signNote(s.home, size, root)) }))

describe('a log with a void entry', () => {
  it('is resumed right before it; the void entry is kept aside as evidence', async () => {
    const s = await voided()
    const { cluster, home, size, bad, society } = s
    const plan = await cluster.do(home.federation.resumes.plan())
    assert.deepEqual(
      [plan.cause, plan.size, plan.evidence, plan.epoch, plan.here],
      ['void', size + 1, toBase64url(sha256(bad)), 1, size + 1],
    )
    assert.equal(await cluster.refusal(home.federation.resumes.plan(size + 2)), 'RESUME_SOUND', 'it would keep it')
    await s.resumed()
    await s.whole()
    assert.equal(home.log().replica.epoch, 1)
    for (const node of cluster.nodes) {
      assert.deepEqual(await dropped(s, node), [[size + 1, bad]], node.name)
      assert.equal(await s.stored(node, storeKey.void(society)), undefined, node.name)
    }
    const [entry] = await home.log().replica.entries(size + 1, 1)
    const opened = openEntry(entry ?? new Uint8Array(), sha256)
    assert.ok(opened.ok)
    assert.deepEqual(opened.value.record.body, {
      cause: 'void',
      epoch: 1,
      evidence: plan.evidence,
      root: plan.root,
      size: size + 1,
    })
  })

  it('may give up more; what was given up is kept aside and can be said again, byte for byte', async () => {
    const s = await voided()
    const { cluster, size, good, bad } = s
    const lane = stateKeys.lane(cluster.members.anna.lct, 0)
    const before = await s.home.log().replica.states([lane])
    await s.resumed(size)
    await s.followed()
    await s.ready()
    const home = s.home
    for (const node of cluster.nodes)
      assert.deepEqual(
        await dropped(s, node),
        [
          [size, good],
          [size + 1, bad],
        ],
        node.name,
      )
    const [n] = await home.log().replica.states([lane])
    assert.deepEqual([before[0], n], [1, undefined], 'the lane is as at the kept size')
    const opened = openEntry(good, sha256)
    assert.ok(opened.ok)
    const { record, sigs, id } = opened.value
    assert.equal(await home.log().replica.seqOf(id), undefined)
    const again = canonicalBytes({ record, sigs } as unknown as Json)
    const receipt = await cluster.do(serveSubmit(home.federation, peerOf(s.node('s1')), again))
    assert.equal(receipt.size, size + 2)
    assert.equal(await home.log().replica.seqOf(id), size + 1)
    await s.whole()
  })

  it('is not resumed for a witness that has not seen the void entry', async () => {
    const s = await ForkScene.start()
    const { size } = s.home.log().replica.tip
    const record = await resumeRecord(s.home, size, { cause: 'void' })
    const request = { record: record as unknown as JsonObject }
    const answer = s.node('s1').federation.serve.countersign(peerOf(s.home), request)
    assert.equal(await s.cluster.refusal(answer), 'RESUME_SOUND')
  })
})

describe('a witness that countersigned a resume', () => {
  it('cosigns nothing more of that epoch, not after a restart and not when the resume never comes', async () => {
    const s = await voided()
    const { cluster, home } = s
    const { root, size } = home.log().replica.tip
    const witness = s.node('s1')
    assert.equal(await cosignature(s, witness, size, root), undefined)
    assert.equal(await cluster.refusal(s.resume()), 'RESUME_QUORUM')
    assert.equal(await cosignature(s, witness, size, root), undefined, 'being asked promises nothing')
    await s.approve([witness])
    assert.equal(await cosignature(s, witness, size, root), undefined, 'nor does an approval that was not used')
    assert.equal(await cluster.refusal(s.resume()), 'RESUME_QUORUM')
    assert.equal(await cosignature(s, witness, size, root), 'RESUMING')
    const restarted = await cluster.restart(witness)
    await cluster.clock.advance(3_000)
    assert.equal(await cosignature(s, restarted, size, root), 'RESUMING')
    await cluster.clock.advance(60_000)
    assert.equal(await cosignature(s, restarted, size, root), 'RESUMING')
    assert.equal(await cosignature(s, s.node('s2'), size, root), undefined)
  })

  it('countersigns another one when its operator approves that instead; of the first it forgets nothing', async () => {
    const s = await voided()
    const { cluster, home, size } = s
    const witness = s.node('s1')
    const ask = async (kept: number) => {
      const record = await resumeRecord(home, kept, { cause: 'void' })
      const request = { record: record as unknown as JsonObject }
      return cluster.refusal(witness.federation.serve.countersign(peerOf(home), request))
    }
    assert.equal(await ask(size + 1), 'RESUME_APPROVAL')
    await s.approve([witness])
    assert.equal(await ask(size + 1), undefined)
    assert.equal(await ask(size), 'RESUME_APPROVAL')
    await s.approve([witness])
    assert.equal(await ask(size), undefined)
    assert.equal(await ask(size + 1), 'RESUME_APPROVAL', 'one at a time')
    const root = (await home.log().replica.rootAt(size)) as Uint8Array
    assert.equal(await cosignature(s, witness, size, root), 'RESUMING')
    const restarted = await cluster.restart(witness)
    await cluster.clock.advance(3_000)
    const request = { record: (await resumeRecord(home, size, { cause: 'void' })) as unknown as JsonObject }
    const answer = restarted.federation.serve.countersign(peerOf(home), request)
    assert.equal(await cluster.refusal(answer), undefined, 'the approval is on its disk')
    const epoch0 = await s.stored(restarted, storeKey.cosigned(s.society, restarted.keys.witness.key, 0))
    assert.match(new TextDecoder().decode(epoch0), /"closed":true/)
  })
})
