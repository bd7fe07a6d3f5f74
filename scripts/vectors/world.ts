import type { Law } from '../../src/records/law.ts'
import { DAY_MS, type LctId, MICRO } from '../../src/units.ts'
import { federation } from '../../test/support/federation.ts'
import { commitment, hashText, type Identity, identity, keysOf } from '../../test/support/identity.ts'
import type { Draftable, NoteOptions, TestSociety } from '../../test/support/society.ts'

/** Who a member of one of the societies is. */
export interface Member {
  readonly key: Identity
  readonly lct: LctId
}

/** The four societies of the vectors, as far as their story has come. Every call tells it anew, so nothing is shared. */
export interface World {
  readonly s0: TestSociety
  readonly s1: TestSociety
  readonly s2: TestSociety
  readonly s3: TestSociety
  /** Members of s0: a human, an AI, the treasurer and the producer; dora is of s1. */
  readonly ada: Member
  readonly bob: Member
  readonly tess: Member
  readonly paul: Member
  readonly dora: Member
}

/** Small ceilings and a short decay, so that a few entries reach them. */
function lawOf(law: Law, index: number): Law {
  if (index === 0) return { ...law, ceilings: { charge: 5_000 * MICRO, mint: 20_000 * MICRO }, roles: roles() }
  if (index === 1) return { ...law, decay: { base_ppm: 200_000, grace_ms: 2 * DAY_MS, max_age_ms: 10 * DAY_MS } }
  return law
}

function roles(): Law['roles'] {
  return { producer: keysOf([identity('s0 paul')]), treasury: keysOf([identity('s0 tess')]) }
}

/** Four charters that name each other, each with the recognition of the three others: sizes 4. */
export function recognised(): World {
  const [s0, s1, s2, s3] = federation({ law: lawOf }) as [TestSociety, TestSociety, TestSociety, TestSociety]
  const member = (society: TestSociety, name: string, type: Parameters<TestSociety['lctOf']>[1]): Member => {
    const key = identity(`${society.slug} ${name}`)
    return { key, lct: society.lctOf(key, type) }
  }
  return {
    s0,
    s1,
    s2,
    s3,
    ada: member(s0, 'ada', 'human'),
    bob: member(s0, 'bob', 'ai'),
    tess: member(s0, 'tess', 'role'),
    paul: member(s0, 'paul', 'organization'),
    dora: member(s1, 'dora', 'human'),
  }
}

/** And with members: s0 has 8 entries, s1 has 5. */
export function peopled(): World {
  const world = recognised()
  const { s0, s1 } = world
  s0.append(s0.birth('ada', 'human', s0.witnesses))
  s0.append(s0.birth('bob', 'ai', s0.witnesses))
  s0.append(s0.birth('tess', 'role', s0.witnesses))
  s0.append(s0.birth('paul', 'organization', s0.witnesses))
  s1.append(s1.birth('dora', 'human', s1.witnesses))
  return world
}

/** And with money: ada holds 1 000 ATP, bob 10, dora is introduced in s0. */
export function rich(): World {
  const world = peopled()
  const { s0, s1, ada, bob, dora } = world
  s0.append({ kind: 'introduce', body: s1.introduction(dora.lct) })
  s0.append(mint(world, 10_000 * MICRO))
  s0.append(charge(world, ada, 1_000 * MICRO))
  s0.append(charge(world, bob, 10 * MICRO))
  return world
}

export function mint({ tess }: World, amount: number): Draftable {
  return { kind: 'atp.mint', author: tess.lct, signers: [tess.key], body: { amount } }
}
export function charge({ s0, paul }: World, to: Member, amount: number): Draftable {
  const body = { amount, evidence: hashText('evidence'), to: to.lct }
  return { kind: 'atp.charge', author: paul.lct, signers: [paul.key, s0.society], body }
}
export function transfer(from: Member, to: Member, amount: number): Draftable {
  return { kind: 'atp.transfer', author: from.lct, signers: [from.key], body: { amount, from: from.lct, to: to.lct } }
}
export function discharge(from: Member, amount: number): Draftable {
  const body = { amount, evidence: hashText('work'), from: from.lct }
  return { kind: 'atp.discharge', author: from.lct, signers: [from.key], body }
}
export function slash({ tess }: World, amount: number, account?: Member): Draftable {
  const body = { ...(account === undefined ? {} : { account: account.lct }), amount, evidence: hashText('fraud') }
  return { kind: 'atp.slash', author: tess.lct, signers: [tess.key], body }
}
/** Of these accounts, in their order. */
export function sweep(...members: readonly Member[]): Draftable {
  return { kind: 'atp.sweep', body: { accounts: members.map(({ lct }) => lct).sort() } }
}
export function attest(by: Member, subject: string, type: string, claims: object, event?: string): Draftable {
  const body = { claims, ...(event === undefined ? {} : { event }), subject, type }
  return { kind: 'attest', author: by.lct, signers: [by.key], body }
}
export function rotate(member: Member, to: Identity, overlap_ms = DAY_MS): Draftable {
  const body = { key: to.key, old: member.key.key, overlap_ms }
  return { kind: 'lct.rotate', author: member.lct, signers: [member.key, to], body }
}
export function status(kind: 'suspend' | 'reactivate' | 'revoke', member: Member): Draftable {
  return { kind: `lct.${kind}`, body: { lct: member.lct, reason: hashText('reason') } }
}
export function amend(
  log: TestSociety,
  changes: Partial<Law>,
  members: object = {},
  signers?: readonly Identity[],
): Draftable {
  const law = { ...log.law, number: log.law.number + 1, ...changes }
  return { kind: 'law.update', body: { law, ...members }, ...(signers === undefined ? {} : { signers }) }
}

