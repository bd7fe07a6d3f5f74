import assert from 'node:assert/strict'
import type { Store } from '../../src/ports.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { Cluster, contentOf, type Members } from './cluster.ts'
import type { ClusterNode } from './cluster-node.ts'

type Populated = Cluster & { readonly members: Members }

export interface Scene {
  readonly cluster: Populated
  readonly home: ClusterNode
  /** What s0 held at `size`. */
  readonly backup: Store
  readonly size: number
}

export async function backUp(node: ClusterNode): Promise<Store> {
  return createMemoryStore(await contentOf(node.setup.store))
}

/** s0 and a backup of it; all nodes run and may write. */
export async function scene(options: Parameters<typeof Cluster.resume>[0] = {}): Promise<Scene> {
  const cluster = await Cluster.resume(options)
  await cluster.ready()
  await cluster.clock.advance(2_500)
  const home = cluster.nodes[0] as ClusterNode
  return { cluster, home, backup: await backUp(home), size: home.log().replica.tip.size }
}

/** So many payments, one after another. */
export async function pay({ cluster }: Scene, at: ClusterNode, count: number, firstN = 100): Promise<void> {
  const { anna, ben } = cluster.members
  for (let i = 0; i < count; i++) await cluster.do(at.transfer({ ...anna, n: firstN + i }, ben, 5))
}
export const tryPay = ({ cluster }: Scene, at: ClusterNode, n: number) =>
  cluster.refusal(at.transfer({ ...cluster.members.anna, n }, cluster.members.ben, 7))
export const sizeOf = (node: ClusterNode) => node.log().replica.tip.size

export function assertNoFork({ nodes }: Cluster): void {
  for (const node of nodes)
    for (const log of node.federation.logs.values()) assert.equal(log.replica.halt, undefined, node.name)
}

/** It may write again, has what was there, and everybody agrees. */
export async function wholeAgain(s: Scene, restored: ClusterNode, size: number): Promise<void> {
  const { cluster } = s
  await cluster.ready([restored])
  assert.equal(sizeOf(restored), size)
  await pay(s, restored, 1, 500)
  await cluster.final()
  await cluster.assertConverged()
  assertNoFork(cluster)
}
