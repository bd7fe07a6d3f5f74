import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import { decodeForkProof, verifyForkProof } from '../../src/log/fork.ts'
import { storeKey } from '../../src/store/ledger.ts'
import type { OrderedMap } from '../../src/store/ordered-map.ts'
import { contentOf } from '../support/cluster.ts'
import { allFinal, connectAll, LocalNode, ready, steadyClock } from '../support/local-nodes.ts'
import { until } from '../support/until.ts'

const LIMIT_MS = 60_000
const FORKER = 'forker'
const HONEST = ['alder', 'birch', 'cedar', 'dogwood']

/** Where the honest nodes stand while the forker shows each side another log, and how much it writes there. */
const SPLITS = [
  { name: 'two halves, equally long', left: ['alder', 'birch'], right: ['cedar', 'dogwood'], sizes: [3, 3] },
  { name: 'two halves, one log longer', left: ['alder', 'birch'], right: ['cedar', 'dogwood'], sizes: [2, 6] },
  { name: 'a quorum on one side', left: ['alder', 'birch', 'cedar'], right: ['dogwood'], sizes: [4, 2] },
] as const

describe('a society that forks its log', function () {
  this.timeout(180_000)
  const clock = steadyClock()
  const nodes: LocalNode[] = []
  const disks = new Map<string, OrderedMap>()
  let dir: string
  let common = 0

  /** Five societies, each with the four others as witnesses: n = 4, q = 3. */
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'web4-fork-'))
    for (const slug of [FORKER, ...HONEST]) nodes.push(await LocalNode.start({ slug, clock }))
    await connectAll(nodes)
    for (const node of nodes)
      await node.found(
        nodes.filter(other => other !== node),
        nodes,
      )
    await allFinal(nodes, nodes)
    for (const node of nodes)
      for (const peer of nodes) if (peer !== node) await node.running.service.operator.recognize(peer.society)
    await allFinal(nodes, nodes)
    common = nodes[0]?.log().replica.tip.size ?? 0
    await stopAll()
    for (const node of nodes.splice(0)) disks.set(node.slug, await contentOf(node.store))
  })
  afterEach(async () => {
    await stopAll()
    nodes.length = 0
  })
  after(async () => {
    await stopAll()
    await rm(dir, { recursive: true })
  })

  async function stopAll(): Promise<void> {
    await Promise.all(nodes.map(node => node.stop()))
  }

  async function begin(slug: string, transport = slug): Promise<LocalNode> {
    const content = disks.get(slug)
    assert.ok(content)
    const api = slug === 'dogwood' ? { api: true as const, config: { dir } } : {}
    const node = await LocalNode.start({ slug, transport, clock, content, ...api })
    nodes.push(node)
    return node
  }

  /** One copy of the forker and the nodes that see no other one; it writes `count` records that the other copy does not. */
  async function side(name: string, honest: readonly string[], count: number): Promise<LocalNode[]> {
    const forker = await begin(FORKER, `${FORKER} ${name}`)
    const others: LocalNode[] = []
    for (const slug of honest) others.push(await begin(slug))
    await connectAll([forker, ...others])
    // An operator took the responsibility: the other witnesses are not heard.
    for (const node of [forker, ...others]) node.log(forker.society).startUp.override()
    const first = name === 'left' ? 1_000 : 2_000
    for (let index = 0; index < count; index++) await forker.issue('atp.mint', { amount: first + index })
    const held = () => others.every(node => node.log(forker.society).replica.tip.size === common + count)
    await until(`the ${name} side holds its log`, held, LIMIT_MS)
    return [forker, ...others]
  }

  /** Entries below what a node ever called final. */
  async function finalEntries(node: LocalNode, society: string): Promise<string[]> {
    const { notes, replica } = node.log(society)
    return (await replica.entries(0, notes.final)).map(bytes => Buffer.from(bytes).toString('base64'))
  }

  for (const { name, left, right, sizes } of SPLITS) {
    it(`is stopped by proof, and by nothing else: ${name}`, async () => {
      const [forker, ...some] = (await side('left', left, sizes[0])) as [LocalNode, ...LocalNode[]]
      const [, ...rest] = await side('right', right, sizes[1])
      const { society } = forker
      if (left.length === 3)
        await until(
          'a final on one side',
          () => some.every(node => node.log(society).notes.final === common + sizes[0]),
          LIMIT_MS,
        )
      const honest = [...some, ...rest]

      for (const node of some) await node.connect(...rest)
      const isFrozen = (node: LocalNode) => node.log(society).replica.halt?.mode === 'frozen'
      await until('every honest node holds the proof', () => honest.every(isFrozen), LIMIT_MS)

      for (const node of honest) {
        const [bytes] = await node.store.getMany([storeKey.fork(society)])
        assert.ok(bytes, `${node.slug} has stored the proof`)
        const proof = decodeForkProof(bytes)
        assert.ok(proof.ok)
        assert.equal(verifyForkProof(proof.value, forker.keys.society.key, verifySync, sha256), undefined)
        const shown = node.running.service.society(society)
        assert.deepEqual([shown?.frozen, shown?.state], [true, 'frozen'])
      }
      const api = honest.find(node => node.apiUrl !== '')
      const response = await fetch(`${api?.apiUrl}/v1/societies/${society}`)
      const { frozen, state } = (await response.json()) as { frozen: boolean; state: string }
      assert.deepEqual([frozen, state], [true, 'frozen'])

      // The rest of the federation goes on: records of its own, and a birth that needs others.
      await ready(honest)
      await honest[0]?.birth(`after ${name}`)
      for (const node of honest) await node.issue('atp.mint', { amount: 1 })
      await allFinal(honest, honest)

      const finals = await Promise.all(honest.map(node => finalEntries(node, society)))
      const longest = finals.reduce((a, b) => (b.length > a.length ? b : a))
      assert.equal(longest.length, left.length === 3 ? common + sizes[0] : common)
      for (const [index, entries] of finals.entries())
        assert.deepEqual(entries, longest.slice(0, entries.length), `${honest[index]?.slug} finalised another branch`)
      for (const node of rest) assert.equal(node.log(society).notes.final, common)
      for (const node of honest) assert.deepEqual(node.faults, [], node.slug)
    })
  }

  it('goes on under epoch 1 once a quorum has countersigned what is kept, and the old proof stops it no more', async () => {
    const [forker, ...some] = (await side('left', ['alder', 'birch', 'cedar'], 4)) as [LocalNode, ...LocalNode[]]
    const [copy, dogwood] = (await side('right', ['dogwood'], 2)) as [LocalNode, LocalNode]
    const { society } = forker
    const kept = common + 4
    await until('a final on one side', () => some.every(node => node.log(society).notes.final === kept), LIMIT_MS)
    const other = () => copy.log(society).notes.cosigned.get(dogwood.keys.witness.key)
    await until('the other history is cosigned, too', () => other() === common + 2, LIMIT_MS)
    await copy.stop()
    for (const node of [forker, ...some]) await node.connect(dogwood)
    const all = [forker, ...some, dogwood]
    const isFrozen = (node: LocalNode) => node.log(society).replica.halt?.mode === 'frozen'
    await until('everybody holds the proof', () => all.every(isFrozen), LIMIT_MS)
    const [proof] = await dogwood.store.getMany([storeKey.fork(society)])
    assert.ok(proof)

    const { resumes } = forker.running.service
    const less = await resumes.plan(common)
    assert.equal(less.ok ? '' : less.error.code, 'RESUME_FINAL')
    const plan = await resumes.plan()
    assert.ok(plan.ok)
    const { root, size } = plan.value
    assert.deepEqual([size, plan.value.final, plan.value.given_up.count, plan.value.cause], [kept, kept, 0, 'fork'])
    const early = await resumes.resume(size, root)
    assert.equal(early.ok ? '' : early.error.code, 'RESUME_QUORUM')
    for (const node of some) {
      const [proposal] = await node.running.service.resumes.proposals()
      assert.ok(proposal)
      assert.deepEqual([proposal.society, proposal.size, proposal.approved], [society, kept, false])
      assert.ok((await node.running.service.resumes.approve(proposal)).ok)
    }
    // It cosigned the other history: there is nothing that its operator could decide.
    assert.deepEqual(
      (await dogwood.running.service.resumes.proposals()).map(({ given_up }) => given_up.count),
      [],
    )
    const resumed = await resumes.resume(size, root)
    assert.ok(resumed.ok, resumed.ok ? '' : `${resumed.error.code} ${resumed.error.detail}`)
    await until('all are in epoch 1', () => all.every(node => node.log(society).replica.epoch === 1), LIMIT_MS)
    await ready(all)
    await forker.issue('atp.mint', { amount: 77 })
    await allFinal([forker], all)
    for (const node of all) {
      const shown = node.running.service.society(society)
      assert.deepEqual([shown?.state, shown?.epoch, shown?.resumed, shown?.frozen], ['running', 1, [kept], false])
      assert.equal(await node.running.federation.proof(proof), 'ignore')
      assert.equal(node.log(society).replica.halt, undefined)
    }
    const given = await dogwood.running.service.resumes.dropped(society, 0)
    assert.deepEqual(given.ok ? given.value.map(({ kind, seq }) => [kind, seq]) : [], [
      ['atp.mint', common],
      ['atp.mint', common + 1],
    ])
    for (const node of all) assert.deepEqual(node.faults, [], node.slug)
  })
})
