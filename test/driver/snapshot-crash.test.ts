import assert from 'node:assert/strict'
import { utf8Decode } from '../../src/canonical.ts'
import type { Clock, Store } from '../../src/ports.ts'
import { stateKeys } from '../../src/state/model.ts'
import { storeKey } from '../../src/store/ledger.ts'
import type { SocietyId } from '../../src/units.ts'
import type { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { type CrashStore, createCrashStore } from '../support/crash-store.ts'
import { bootBelow, burst, S, type Scene, sceneBelow, slowSnapshots } from '../support/snapshot-scene.ts'

/**
 * The power of one node fails at its n-th write while a log passes the size of a snapshot, for every n. Whatever of commit,
 * digest and claim its disk had by then: in the end both nodes have the same digest, and the log says it once.
 */
let scene: Scene

const RECORDS = 12

interface Case {
  readonly victim: 0 | 1
  readonly survivors: number
  readonly syncFollowed: boolean
  /** How long reading a snapshot takes: entries that come meanwhile are on the disk before the digest is. */
  readonly slowMs: number
}

const isReady = (cluster: Cluster) => cluster.nodes.every(node => node.federation.sequencerBarrier() === undefined)
const digestOf = (node: ClusterNode, home: ClusterNode) =>
  node.log(home.society).snapshots.all.find(({ size }) => size === S)

/** What is on the disk of the log that passes the size. */
async function foundOn(store: Store, home: SocietyId): Promise<string> {
  const [tip, digest, state] = await store.getMany([
    storeKey.tip(home),
    storeKey.digest(home, S),
    storeKey.state(home, stateKeys.snapshot(S)),
  ])
  const { size } = JSON.parse(utf8Decode(tip ?? new Uint8Array()) ?? '') as { size: number }
  if (size < S) return 'before'
  const claim = utf8Decode(state ?? new Uint8Array()) === '{}' ? 'no claim' : 'claim'
  return `${size === S ? 'at' : 'beyond'}, ${digest === undefined ? 'no digest' : 'digest'}, ${claim}`
}

/** What was on the victim's disk when it came back; undefined: it wrote less often than n times. */
async function crashAt(n: number, { victim, survivors, syncFollowed, slowMs }: Case): Promise<string | undefined> {
  let disk: CrashStore | undefined
  let clock: Clock | undefined
  const cluster = await bootBelow(scene, {
    options: { syncFollowed },
    store: (index, content) => {
      const made = createCrashStore({ content })
      if (index !== victim) return made.store
      disk = made
      made.failAt(n)
      return slowSnapshots(made.store, () => new Promise(resolve => clock?.after(slowMs, resolve)))
    },
  })
  clock = cluster.clock
  const isDown = () => (disk as CrashStore).writes >= n
  const [home, other] = cluster.nodes as [ClusterNode, ClusterNode]
  for (let i = 0; i < 30 && !isDown() && !isReady(cluster); i++) await cluster.clock.advance(50)
  await cluster.clock.run(Promise.allSettled(burst(home, RECORDS)))
  for (let i = 0; i < 40 && !isDown(); i++) await cluster.clock.advance(50)
  const hasCrashed = isDown()
  let found = ''
  const nodes: [ClusterNode, ClusterNode] = [home, other]
  if (hasCrashed) {
    const rebooted = (disk as CrashStore).restart(survivors)
    found = await foundOn(rebooted.store, home.society)
    nodes[victim] = await cluster.restart(nodes[victim], rebooted.store)
    await cluster.clock.until(`start, n = ${n}`, () => isReady(cluster))
    // As many as it takes, whatever the crash left.
    await cluster.clock.run(Promise.allSettled(burst(nodes[0], RECORDS)))
  }
  await cluster.clock.until(`claim, n = ${n}`, () => digestOf(nodes[0], home)?.claim !== undefined)
  await cluster.final([nodes[0]])
  await cluster.assertConverged()
  const claim = digestOf(nodes[0], home)
  const count = (await nodes[0].log().replica.entries(S, 1_000)).filter(bytes =>
    (utf8Decode(bytes) ?? '').includes('"kind":"state"'),
  )
  assert.equal(count.length, 1, `n = ${n}: claims`)
  for (const node of nodes) {
    await node.log(home.society).snapshots.idle()
    assert.deepEqual(digestOf(node, home), claim, `n = ${n}: ${node.name}`)
    assert.deepEqual(node.wrongClaims, [], `n = ${n}: ${node.name}`)
  }
  await cluster.stop()
  return hasCrashed ? found : undefined
}

describe('a node that loses its power around a snapshot', function () {
  this.timeout(120_000)

  before(async () => {
    scene = await sceneBelow()
  })

  const everything = Number.POSITIVE_INFINITY
  // With what the disk held after a crash at one of the writes: all of it was met, or the scene would be too small.
  const cases: readonly (readonly [Case, readonly string[]])[] = [
    [
      { victim: 0, survivors: 0, syncFollowed: true, slowMs: 0 },
      ['at, no digest, no claim', 'before', 'beyond, digest, claim'],
    ],
    [
      { victim: 0, survivors: everything, syncFollowed: true, slowMs: 0 },
      ['at, digest, no claim', 'at, no digest, no claim', 'before', 'beyond, digest, claim'],
    ],
    [
      { victim: 0, survivors: 0, syncFollowed: true, slowMs: 100 },
      ['at, no digest, no claim', 'before', 'beyond, digest, claim', 'beyond, no digest, no claim'],
    ],
    [{ victim: 1, survivors: 0, syncFollowed: false, slowMs: 0 }, ['before', 'beyond, digest, claim']],
    [
      { victim: 1, survivors: everything, syncFollowed: false, slowMs: 100 },
      ['at, no digest, no claim', 'before', 'beyond, digest, claim', 'beyond, no digest, claim'],
    ],
  ]
  for (const [each, states] of cases) {
    it(`has the digest and one claim in the end, at any write (${JSON.stringify(each)})`, async () => {
      const found = new Set<string>()
      let n = 1
      for (; ; n++) {
        const state = await crashAt(n, each)
        if (state === undefined) break
        found.add(state)
      }
      assert.deepEqual([...found].sort(), states)
    })
  }
})
