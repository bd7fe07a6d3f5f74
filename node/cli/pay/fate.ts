import { homeOf } from '../../../src/records/names.ts'
import { rulesOf } from '../../../src/records/registry.ts'
import { type Code, CodedError } from '../../../src/rejection.ts'
import type { LctId, SocietyId } from '../../../src/units.ts'
import type { SignedRecord } from '../../api/sign.ts'
import type { RecordView } from '../../service.ts'
import { type Death, type Payment, type PaymentTerms, recordIdOf } from '../payment.ts'
import { poll, stateOf, type Way } from './way.ts'

/** Whether a payment can still happen, and what became of its signed record. Only what is final counts: the rest may go back. */

/** `open` until its log has a final entry later than `until`, which is also when nobody would enter it any more. */
export type Fate =
  | { readonly fate: 'entered'; readonly record: RecordView }
  | { readonly fate: 'dead' }
  | { readonly fate: 'open'; readonly until: number }

/** In these the log takes nothing more, ever. */
const ENDED: ReadonlySet<string> = new Set(['ended', 'succeeded'])

const FRESHNESS_MS = rulesOf('atp.transfer')?.freshnessMs ?? 0

/**
 * What rules this payment out for ever; undefined: nothing. A revocation that is not final yet, and a suspension, only hold
 * it up: AUTHOR_INACTIVE, ACCOUNT_INACTIVE.
 */
export async function deathOf(way: Way, { from, to }: PaymentTerms): Promise<Death | undefined> {
  const { client, home } = way
  const { state } = await client.society({ id: home })
  if (ENDED.has(state)) return { code: 'FROZEN', why: `the log of ${home} has ${state}` }
  const theirs = homeOf(to)
  // What the payer's log does not say is asked of the payee's own, if it is held here.
  for (const [lct, society, code] of [
    [from, home, 'AUTHOR_INACTIVE'],
    [to, home, 'ACCOUNT_INACTIVE'],
    [to, theirs, 'ACCOUNT_INACTIVE'],
  ] as const)
    if (await isRevoked(way, lct, society, code)) return { code, why: `${lct} is revoked in ${society}` }
  return undefined
}

/**
 * Whether the payee can never be introduced, when that was refused with this code: relations with its society have ended in
 * the payer's log, or its own log has. Only for a payment of which nothing is signed.
 */
export async function deathBy(way: Way, to: LctId, refused: Code): Promise<Death | undefined> {
  const { client, home } = way
  const theirs = homeOf(to)
  const held = (await client.societies()).find(({ society }) => society === theirs)
  if (held !== undefined && ENDED.has(held.state))
    return { code: 'FROZEN', why: `the log of ${theirs} has ${held.state}, and ${to} is not introduced` }
  // By this node's own policy it may be allowed again at any time.
  if (refused !== 'PEER_BLOCKED' || held?.policy.block === true) return undefined
  const { size } = await client.society({ id: home })
  const isFinal = await isSettled(way, home, size)
  return isFinal ? { code: 'PEER_BLOCKED', why: `${home} has ended its relations with ${theirs}` } : undefined
}

async function isRevoked(way: Way, lct: LctId, society: SocietyId, code: Code): Promise<boolean> {
  const { client } = way
  const look = async () => (await stateOf(client, lct, society))?.status === 'revoked'
  if (!(await look())) return false
  const { size } = await client.society({ id: society })
  const isFinal = await isSettled(way, society, size)
  if (!(await look())) return false
  if (!isFinal) throw new CodedError(code, `${lct} is revoked in ${society}, which is not final yet`)
  return true
}

/** Waits until the first `size` entries are final: of another log by witnesses that this node accepts. */
async function isSettled(way: Way, society: SocietyId, size: number): Promise<boolean> {
  const { call, client, home } = way
  const settled = poll(way, async () => {
    const { final, final_for_us } = await client.society({ id: society })
    return (society === home ? final : final_for_us) >= size || undefined
  })
  return (await call.progress('waiting for witnesses', settled)) !== undefined
}

/** The record where the log has it; undefined: not there. */
async function enteredAs({ client }: Way, signed: SignedRecord): Promise<RecordView | undefined> {
  const record = (await client.record({ id: recordIdOf(signed) })) as RecordView
  return record.status === 'sequenced' || record.status === 'final' ? record : undefined
}

/**
 * What became of a record that is not sent any more. It is dead once its lane or its time is passed, or one of the two
 * accounts is revoked for ever, in what is final, and all of that is without it.
 */
export async function fateOf(way: Way, signed: SignedRecord): Promise<Fate> {
  const { client, home } = way
  const { author, body, lane, n, time } = signed.record as {
    author: LctId
    body: { to: LctId }
    lane: number
    n: number
    time: number
  }
  const until = time + FRESHNESS_MS
  // First what is seen of the log, then its size: so all that was seen is below it.
  const newest = await newestTime(way)
  const { n: next } = await client.lane({ society: home, author, lane })
  const revoked = await Promise.all(
    [author, body.to].map(async lct => (await stateOf(client, lct, home))?.status === 'revoked'),
  )
  const isPassed = next > n || newest > until || revoked.includes(true)
  const { size, state } = await client.society({ id: home })
  const entered = await enteredAs(way, signed)
  if (entered !== undefined) return { fate: 'entered', record: entered }
  if (ENDED.has(state)) return { fate: 'dead' }
  if (!isPassed) return { fate: 'open', until }
  return (await isWithout(way, signed, size)) ? { fate: 'dead' } : { fate: 'open', until }
}

/** Whether the first `size` entries are final, and the log does not have this record. */
export async function isWithout(way: Way, signed: SignedRecord, size: number): Promise<boolean> {
  return (await isSettled(way, way.home, size)) && (await enteredAs(way, signed)) === undefined
}

/** entry.time of the newest entry; entries never go back in time. */
async function newestTime({ client, home }: Way): Promise<number> {
  const { size } = await client.society({ id: home })
  const bytes = await client.entries({ society: home, from: Math.max(0, size - 1), limit: 1 })
  const [entry] = JSON.parse(new TextDecoder().decode(bytes)) as { readonly time?: number }[]
  return entry?.time ?? 0
}

/**
 * For a payment that must not happen any more: the entry, if it happened all the same. Else it is noted as dead and
 * PAYMENT_DEAD is thrown, or PAYMENT_WAITS while its signed record may still enter the log.
 */
export async function unlessEntered(way: Way, payment: Payment, death: Death): Promise<RecordView> {
  const { record: signed } = payment
  const fate: Fate = signed === undefined ? { fate: 'dead' } : await fateOf(way, signed)
  if (fate.fate === 'entered') return fate.record
  if (fate.fate === 'open')
    throw new CodedError(
      'PAYMENT_WAITS',
      `${death.why}; its signed record is not sent any more, and is dead for certain when the log of ${way.home} has a final entry later than ${new Date(fate.until).toISOString()}`,
    )
  await payment.die(death)
  throw deathError(payment.name, death)
}

export function deathError(name: string, { why }: Death): CodedError {
  return new CodedError('PAYMENT_DEAD', `${name} was not paid and cannot be any more: ${why}`)
}
