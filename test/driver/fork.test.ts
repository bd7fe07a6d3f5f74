import assert from 'node:assert/strict'
import { canonicalBytes, decodeCanonical, type JsonObject } from '../../src/canonical.ts'
import { decodeForkProof, verifyForkProof } from '../../src/log/fork.ts'
import { formatNote } from '../../src/log/note.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { Cluster, contentOf, type Members } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { forgeBranch, forgeEntry, peerOf, signNote } from '../support/forge.ts'
import { context, identity } from '../support/identity.ts'
import { rotationOf } from '../support/rings.ts'

interface Scene {
  readonly cluster: Cluster & { readonly members: Members }
  readonly left: ClusterNode
  readonly right: ClusterNode
  readonly honest: () => ClusterNode[]
}

/** Two copies of s0's sequencer; s1, s2 and s3 see the left one, s4 the right one. */
async function twoCopies(): Promise<Scene> {
  const cluster = await Cluster.resume({ societies: 5 })
  await cluster.ready()
  const left = cluster.nodes[0] as ClusterNode
  await cluster.clock.advance(2_000)
  const store = createMemoryStore(await contentOf(left.setup.store))
  cluster.net.partition(['s0', 's1', 's2', 's3'], ['copy', 's4'])
  const right = await cluster.add({ name: 'copy', slug: 's0', store })
  right.log().startUp.override()
  const honest = () => cluster.nodes.filter(({ name }) => /^s[1-4]$/.test(name))
  return { cluster, left, right, honest }
}

async function write({ cluster }: Scene, node: ClusterNode, count: number, amount: number): Promise<void> {
  const { anna, ben } = cluster.members
  for (let i = 0; i < count; i++) {
    const payer = { ...anna, n: 20 + i }
    await cluster.do(node.transfer(payer, ben, amount))
    await cluster.clock.advance(200)
  }
}

async function proofOf(node: ClusterNode, society: string): Promise<Uint8Array | undefined> {
  return (await node.setup.store.getMany([storeKey.fork(society)]))[0]
}

/** Whoever finalised anything finalised a part of one history. */
async function assertOneFinalHistory(nodes: readonly ClusterNode[], society: string): Promise<void> {
  for (const a of nodes) {
    for (const b of nodes) {
      const size = Math.min(a.log(society).notes.final, b.log(society).notes.final)
      assert.deepEqual(await a.log(society).replica.rootAt(size), await b.log(society).replica.rootAt(size))
    }
  }
}

