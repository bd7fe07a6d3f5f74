import { decodeState } from '../../src/driver/session.ts'
import { readHistory, type SweepHistory } from '../../src/driver/sweep-history.ts'
import { Sweeper, type SweepOptions } from '../../src/driver/sweeper.ts'
import { openEntry } from '../../src/ingest/open.ts'
import type { Clock, Store } from '../../src/ports.ts'
import { type Account, bookValue } from '../../src/state/account.ts'
import { projectDecay } from '../../src/state/decay.ts'
import { type AccountState, type DecayState, stateKeys } from '../../src/state/model.ts'
import { keyPart, rangeOf, storeKey } from '../../src/store/ledger.ts'
import { DAY_MS, HOUR_MS, type LctId } from '../../src/units.ts'
import { Cluster, type ClusterOptions, type Disks, type Members } from './cluster.ts'
import type { ClusterNode, Member } from './cluster-node.ts'
import { context } from './identity.ts'
import type { VirtualClock } from './virtual-clock.ts'

/** Amounts in micro-ATP that anna, ben and further members of `s0` hold. */
export const HOLDINGS = [1_000_000, 1_000_000, 70_000_000, 5_000, 900_000_000, 1_000_000_000, 33_333_333] as const

interface Population {
  readonly disks: Disks
  readonly now: number
  readonly members: Members
}
let made: Promise<Population> | undefined

/** Made once, then copied: as after `Cluster.resume`, and the further members hold what stands above. */
function population(): Promise<Population> {
  made ??= (async () => {
    const cluster = await Cluster.resume()
    await cluster.ready()
    const home = cluster.nodes[0] as ClusterNode
    const more: Member[] = []
    for (const [index, amount] of HOLDINGS.slice(2).entries()) {
      const member = await cluster.member(home, `holder ${index}`)
      await cluster.do(home.mint(amount))
      await cluster.do(home.charge(member, amount))
      more.push(member)
    }
    await cluster.final()
    const found = { disks: await cluster.disks(), now: cluster.clock.now(), members: cluster.members }
    await cluster.stop()
    return found
  })()
  return made
}

/** Four societies, of which `s0` has seven accounts, and the sweepers that tests put on their nodes. Days pass quickly: see toMidnight. */
export class SweepScene {
  readonly cluster: Cluster
  readonly members: Members
  readonly #sweepers = new Map<ClusterNode, Sweeper>()

  readonly #shift: { ms: number }

  private constructor(cluster: Cluster, members: Members, shift: { ms: number }) {
    this.cluster = cluster
    this.members = members
    this.#shift = shift
  }

  static async open(options: Omit<ClusterOptions, 'disks' | 'now' | 'clock'> = {}): Promise<SweepScene> {
    const { disks, now, members } = await population()
    const shift = { ms: 0 }
    const shifted = (clock: VirtualClock): Clock => ({
      now: () => clock.now() + shift.ms,
      after: (delayMs, task) => clock.after(delayMs, task),
    })
    const cluster = await Cluster.boot({ ...options, disks, now, clock: (_, clock) => shifted(clock) })
    await cluster.ready()
    await cluster.final()
    for (const node of cluster.nodes) quiet(node)
    return new SweepScene(cluster, { anna: { ...members.anna }, ben: { ...members.ben } }, shift)
  }

  get home(): ClusterNode {
    return this.cluster.nodes[0] as ClusterNode
  }

  /** The decay service of a node, from now on. By default every loss is swept. */
  attach(options: Partial<SweepOptions> = {}, node = this.home, issuer = node.issuer): Sweeper {
    const sweeper = new Sweeper(
      { isScheduled: true, minimum: 0, ...options },
      { node: node.federation, issuer, events: { ended: () => {} } },
    )
    this.#sweepers.set(node, sweeper)
    // In a real node it is there before the log is.
    node.federation.own?.tellBarrier()
    return sweeper
  }

