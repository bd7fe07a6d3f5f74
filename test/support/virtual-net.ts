import { createHash } from 'node:crypto'
import type { Net, NetHandlers, PeerId, PeerInfo, RequestName, Requests, Verdict, Wants } from '../../src/driver/net.ts'
import { rejection } from '../../src/rejection.ts'
import { fail, type Result } from '../../src/result.ts'
import type { SocietyId } from '../../src/units.ts'
import type { SeededRandom } from './random.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** One frame on its way over one link. `society` is "" for fork proofs. */
export interface Delivery {
  readonly kind: 'group' | 'proof'
  readonly society: SocietyId | ''
  readonly frame: Uint8Array
  readonly from: PeerId
  readonly to: PeerId
}

export interface Answered {
  readonly by: PeerId
  readonly to: PeerId
  readonly name: RequestName
  readonly request: unknown
  readonly result: Result<unknown>
}

export interface VirtualNetOptions {
  /** Of each message; default: none. */
  readonly latencyMs?: readonly [min: number, max: number]
}

interface Member {
  readonly handlers: NetHandlers
  readonly info: () => PeerInfo
  readonly joined: Set<SocietyId>
  readonly seen: Set<string>
  readonly open: Set<PeerId>
}

const TIMEOUT_MS = 10_000

/**
 * Nodes in one process, with gossip that floods what was accepted and requests that time out by the virtual clock.
 * The switches decide what the network does to messages; by default it does nothing.
 */
export class VirtualNet {
  readonly #clock: VirtualClock
  readonly #random: SeededRandom
  readonly #latencyMs: readonly [min: number, max: number]
  readonly #members = new Map<PeerId, Member>()
  #groups: readonly (readonly PeerId[])[] = []

  /** What arrives for a frame on one link: nothing when it is lost, several when somebody adds copies. */
  gossip: (delivery: Delivery) => readonly Uint8Array[] = ({ frame }) => [frame]
  /** Whether a request reaches its peer. */
  passes: (from: PeerId, to: PeerId, name: RequestName) => boolean = () => true
  /** What a request becomes on its way. */
  ask: (name: RequestName, request: unknown) => unknown = (_name, request) => request
  /** What a reply becomes on its way. */
  reply: (by: PeerId, name: RequestName, result: Result<unknown>) => Result<unknown> = (_by, _name, result) => result

  /** What each node wanted last. */
  readonly wants = new Map<PeerId, Wants>()
  /** What nodes published of their own, what they answered, and how they judged what came. */
  readonly published: Omit<Delivery, 'to'>[] = []
  readonly answered: Answered[] = []
  readonly judged: (Delivery & { readonly verdict: Verdict })[] = []

  constructor(clock: VirtualClock, random: SeededRandom, options: VirtualNetOptions = {}) {
    this.#clock = clock
    this.#random = random
    this.#latencyMs = options.latencyMs ?? [0, 0]
  }

  /** The network as one node sees it; deaf until `attach`. */
  port(self: PeerId): Net {
    const joined = (society: SocietyId) => this.#members.get(self)?.joined ?? this.#early(self, society)
    return {
      self,
      peers: () => [...(this.#members.get(self)?.open ?? [])].flatMap(peer => this.#members.get(peer)?.info() ?? []),
      join: society => joined(society).add(society),
      leave: society => joined(society).delete(society),
      want: wants => this.wants.set(self, wants),
      publishGroup: async (society, frame) => this.#publish({ kind: 'group', society, frame, from: self }),
      publishProof: async frame => this.#publish({ kind: 'proof', society: '', frame, from: self }),
      request: (peer, name, request, options) => this.#request(self, peer, name, request, options?.timeoutMs),
    }
  }

  /** Topics that were joined before the node was attached. */
  readonly #joinedEarly = new Map<PeerId, Set<SocietyId>>()
  #early(self: PeerId, _society: SocietyId): Set<SocietyId> {
    const joined = this.#joinedEarly.get(self) ?? new Set()
    this.#joinedEarly.set(self, joined)
    return joined
  }

  attach(self: PeerId, handlers: NetHandlers, info: () => PeerInfo): void {
    const joined = this.#joinedEarly.get(self) ?? new Set()
    this.#joinedEarly.delete(self)
    this.#members.set(self, { handlers, info, joined, seen: new Set(), open: new Set() })
    this.#relink()
  }

  /** The node is gone; what was on its way to it is lost. */
  detach(self: PeerId): void {
    const gone = this.#members.get(self)
    this.#members.delete(self)
    for (const member of this.#members.values()) {
      if (member.open.delete(self) && gone !== undefined) member.handlers.peerClosed(gone.info())
    }
  }

  /** Only nodes of one group reach each other; who is in none reaches nobody. */
  partition(...groups: (readonly PeerId[])[]): void {
    this.#groups = groups
    this.#relink()
  }

  heal(): void {
    this.partition()
  }

  #reaches(a: PeerId, b: PeerId): boolean {
    if (a === b || !this.#members.has(a) || !this.#members.has(b)) return false
    return this.#groups.length === 0 || this.#groups.some(group => group.includes(a) && group.includes(b))
  }

  #relink(): void {
    for (const [self, { open, handlers }] of this.#members) {
      for (const [peer, { info }] of this.#members) {
        const reaches = this.#reaches(self, peer)
        if (reaches === open.has(peer)) continue
        if (reaches) open.add(peer)
        else open.delete(peer)
        this.#clock.after(0, () => (reaches ? handlers.peerOpened(info()) : handlers.peerClosed(info())))
      }
    }
  }

