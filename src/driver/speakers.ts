import type { SocietyId } from '../units.ts'
import type { Federation } from './federation.ts'
import type { PeerInfo } from './net.ts'
import type { SocietyLog } from './society-log.ts'

/** For whom a peer speaks. Its statement proves its witness key; that the key is a society's is said by the society's law alone. */

/** Whether the law in force names this peer's key. Anybody can name a society in a statement. */
export function speaksFor(peer: PeerInfo, log: SocietyLog): boolean {
  return log.replica.inForce?.law.witness_key === peer.witnessKey
}

/** The connected node of a society whose log is held here. */
export function nodeOf(node: Federation, society: SocietyId): PeerInfo | undefined {
  const log = node.logs.get(society)
  return log === undefined ? undefined : node.ports.net.peers().find(peer => speaksFor(peer, log))
}

/** Whether a peer names a society whose law, as far as it is known here, names another key. */
export function claimsFalsely(node: Federation, peer: PeerInfo): boolean {
  const log = node.logs.get(peer.society)
  return log?.replica.inForce !== undefined && !speaksFor(peer, log)
}

/** Whether the operator blocked whom this peer speaks for, whatever it says of itself. */
export function isBlocked(node: Federation, peer: PeerInfo): boolean {
  if (peer.society !== '' && node.policies.get(peer.society).block) return true
  for (const log of node.logs.values()) if (node.policies.get(log.society).block && speaksFor(peer, log)) return true
  return false
}
