import { canonicalBytes, decodeCanonical, type Json } from '../../src/canonical.ts'
import type { AuditReport, AuditWork } from '../../src/driver/audits.ts'
import type { Store, StoreRange, StoreReader } from '../../src/ports.ts'
import { storeKey } from '../../src/store/ledger.ts'
import { HOUR_MS } from '../../src/units.ts'
import { Cluster, type ClusterOptions, type Members } from './cluster.ts'
import type { ClusterNode } from './cluster-node.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Societies whose logs are audited, and disks that change what they hold. */

export type AuditScene = Cluster & { readonly members: Members }

/** Four societies, each the others' witness, whose logs are audited every hour. */
export async function auditScene(options: Omit<ClusterOptions, 'disks' | 'now'> = {}): Promise<AuditScene> {
  const cluster = await Cluster.resume({
    ...options,
    options: { auditMs: HOUR_MS, statusMs: 60_000, ...options.options },
  })
  await cluster.ready()
  return cluster
}
export const pair = ({ nodes }: Cluster) => nodes as [ClusterNode, ClusterNode]

/** What a damaged disk does: the stored value changes under the running node. */
export async function damage<T>(
  node: ClusterNode,
  log: ClusterNode,
  key: string,
  change: (value: T) => object | undefined,
) {
  const { store } = node.setup
  const name = storeKey.state(log.society, key)
  const [bytes] = await store.getMany([name])
  const decoded = decodeCanonical(bytes ?? new Uint8Array())
  const value = change((decoded.ok ? decoded.value : undefined) as T)
  const op =
    value === undefined
      ? ({ type: 'del', key: name } as const)
      : ({ type: 'put', key: name, value: canonicalBytes(value as Json) } as const)
  await store.batch([op], { sync: true })
}
const PLAIN: AuditWork = { replay: false, repair: false }
export const audit = (cluster: Cluster, node: ClusterNode, log: ClusterNode, work: Partial<AuditWork> = {}) =>
  cluster.do<AuditReport>(node.federation.audits.audit(node.log(log.society), { ...PLAIN, ...work }))

/** As the store, but whoever reads all accounts waits before each: an audit takes long, and the log grows meanwhile. */
export function slowAccounts(store: Store, clock: () => VirtualClock | undefined): Store {
  const slow = (reader: StoreReader) => ({
    getMany: (keys: readonly string[]) => reader.getMany(keys),
    async *range(range: StoreRange) {
      const isSlow = range.gte.endsWith('/account/')
      const wait = async () => {
        const time = clock()
        if (isSlow && time !== undefined) await new Promise<void>(resolve => time.after(5, resolve))
      }
      await wait()
      for await (const found of reader.range(range)) {
        yield found
        await wait()
      }
    },
  })
  return {
    ...store,
    ...slow(store),
    async snapshot() {
      const snapshot = await store.snapshot()
      return { ...slow(snapshot), close: () => snapshot.close() }
    },
  }
}