/** The law.update that replaces the society key by the committed one. */
export function changeKey(log: TestSociety, changes: Partial<Law> = {}): Draftable {
  const after = identity(`${log.slug} after next`)
  return amend(log, changes, { next: commitment(after), society_key: log.next.key }, [log.next])
}

/** A log with the notes that its witnesses cosigned on the way. */
export interface Story {
  readonly log: TestSociety
  readonly comment: string
  readonly notes: readonly NoteOptions[]
}

/** The whole story of all four logs. */
export function stories(): Story[] {
  const world = rich()
  const last = [handovers(world), relations(world)]
  return [accounts(world), shortDecay(world), ...last]
}

function accounts(world: World): Story {
  const { s0: log, ada, bob, dora } = world
  const notes: NoteOptions[] = [
    { size: 4, time: log.clock },
    { size: log.size, time: log.clock },
  ]
  const fresh = identity('s0 ada fresh')
  log.append(transfer(ada, bob, 250 * MICRO))
  log.append({ ...transfer(ada, dora, 1), entryTime: log.clock + 30 * DAY_MS })
  log.append(attest(bob, ada.lct, 'existence', { method: 'seen', observed_at: log.clock }))
  log.append(discharge(bob, 100 * MICRO))
  log.append(slash(world, 5 * MICRO, ada))
  log.append(slash(world, 7 * MICRO))
  log.append(rotate(ada, fresh))
  log.append(status('suspend', bob))
  log.append(status('reactivate', bob))
  log.append(status('revoke', bob))
  const again = log.birth('bob again', 'ai', log.witnesses, { entity_ref: hashText('s0 bob'), lineage: [bob.lct] })
  log.append(again)
  log.append({ ...charge(world, ada, 3), entryTime: log.clock + 400 * DAY_MS })
  notes.push({ size: log.size, time: log.clock, cosigners: log.witnesses })
  return { log, comment: 'births, money that moves and decays, and the life of LCTs', notes }
}

function shortDecay({ s1: log, dora }: World): Story {
  log.append({ kind: 'atp.mint', body: { amount: 1_000 } })
  for (const day of [0, 1, 3, 9]) {
    const body = { amount: 100 + day, evidence: hashText(`day ${day}`), to: dora.lct }
    log.append({ kind: 'atp.charge', body, entryTime: log.clock + day * DAY_MS + 1_000 })
  }
  log.append(amend(log, { decay: { base_ppm: 1_000_000, grace_ms: 0, max_age_ms: 5 * DAY_MS } }))
  log.append({ ...discharge(dora, 50), entryTime: log.clock + 2 * DAY_MS })
  const [first] = log.witnesses
  const cosigners = first === undefined ? [] : [first]
  // Too few at the end: what came after the first note is not final.
  const notes = [
    { size: 6, time: log.clock },
    { size: log.size, time: log.clock, cosigners },
  ]
  return { log, comment: 'a society that charges without roles, with a decay of ten days; its end is not final', notes }
}

function handovers({ s2: log }: World): Story {
  const before = log.witnesses
  const fresh = identity('s2 new witness')
  const notes: NoteOptions[] = [{ size: 4, time: log.clock, logKey: log.society, cosigners: before }]
  const after = [...before.slice(0, 2), fresh]
  log.append(amend(log, { finality: { quorum: 2, witnesses: keysOf(after) } }, {}, [log.society, fresh]))
  log.append(amend(log, { ceilings: { charge: 1, mint: 2 } }))
  notes.push({ size: log.size, time: log.clock, logKey: log.society, cosigners: before })
  log.append(changeKey(log))
  log.society = log.next
  log.append(amend(log, { endpoints: ['/dns4/s2.example/tcp/4004'] }))
  notes.push({ size: log.size, time: log.clock, logKey: log.society, cosigners: after })
  return { log, comment: 'new witnesses, then a new society key: two handovers', notes }
}

function relations({ s0, s1, s2, s3: log, ada }: World): Story {
  log.append({ kind: 'introduce', body: s0.introduction(ada.lct) })
  // Signed by the society key of that size, and by the whole set that the handover replaced.
  const vouched = { size: 6, logKey: identity('s2 society'), cosigners: s2.witnesses }
  log.append({ kind: 'peer.block', body: { evidence: hashText('blocked'), peer: s1.id } })
  log.append({ kind: 'peer.recognize', body: s2.recognition(4, vouched) })
  return {
    log,
    comment: 'a foreign LCT, the end of relations, and a handover of another society',
    notes: [{ size: log.size, time: log.clock }],
  }
}
