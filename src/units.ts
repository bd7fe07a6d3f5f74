/** Milliseconds since the Unix epoch, an integer. */
export type EpochMs = number
/** Position of an entry in its log, from 0. */
export type Seq = number
/** Millionths of one ATP; a positive integer below 2^53 wherever it is signed. */
export type MicroAtp = number
/** A public key as did:key multibase text, `z6Mk…`. */
export type KeyText = string
/** SHA-256 as unpadded base64url text, 43 characters. */
export type HashText = string
/** `<slug>-<26 base32 characters>` */
export type SocietyId = string
/** `lct:web4:<entity type>:<society id>:<26 base32 characters>` */
export type LctId = string
/** SHA-256 of the canonical bytes of a record without its signatures. */
export type RecordId = HashText

export const SECOND_MS = 1_000
export const HOUR_MS = 3_600_000
export const DAY_MS = 86_400_000
/** The accounting month of decay and ceilings: 30 days, never a calendar month. */
export const MONTH_MS = 30 * DAY_MS

/** Micro-ATP in one ATP. */
export const MICRO = 1_000_000

/** `12.5` ATP from 12500000 micro-ATP, exact. */
export function formatAtp(micro: number | bigint): string {
  const value = BigInt(micro)
  const sign = value < 0n ? '-' : ''
  const abs = value < 0n ? -value : value
  const fraction = (abs % 1_000_000n).toString().padStart(6, '0').replace(/0+$/, '')
  return `${sign}${abs / 1_000_000n}${fraction === '' ? '' : `.${fraction}`}`
}

/** Micro-ATP from a decimal text with at most six places, or undefined when it is no such text or exceeds 2^53−1. */
export function parseAtp(text: string): MicroAtp | undefined {
  const match = /^(\d{1,10})(?:\.(\d{1,6}))?$/.exec(text)
  if (match?.[1] === undefined) return undefined
  const micro = BigInt(match[1]) * 1_000_000n + BigInt((match[2] ?? '').padEnd(6, '0'))
  return micro > BigInt(Number.MAX_SAFE_INTEGER) ? undefined : Number(micro)
}
