import assert from 'node:assert/strict'
import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import { entriesCodec } from '../../protocols/entries/schema.ts'
import { makeBundle } from '../../src/driver/evidence.ts'
import { receiptMessage } from '../../src/driver/serve.ts'
import { fromBase64url, keyBytes } from '../../src/encoding.ts'
import { decodeGroup, type Group } from '../../src/ingest/group.ts'
import { verifyBundle } from '../../src/log/bundle.ts'
import { encodeForkProof, makeForkProof } from '../../src/log/fork.ts'
import { formatNote, originOf, parseNote, verifyLogNote } from '../../src/log/note.ts'
import { standingBytes } from '../../src/records/standing.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { ClusterNode } from '../support/cluster-node.ts'
import { forgeBranch, forgeEntry, peerOf, signNote } from '../support/forge.ts'
import { type Identity, makeRecord, submissionBytes } from '../support/identity.ts'
import { keyRing, rotationOf, societyKey } from '../support/rings.ts'
import { keyOf, rotate, rotationScene } from '../support/rotation-scene.ts'

describe('a change of the society key', () => {
  it('under load: nothing is refused, everybody follows, each note is of the key in force at its size', async () => {
    const s = await rotationScene()
    const { cluster, home } = s
    const { anna, ben } = cluster.members
    const busy: Promise<unknown>[] = []
    for (let i = 0; i < 30; i++) {
      busy.push(cluster.do(home.transfer(anna, ben, 1)), cluster.do(home.mint(1)), cluster.do(home.charge(ben, 1)))
      if (i === 10) busy.push(cluster.do(home.laws.update({ changes: {}, rotation: rotationOf('s0', 1) })))
      await cluster.clock.advance(1)
    }
    await cluster.clock.run(Promise.all(busy))
    await cluster.final()
    await cluster.assertConverged()
    const { notes, replica } = home.log()
    const [{ seq } = { seq: -1 }] = replica.finalitySets().handovers
    assert.equal(replica.inForce?.keys.society, keyOf(1))
    assert.equal(replica.logKeyAt(seq), keyOf(0))
    assert.equal(replica.logKeyAt(seq + 1), keyOf(1))
    assert.ok(replica.tip.size > seq + 20 && notes.final === replica.tip.size)
    cluster.assertNoFaults()
  })

  it('ends its group; what came with it is in the next one', async () => {
    const { cluster, home } = await rotationScene()
    const { anna, ben } = cluster.members
    const law = home.log().replica.inForce?.law
    const { key, next } = rotationOf('s0', 1)
    const body = { law: { ...law, number: 1 }, next, society_key: key }
    const of = { author: home.society, lane: 3, society: home.society, time: cluster.clock.now() }
    const together = [
      home.transfer(anna, ben, 1),
      home.submit(makeRecord('law.update', body, of), [societyKey('s0', 1)]),
      home.transfer(anna, ben, 1),
    ]
    const { size } = home.log().replica.tip
    const answers = await cluster.clock.run(Promise.all(together))
    assert.deepEqual(
      answers,
      [size, size + 1, size + 2].map(value => ({ ok: true, value })),
    )
    const groups = cluster.net.published.flatMap(({ frame, from, kind }) => {
      const group = kind === 'group' && from === home.name ? decodeGroup(frame) : undefined
      return group?.ok === true && group.value.entries.length > 0 ? [group.value] : []
    })
    const [changing, after] = groups.filter(({ first }) => first >= size)
    assert.deepEqual([changing?.first, changing?.entries.length], [size, 2])
    assert.deepEqual([after?.first, after?.entries.length], [size + 2, 1])
    for (const { checkpoint } of [changing, after] as [Group, Group]) {
      const note = parseNote(checkpoint)
      assert.ok(note.ok)
      assert.equal(verifyLogNote(note.value, originOf(home.society), key, verifySync, sha256), undefined)
    }
  })

  it('overtakes a record that waits for its signature: that one is signed again with the new key', async () => {
    const s = await rotationScene()
    const { cluster, home } = s
    await cluster.clock.run(home.stop())
    let isSlow = false
    const slow: Identity = {
      ...societyKey('s0', 0),
      async sign(message) {
        const isFirst = isSlow
        isSlow = false
        if (isFirst) await new Promise<void>(resolve => cluster.clock.after(500, resolve))
        return societyKey('s0', 0).signNow(message)
      },
    }
    const again = new ClusterNode({ ...home.setup, ring: keyRing(slow, societyKey('s0', 1)) })
    cluster.nodes[0] = again
    await cluster.clock.run(again.start())
    await cluster.ready()
    isSlow = true
    const mint = cluster.do(again.mint(1))
    const { seq } = await cluster.do(again.laws.update({ changes: {}, rotation: rotationOf('s0', 1) }))
    assert.equal(await mint, seq + 1)
    await cluster.final([again])
  })

  it('reaches followers by gossip alone', async () => {
    const s = await rotationScene()
    s.cluster.net.passes = (_from, _to, name) => name !== 'entries'
    for (const n of [1, 2, 3]) {
      await rotate(s, n)
      await s.cluster.do(s.home.mint(n))
      await s.cluster.final([s.home])
    }
    assert.equal(s.cluster.nodes[3]?.log(s.home.society).replica.inForce?.keys.society, keyOf(3))
    s.cluster.assertNoFaults()
  })

  for (const limit of [1, 3, 4_096]) {
    it(`reaches a newcomer by ranges of ${limit}, over five of them, with a note of the newest key`, async () => {
      const s = await rotationScene()
      const { cluster, home } = s
      for (const n of [1, 2, 3, 4, 5]) {
        await rotate(s, n)
        await cluster.do(home.mint(n))
      }
      await cluster.final([home])
      const late = await cluster.add({
        name: 'late',
        store: createMemoryStore(),
        options: { rangeFetch: false, statusMs: 60_000 },
      })
      cluster.net.partition(cluster.nodes.map(({ name }) => name).filter(name => name !== 'late'))
      await cluster.clock.run(late.federation.setPolicy(home.society, { follow: true, witness: false, block: false }))
      const { follower, replica } = late.log(home.society)
      const { size } = home.log().replica.tip
      let rounds = 0
      for (; replica.tip.size < size; rounds++) {
        const from = replica.tip.size
        const reply = await cluster.do(
          home.federation.serve.entries(peerOf(late), { society: home.society, from, limit }),
        )
        // As it would arrive: no longer than the wire allows.
        const arrived = entriesCodec.decodeReply(entriesCodec.encodeReply(reply))
        assert.ok(arrived.ok, arrived.ok ? '' : arrived.error.detail)
        const taken = await cluster.clock.run(follower.onRange(from, arrived.value))
        assert.deepEqual(taken, { ok: true, value: true }, `from ${from}`)
      }
      assert.ok(rounds >= Math.min(size / limit, 2))
      assert.deepEqual(replica.tip.root, home.log().replica.tip.root)
      assert.equal(replica.inForce?.keys.society, keyOf(5))
    })
  }

  it('is cosigned by a witness that is asked before the change has reached it', async () => {
    const s = await rotationScene()
    const { cluster, home } = s
    const witness = cluster.nodes[2] as ClusterNode
    cluster.net.gossip = ({ frame, to }) => (to === 's2' ? [] : [frame])
    cluster.net.passes = (from, to) => to !== 's2' && from !== 's2'
    await cluster.do(home.laws.update({ changes: {}, rotation: rotationOf('s0', 1) }))
    const held = witness.log(home.society)
    const from = held.replica.tip.size
    const { latest } = home.log().notes
    assert.ok(latest && latest.checkpoint.size > from)
    const asked = witness.federation.serve.cosign(peerOf(home), { note: formatNote(latest) })
    await cluster.clock.advance(300)
    const reply = await cluster.do(
      home.federation.serve.entries(peerOf(witness), { society: home.society, from, limit: 9 }),
    )
    await cluster.do(held.follower.onRange(from, reply))
    assert.match((await cluster.do(asked)).line, /^— web4\/witness\//)
  })

  it('takes receipts and standings with it', async () => {
    const s = await rotationScene()
    const { cluster, home } = s
    const { anna, ben } = cluster.members
    const asker = peerOf(cluster.nodes[1] as ClusterNode)
    for (const n of [0, 1]) {
      if (n === 1) await rotate(s, 1)
      const record = home.draft(anna, 'atp.transfer', { amount: 1, from: anna.lct, to: ben.lct })
      const receipt = await cluster.do(home.federation.serve.submit(asker, submissionBytes(record, [anna.identity])))
      assert.equal(receipt.by, keyOf(n))
      const signature = (sig: string) => fromBase64url(sig, 64) as Uint8Array
      const raw = keyBytes(keyOf(n)) as Uint8Array
      assert.ok(verifySync(raw, signature(receipt.sig), receiptMessage(receipt)))
      const { sig, ...claims } = await cluster.do(home.federation.serve.standing(asker, { lct: anna.lct }))
      assert.ok(verifySync(raw, signature(sig), standingBytes(claims)))
    }
  })

  it('leaves bundles of before and after that verify on every node', async () => {
    const s = await rotationScene()
    const before = s.home.log().replica.tip.size - 1
    const seq = await rotate(s, 1)
    await rotate(s, 2)
    const after = await s.cluster.do(s.home.mint(7))
    await s.cluster.final([s.home])
    for (const node of s.cluster.nodes) {
      for (const at of [0, before, seq, after]) {
        const bundle = await makeBundle(node.log(s.home.society), at, sha256)
        assert.ok(bundle.ok, `${node.name}, entry ${at}: ${bundle.ok ? '' : bundle.error.code}`)
        const verdict = verifyBundle(bundle.value, { society: s.home.society, verify: verifySync, sha256 })
        assert.equal(verdict.ok ? verdict.value.seq : verdict.error.code, at)
      }
    }
  })
})

describe('a society key that was replaced', () => {
  it('signs no note beyond the handover that anybody takes, early or late', async () => {
    const s = await rotationScene()
    const { cluster, home } = s
    const follower = cluster.nodes[2] as ClusterNode
    await rotate(s, 1)
    const held = follower.log(home.society)
    const { latest } = held.notes
    const late = signNote(home, held.replica.tip.size, held.replica.tip.root, societyKey('s0', 0))
    assert.equal(await cluster.clock.run(held.follower.onNote(formatNote(late))), 'ignore')
    assert.ok(follower.codes.has('NOTE_SIGNATURE'))

    // A note that comes while its signer is still in force here, about entries that are not here yet.
    cluster.net.gossip = ({ frame, to }) => (to === 's2' ? [] : [frame])
    cluster.net.passes = (from, to) => to !== 's2' && from !== 's2'
    await cluster.do(home.laws.update({ changes: {}, rotation: rotationOf('s0', 2) }))
    const { root, size } = home.log().replica.tip
    await cluster.do(home.mint(1))
    const early = signNote(home, size, root, societyKey('s0', 1))
    await cluster.clock.run(held.follower.onNote(formatNote(early)))
    assert.equal(held.notes.hasEarly, true)
    // The range ends where that note does; its own note is larger.
    const from = held.replica.tip.size
    const request = { society: home.society, from, limit: size - from }
    const reply = await cluster.do(home.federation.serve.entries(peerOf(follower), request))
    await cluster.do(held.follower.onRange(from, reply))
    assert.equal(held.replica.tip.size, size)
    assert.equal(held.notes.hasEarly, true, 'the larger one waits')
    assert.deepEqual(held.notes.latest, latest)
  })

  it('freezes nothing with a fork that it signs after the handover is final', async () => {
    const s = await rotationScene()
    const { cluster, home } = s
    const size = home.log().replica.tip.size
    const first = home.log().notes.latest
    assert.ok(first)
    await rotate(s, 1)
    const record = makeRecord(
      'atp.mint',
      { amount: 9 },
      { author: home.society, society: home.society, lane: 9, time: cluster.clock.now() },
    )
    const other = await forgeBranch(home, size - 1, [forgeEntry(record, [societyKey('s0', 0)], size - 1)])
    const proof = makeForkProof({
      society: home.society,
      key: keyOf(0),
      first,
      second: other.note,
      root: other.note.checkpoint.root,
      proof: [],
    })
    const node = cluster.nodes[1] as ClusterNode
    assert.equal(await cluster.clock.run(node.federation.proof(encodeForkProof(proof))), 'ignore')
    assert.ok(node.codes.has('PROOF_KEY'))
    assert.equal(node.log(home.society).replica.halt, undefined)
    await cluster.do(home.mint(1))
    await cluster.final([home])
  })
})
