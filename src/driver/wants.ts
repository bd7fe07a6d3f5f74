import type { SocietyId } from '../units.ts'
import type { Net, PeerId, Wants } from './net.ts'
import type { Policies } from './policy.ts'
import type { SocietyLog } from './society-log.ts'

export interface WantsParts {
  readonly own: { readonly log: SocietyLog } | undefined
  readonly logs: ReadonlyMap<SocietyId, SocietyLog>
  readonly policies: Policies
  readonly ports: { readonly net: Net }
}

/** What this node would like of the network just now: who is found, and where, never decides what is valid. */
export function wantsOf({ own, logs, policies, ports }: WantsParts): Wants {
  const serves: SocietyId[] = []
  const seeks = new Map<SocietyId, 'nobody' | 'others'>()
  const endpoints = new Map<SocietyId, readonly string[]>()
  const helpers = new Set<PeerId>()
  const peers = ports.net.peers()
  for (const log of logs.values()) {
    const isOwn = log === own?.log
    const { block, follow } = policies.get(log.society)
    if (block || (!isOwn && !follow)) continue
    const { inForce, tip } = log.replica
    if (tip.size > 0) serves.push(log.society)
    if (!isOwn && inForce !== undefined && inForce.law.endpoints.length > 0)
      endpoints.set(log.society, inForce.law.endpoints)
    // That somebody says it is the log's own node counts only under the key that the log itself names.
    const isHome = inForce !== undefined && peers.some(peer => peer.witnessKey === inForce.law.witness_key)
    const here = log.plan.helpers(tip.size)
    for (const peer of here) helpers.add(peer)
    if (here.length === 0) seeks.set(log.society, 'nobody')
    else if (!isOwn && !isHome) seeks.set(log.society, 'others')
  }
  return { serves, seeks, helpers, endpoints }
}