describe('a society that forks its log', () => {
  for (const [what, onLeft, onRight] of [
    ['two branches of one size', 3, 3],
    ['a longer branch where nobody can finalise it', 2, 5],
    ['a longer branch that is final', 5, 2],
  ] as const) {
    it(`${what}: every honest node ends with the proof, no two finals conflict, the others go on`, async () => {
      const s = await twoCopies()
      const { cluster, left, right, honest } = s
      await write(s, left, onLeft, 5)
      await write(s, right, onRight, 9)
      await cluster.final([left], [left, ...honest().slice(0, 3)])
      const final = left.log().notes.final
      assert.ok(right.log().notes.final < right.log().replica.tip.size, 'one witness of four is no quorum')

      cluster.net.heal()
      await cluster.clock.until('the proof everywhere', () =>
        honest().every(node => node.log(left.society).replica.halt?.mode === 'frozen'),
      )
      await cluster.clock.advance(5_000)
      for (const node of honest()) {
        const proof = await proofOf(node, left.society)
        assert.ok(proof)
        const decoded = decodeForkProof(proof)
        assert.ok(decoded.ok)
        const key = left.keys.society.key
        assert.equal(verifyForkProof(decoded.value, key, context.verifySignature, context.sha256), undefined)
      }
      await assertOneFinalHistory(honest(), left.society)
      for (const node of honest().slice(0, 3)) assert.equal(node.log(left.society).notes.final, final)

      const [frozen] = honest() as [ClusterNode]
      const { size } = frozen.log(left.society).replica.tip
      assert.equal(
        await cluster.refusal(left.transfer({ ...cluster.members.anna, n: 90 }, cluster.members.ben, 1)),
        'FROZEN',
      )
      await cluster.clock.run(right.stop())
      for (const node of honest()) await cluster.do(node.mint(11))
      await cluster.final(honest(), honest())
      assert.equal(frozen.log(left.society).replica.tip.size, size, 'nothing more of it is applied')

      const restarted = await cluster.restart(frozen)
      assert.deepEqual(restarted.log(left.society).replica.halt, { mode: 'frozen' })
      assert.deepEqual(await proofOf(restarted, left.society), await proofOf(frozen, left.society))
      cluster.assertNoFaults()
    })
  }

  it('is known in the end to a node that saw one branch only and missed the gossip', async () => {
    const s = await twoCopies()
    const { cluster, left, right, honest } = s
    await write(s, left, 2, 5)
    await write(s, right, 2, 9)
    await cluster.final([left], [left, ...honest().slice(0, 3)])
    let isLossy = true
    cluster.net.gossip = ({ kind, to, frame }) => (isLossy && kind === 'proof' && to === 's3' ? [] : [frame])
    cluster.net.partition(['s0', 'copy', 's1', 's2', 's4'], ['s3'])
    await cluster.clock.advance(5_000)
    await cluster.clock.run(right.stop())
    cluster.net.partition(['s1', 's2', 's3'])
    const away = honest()[2] as ClusterNode
    await cluster.clock.advance(3_000)
    assert.equal(await proofOf(away, left.society), undefined)
    isLossy = false
    await cluster.clock.advance(3_000)
    assert.ok(await proofOf(away, left.society))
  })

  it('that only the liar holds, longer than everybody else’s: its own range convicts it', async () => {
    const s = await twoCopies()
    const { cluster, left, right, honest } = s
    cluster.net.partition(['s0', 's1', 's2', 's3', 's4'], ['copy'])
    await write(s, left, 2, 5)
    await write(s, right, 5, 9)
    cluster.net.gossip = ({ kind, from, frame }) => (kind === 'proof' && from === 'copy' ? [] : [frame])
    // It also never asks, and hides what would betray it in its status: the others find out by themselves.
    cluster.net.passes = (from, _to, name) => !(from === 'copy' && name !== 'status')
    cluster.net.heal()
    await cluster.clock.until('the proof everywhere', () =>
      honest().every(node => node.log(left.society).replica.halt?.mode === 'frozen'),
    )
    await assertOneFinalHistory(honest(), left.society)
  })

  it('gives no answer that a record was sequenced while the proof was being written down', async () => {
    let isSlow = false
    const cluster = await Cluster.resume({
      store: (index, content) => {
        const store = createMemoryStore(content)
        if (index > 0) return store
        return {
          ...store,
          batch: async (ops, options) => {
            if (isSlow) await new Promise<void>(resolve => cluster.clock.after(50, resolve))
            return store.batch(ops, options)
          },
        }
      },
    })
    await cluster.ready()
    await cluster.clock.advance(2_000)
    const [home, witness] = cluster.nodes as [ClusterNode, ClusterNode]
    const { size } = home.log().replica.tip
    cluster.net.partition(['s0'], ['s1'])
    const note = formatNote(signNote(home, size, new Uint8Array(32).fill(1)))
    await cluster.refusal(witness.federation.serve.cosign(peerOf(home), { note }))
    await cluster.clock.advance(10)
    const proof = await proofOf(witness, home.society)
    assert.ok(proof)
    isSlow = true
    const freezing = home.federation.proof(proof)
    const waiting = home.transfer(cluster.members.anna, cluster.members.ben, 1)
    assert.equal(await cluster.refusal(waiting), 'FROZEN')
    assert.equal(await cluster.clock.run(freezing), 'accept')
    assert.equal(home.log().replica.tip.size, size)
  })

  it('stays frozen, whatever else turns out to be wrong with its log', async () => {
    const cluster = await Cluster.resume()
    const [home, witness] = cluster.nodes as [ClusterNode, ClusterNode]
    const { replica } = witness.log(home.society)
    await replica.stop({ mode: 'frozen' })
    await replica.stop({ mode: 'void', seq: 3, code: 'STALE' })
    assert.deepEqual(replica.halt, { mode: 'frozen' })
  })
})

