import { canonicalBytes, type Json, type JsonObject, utf8Decode, utf8Encode } from '../../src/canonical.ts'
import { type Purpose, signedMessageOf } from '../../src/crypto.ts'
import { toBase64url } from '../../src/encoding.ts'
import { sortSigs } from '../../src/ingest/open.ts'
import { ENTRY_BYTES_MAX } from '../../src/limits.ts'
import type { Signer } from '../../src/ports.ts'
import type { Sig } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { hashText, identity } from './identity.ts'

/** Bad copies of good records, and the one code with which each must be refused. */
export interface BadRecord {
  readonly name: string
  readonly code: Code
  readonly make: () => Promise<Uint8Array>
}

const HOUR_MS = 3_600_000
/** Ten times what a member has at most. */
const TOO_MUCH_MICRO = 10_000_000_000

async function sign(record: JsonObject, signer: Signer, purpose: Purpose = 'record'): Promise<Sig> {
  return { by: signer.key, sig: toBase64url(await signer.sign(signedMessageOf(purpose, record))) }
}

function submission(record: JsonObject, sigs: readonly Sig[]): Uint8Array {
  return canonicalBytes({ record, sigs: sortSigs(sigs) } as unknown as Json)
}

export interface Payment {
  readonly payer: { readonly lct: string; readonly signer: Signer }
  readonly payee: string
  readonly society: string
  /** Another society, whose log this node follows. */
  readonly neighbour: string
  /** n of a record of lane 0 that is in the log already. */
  readonly used: number
}

/** A payment as it should be, in a lane of its own, made now. */
export function payment({ payer, payee, society }: Payment, changes: object = {}, body: object = {}): JsonObject {
  return {
    author: payer.lct,
    body: { amount: 1_000, from: payer.lct, to: payee, ...body },
    kind: 'atp.transfer',
    lane: 7,
    n: 1,
    society,
    time: Date.now(),
    v: 1,
    ...changes,
  }
}

export function badPayments(given: Payment): BadRecord[] {
  const { payer, neighbour, used } = given
  const signed = async (changes: object = {}, body: object = {}) => {
    const record = payment(given, changes, body)
    return submission(record, [await sign(record, payer.signer)])
  }
  /** The text of a good one, changed. */
  const bent = async (change: (text: string) => string) => utf8Encode(change(utf8Decode(await signed()) ?? ''))
  const resigned = async (by: Signer, change: (sig: Sig) => Sig = same => same, purpose: Purpose = 'record') => {
    const record = payment(given)
    return submission(record, [change(await sign(record, by, purpose))])
  }
  const stranger = identity('a stranger')
  const row = (name: string, code: Code, make: () => Promise<Uint8Array>): BadRecord => ({ name, code, make })
  return [
    row('truncated', 'FORMAT_JSON', async () => (await signed()).slice(0, -20)),
    row('not text', 'FORMAT_UTF8', async () => Uint8Array.of(0xff, 0xfe)),
    row('larger than any entry', 'FORMAT_TOO_LARGE', async () => new Uint8Array(ENTRY_BYTES_MAX + 1).fill(0x20)),
    row('larger than its kind', 'FORMAT_TOO_LARGE', () => signed({}, { memo: 'x'.repeat(4_096) })),
    row('white space', 'FORMAT_NOT_CANONICAL', () => bent(text => text.replace('{"record":', '{ "record":'))),
    row('members not sorted', 'FORMAT_NOT_CANONICAL', () =>
      bent(text => text.replace(/("author":"[^"]+"),(.*),("kind":"[^"]+")/, '$3,$2,$1')),
    ),
    row('unknown field', 'FORMAT_UNKNOWN_FIELD', () => signed({}, { tip: 1 })),
    row('unknown field beside the record', 'FORMAT_UNKNOWN_FIELD', () =>
      bent(text => text.replace(/}$/, ',"then":1}')),
    ),
    row('duplicate key', 'FORMAT_DUPLICATE_KEY', () => bent(text => text.replace('"amount":', '"amount":1,"amount":'))),
    row('float', 'FORMAT_FLOAT', () => bent(text => text.replace('"amount":1000', '"amount":1000.5'))),
    row('integer written as a float', 'FORMAT_FLOAT', () =>
      bent(text => text.replace('"amount":1000', '"amount":1e3')),
    ),
    row('unknown kind', 'UNKNOWN_KIND', () => signed({ kind: 'atp.swap' })),
    row('signature of 65 bytes', 'SIGNATURE_LENGTH', () =>
      resigned(payer.signer, sig => ({ ...sig, sig: longer(sig.sig) })),
    ),
    row('forged', 'SIGNATURE_INVALID', () => resigned(stranger, sig => ({ ...sig, by: payer.signer.key }))),
    row("signed with a stranger's key", 'SIGNER_WRONG', () => resigned(stranger)),
    row('signed for another purpose', 'SIGNATURE_PURPOSE', () => resigned(payer.signer, same => same, 'receipt')),
    row('tampered', 'SIGNATURE_INVALID', () => bent(text => text.replace('"amount":1000', '"amount":1001'))),
    row('of a society that nobody knows', 'NOT_SEQUENCER', () => signed({ society: `nowhere-${'a'.repeat(26)}` })),
    row('for the log of another society', 'AUTHOR_UNKNOWN', () => signed({ society: neighbour })),
    row('expired', 'STALE', () => signed({ time: Date.now() - HOUR_MS })),
    row('from the future', 'STALE', () => signed({ time: Date.now() + HOUR_MS })),
    row('replayed', 'REPLAYED', () => signed({ lane: 0, n: used })),
    row('of −1', 'AMOUNT_NOT_POSITIVE', () => signed({}, { amount: -1 })),
    row('of 0', 'AMOUNT_NOT_POSITIVE', () => signed({}, { amount: 0 })),
    row('of 2^53', 'FORMAT_INTEGER_RANGE', () => bent(text => text.replace('"amount":1000', `"amount":${2 ** 53}`))),
    row('of more than the balance', 'BALANCE_INSUFFICIENT', () => signed({}, { amount: TOO_MUCH_MICRO })),
    row('to itself', 'TRANSFER_SELF', () => signed({}, { to: payer.lct })),
    row("of somebody else's money", 'AUTHOR_FORBIDDEN', () => signed({}, { from: given.payee, to: payer.lct })),
  ]
}

