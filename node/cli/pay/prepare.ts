import { homeOf } from '../../../src/records/names.ts'
import { type Code, CodedError } from '../../../src/rejection.ts'
import type { LctId, SocietyId } from '../../../src/units.ts'
import { final, poll, retried, stateOf, type Way } from './way.ts'

/** What must stand in the payer's log before a foreign account can be paid there. Every step may be taken again. */

const BIRTH_MS = 5_000
/** A society has few handovers; more than these in one go is a loop. */
const HANDOVERS_MAX = 64
/** What is only not final yet, here or there, is in a moment. */
const SOON: ReadonlySet<Code> = new Set(['NOT_FINAL', 'STARTING'])
/** The payee's node is asked, too: it may be away for a moment, and what it said may have become old on its way. */
const ASKED: ReadonlySet<Code> = new Set([...SOON, 'INTRODUCTION_STALE', 'PEER_UNREACHABLE', 'PEER_SILENT'])

export async function prepare(way: Way, payee: LctId): Promise<void> {
  const theirs = homeOf(payee)
  if (theirs === way.home) return
  await follow(way, theirs)
  for (let turn = 0; turn < HANDOVERS_MAX; turn++) if (!(await recognizeNext(way, theirs))) break
  await introduce(way, payee, theirs)
}

/** Without the payee's log nothing about it can be checked. */
async function follow(way: Way, society: SocietyId): Promise<void> {
  const { call, client, said } = way
  const known = (await client.societies()).find(view => view.society === society)
  if (known?.policy.block === true)
    throw new CodedError('PEER_BLOCKED', `this node blocks ${society}: \`web4 block ${society} --off\``)
  if (known?.policy.follow !== true) {
    await client.policy({ body: { society, policy: { follow: true } } })
    said({ step: 'follow', society }, `follows ${society}`)
  }
  const arrived = poll(way, async () => (await client.society({ id: society })).size > 0 || undefined)
  if ((await call.progress(`waiting for the log of ${society}`, arrived)) === undefined)
    throw new CodedError('PEER_UNREACHABLE', `no peer here serves the log of ${society}`)
}

/** The charter, or the next handover that came since; false when there is none. */
async function recognizeNext(way: Way, society: SocietyId): Promise<boolean> {
  const { client } = way
  const asked = retried(way, `recognising ${society}`, SOON, () => client.recognize({ body: { society } }))
  const record = await unlessKnown(asked)
  if (record === undefined) return false
  const { seq } = await final(way, record)
  way.said({ step: 'recognize', society, record: record.id, seq }, `recognised ${society}: entry ${seq}, final`)
  return true
}

async function introduce(way: Way, payee: LctId, theirs: SocietyId): Promise<void> {
  const { call, client, home } = way
  const here = await stateOf(client, payee, home)
  const there = await call.progress('waiting for the birth of the payee', born(way, payee, theirs))
  if (there.status === 'suspended')
    throw new CodedError(
      'ACCOUNT_INACTIVE',
      `${payee} is suspended by its society; it may be paid when it is active again`,
    )
  if (here !== undefined && here.key === there.key && here.status === there.status) return
  const asked = retried(way, `introducing ${payee}`, ASKED, () => client.introduce({ body: { lct: payee } }))
  // An answer that was lost, another payment at the same time, or a copy of their log that lags behind.
  const record = await unlessKnown(asked)
  if (record === undefined) return
  const { seq } = await final(way, record)
  const word = here === undefined ? 'introduced' : 'brought up to date'
  way.said({ step: 'introduce', lct: payee, record: record.id, seq }, `${word} ${payee}: entry ${seq}, final`)
}

/** The payer's log has all that could be told it, and will not take the same once more. */
async function unlessKnown<T>(asked: Promise<T>): Promise<T | undefined> {
  return asked.catch((error: unknown) => {
    if (error instanceof CodedError && error.code === 'PEER_OLDER') return undefined
    throw error
  })
}

/** Its society may have just born it. */
async function born(way: Way, id: LctId, society: SocietyId) {
  const { client } = way
  const found = await poll(way, () => stateOf(client, id, society), BIRTH_MS)
  if (found !== undefined) return found
  const { size } = await client.society({ id: society })
  throw new CodedError('LCT_UNKNOWN', `${id} is in none of the ${size} entries of its society that are here`)
}
