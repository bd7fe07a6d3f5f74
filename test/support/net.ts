import { sha256, systemClock, systemRandom, verifySync } from '../../node/crypto/sodium.ts'
import type { HostOptions } from '../../node/net/host.ts'
import { createNet, type NetComponents, type NetOptions, type NodeNet } from '../../node/net/net.ts'
import { utf8Encode } from '../../src/canonical.ts'
import type { NetHandlers, PeerInfo, RequestName } from '../../src/driver/net.ts'
import type { Verifier } from '../../src/ports.ts'
import { type Code, rejection } from '../../src/rejection.ts'
import { fail } from '../../src/result.ts'
import type { SocietyId } from '../../src/units.ts'
import { identity } from './identity.ts'

export const verifier: Verifier = {
  verify: async jobs => jobs.map(({ key, signature, message }) => verifySync(key, signature, message)),
}

/** A host that only talks: no listeners, no DHT, everybody may. */
export const hostDefaults: Omit<HostOptions, 'key'> = {
  federation: 'test',
  listen: [],
  access: { allowed: [], configured: [], denied: [] },
  connectionsMax: 16,
  dht: 'off',
  addresses: 'any',
  mdns: false,
}

/** A well-formed society id of this name. */
export function societyId(name: string): SocietyId {
  return `${name}-${'a'.repeat(26)}`
}

const refuse = async () => fail(rejection('NOT_FOUND'))

/** Handlers that refuse every request and accept all gossip, but for what a test gives. */
export function handlers(
  parts: Partial<Omit<NetHandlers, 'serve'>> & { readonly serve?: Partial<NetHandlers['serve']> } = {},
): NetHandlers {
  const names: Record<RequestName, null> = {
    status: null,
    cosign: null,
    countersign: null,
    standing: null,
    submit: null,
    notice: null,
    entries: null,
  }
  const serve = Object.fromEntries(Object.keys(names).map(name => [name, refuse])) as unknown as NetHandlers['serve']
  return {
    group: async () => 'accept',
    proof: async () => 'accept',
    peerOpened: () => {},
    peerClosed: () => {},
    ...parts,
    serve: { ...serve, ...parts.serve },
  }
}

export interface TestNode {
  readonly name: string
  readonly net: NodeNet
  readonly opened: PeerInfo[]
  readonly closed: PeerInfo[]
  /** `served /web4/status/1 ok` and the like, in order. */
  readonly outcomes: string[]
  society: SocietyId | ''
}

export interface TestNodeOptions extends Partial<NetOptions> {
  readonly components?: Partial<NetComponents>
}

/** A real node on loopback; not started. */
export async function testNode(name: string, { components, ...options }: TestNodeOptions = {}): Promise<TestNode> {
  const outcomes: string[] = []
  const node: Omit<TestNode, 'net'> = { name, opened: [], closed: [], outcomes, society: societyId(name) }
  const net = await createNet(
    { federation: 'test', listen: ['/ip4/127.0.0.1/tcp/0'], peers: [], seed: sha256(utf8Encode(name)), ...options },
    {
      clock: systemClock,
      random: systemRandom,
      sha256,
      verifier,
      signer: identity(`${name} witness`),
      currentSociety: () => node.society,
      observe: (side: string, protocol: string, outcome: Code | 'ok') =>
        outcomes.push(`${side} ${protocol} ${outcome}`),
      ...components,
    },
  )
  return Object.assign(node, { net })
}

/** Somebody to talk to: a node of this process, or one of which only this is known. */
export interface Target {
  readonly name: string
  readonly net: Pick<NodeNet, 'addresses' | 'self'>
}

/** Starts a node and notes who came and went. */
export async function startNode(node: TestNode, parts: Parameters<typeof handlers>[0] = {}): Promise<void> {
  await node.net.start(
    handlers({
      peerOpened: peer => node.opened.push(peer),
      peerClosed: peer => node.closed.push(peer),
      ...parts,
    }),
  )
}

export function address(node: Target): string {
  const [first] = node.net.addresses()
  if (first === undefined) throw new Error(`${node.name} does not listen`)
  return first
}
