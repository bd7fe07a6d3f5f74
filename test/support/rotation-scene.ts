import { Cluster, type Members } from './cluster.ts'
import type { ClusterNode } from './cluster-node.ts'
import { rotationOf, societyKey } from './rings.ts'

export interface RotationScene {
  readonly cluster: Cluster & { readonly members: Members }
  readonly home: ClusterNode
}

export async function rotationScene(): Promise<RotationScene> {
  const cluster = await Cluster.resume()
  await cluster.ready()
  return { cluster, home: cluster.nodes[0] as ClusterNode }
}

/** The n-th key of s0 comes into force and everybody sees it final. */
export async function rotate({ cluster, home }: RotationScene, n: number): Promise<number> {
  const { seq } = await cluster.do(home.laws.update({ changes: {}, rotation: rotationOf('s0', n) }))
  await cluster.final([home])
  return seq
}

/** The n-th society key of s0. */
export const keyOf = (n: number) => societyKey('s0', n).key
