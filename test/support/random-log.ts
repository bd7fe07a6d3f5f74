import assert from 'node:assert/strict'
import { concat } from 'uint8arrays/concat'
import { sha256 } from '../../node/crypto/sodium.ts'
import { utf8Encode } from '../../src/canonical.ts'
import { toBase64url } from '../../src/encoding.ts'
import { rootOfLeaves } from '../../src/log/merkle.ts'
import { ENTITY_TYPES } from '../../src/records/names.ts'
import { conservation } from '../../src/state/conservation.ts'
import { type AccountState, readState } from '../../src/state/model.ts'
import { present } from '../../src/state/present.ts'
import { DAY_MS, type EpochMs, type LctId, MICRO } from '../../src/units.ts'
import { federation } from './federation.ts'
import { commitment, entryBytes, hashText, type Identity, identity, makeRecord, signRecord } from './identity.ts'
import { Replay } from './replay.ts'
import type { Draftable, TestSociety } from './society.ts'

/** mulberry32: integers only, the same everywhere. */
function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0
  return below => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

interface Person {
  readonly lct: LctId
  key: Identity
}

export interface RandomLog {
  readonly replay: Replay
  /** Entries by kind, refusals by code. */
  readonly kinds: Readonly<Record<string, number>>
  readonly refused: Readonly<Record<string, number>>
  /** Over the leaf hash and the changes of every entry, and the code of every refusal, in their order. */
  readonly accumulated: Uint8Array
  readonly root: Uint8Array
}

/** A log of `size` entries drawn from a seed; what `decide` refuses on the way is counted and left out. */
export function randomLog(seed: number, size: number): RandomLog {
  const log = new Drawing(seed)
  while (log.replay.entries.length < size) log.step()
  return log.result()
}

type Action = () => Draftable | undefined

class Drawing {
  readonly replay = new Replay()
  readonly #random: (below: number) => number
  readonly #own: TestSociety
  readonly #peers: readonly TestSociety[]
  readonly #people: Person[] = []
  readonly #kinds: Record<string, number> = {}
  readonly #refused: Record<string, number> = {}
  #accumulated: Uint8Array = new Uint8Array(32)
  #society: Identity
  #keyChanges = 0
  #births = 0
  #n = 1_000
  #time: EpochMs
  readonly #actions: readonly (readonly [weight: number, action: Action])[]

