import { CodedError } from '../../src/rejection.ts'
import type { KeyText, SocietyId } from '../../src/units.ts'
import type { Client } from '../api/client.ts'
import { type Invitation, isInvitation, parseInvitation } from '../invitation.ts'

/** Those whom an invitation names: read, found, and made to prove that they are who they say. */

const POLL_MS = 100
/** A node says for whom it speaks right after the connection. */
const PROOF_MS = 10_000

export function invitationOf(text: string): Invitation {
  const parsed = parseInvitation(text)
  if (!parsed.ok) throw new CodedError(parsed.error.code, parsed.error.detail)
  return parsed.value
}

/** For a repeated option; a mistake in one is told before anything happens. */
export function invitationList(text: string, before: readonly Invitation[] = []): readonly Invitation[] {
  return [...before, invitationOf(text)]
}

/** Where peers are: addresses as they are, those of invitations taken out. */
export function addressesOf(texts: readonly string[]): string[] {
  return texts.flatMap(text => {
    if (!isInvitation(text)) return text.split(',')
    const { addresses, name } = invitationOf(text)
    if (addresses.length === 0) throw new CodedError('BAD_REQUEST', `the invitation of ${name} has no address`)
    return addresses
  })
}

export interface Met {
  readonly invitation: Invitation
  readonly peer: string
  /** "" before it has a charter. */
  readonly society: SocietyId | ''
}

/** Connects to one of its addresses. Who answers there must prove the key of the invitation. */
export async function meet(client: Client, invitation: Invitation): Promise<Met> {
  const known = await peerWith(client, ({ witness_key }) => witness_key === invitation.key)
  if (known !== undefined) return { invitation, peer: known.peer, society: known.society }
  let other: CodedError | undefined
  for (const address of invitation.addresses) {
    const connected = await client.connect({ body: { address } }).catch((error: unknown) => {
      if (error instanceof CodedError && error.code !== 'UNAUTHORIZED' && error.code !== 'NODE_UNREACHABLE')
        return undefined
      throw error
    })
    if (connected === undefined) continue
    const peer = await untilPeer(client, connected.peer)
    if (peer?.witness_key === invitation.key) return { invitation, peer: peer.peer, society: peer.society }
    other = new CodedError('NODE_STATEMENT', strange(invitation, address, peer?.witness_key))
  }
  if (other !== undefined) throw other
  const where = invitation.addresses.length === 0 ? 'its invitation has no address' : invitation.addresses.join(', ')
  throw new CodedError('PEER_UNREACHABLE', `${invitation.name} does not answer: ${where}`)
}

function strange({ key, name }: Invitation, address: string, proved: KeyText | undefined): string {
  return proved === undefined
    ? `who answers at ${address} did not prove to be ${name}`
    : `who answers at ${address} is ${proved}, not ${name} (${key})`
}

type Peer = Awaited<ReturnType<Client['status']>>['peers'][number]

async function peerWith(client: Client, fits: (peer: Peer) => boolean): Promise<Peer | undefined> {
  return (await client.status()).peers.find(fits)
}

async function untilPeer(client: Client, id: string): Promise<Peer | undefined> {
  for (let waited = 0; waited < PROOF_MS; waited += POLL_MS) {
    const peer = await peerWith(client, ({ peer }) => peer === id)
    if (peer !== undefined) return peer
    await new Promise(resolve => setTimeout(resolve, POLL_MS))
  }
  return undefined
}