describe('a forged fork proof', () => {
  it('freezes nobody, whatever was changed in it', async () => {
    const s = await twoCopies()
    const { cluster, left, right, honest } = s
    await write(s, left, 2, 5)
    await write(s, right, 3, 9)
    cluster.net.partition(['s1', 's4'])
    await cluster.clock.until('a proof', () => honest()[0]?.log(left.society).replica.halt !== undefined)
    const proof = await proofOf(honest()[0] as ClusterNode, left.society)
    assert.ok(proof)
    const target = honest()[2] as ClusterNode
    const judge = (frame: Uint8Array) => cluster.clock.run(target.federation.proof(frame))
    const decoded = decodeCanonical(proof)
    assert.ok(decoded.ok)
    const fields = decoded.value as JsonObject & { first: string; second: string; root: string; proof: string[] }
    const flip = (text: string, at: number) => text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1)
    const forgeries: [what: string, fields: object, verdict: string][] = [
      ['the same note twice', { ...fields, first: fields.second, proof: [] }, 'reject'],
      ['notes the other way round', { ...fields, first: fields.second, second: fields.first }, 'reject'],
      ['another root', { ...fields, root: flip(fields.root, 5) }, 'reject'],
      ['a forged note', { ...fields, second: flip(fields.second, fields.second.length - 20) }, 'reject'],
      [
        'a proof cut off',
        {
          ...fields,
          proof: fields.proof.slice(1).length < fields.proof.length ? fields.proof.slice(1) : [fields.root],
        },
        'reject',
      ],
      ['another key', { ...fields, key: identity('somebody').key }, 'reject'],
      ['a member too many', { ...fields, extra: 1 }, 'reject'],
    ]
    for (const [what, forged, verdict] of forgeries) {
      assert.equal(await judge(canonicalBytes(forged as JsonObject)), verdict, what)
      assert.equal(target.log(left.society).replica.halt, undefined, what)
    }
    // Cosignatures convict witnesses; the proof stands without them, so nothing in it is superfluous then.
    const bare = (text: string) => text.replace(/— web4\/witness\/[^\n]*\n/g, '')
    const stripped = canonicalBytes({ ...fields, first: bare(fields.first), second: bare(fields.second) })
    for (let at = 0; at < stripped.length; at++) {
      const bytes = stripped.slice()
      bytes[at] = (bytes[at] ?? 0) ^ 1
      assert.notEqual(await target.federation.proof(bytes), 'accept', `byte ${at}`)
    }
    assert.equal(await judge(new Uint8Array(20)), 'reject')
    assert.equal(await proofOf(target, left.society), undefined)
    assert.equal(await judge(proof), 'accept', 'the original is not blocked')
    assert.equal(target.log(left.society).replica.halt?.mode, 'frozen')
  })

  it('a larger checkpoint of the same history is no fork', async () => {
    const cluster = await Cluster.resume({ societies: 4, options: { rangeFetch: false } })
    await cluster.ready()
    const [home, away] = cluster.nodes as [ClusterNode, ClusterNode]
    const { anna, ben } = cluster.members
    const { size } = home.log().replica.tip
    const record = home.draft(anna, 'atp.transfer', { amount: 5, from: anna.lct, to: ben.lct })
    const branch = await forgeBranch(home, size, [forgeEntry(record, [anna.identity], size)])
    await away.federation.group(home.society, branch.frame, 's2')
    await cluster.clock.advance(5_000)
    for (const node of cluster.nodes) assert.equal(node.log(home.society).replica.halt, undefined)
  })
})

describe('a log that forks above a change of its key that is not final', () => {
  for (const [what, right] of [
    ['equally long', 1],
    ['one of them longer', 3],
  ] as const) {
    it(`is frozen by a proof that shows the change on both sides: ${what}`, async () => {
      const cluster = await Cluster.resume({ societies: 5 })
      await cluster.ready()
      await cluster.clock.advance(2_000)
      const home = cluster.nodes[0] as ClusterNode
      const { society } = home
      // One witness of four: nothing becomes final any more.
      cluster.net.partition(['s0', 's1'])
      const { key, next } = rotationOf('s0', 1)
      const law = { ...home.log().replica.inForce?.law, number: 1 }
      await cluster.do(home.issuer.issue('law.update', { law, next, society_key: key } as unknown as JsonObject))
      await cluster.clock.advance(500)
      const store = createMemoryStore(await contentOf(home.setup.store))
      cluster.net.partition(['s0', 's1'], ['copy', 's4'])
      const copy = await cluster.add({ name: 'copy', slug: 's0', store })
      copy.log().startUp.override()
      await cluster.do(home.mint(1))
      for (let i = 0; i < right; i++) await cluster.do(copy.mint(2 + i))
      const sides = [cluster.nodes[1], cluster.nodes[4]] as [ClusterNode, ClusterNode]
      const held = () => sides.every(node => node.log(society).replica.tip.size >= home.log().replica.tip.size)
      await cluster.clock.until('both sides hold theirs', held)
      assert.ok(home.log().notes.final < home.log().replica.tip.size - 1, 'the change of the key is not final')
      await cluster.clock.run(copy.stop())
      await cluster.clock.run(home.stop())
      cluster.net.partition(['s1', 's4'])
      const isFrozen = (node: ClusterNode) => node.log(society).replica.halt?.mode === 'frozen'
      await cluster.clock.until('both hold the proof', () => sides.every(isFrozen))
      const proof = await proofOf(sides[0], society)
      const decoded = proof === undefined ? undefined : decodeForkProof(proof)
      assert.ok(decoded?.ok === true && 'first_keys' in decoded.value)
      assert.equal(
        verifyForkProof(decoded.value, home.keys.society.key, context.verifySignature, context.sha256),
        undefined,
      )
      cluster.assertNoFaults()
    })
  }
})
