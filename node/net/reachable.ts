import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '../../src/driver/net.ts'
import { CodedError } from '../../src/rejection.ts'

/** Where a node listens, and at which addresses others find it. */

const ANY = new Set(['0.0.0.0', '::'])

interface TcpAddress {
  /** `ip4`, `ip6`, or a kind of name. */
  readonly kind: string
  readonly host: string
  readonly port: number
}

function tcpOf(address: string): TcpAddress | undefined {
  const [first, second] = multiaddr(address).getComponents()
  if (first?.value === undefined || second?.name !== 'tcp') return undefined
  return { kind: first.name, host: first.value, port: Number(second.value) }
}

/** The same address with a port that is free now in the place of 0: an invitation must hold after the next start too. */
export async function withPort(address: string): Promise<string> {
  const tcp = tcpOf(address)
  if (tcp === undefined) throw new CodedError('BAD_REQUEST', `${address} is not of the form /ip4/ADDRESS/tcp/PORT`)
  if (tcp.kind !== 'ip4' && tcp.kind !== 'ip6') return address
  const port = await freePort(tcp.host, tcp.port, address)
  return tcp.port === 0 ? address.replace('/tcp/0', `/tcp/${port}`) : address
}

/** Opens the door once and closes it again: also shows that this machine has the address and that the port is not taken. */
export function freePort(host: string, port = 0, name = host): Promise<number> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(new CodedError('BAD_REQUEST', `cannot listen on ${name}: ${REASONS[cause.code ?? ''] ?? cause.code}`))
    })
    server.listen({ host, port, exclusive: true }, () => {
      const bound = server.address()
      server.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : port))
    })
  })
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program does',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'this user may not',
  ENOTFOUND: 'no such host',
}

/** What others can dial: every interface for "any address", with the transport name, and this machine's loopback only if there is nothing else. */
export function dialable(listen: readonly string[], peer: PeerId): string[] {
  const all = listen.flatMap(expand).map(address => (address.includes('/p2p/') ? address : `${address}/p2p/${peer}`))
  return withoutLoopback([...new Set(all)])
}

export function withoutLoopback(addresses: readonly string[]): string[] {
  const far = addresses.filter(address => !isLoopback(address))
  return far.length === 0 ? [...addresses] : far
}

export function isLoopback(address: string): boolean {
  return /^\/ip4\/127\.|^\/ip6\/::1\//.test(address)
}

function expand(address: string): string[] {
  const tcp = tcpOf(address)
  if (tcp === undefined || !ANY.has(tcp.host)) return [address]
  const family = tcp.kind === 'ip4' ? 'IPv4' : 'IPv6'
  const own = Object.values(networkInterfaces()).flatMap(list => list ?? [])
  return (
    own
      // Link-local addresses need the name of the reader's interface.
      .filter(({ address: ip, family: kind }) => kind === family && !ip.startsWith('fe80:'))
      .map(({ address: ip }) => `/${tcp.kind}/${ip}/tcp/${tcp.port}`)
  )
}
