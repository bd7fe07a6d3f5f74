import { societyPattern } from '../../src/records/fields.ts'
import { CodedError } from '../../src/rejection.ts'
import type { SocietyId } from '../../src/units.ts'
import type { Client } from '../api/client.ts'
import { isInvitation } from '../invitation.ts'
import { invitationOf, meet } from './invited.ts'

const ID = new RegExp(`^${societyPattern}$`)

export function isSocietyId(text: string): boolean {
  return ID.test(text)
}

export const SOCIETY_HELP = 'id of a society, its name if this node knows only one of that name, or an invitation'

/** The id that a person meant. An invitation is followed to its node, which says for which society it speaks. */
export async function namedSociety(client: Client, text: string): Promise<SocietyId> {
  if (isSocietyId(text)) return text
  if (!isInvitation(text)) return bySlug(client, text)
  const { invitation, society } = await meet(client, invitationOf(text))
  if (society === '') throw new CodedError('NOT_FOUND', `${invitation.name} has no society yet`)
  return society
}

async function bySlug(client: Client, slug: string): Promise<SocietyId> {
  const { logs, peers, society } = await client.status()
  const known = [
    society,
    ...logs.filter(log => log.size > 0).map(log => log.society),
    ...peers.map(peer => peer.society),
  ]
  // Behind the slug an id has a hyphen and 26 characters.
  const found = [...new Set(known)].filter(id => id.slice(0, -27) === slug)
  const [only] = found
  if (only === undefined)
    throw new CodedError('NOT_FOUND', `no society ${slug} is known here: give its id or invitation`)
  if (found.length > 1) throw new CodedError('BAD_REQUEST', `which ${slug}? Give the id: ${found.join(', ')}`)
  return only
}
