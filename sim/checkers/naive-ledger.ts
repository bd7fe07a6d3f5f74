/**
 * A deliberately plain second opinion on ATP, written from docs/protocol.md and sharing no code with the node: entries in,
 * lots, pool and totals out, everything a bigint, every factor computed from its definition. Slow and easy to read.
 */

const ONE = 10n ** 15n
const Q = 1_000_000n * 2_592_000_000n

interface RawEntry {
  readonly seq: number
  readonly time: number
  readonly record: { readonly kind: string; readonly author: string; readonly body: Record<string, unknown> }
}

interface Rates {
  readonly base_ppm: number
  readonly grace_ms: number
  readonly max_age_ms: number
}

export interface NaiveBooks {
  /** lots by account: [origin, principal], oldest first */
  readonly lots: ReadonlyMap<string, readonly (readonly [origin: number, principal: bigint])[]>
  /** Book value by account at its last touch, in units of 10^-15 micro-ATP. */
  readonly booked: ReadonlyMap<string, bigint>
  /** In the same units. */
  readonly pool: bigint
  /** (minted − slashed)·10^15 − Σ book values − pool: 0n when nothing was made or lost. */
  readonly difference: bigint
  /** What entries did by kind. */
  readonly counts: ReadonlyMap<string, number>
}

/** Walks a whole log. Throws when an entry spends what is not there: a node should have refused it. */
export function auditLog(entries: readonly RawEntry[]): NaiveBooks {
  const walk = new Walk(entries)
  for (const entry of entries) walk.apply(entry)
  return walk.books()
}

class Walk {
  readonly #interval: bigint
  readonly #lots = new Map<string, Map<number, bigint>>()
  /** Book value at the last touch. */
  readonly #books = new Map<string, bigint>()
  readonly #counts = new Map<string, number>()
  /** Law in force before the first entry with time ≥ k·I, by k. */
  readonly #lawOf = new Map<number, Rates>()
  #rates: Rates
  #k: number
  #minted = 0n
  #slashed = 0n
  #pool = 0n

  constructor(entries: readonly RawEntry[]) {
    const charter = entries[0]
    if (charter?.record.kind !== 'charter') throw new Error('a log begins with a charter')
    const body = charter.record.body as { interval_ms: number; law: { decay: Rates } }
    this.#interval = BigInt(body.interval_ms)
    this.#rates = body.law.decay
    this.#k = Math.floor(charter.time / body.interval_ms)
    this.#lawOf.set(this.#k, this.#rates)
  }

  apply(entry: RawEntry): void {
    const k = Math.floor(entry.time / Number(this.#interval))
    for (let step = this.#k + 1; step <= k; step++) this.#lawOf.set(step, this.#rates)
    this.#k = k
    const { kind, body } = entry.record
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1)
    const amount = BigInt((body.amount as number | undefined) ?? 0)
    if (kind === 'law.update') this.#rates = (body.law as { decay: Rates }).decay
    if (kind === 'atp.mint') {
      this.#minted += amount
      this.#pool += amount * ONE
    }
    if (kind === 'atp.charge') {
      this.#pool -= amount * ONE
      this.#give(body.to as string, new Map([[k, amount]]))
    }
    if (kind === 'atp.transfer') this.#give(body.to as string, this.#take(body.from as string, amount).lots)
    if (kind === 'atp.discharge') this.#addToPool(this.#take(body.from as string, amount).taken)
    if (kind === 'atp.sweep') for (const account of body.accounts as readonly string[]) this.#touch(account)
    if (kind === 'atp.slash') this.#slash(body.account as string | undefined, amount)
    if (this.#pool < 0n) throw new Error(`entry ${entry.seq}: pool below zero`)
  }

  #slash(account: string | undefined, amount: bigint): void {
    this.#slashed += amount
    if (account === undefined) this.#pool -= amount * ONE
    else this.#addToPool(this.#take(account, amount).taken - amount * ONE)
  }

  /** Taking books a loss in the pool, so what is added must be known before the pool is read. */
  #addToPool(units: bigint): void {
    this.#pool += units
  }

  /** D(origin, k), from its definition. */
  #factor(origin: number): bigint {
    let factor = ONE
    for (let at = origin; at < this.#k; at++) {
      const law = this.#lawOf.get(at) ?? this.#rates
      const age = BigInt(at - origin) * this.#interval
      if (age + this.#interval >= BigInt(law.max_age_ms)) return 0n
      const base = BigInt(law.base_ppm)
      const rate = age < BigInt(law.grace_ms) ? base / 10n : base
      factor = (factor * (Q - rate * this.#interval)) / Q
    }
    return factor
  }

  #touch(account: string): Map<number, bigint> {
    const lots = this.#lots.get(account) ?? new Map<number, bigint>()
    let book = 0n
    for (const [origin, principal] of lots) {
      const factor = this.#factor(origin)
      if (factor === 0n) lots.delete(origin)
      book += principal * factor
    }
    this.#pool += (this.#books.get(account) ?? 0n) - book
    this.#books.set(account, book)
    this.#lots.set(account, lots)
    return lots
  }

  #give(account: string, gift: ReadonlyMap<number, bigint>): void {
    const lots = this.#touch(account)
    let book = this.#books.get(account) ?? 0n
    for (const [origin, principal] of gift) {
      lots.set(origin, (lots.get(origin) ?? 0n) + principal)
      book += principal * this.#factor(origin)
    }
    this.#books.set(account, book)
  }

  #take(account: string, amount: bigint): { readonly lots: Map<number, bigint>; readonly taken: bigint } {
    const lots = this.#touch(account)
    const taken = new Map<number, bigint>()
    let rest = amount * ONE
    let total = 0n
    for (const origin of [...lots.keys()].sort((a, b) => a - b)) {
      if (rest <= 0n) break
      const factor = this.#factor(origin)
      const held = lots.get(origin) ?? 0n
      const needed = (rest + factor - 1n) / factor
      const units = needed < held ? needed : held
      taken.set(origin, units)
      total += units * factor
      rest -= units * factor
      if (units === held) lots.delete(origin)
      else lots.set(origin, held - units)
    }
    if (rest > 0n) throw new Error(`${account} paid what it did not have`)
    this.#books.set(account, (this.#books.get(account) ?? 0n) - total)
    return { lots: taken, taken: total }
  }

  books(): NaiveBooks {
    const lots = new Map(
      [...this.#lots].map(([account, held]) => [account, [...held].sort(([a], [b]) => a - b)] as const),
    )
    const booked = [...this.#books.values()].reduce((sum, book) => sum + book, 0n)
    const difference = (this.#minted - this.#slashed) * ONE - booked - this.#pool
    return { lots, booked: this.#books, pool: this.#pool, difference, counts: this.#counts }
  }
}
