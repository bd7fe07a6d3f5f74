import { BlockList, isIP } from 'node:net'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '../../src/driver/net.ts'

/**
 * Who may be connected, in both directions. An entry of a list is a peer's name, or an address that begins with `/ip4` or
 * `/ip6`, with `/ipcidr` for a network. Who is denied is denied, whatever the other list says.
 */
export interface AccessLists {
  readonly denied: readonly string[]
  /** Empty: everybody else may. */
  readonly allowed: readonly string[]
  /** Addresses of peers to which a connection is kept: always allowed. */
  readonly configured: readonly string[]
}

export interface Access {
  /** What is known before the other end has proved its name. */
  deniesAddress(address: Multiaddr, direction: 'in' | 'out'): boolean
  /** Once the name is known. */
  denies(peer: PeerId, address: Multiaddr): boolean
  deniesPeer(peer: PeerId): boolean
}

interface Entries {
  readonly peers: ReadonlySet<PeerId>
  readonly networks: BlockList
  readonly hasNetworks: boolean
}

export function createAccess({ allowed, configured, denied }: AccessLists): Access {
  const deny = entriesOf(denied)
  const allow = entriesOf(allowed)
  const isOpen = allowed.length === 0
  const kept = new Set(configured.flatMap(text => peerOf(multiaddr(text)) ?? []))
  // A configured address without a name: whoever answers there.
  const keptAddresses = new Set(configured.map(text => bare(multiaddr(text))))
  const isNamed = (peer: PeerId) => allow.peers.has(peer) || kept.has(peer)
  const isListed = (address: Multiaddr) => holds(allow, address) || keptAddresses.has(bare(address))

  return {
    deniesAddress(address, direction) {
      if (holds(deny, address)) return true
      if (isOpen || isListed(address)) return false
      const peer = peerOf(address)
      if (direction === 'out' && peer !== undefined) return !isNamed(peer)
      // The name comes later, and may be on the list.
      return allow.peers.size === 0 && kept.size === 0
    },
    denies(peer, address) {
      if (deny.peers.has(peer) || holds(deny, address)) return true
      return !isOpen && !isNamed(peer) && !isListed(address)
    },
    // An address of the peer may be on the list.
    deniesPeer: peer =>
      deny.peers.has(peer) || (!isOpen && !isNamed(peer) && !allow.hasNetworks && kept.size === configured.length),
  }
}

/** Whether a text can stand in a list. */
export function isAccessEntry(text: string): boolean {
  return text.startsWith('/') ? networkOf(text) !== undefined : isPeerId(text)
}

function isPeerId(text: string): boolean {
  try {
    return peerIdFromString(text).toString() === text
  } catch {
    return false
  }
}

function entriesOf(list: readonly string[]): Entries {
  const networks = new BlockList()
  const peers = new Set<PeerId>()
  let hasNetworks = false
  for (const text of list) {
    const network = text.startsWith('/') ? networkOf(text) : undefined
    if (network === undefined) peers.add(text)
    else {
      networks.addSubnet(network.host, network.bits, network.family)
      hasNetworks = true
    }
  }
  return { peers, networks, hasNetworks }
}

type Family = 'ipv4' | 'ipv6'

/** `/ip4/10.0.0.0/ipcidr/8`, `/ip6/::1`. */
function networkOf(
  text: string,
): { readonly host: string; readonly bits: number; readonly family: Family } | undefined {
  const [, , host = '', cidr, bits = '', ...rest] = text.split('/')
  const family = familyOf(host)
  if (family === undefined || text.split('/')[1] !== (family === 'ipv4' ? 'ip4' : 'ip6') || rest.length > 0)
    return undefined
  const max = family === 'ipv4' ? 32 : 128
  if (cidr === undefined) return { host, bits: max, family }
  return cidr === 'ipcidr' && /^\d{1,3}$/.test(bits) && Number(bits) <= max
    ? { host, bits: Number(bits), family }
    : undefined
}

function familyOf(host: string): Family | undefined {
  const version = isIP(host)
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6'
}

/** Names of hosts are never on a list: what they resolve to is. */
function holds({ networks }: Entries, address: Multiaddr): boolean {
  const host = address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')?.value ?? ''
  const family = familyOf(host)
  return family !== undefined && networks.check(host, family)
}

function peerOf(address: Multiaddr): PeerId | undefined {
  return address.getComponents().findLast(({ name }) => name === 'p2p')?.value
}

function bare(address: Multiaddr): string {
  return address.toString().replace(/\/p2p\/[^/]+$/, '')
}
