import { SNAPSHOT_ENTRIES_MIN } from '../../src/limits.ts'
import type { Store } from '../../src/ports.ts'
import type { Result } from '../../src/result.ts'
import type { Seq } from '../../src/units.ts'
import { Cluster, type ClusterOptions, type Disks } from './cluster.ts'
import type { ClusterNode } from './cluster-node.ts'
import { makeRecord } from './identity.ts'

/** Two societies, each the other's witness; the log of `s0` stands `BELOW` entries before its first snapshot, all of it final. */
export const BELOW = 5
export const S = SNAPSHOT_ENTRIES_MIN
/** As many as a group holds. */
const BURST = 1_000
/** Of the society's own lanes one that its node does not use by itself. */
const LANE = 7

export interface Scene {
  readonly disks: Disks
  readonly now: number
}
let made: Promise<Scene> | undefined

export function sceneBelow(): Promise<Scene> {
  made ??= make()
  return made
}

async function make(): Promise<Scene> {
  const cluster = await Cluster.found({ societies: 2, options: { statusMs: 500 } })
  const [home] = cluster.nodes as [ClusterNode]
  for (let size = home.log().replica.tip.size; size < S - BELOW; size = home.log().replica.tip.size)
    await send(cluster, burst(home, Math.min(BURST, S - BELOW - size)))
  await cluster.final()
  const scene = { disks: await cluster.disks(), now: cluster.clock.now() }
  await cluster.stop()
  return scene
}

export function bootBelow(scene: Scene, options: Omit<ClusterOptions, 'disks' | 'now'> = {}): Promise<Cluster> {
  return Cluster.boot({ ...scene, ...options, options: { statusMs: 500, ...options.options } })
}

/** Waits until all of them are in the log. */
export async function send(cluster: Cluster, records: readonly Promise<Result<Seq>>[]): Promise<readonly Seq[]> {
  const seqs: Seq[] = []
  for (const record of records) seqs.push(await cluster.do(record))
  return seqs
}

let n = 0
/** Records of the society, sent at once; `bodies` may put others among the mints. */
export function burst(node: ClusterNode, count: number, others: readonly (readonly [number, string, object])[] = []) {
  const time = node.setup.clock.now()
  return Array.from({ length: count }, (_, index): Promise<Result<Seq>> => {
    const [, kind, body] = others.find(([at]) => at === index) ?? [index, 'atp.mint', { amount: 1 }]
    n++
    const record = makeRecord(kind, body, { author: node.society, lane: LANE, n, society: node.society, time })
    return node.submit(record, [node.keys.society])
  })
}

/** A store whose snapshots can be read only after `wait`. */
export function slowSnapshots(store: Store, wait: () => Promise<void>): Store {
  return {
    ...store,
    async snapshot() {
      const snapshot = await store.snapshot()
      return {
        ...snapshot,
        async *range(range) {
          await wait()
          yield* snapshot.range(range)
        },
      }
    },
  }
}