  #later(task: () => void): void {
    const [min, max] = this.#latencyMs
    this.#clock.after(min + this.#random.integer(max - min + 1), task)
  }

  #publish(message: Omit<Delivery, 'to'>): void {
    this.published.push(message)
    const member = this.#members.get(message.from)
    member?.seen.add(nameOf(message))
    this.#flood(message, message.from)
  }

  #flood(message: Omit<Delivery, 'to'>, except: PeerId): void {
    for (const to of this.#members.get(message.from)?.open ?? []) {
      if (to === except) continue
      for (const frame of this.gossip({ ...message, to })) this.#later(() => this.#deliver({ ...message, frame, to }))
    }
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const member = this.#members.get(delivery.to)
    if (member === undefined || !this.#reaches(delivery.from, delivery.to)) return
    if (delivery.kind === 'group' && !member.joined.has(delivery.society)) return
    if (member.seen.has(nameOf(delivery))) return
    member.seen.add(nameOf(delivery))
    const { handlers } = member
    const { frame, from, to } = delivery
    const judging =
      delivery.kind === 'group' ? handlers.group(delivery.society, frame, from) : handlers.proof(frame, from)
    // As in the real network, a validator that fails is nobody's fault.
    const verdict = await judging.catch((): Verdict => 'ignore')
    this.judged.push({ ...delivery, verdict })
    if (verdict === 'accept') this.#flood({ ...delivery, from: to }, from)
  }

  #request<Name extends RequestName>(
    from: PeerId,
    to: PeerId,
    name: Name,
    request: Requests[Name]['request'],
    timeoutMs = TIMEOUT_MS,
  ): Promise<Result<Requests[Name]['reply']>> {
    if (!this.#reaches(from, to)) return Promise.resolve(fail(rejection('PEER_UNREACHABLE')))
    return new Promise(resolve => {
      const cancel = this.#clock.after(timeoutMs, () => resolve(fail(rejection('PEER_SILENT'))))
      const answer = (result: Result<unknown>) => {
        if (!this.#reaches(from, to)) return
        cancel()
        resolve(structuredClone(result) as Result<Requests[Name]['reply']>)
      }
      if (!this.passes(from, to, name)) return
      this.#later(async () => {
        const target = this.#members.get(to)
        const asker = this.#members.get(from)?.info()
        if (target === undefined || asker === undefined || !this.#reaches(from, to)) return
        const served = await target.handlers.serve[name](
          asker,
          structuredClone(this.ask(name, request)) as typeof request,
        ).catch(() => fail(rejection('INTERNAL')))
        // A node that died over its work answers nobody.
        if (this.#members.get(to) !== target) return
        this.answered.push({ by: to, to: from, name, request, result: served })
        const result = this.reply(to, name, served)
        this.#later(() => answer(result.ok ? result : fail(rejection(result.error.code))))
      })
    })
  }
}

/** As in the real network: a message is its topic and its bytes. */
function nameOf({ kind, society, frame }: Omit<Delivery, 'to'>): string {
  return `${kind} ${society} ${createHash('sha256').update(frame).digest('base64')}`
}
