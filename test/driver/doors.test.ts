import assert from 'node:assert/strict'
import { introduce } from '../../src/driver/relations.ts'
import { nodeOf } from '../../src/driver/speakers.ts'
import { encodeGroup } from '../../src/ingest/group.ts'
import { formatNote, type Note } from '../../src/log/note.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { peerOf } from '../support/forge.ts'
import { submissionBytes } from '../support/identity.ts'

describe('doors of a node', () => {
  it('CHARTER_ID: a log that begins with the charter of another society', async () => {
    const cluster = await Cluster.resume()
    const [home, other] = cluster.nodes as [ClusterNode, ClusterNode]
    const observer = await cluster.add({ name: 'observer', store: createMemoryStore(), options: { rangeFetch: false } })
    await cluster.clock.run(observer.federation.follow(home.society))
    const entries = await other.log().replica.entries(0, 1)
    // Without its charter nobody can tell whose key signed the note.
    const checkpoint = formatNote(home.log().notes.latest as Note)
    const frame = encodeGroup({ first: 0, entries, checkpoint, notes: [] })
    assert.equal(await cluster.clock.run(observer.federation.group(home.society, frame, 's2')), 'reject')
    assert.deepEqual([...observer.codes], ['CHARTER_ID'])
    assert.equal(observer.log(home.society).replica.tip.size, 0)
  })

  it('ENTRY_OUT_OF_ORDER: a range that does not begin where it was asked for', async () => {
    const cluster = await Cluster.resume()
    const [home, away] = cluster.nodes as [ClusterNode, ClusterNode]
    const log = away.log(home.society)
    const { size } = log.replica.tip
    const entries = await log.replica.entries(0, 2)
    const reply = { entries, note: formatNote(log.notes.latest as Note), proof: [], root: '' }
    const result = await cluster.clock.run(log.follower.onRange(size, reply))
    assert.deepEqual(result.ok ? undefined : result.error.code, 'ENTRY_OUT_OF_ORDER')
    assert.equal(log.replica.tip.size, size)
  })

  it('NOT_SEQUENCER: a record for the log of somebody else', async () => {
    const cluster = await Cluster.resume()
    const [home, away] = cluster.nodes as [ClusterNode, ClusterNode]
    const { anna, ben } = cluster.members
    const record = home.draft(anna, 'atp.transfer', { amount: 5, from: anna.lct, to: ben.lct })
    const submission = submissionBytes(record, [anna.identity])
    const answer = await cluster.clock.run(away.federation.serve.submit(peerOf(home), submission))
    assert.equal(answer.ok ? undefined : answer.error.code, 'NOT_SEQUENCER')
  })

  it('SOCIETY_CLAIMED: a peer that names a society whose law names another key is nobody of it', async () => {
    const cluster = await Cluster.resume()
    const [home, asker, liar] = cluster.nodes as [ClusterNode, ClusterNode, ClusterNode]
    const { anna } = cluster.members
    cluster.net.detach(home.name)
    cluster.net.detach(liar.name)
    cluster.net.attach(liar.name, liar.federation, () => ({
      peer: liar.name,
      society: home.society,
      witnessKey: liar.keys.witness.key,
    }))
    await cluster.clock.until('the liar is here', () => asker.codes.has('SOCIETY_CLAIMED'))
    assert.equal(nodeOf(asker.federation, home.society), undefined)
    assert.equal(await cluster.refusal(introduce(asker.federation, asker.issuer, anna.lct)), 'PEER_UNREACHABLE')
    // Who is blocked does not come in under another name.
    const asHome = { peer: 'x', society: liar.society, witnessKey: home.keys.witness.key }
    await cluster.clock.run(asker.federation.setPolicy(home.society, { block: true }))
    const request = { society: asker.society, from: 0, limit: 1 }
    const answer = await cluster.clock.run(asker.federation.serve.entries(asHome, request))
    assert.equal(answer.ok ? undefined : answer.error.code, 'PEER_DENIED')
  })
})
