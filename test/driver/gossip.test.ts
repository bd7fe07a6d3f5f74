import assert from 'node:assert/strict'
import { toBase64url } from '../../src/encoding.ts'
import { decodeGroup, encodeGroup } from '../../src/ingest/group.ts'
import { formatNote } from '../../src/log/note.ts'
import { Cluster } from '../support/cluster.ts'
import type { ClusterNode } from '../support/cluster-node.ts'
import { forgeBranch, forgeEntry } from '../support/forge.ts'

type Change = (frame: Uint8Array) => Uint8Array

/** The same record at the same place, under the same valid checkpoint, a millisecond later: no signature covers entry.time. */
const otherTime: Change = frame =>
  regroup(frame, bytes =>
    Buffer.from(
      Buffer.from(bytes)
        .toString()
        .replace(/"time":(\d+)}$/, (_, time) => `"time":${+time + 1}}`),
    ),
  )
/** One character of the record's signature. */
const otherSignature: Change = frame =>
  regroup(frame, bytes => {
    const text = Buffer.from(bytes).toString()
    const at = text.lastIndexOf('"sig":"') + 20
    return Buffer.from(text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1))
  })

function regroup(frame: Uint8Array, change: (entry: Uint8Array) => Uint8Array): Uint8Array {
  const group = decodeGroup(frame)
  assert.ok(group.ok)
  return encodeGroup({ ...group.value, entries: group.value.entries.map(change) })
}

/** Groups of s0 that s1 never got, in the order of the log; no range fetch, so that only gossip can bring them. */
async function held(
  count: number,
): Promise<{ cluster: Cluster; home: ClusterNode; away: ClusterNode; frames: Uint8Array[] }> {
  const cluster = await Cluster.resume({ options: { rangeFetch: false } })
  const [home, away] = cluster.nodes as [ClusterNode, ClusterNode]
  await cluster.ready()
  const frames: Uint8Array[] = []
  cluster.net.gossip = ({ kind, society, frame, from, to }) => {
    if (kind !== 'group' || society !== home.society || to !== away.name) return [frame]
    const group = decodeGroup(frame)
    if (from === home.name && group.ok && group.value.entries.length > 0) frames.push(frame)
    return []
  }
  const { anna, ben } = cluster.members
  for (let i = 0; i < count; i++) await cluster.do(home.transfer(anna, ben, 10 + i))
  await cluster.clock.advance(50)
  assert.equal(frames.length, count)
  return { cluster, home, away, frames }
}

describe('gossiped groups', () => {
  it('that come early wait and are applied when the one before them is here', async () => {
    const { cluster, home, away, frames } = await held(4)
    const log = away.log(home.society)
    const before = log.replica.tip.size
    for (const frame of frames.slice(1).reverse()) await away.federation.group(home.society, frame, 's2')
    await cluster.clock.advance(0)
    assert.equal(log.replica.tip.size, before)
    assert.ok(log.follower.waitingBytes > 0)
    await away.federation.group(home.society, frames[0] as Uint8Array, 's2')
    await cluster.clock.advance(0)
    assert.deepEqual(log.replica.tip, home.log().replica.tip)
    assert.equal(log.follower.waitingBytes, 0)
  })

  it('change nothing when they come again', async () => {
    const { cluster, home, away, frames } = await held(2)
    for (const frame of frames) await away.federation.group(home.society, frame, 's2')
    await cluster.clock.advance(0)
    const holdings = await away.holdings()
    for (const frame of frames) assert.equal(await away.federation.group(home.society, frame, 's2'), 'accept')
    await cluster.clock.advance(0)
    assert.deepEqual(await away.holdings(), holdings)
  })

  for (const [what, tamper] of [
    ['with other entries under the valid checkpoint', otherTime],
    ['with a flipped signature', otherSignature],
    ['cut off', (frame: Uint8Array) => frame.slice(0, -1)],
  ] as const) {
    it(`${what}, sent first, do not block the original`, async () => {
      const { cluster, home, away, frames } = await held(3)
      for (const early of [frames[2], frames[0], frames[1]] as Uint8Array[]) {
        await away.federation.group(home.society, tamper(early), 's2')
        await cluster.clock.advance(5)
        await away.federation.group(home.society, early, 's2')
        await cluster.clock.advance(5)
      }
      assert.deepEqual(away.log(home.society).replica.tip, home.log().replica.tip)
      assert.equal(away.log(home.society).replica.halt, undefined)
    })
  }

  it('are fetched by range when forged copies have taken all the room', async () => {
    const cluster = await Cluster.resume({ options: { statusMs: 60_000 } })
    const [home, away] = cluster.nodes as [ClusterNode, ClusterNode]
    await cluster.ready()
    let n = 0
    const delayed: Uint8Array[] = []
    cluster.net.gossip = ({ kind, society, frame, to }) => {
      if (kind !== 'group' || society !== home.society || to !== away.name) return [frame]
      delayed.push(frame)
      return []
    }
    const { anna, ben } = cluster.members
    for (let i = 0; i < 2; i++) await cluster.do(home.transfer(anna, ben, 10))
    await cluster.clock.advance(20)
    const early = delayed.find(frame => {
      const group = decodeGroup(frame)
      return group.ok && group.value.first === home.log().replica.tip.size - 1
    }) as Uint8Array
    const copy = () =>
      regroup(early, bytes => {
        n++
        return Buffer.from(
          Buffer.from(bytes)
            .toString()
            .replace(/"time":(\d+)}$/, (_, time) => `"time":${+time + n}}`),
        )
      })
    for (let i = 0; i < 4; i++) await away.federation.group(home.society, copy(), 's2')
    await away.federation.group(home.society, early, 's2')
    await cluster.final([home])
    await cluster.assertConverged()
  })

  it('of another branch cannot slip under a range that was proven a moment before', async () => {
    const cluster = await Cluster.resume({ options: { rangeFetch: false } })
    const [home, away] = cluster.nodes as [ClusterNode, ClusterNode]
    const { anna, ben } = cluster.members
    const from = home.log().replica.tip.size
    const pay = (seq: number, amount: number) => {
      const record = { ...home.draft(anna, 'atp.transfer', { amount, from: anna.lct, to: ben.lct }), n: 50 + seq }
      return forgeEntry(record, [anna.identity], seq)
    }
    const left = await forgeBranch(home, from, [pay(from, 1), pay(from + 1, 1), pay(from + 2, 1)])
    const right = await forgeBranch(home, from, [pay(from, 2)])
    const { follower, replica } = away.log(home.society)
    const proof = left.proofFrom(from + 2).map(toBase64url)
    const root = toBase64url(left.note.checkpoint.root)
    const group = follower.onGroup(right.frame)
    const range = follower.onRange(from, {
      entries: left.entries.slice(0, 2),
      note: formatNote(left.note),
      root,
      proof,
    })
    await cluster.clock.run(Promise.all([group, range]))
    await cluster.clock.advance(0)
    assert.equal(replica.tip.size, from + 1)
    assert.deepEqual(replica.tip.root, right.note.checkpoint.root, 'a history that nobody signed')
  })
})