/** Base64url of one byte more. */
function longer(text: string): string {
  return Buffer.concat([Buffer.from(text, 'base64url'), Buffer.of(0)]).toString('base64url')
}

export interface BirthSetting {
  readonly society: string
  readonly law: number
  readonly societySigner: Signer
  /** The own witness and those of two other societies. */
  readonly witnesses: readonly [Signer, Signer, Signer]
}

export function birth({ society, law }: BirthSetting, name: string, key: string): JsonObject {
  const body = {
    entity_ref: hashText(name),
    entity_type: 'human',
    key,
    law,
    lineage: [],
    responsibilities: ['abide_law'],
    rights: ['exist'],
  }
  return { author: society, body, kind: 'birth', lane: 9, n: 1, society, time: Date.now(), v: 1 }
}

export async function signedBirth(
  given: BirthSetting,
  name: string,
  signers: readonly Signer[],
  key?: string,
): Promise<Uint8Array> {
  const record = birth(given, name, key ?? identity(name).key)
  return submission(record, await Promise.all(signers.map(signer => sign(record, signer))))
}

export function badBirths(given: BirthSetting): BadRecord[] {
  const { societySigner: society, witnesses } = given
  const [own, second, third] = witnesses
  const child = identity('child')
  const born = (signers: readonly Signer[], key?: string) => () => signedBirth(given, 'child', signers, key)
  return [
    { name: 'with two witnesses', code: 'BIRTH_WITNESS_COUNT', make: born([society, child, second, third]) },
    {
      name: 'with one witness thrice',
      code: 'BIRTH_WITNESS_TWICE',
      make: born([society, child, second, second, second]),
    },
    {
      name: 'with the subject as witness',
      code: 'BIRTH_WITNESS_SUBJECT',
      make: born([society, own, second, third], second.key),
    },
    {
      name: 'without proof of possession',
      code: 'PROOF_OF_POSSESSION_MISSING',
      make: born([society, own, second, third]),
    },
    {
      name: 'with a witness that nobody named',
      code: 'BIRTH_WITNESS_UNQUALIFIED',
      make: born([society, child, own, second, identity('a passer-by')]),
    },
    { name: 'without its society', code: 'SIGNER_WRONG', make: born([child, own, second, third]) },
  ]
}