  constructor(seed: number) {
    this.#random = randomOf(seed)
    const [own, ...peers] = federation()
    assert.ok(own)
    this.#own = own
    this.#peers = peers
    this.#society = own.society
    for (const { bytes } of own.entries) this.#take(bytes)
    this.#time = own.clock
    for (let i = 0; i < 5; i++) this.#offer(this.#birth())
    this.#offer({ kind: 'atp.mint', body: { amount: 50_000 * MICRO } })
    this.#actions = [
      [80, () => this.#transfer()],
      [30, () => this.#charge()],
      [25, () => this.#attest()],
      [10, () => this.#discharge()],
      [4, () => ({ kind: 'atp.mint', body: { amount: this.#amount(1_000 * MICRO) } })],
      [4, () => this.#slash()],
      [6, () => this.#sweep()],
      [10, () => this.#birth()],
      [12, () => this.#status()],
      [6, () => this.#rotate()],
      [4, () => this.#law()],
      [1, () => this.#changeKey()],
      [3, () => this.#introduce()],
      [1, () => this.#block()],
      [1, () => this.#claim()],
      [1, () => this.#resume()],
    ]
  }

  step(): void {
    this.#time += this.#random(40) === 0 ? this.#random(20 * DAY_MS) : this.#random(3_000)
    const total = this.#actions.reduce((sum, [weight]) => sum + weight, 0)
    let drawn = this.#random(total)
    const chosen = this.#actions.find(([weight]) => {
      drawn -= weight
      return drawn < 0
    })
    const input = chosen?.[1]()
    if (input !== undefined) this.#offer(input)
  }

  result(): RandomLog {
    const leaves = this.replay.entries.map(({ leaf }) => leaf)
    const accounts = this.replay.pairs().filter(([key]) => key.startsWith('account/'))
    const held = accounts.map(([key]) => this.replay.get(key) as unknown as AccountState)
    assert.equal(conservation(present(readState.pool(this.replay)), held), 0n)
    return {
      replay: this.replay,
      kinds: this.#kinds,
      refused: this.#refused,
      accumulated: this.#accumulated,
      root: rootOfLeaves(leaves, sha256),
    }
  }

  #offer({ author = this.#own.id, body, kind, signers = [this.#society] }: Draftable): boolean {
    const lane = this.#random(3)
    this.#n += 1 + this.#random(3)
    const members = { author, lane, n: this.#n, society: this.#own.id, time: this.#time - this.#random(1_000) }
    const record = makeRecord(kind, body, members)
    const sigs = signRecord(record, signers)
    return this.#take(entryBytes(record, sigs, this.replay.entries.length, this.#time))
  }

  #take(bytes: Uint8Array): boolean {
    const applied = this.replay.apply(bytes)
    const grown = applied.ok
      ? [applied.value.entry.leaf, utf8Encode(JSON.stringify(applied.value.changes))]
      : [utf8Encode(applied.error.code)]
    this.#accumulated = sha256(concat([this.#accumulated, ...grown]))
    const [counts, name] = applied.ok
      ? [this.#kinds, applied.value.entry.record.kind]
      : [this.#refused, applied.error.code]
    counts[name] = (counts[name] ?? 0) + 1
    return applied.ok
  }

  #person(): Person {
    return this.#people[this.#random(this.#people.length)] as Person
  }
  #amount(below: number): number {
    return 1 + this.#random(below)
  }

  #transfer(): Draftable {
    const [from, to] = [this.#person(), this.#person()]
    const body = { amount: this.#amount(this.#random(2) === 0 ? 5 : 50 * MICRO), from: from.lct, to: to.lct }
    return { kind: 'atp.transfer', author: from.lct, signers: [from.key], body }
  }
  #charge(): Draftable {
    const body = { amount: this.#amount(500 * MICRO), evidence: hashText(`${this.#n}`), to: this.#person().lct }
    return { kind: 'atp.charge', body }
  }
  #discharge(): Draftable {
    const from = this.#person()
    const body = { amount: this.#amount(20 * MICRO), evidence: hashText('work'), from: from.lct }
    return { kind: 'atp.discharge', author: from.lct, signers: [from.key], body }
  }
  #slash(): Draftable {
    const account = this.#random(2) === 0 ? {} : { account: this.#person().lct }
    return { kind: 'atp.slash', body: { ...account, amount: this.#amount(MICRO), evidence: hashText('fraud') } }
  }
  /** Some of the people, in order; now and then of somebody whose birth was refused. */
  #sweep(): Draftable {
    const drawn = Array.from({ length: this.#amount(4) }, () => this.#person().lct)
    return { kind: 'atp.sweep', body: { accounts: [...new Set(drawn)].sort() } }
  }
  #attest(): Draftable {
    const [by, subject] = [this.#person(), this.#person()]
    const claims = { measurement: this.#random(100), state: 'good' }
    return { kind: 'attest', author: by.lct, signers: [by.key], body: { claims, subject: subject.lct, type: 'state' } }
  }

  #birth(): Draftable {
    this.#births += 1
    const type = ENTITY_TYPES[this.#random(ENTITY_TYPES.length)] ?? 'human'
    const key = identity(`s0 member ${this.#births}`)
    const lct = this.#own.lctOf(key, type)
    const witnesses = this.#peers.map(({ witness }) => witness)
    const law = readState.law(this.replay)?.number ?? 0
    const { body } = this.#own.birth(`member ${this.#births}`, type, [], { law })
    this.#people.push({ lct, key })
    return { kind: 'birth', body, signers: [this.#society, key, ...witnesses] }
  }
  #status(): Draftable {
    const drawn = this.#random(20)
    const kind = drawn === 0 ? 'lct.revoke' : drawn < 10 ? 'lct.suspend' : 'lct.reactivate'
    return { kind, body: { lct: this.#person().lct } }
  }
  #rotate(): Draftable | undefined {
    const person = this.#person()
    const key = identity(`${person.lct} ${this.#n}`)
    const body = { key: key.key, old: person.key.key, overlap_ms: this.#random(DAY_MS) }
    const done = this.#offer({ kind: 'lct.rotate', author: person.lct, signers: [person.key, key], body })
    if (done) person.key = key
    return undefined
  }

  #law(): Draftable {
    const law = present(readState.law(this.replay))
    const decay = {
      base_ppm: this.#random(300_000),
      grace_ms: this.#random(10) * DAY_MS,
      max_age_ms: (10 + this.#random(100)) * DAY_MS,
    }
    const ceilings = { charge: this.#amount(50_000) * MICRO, mint: this.#amount(90_000) * MICRO }
    return { kind: 'law.update', body: { law: { ...law, ceilings, decay, number: law.number + 1 } } }
  }
  #changeKey(): undefined {
    const law = present(readState.law(this.replay))
    const next = this.#keyChanges === 0 ? this.#own.next : identity(`s0 society ${this.#keyChanges}`)
    const after = identity(`s0 society ${this.#keyChanges + 1}`)
    const body = { law: { ...law, number: law.number + 1 }, next: commitment(after), society_key: next.key }
    if (!this.#offer({ kind: 'law.update', body, signers: [next] })) return
    this.#society = next
    this.#keyChanges += 1
  }

  /** A member of the first other society, born there a moment ago. */
  #introduce(): Draftable {
    const home = this.#peers[0] as TestSociety
    home.clock = Math.max(home.clock, this.#time - 2_000)
    this.#births += 1
    const name = `guest ${this.#births}`
    home.append(home.birth(name, 'human', home.witnesses))
    const key = identity(`${home.slug} ${name}`)
    const lct = home.lctOf(key, 'human')
    this.#people.push({ lct, key })
    return {
      kind: 'introduce',
      body: home.introduction(lct, home.standing(lct, { time: this.#time }), { time: this.#time }),
    }
  }
  /** Size 0 is good once, the other one not yet. */
  #claim(): Draftable {
    return { kind: 'state', body: { digest: hashText(`${this.#n}`), size: this.#random(2) * 10_000 } }
  }
  /** Right here, or one entry too early. */
  #resume(): Draftable {
    const size = this.replay.entries.length - this.#random(2)
    const leaves = this.replay.entries.slice(0, size).map(({ leaf }) => leaf)
    const epoch = (readState.epochs(this.replay)?.length ?? 0) + 1
    const evidence = hashText(`${this.#n}`)
    const body = { cause: 'fork', epoch, evidence, root: toBase64url(rootOfLeaves(leaves, sha256)), size }
    return { kind: 'resume', body, signers: [this.#society, ...this.#own.witnesses] }
  }
  /** The last of the others; births want its witness, so there are none afterwards. */
  #block(): Draftable | undefined {
    if (this.replay.entries.length < 1_500) return undefined
    return { kind: 'peer.block', body: { peer: this.#peers[2]?.id ?? '' } }
  }
}
