import assert from 'node:assert/strict'
import { canonicalBytes, type Json } from '../../src/canonical.ts'
import type { StatusMessage } from '../../src/driver/net.ts'
import { toBase64url } from '../../src/encoding.ts'
import { decodeGroup } from '../../src/ingest/group.ts'
import { type Checkpoint, originOf, parseNote } from '../../src/log/note.ts'
import type { SocietyId } from '../../src/units.ts'
import { Cluster, type Disks } from '../support/cluster.ts'
import { ClusterNode } from '../support/cluster-node.ts'
import { type CrashStore, createCrashStore } from '../support/crash-store.ts'
import { sha256 } from '../support/entries.ts'

/**
 * s0 is sequencer of its own log and witness of the others. Its power fails at its n-th write, for every n. What it had
 * said by then, to anybody, must be on its disk; and nothing that it says later may contradict it.
 */
interface Said {
  /** Notes of its own log that left it: by gossip, in a status, with a range. */
  readonly notes: readonly Checkpoint[]
  readonly cosigned: readonly (Checkpoint & { readonly society: SocietyId })[]
  readonly sequenced: readonly { readonly id: string; readonly seq: number }[]
}

const VICTIM = 's0'
const ROUNDS = 3
let founded: { readonly disks: Disks; readonly now: number }

const checkpointOf = (text: string): Checkpoint => {
  const note = parseNote(text)
  assert.ok(note.ok)
  return note.value.checkpoint
}

function said(cluster: Cluster, sequenced: Said['sequenced']): Said {
  const texts: string[] = []
  const cosigned: (Checkpoint & { society: SocietyId })[] = []
  for (const { from, frame, kind } of cluster.net.published) {
    const group = kind === 'group' && from === VICTIM ? decodeGroup(frame) : undefined
    if (group?.ok === true) texts.push(group.value.checkpoint, ...group.value.notes)
  }
  for (const { by, name, request, result } of cluster.net.answered) {
    if (by !== VICTIM || !result.ok) continue
    if (name === 'status') texts.push(...(result.value as StatusMessage).logs.map(({ note }) => note))
    if (name === 'entries') texts.push((result.value as { note: string }).note)
    if (name !== 'cosign') continue
    const checkpoint = checkpointOf((request as { note: string }).note)
    cosigned.push({ ...checkpoint, society: checkpoint.origin.slice('web4/'.length) })
  }
  const origin = originOf((cluster.nodes[0] as ClusterNode).society)
  const own = texts.map(checkpointOf).filter(checkpoint => checkpoint.origin === origin)
  const distinct = new Map(own.map(checkpoint => [`${checkpoint.size} ${toBase64url(checkpoint.root)}`, checkpoint]))
  return { notes: [...distinct.values()], cosigned, sequenced }
}

/** What of it this node does not hold, or holds otherwise. */
async function contradictions(
  node: ClusterNode,
  { notes, cosigned, sequenced }: Said,
  society: SocietyId,
): Promise<string[]> {
  const found: string[] = []
  const log = node.federation.logs.get(society)
  for (const { id, seq } of sequenced)
    if ((await log?.replica.seqOf(id)) !== seq) found.push(`the record answered with seq ${seq} is gone`)
  for (const { size, root } of notes) {
    const held = await log?.replica.rootAt(size)
    if (held === undefined || toBase64url(held) !== toBase64url(root))
      found.push(`the published checkpoint ${size} is gone`)
  }
  for (const { society: of, size, root } of cosigned) {
    const witnessed = node.federation.logs.get(of)
    const held = await witnessed?.replica.rootAt(size)
    if (held === undefined || toBase64url(held) !== toBase64url(root)) found.push(`cosigned ${size} without holding it`)
    if (((await witnessed?.witness.lastSize()) ?? 0) < size) found.push(`cosigned ${size} and forgot it`)
  }
  return found
}