  async restart(options: Partial<SweepOptions> = {}, store?: Store): Promise<Sweeper> {
    await this.detach()
    await this.cluster.restart(this.home, store)
    await this.cluster.ready([this.home])
    quiet(this.home)
    return this.attach(options)
  }

  async detach(): Promise<void> {
    for (const sweeper of this.#sweepers.values()) await this.cluster.clock.run(sweeper.stop())
    this.#sweepers.clear()
  }

  async stop(): Promise<void> {
    await this.detach()
    await this.cluster.stop()
  }

  /** As stored. */
  async history(node = this.home): Promise<SweepHistory> {
    const [bytes] = await node.setup.store.getMany([storeKey.sweep(node.society)])
    return readHistory(bytes)
  }

  /** Until the interval of now is in the books. */
  async swept(): Promise<SweepHistory> {
    const { clock } = this.cluster
    const interval = Math.floor(this.now() / DAY_MS)
    for (let s = 0; s < 600; s++) {
      const history = await this.history()
      if (history.done?.interval === interval && history.cycle === undefined) return history
      await clock.advance(1_000)
    }
    throw new Error(`interval ${interval} was not swept in ten minutes: ${JSON.stringify(await this.history())}`)
  }

  /** What every atp.sweep of the log names, with its entry time. */
  async sweeps(): Promise<readonly { readonly time: number; readonly accounts: readonly LctId[] }[]> {
    const found: { time: number; accounts: readonly LctId[] }[] = []
    for (const bytes of await this.home.log().replica.entries(0, 100_000)) {
      const entry = openEntry(bytes, context.sha256)
      if (!entry.ok || entry.value.record.kind !== 'atp.sweep') continue
      const { accounts } = entry.value.record.body as unknown as { accounts: readonly LctId[] }
      found.push({ time: entry.value.time, accounts })
    }
    return found
  }

  async accounts(node = this.home): Promise<ReadonlyMap<LctId, AccountState>> {
    const found = new Map<LctId, AccountState>()
    for await (const [key, bytes] of node.setup.store.range(rangeOf.accounts(this.home.society)))
      found.set(keyPart.last(key), decodeState(bytes) as unknown as AccountState)
    return found
  }

  /** Pool, and books and lots of all accounts: what sweeps are about. */
  async books(): Promise<object> {
    const [pool] = await this.home.log().replica.states([stateKeys.pool])
    const accounts = [...(await this.accounts())].map(([lct, { book, lots }]) => ({ lct, book, lots }))
    return { pool, accounts }
  }

  /** What each account has lost and the books do not say, in units. */
  async unbooked(): Promise<readonly bigint[]> {
    const { replica } = this.home.log()
    const { inForce } = replica
    const [held] = await replica.states([stateKeys.decay])
    if (inForce === undefined) throw new Error('no charter')
    const k = Math.floor(this.now() / DAY_MS)
    const decay = projectDecay(held as unknown as DecayState, k, DAY_MS, inForce.law.decay)
    return [...(await this.accounts()).values()].map(
      account => BigInt(account.book) - bookValue(account as Account, decay),
    )
  }

  /** By the nodes' clocks. */
  now(): number {
    return this.home.setup.clock.now()
  }

  /** All clocks are set; timers run on as they were, as on machines that slept. */
  jump(ms: number): void {
    this.#shift.ms += ms
  }

  /** To a time of the day `days` later, by default just before its midnight begins. The last hour passes, the rest is slept through. */
  async toMidnight(days = 1, afterMs = -1): Promise<void> {
    const boundary = (Math.floor(this.now() / DAY_MS) + days) * DAY_MS
    this.jump(Math.max(0, boundary - HOUR_MS - this.now()))
    await this.cluster.clock.advance(boundary + afterMs - this.now())
  }
}

/** Once everybody has heard everybody, asking again each second would be most of what happens in an hour. */
function quiet({ federation }: ClusterNode): void {
  Object.assign(federation.options, { statusMs: 30 * DAY_MS })
}
