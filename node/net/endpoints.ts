import type { PeerId as LibPeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { SocietyId } from '../../src/units.ts'
import { type AddressChoice, addressMapper } from './dht.ts'

/** A node has an address or two in each of a few networks; a law may hold 16 of anything. */
const ENDPOINTS_OF_SOCIETY = 4
/** A quarter of the connections that a node makes room for by default: laws of others decide over no more. */
const ENDPOINTS_MAX = 64
/** A dead address of a law costs a dial in ten minutes, and 64 of them one in ten seconds. */
export const ENDPOINT_PAUSE_MS_MAX = 600_000

/**
 * The addresses of record that are worth a connection. A law is somebody else's text: what is no TCP address, is this
 * node's own, or is beyond the bounds is left out, and each society in turn gives one, so that none crowds out another.
 */
export function recordedAddresses(
  endpoints: ReadonlyMap<SocietyId, readonly string[]>,
  self: { readonly id: LibPeerId; readonly addresses: readonly string[]; readonly choice: AddressChoice },
): readonly string[] {
  const own = new Set(self.addresses.map(withoutName))
  const lists = [...endpoints.values()].map(list => {
    const usable = new Set<string>()
    for (const text of list) {
      const address = parse(text)
      if (address === undefined || nameOf(address) === self.id.toString() || own.has(withoutName(text))) continue
      if (addressMapper(self.choice)({ id: self.id, multiaddrs: [address] }).multiaddrs.length > 0)
        usable.add(address.toString())
    }
    return [...usable]
  })
  const found = new Set<string>()
  for (let turn = 0; turn < ENDPOINTS_OF_SOCIETY; turn++)
    for (const address of lists.flatMap(list => list[turn] ?? [])) if (found.size < ENDPOINTS_MAX) found.add(address)
  return [...found]
}

/** `/ip4/…/tcp/…`, `/ip6/…`, `/dns…`, with or without `/p2p/…`, and nothing else: no relays, no other transports. */
function parse(text: string): Multiaddr | undefined {
  try {
    const address = multiaddr(text)
    const [host, transport, name, ...rest] = address.getComponents().map(component => component.name)
    const isHost = host === 'ip4' || host === 'ip6' || host === 'dns' || host === 'dns4' || host === 'dns6'
    return isHost && transport === 'tcp' && (name === undefined || name === 'p2p') && rest.length === 0
      ? address
      : undefined
  } catch {
    return undefined
  }
}

function nameOf(address: Multiaddr): string | undefined {
  return address.getComponents().findLast(({ name }) => name === 'p2p')?.value
}

function withoutName(text: string): string {
  return text.replace(/\/p2p\/[^/]+$/, '')
}