/** Two societies write, s0 and s1; what fails because of the crash is not counted. */
async function work(cluster: Cluster, until: () => boolean): Promise<Said['sequenced']> {
  const [home, other] = cluster.nodes as [ClusterNode, ClusterNode]
  const sequenced: { id: string; seq: number }[] = []
  for (let round = 0; round < ROUNDS && !until(); round++) {
    const writing = [home, other].map(async node => {
      const issued = await node.issuer.issue('atp.mint', { amount: 10 + round })
      if (!issued.ok || node !== home) return
      const { record, seq } = issued.value
      sequenced.push({ id: toBase64url(sha256(canonicalBytes(record as unknown as Json))), seq })
    })
    await cluster.clock.run(Promise.allSettled(writing))
    for (let i = 0; i < 20 && !until(); i++) await cluster.clock.advance(30)
  }
  return sequenced
}

interface Run {
  readonly crashed: boolean
  readonly violations: readonly string[]
}

interface Disk {
  /** Of the batches since the last sync, how many are there all the same. */
  readonly survivors?: number
  readonly ignoreSync?: boolean
  readonly syncFollowed?: boolean
}

async function crashAt(n: number, { survivors = 0, ignoreSync = false, syncFollowed = true }: Disk): Promise<Run> {
  let disk: CrashStore | undefined
  const cluster = await Cluster.boot({
    ...founded,
    options: { statusMs: 500, syncFollowed },
    store: (index, content) => {
      const made = createCrashStore({ content, ignoreSync })
      if (index > 0) return made.store
      disk = made
      made.failAt(n)
      return made.store
    },
  })
  const isDown = () => (disk as CrashStore).writes >= n
  for (let i = 0; i < 30 && !isDown() && !isReady(cluster); i++) await cluster.clock.advance(50)
  const sequenced = await work(cluster, isDown)
  const before = said(cluster, sequenced)
  if (!isDown()) return { crashed: false, violations: [] }

  const victim = cluster.nodes[0] as ClusterNode
  const { society } = victim
  const rebooted = (disk as CrashStore).restart(survivors)
  const probe = new ClusterNode({ ...victim.setup, name: 'probe', slug: VICTIM, store: rebooted.store })
  await probe.federation.open()
  const violations = await contradictions(probe, before, society)
  if (ignoreSync) return { crashed: true, violations }

  const restarted = await cluster.restart(victim, rebooted.store)
  await cluster.clock.until(`start of ${VICTIM}, n = ${n}`, () => isReady(cluster))
  const more = await work(cluster, () => false)
  await cluster.final()
  await cluster.assertConverged()
  assert.equal(more.length, ROUNDS, `n = ${n}: s0 writes again`)
  const all = said(cluster, [...sequenced, ...more])
  return { crashed: true, violations: [...violations, ...(await contradictions(restarted, all, society))] }
}

const isReady = (cluster: Cluster) => cluster.nodes.every(node => node.federation.sequencerBarrier() === undefined)

describe('a node that loses its power', () => {
  before(async () => {
    const cluster = await Cluster.found()
    founded = { disks: await cluster.disks(), now: cluster.clock.now() }
    await cluster.stop()
  })

  for (const [survivors, syncFollowed] of [
    [0, false],
    [0, true],
    [1, false],
    [Number.POSITIVE_INFINITY, false],
  ] as const) {
    const disk = `${survivors} unsynced batches survive, followed logs ${syncFollowed ? '' : 'not '}synced`
    it(`at any write keeps every word that it gave (${disk})`, async function () {
      this.timeout(60_000)
      let n = 1
      for (; ; n++) {
        const { crashed, violations } = await crashAt(n, { survivors, syncFollowed })
        assert.deepEqual(violations, [], `n = ${n}`)
        if (!crashed) break
      }
      assert.ok(n > 20, `only ${n} writes: the scene is too small`)
    })
  }

  it('breaks its word on a disk that ignores sync, and this test sees it', async function () {
    this.timeout(60_000)
    const kinds = new Set<string>()
    for (let n = 1; ; n++) {
      const { crashed, violations } = await crashAt(n, { ignoreSync: true })
      for (const violation of violations) kinds.add(violation.replace(/\d+/g, 'N'))
      if (!crashed) break
    }
    assert.deepEqual([...kinds].sort(), [
      'cosigned N and forgot it',
      'cosigned N without holding it',
      'the published checkpoint N is gone',
      'the record answered with seq N is gone',
    ])
  })
})
