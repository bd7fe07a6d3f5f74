// Not libsodium's: every command loads this file, also `web4 verify --portable`, which needs no native code.

import { multiaddr } from '@multiformats/multiaddr'
import { sha256 } from '@noble/hashes/sha2.js'
import { utf8Encode } from '../src/canonical.ts'
import { base32Of130Bits, keyBytes } from '../src/encoding.ts'
import { slugPattern } from '../src/records/fields.ts'
import { rejection } from '../src/rejection.ts'
import { fail, ok, type Result } from '../src/result.ts'
import type { KeyText } from '../src/units.ts'

/**
 * One line by which strangers find each other: `web4:1:<name>:<witness key>:<addresses, by commas>:<checksum>`. It holds only
 * characters that a shell and a mail leave alone. The checksum finds typing errors; it proves nothing: who speaks for the key
 * is proved on the connection.
 */
export interface Invitation {
  /** The slug that the society has or will have; a name for people, never looked up. */
  readonly name: string
  /** Witness key: what charters name, and what the node at these addresses has to prove. */
  readonly key: KeyText
  /** Multiaddresses, most of them with the node's transport name. */
  readonly addresses: readonly string[]
}

const SCHEME = 'web4'
const VERSION = 1
/** 40 bits: one typing error in 10^12 goes unseen. */
const CHECKSUM_LENGTH = 8
/** As many as a law has endpoints, and as long as those. */
const ADDRESSES_MAX = 16
const ADDRESS_LENGTH_MAX = 256
const ADDRESS = /^[A-Za-z0-9/.:_-]+$/
const SLUG = new RegExp(`^${slugPattern}$`)
const HEAD = /^web4:(\d{1,9}):/
const LINE = /^web4:\d+:([^:]*):([^:]*):(.*):([a-z2-7]{8})$/

/** Throws a RangeError for what no invitation can say: the caller makes it of what it knows to be good. */
export function formatInvitation({ addresses, key, name }: Invitation): string {
  const problem = refuse({ addresses, key, name })
  if (problem !== undefined) throw new RangeError(problem)
  const text = `${SCHEME}:${VERSION}:${name}:${key}:${addresses.join(',')}`
  return `${text}:${checksum(text)}`
}

/** Spaces and line breaks are left out first: a mail program may have broken the line. */
export function parseInvitation(text: string): Result<Invitation> {
  const line = text.replace(/\s+/g, '')
  const version = HEAD.exec(line)?.[1]
  if (version === undefined) return fail(rejection('INVITATION_FORMAT', `an invitation begins with ${SCHEME}:`))
  if (version !== String(VERSION))
    return fail(rejection('INVITATION_VERSION', `version ${version}; this software reads version ${VERSION}`))
  const [, name = '', key = '', list = '', sum = ''] = LINE.exec(line) ?? []
  if (sum === '') return fail(rejection('INVITATION_FORMAT', 'it is cut off, or no invitation'))
  // Before its parts: whatever is wrong with one that was mistyped, the typing error is what to say.
  if (sum !== checksum(line.slice(0, -CHECKSUM_LENGTH - 1)))
    return fail(rejection('INVITATION_CHECKSUM', 'the last eight characters do not fit the rest'))
  const invitation = { name, key, addresses: list === '' ? [] : list.split(',') }
  const problem = refuse(invitation)
  return problem === undefined ? ok(invitation) : fail(rejection('INVITATION_FORMAT', problem))
}

/** Whether a person who gave this meant an invitation. */
export function isInvitation(text: string): boolean {
  return text.trimStart().startsWith(`${SCHEME}:`)
}

function refuse({ addresses, key, name }: Invitation): string | undefined {
  if (!SLUG.test(name)) return 'the name is malformed'
  if (keyBytes(key) === undefined) return 'the key is malformed'
  if (addresses.length > ADDRESSES_MAX) return `more than ${ADDRESSES_MAX} addresses`
  const bad = addresses.find(address => !isAddress(address))
  return bad === undefined ? undefined : `no address: ${bad}`
}

function isAddress(text: string): boolean {
  if (text.length > ADDRESS_LENGTH_MAX || !ADDRESS.test(text)) return false
  try {
    return multiaddr(text).getComponents().length > 0
  } catch {
    return false
  }
}

function checksum(text: string): string {
  return base32Of130Bits(sha256(utf8Encode(text))).slice(0, CHECKSUM_LENGTH)
}
