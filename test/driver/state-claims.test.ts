import assert from 'node:assert/strict'
import { snapshotView, societyView } from '../../node/views.ts'
import { utf8Decode } from '../../src/canonical.ts'
import type { Snapshot } from '../../src/driver/snapshots.ts'
import { toBase64url } from '../../src/encoding.ts'
import { formatNote } from '../../src/log/note.ts'
import { rangeOf, storeKey } from '../../src/store/ledger.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import type { HashText, Seq } from '../../src/units.ts'
import type { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { hashText } from '../support/identity.ts'
import { Replay } from '../support/replay.ts'
import { BELOW, bootBelow, burst, S, type Scene, sceneBelow, send, slowSnapshots } from '../support/snapshot-scene.ts'

let scene: Scene

const pair = (cluster: Cluster) => cluster.nodes as [home: ClusterNode, other: ClusterNode]
const snapshotOf = (node: ClusterNode, home: ClusterNode, size: Seq = S): Snapshot | undefined =>
  node.log(home.society).snapshots.all.find(snapshot => snapshot.size === size)

/** The digest of the state at S, by a replay that shares nothing with the driver. */
async function digestByReplay(home: ClusterNode): Promise<{ readonly digest: HashText; readonly keys: number }> {
  const replay = new Replay()
  for (const bytes of await home.log().replica.entries(0, S)) assert.ok(replay.apply(bytes).ok)
  return { digest: toBase64url(replay.digest()), keys: replay.pairs().length }
}

async function claimsIn(node: ClusterNode, home: ClusterNode): Promise<readonly Seq[]> {
  const entries = await node.log(home.society).replica.entries(S, 1_000)
  return entries.flatMap((bytes, index) => ((utf8Decode(bytes) ?? '').includes('"kind":"state"') ? [S + index] : []))
}

/** Both know the digest, the log holds the claim, and all of it is final. */
async function settle(cluster: Cluster): Promise<void> {
  const [home] = pair(cluster)
  await cluster.clock.until('claim', () => snapshotOf(home, home)?.claim !== undefined, 60_000)
  await cluster.final([home])
}

/** Sizes at which the replica of `home`'s log on this node stands still. */
function tipsOf(node: ClusterNode, home: ClusterNode): readonly Seq[] {
  const tips: Seq[] = []
  node.log(home.society).replica.onCommit(({ tip }) => tips.push(tip.size))
  return tips
}

/** A node whose witness takes snapshots that cannot be read before `open`. */
async function slowWitness(): Promise<{ readonly cluster: Cluster; readonly open: () => void }> {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const cluster = await bootBelow(scene, {
    store: (index, content) => {
      const store = createMemoryStore(content)
      return index === 0 ? store : slowSnapshots(store, () => gate)
    },
  })
  return { cluster, open }
}

describe('state claims', function () {
  this.timeout(60_000)

  before(async () => {
    scene = await sceneBelow()
  })

  it('are made once, and never again after a restart, of the state at exactly the size, wherever a burst of records ends', async () => {
    const cluster = await bootBelow(scene)
    const [home, other] = pair(cluster)
    await cluster.ready()
    const tips = [tipsOf(home, home), tipsOf(other, home)]
    await send(cluster, burst(home, 40))
    await settle(cluster)
    for (const seen of tips) assert.ok(seen.includes(S), `stood at ${seen}`)
    const { digest, keys } = await digestByReplay(home)
    const root = toBase64url((await home.log().replica.rootAt(S)) ?? new Uint8Array())
    const [claimed] = await claimsIn(home, home)
    assert.ok(claimed !== undefined && claimed >= S)
    for (const node of [home, other])
      assert.deepEqual(snapshotOf(node, home), {
        size: S,
        own: { digest, keys, root },
        claim: { digest, seq: claimed },
      })
    const restarted = await cluster.restart(home)
    await cluster.ready()
    await cluster.do(restarted.mint())
    await cluster.clock.advance(5_000)
    await cluster.final([restarted])
    assert.deepEqual(await claimsIn(restarted, home), [claimed])
    assert.equal(
      [home, restarted].some(({ codes }) => codes.has('STATE_CLAIMED')),
      false,
      'nor tried it',
    )
    await cluster.assertConverged()
    cluster.assertNoFaults()
    assert.deepEqual([home.wrongClaims, other.wrongClaims], [[], []])
    await cluster.stop()
  })

  it('agree with a node that came over the size within one range', async () => {
    const cluster = await bootBelow(scene)
    const [home, other] = pair(cluster)
    await cluster.ready()
    cluster.net.partition(['s0'], ['s1'])
    await send(cluster, burst(home, 40))
    const tips = tipsOf(other, home)
    cluster.net.heal()
    await settle(cluster)
    assert.deepEqual(tips.slice(0, 1), [S])
    assert.ok((tips[1] ?? 0) >= S - BELOW + 40, 'the rest of the range in one commit')
    assert.deepEqual(snapshotOf(other, home), snapshotOf(home, home))
    cluster.assertNoFaults()
    await cluster.stop()
  })

  it('that are wrong are not cosigned past, by nobody and for ever, and stop the society', async () => {
    const cluster = await bootBelow(scene)
    const [home, other] = pair(cluster)
    await cluster.ready()
    const lie = { digest: hashText('a lie'), size: S }
    // Behind the entry that makes the size, before the true claim can be there.
    const seqs = await send(cluster, burst(home, BELOW + 6, [[BELOW + 2, 'state', lie]]))
    const seq = S + 2
    assert.equal(seqs.at(-1), S + 5)
    await cluster.clock.until('both know', () => other.wrongClaims.length > 0 && home.wrongClaims.length > 0)
    for (const node of [home, other]) {
      assert.deepEqual(node.wrongClaims, [{ society: home.society, seq, size: S }])
      assert.deepEqual(node.log(home.society).snapshots.wrong, { seq, size: S })
      const { state, void_at, void_code } = societyView(node.federation, node.log(home.society))
      assert.deepEqual([state, void_at, void_code], ['void', seq, 'STATE_CLAIM'])
      const views = node.log(home.society).snapshots.all.map(snapshotView)
      assert.deepEqual(
        views.map(({ size, verdict }) => [size, verdict]),
        [
          [0, 'unclaimed'],
          [S, 'wrong'],
        ],
      )
    }
    assert.deepEqual(await cluster.refusal(home.mint()), 'STATE_CLAIM')
    await cluster.clock.advance(20_000)
    // Applied, not signed.
    assert.equal(other.log(home.society).replica.tip.size, S + 6)
    assert.ok(other.log(home.society).notes.final <= seq, `final ${other.log(home.society).notes.final}`)
    assert.ok((await other.log(home.society).witness.lastSize()) <= seq)
    assert.ok(home.codes.has('STATE_CLAIM'))
    assert.deepEqual(await claimsIn(home, home), [seq])

    const again = await cluster.restart(other)
    await cluster.clock.until('known again', () => again.wrongClaims.length > 0)
    await cluster.clock.advance(20_000)
    assert.ok(again.log(home.society).notes.final <= seq)
    const { latest } = home.log().notes
    assert.ok(latest)
    assert.equal(await cluster.refusal(again.log(home.society).witness.cosign(formatNote(latest))), 'STATE_CLAIM')
    cluster.assertNoFaults()
    await cluster.stop()
  })

  it('wait for a witness that is still computing: STATE_UNCHECKED, then final without further ado', async () => {
    const { cluster, open } = await slowWitness()
    const [home, other] = pair(cluster)
    await cluster.ready()
    await send(cluster, burst(home, 40))
    await cluster.clock.until('claim', () => snapshotOf(other, home)?.claim !== undefined)
    await cluster.clock.until('refusal', () => home.codes.has('STATE_UNCHECKED'))
    await cluster.clock.advance(5_000)
    const { claim } = snapshotOf(other, home) ?? {}
    assert.ok(claim !== undefined && other.log(home.society).notes.final <= claim.seq)
    assert.equal(home.codes.has('STATE_CLAIM'), false)
    open()
    await cluster.final([home])
    await cluster.stop()
  })

  it('are computed again from the entries where the digest is lost or of another history', async () => {
    const first = await bootBelow(scene)
    await first.ready()
    await send(first, burst(pair(first)[0], 40))
    await settle(first)
    const [home] = pair(first)
    const [disk, otherDisk] = await first.disks()
    const good = snapshotOf(home, home)
    await first.stop()
    assert.ok(disk && otherDisk && good)
    const key = storeKey.digest(home.society, S)
    const foreign = { digest: hashText('x'), keys: 1, root: hashText('y') }
    const value = new TextEncoder().encode(JSON.stringify(foreign))
    for (const op of [
      { type: 'del', key },
      { type: 'put', key, value },
    ] as const) {
      const cluster = await bootBelow({ now: first.clock.now(), disks: [disk, otherDisk.apply([op])] })
      const [, node] = pair(cluster)
      await node.log(home.society).snapshots.idle()
      assert.deepEqual(snapshotOf(node, home), good)
      const stored: unknown[] = []
      for await (const [, bytes] of node.setup.store.range(rangeOf.digests(home.society)))
        stored.push(JSON.parse(utf8Decode(bytes) ?? ''))
      assert.deepEqual(stored, [good.own])
      await cluster.stop()
    }
  })

  it('are forgotten with the entries that a log gives up, also while the digest is being computed', async () => {
    const { cluster, open } = await slowWitness()
    const [home, other] = pair(cluster)
    await cluster.ready()
    await send(cluster, burst(home, 40))
    const { replica, snapshots } = other.log(home.society)
    await cluster.clock.until('claim', () => snapshotOf(other, home)?.claim !== undefined)
    const kept = S - 1
    const root = toBase64url((await replica.rootAt(kept)) ?? new Uint8Array())
    other.setup.net.detach(other.name)
    await cluster.clock.run(replica.rewind({ epoch: 1, root, size: kept, to: kept }))
    open()
    await snapshots.idle()
    assert.deepEqual(
      snapshots.all.map(({ size }) => size),
      [0],
    )
    const stored: string[] = []
    for await (const [key] of other.setup.store.range(rangeOf.digests(home.society))) stored.push(key)
    assert.deepEqual(stored, [])
    await cluster.stop()
  })
})
