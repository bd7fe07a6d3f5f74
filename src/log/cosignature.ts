import { concat } from 'uint8arrays/concat'
import { utf8Encode } from '../canonical.ts'
import { KeyCache } from '../encoding.ts'
import type { Sha256 } from '../ports.ts'
import type { KeyText } from '../units.ts'
import { sameHash } from './merkle.ts'
import { keyId, type Note, type NoteSignature, TYPE_COSIGNATURE, type VerifySync } from './note.ts'

/**
 * C2SP tlog-cosignature, cosignature/v1. A witness's key name is `web4/witness/<z6Mk…>`: the name carries the key, so a
 * note can be counted without a list of witnesses. After the key id a line holds 8 bytes of seconds since the Unix epoch,
 * big-endian, and 64 bytes of Ed25519 over
 *
 *     cosignature/v1
 *     time <seconds>
 *     <note text>
 */
export interface Cosignature {
  readonly key: KeyText
  /** Seconds since the Unix epoch. */
  readonly time: number
  /** 64 bytes. */
  readonly signature: Uint8Array
  /** The line as it stands in the note. */
  readonly line: NoteSignature
}

const WITNESS_PREFIX = 'web4/witness/'
const TIME_BYTES = 8
const PAYLOAD_BYTES = TIME_BYTES + 64
/** Decoded witness keys, shared: a pure function of its input, kept only for speed (the same few names come with every note). */
const keys = new KeyCache()

export function witnessName(key: KeyText): string {
  return `${WITNESS_PREFIX}${key}`
}

/** What a witness signs. */
export function cosignatureMessage(text: string, timeSeconds: number): Uint8Array {
  return utf8Encode(`cosignature/v1\ntime ${timeSeconds}\n${text}`)
}

/** The line for a signature over `cosignatureMessage`. RangeError on what no witness can have made. */
export function makeCosignatureLine(
  key: KeyText,
  timeSeconds: number,
  signature: Uint8Array,
  sha256: Sha256,
): NoteSignature {
  const key32 = keys.get(key)
  if (
    key32 === undefined ||
    signature.length !== PAYLOAD_BYTES - TIME_BYTES ||
    !Number.isSafeInteger(timeSeconds) ||
    timeSeconds < 0
  ) {
    throw new RangeError('not a cosignature')
  }
  const name = witnessName(key)
  return cosignatureLine({ name, id: keyId(name, TYPE_COSIGNATURE, key32, sha256) }, timeSeconds, signature)
}

/** The line of any cosigner, whatever its name. */
export function cosignatureLine(
  { id, name }: { readonly id: Uint8Array; readonly name: string },
  timeSeconds: number,
  signature: Uint8Array,
): NoteSignature {
  const time = new Uint8Array(TIME_BYTES)
  new DataView(time.buffer).setBigUint64(0, BigInt(timeSeconds))
  return { name, keyId: id, signature: concat([time, signature]) }
}

/** The lines that say that they are cosignatures of a key, in their order; unverified, and a key may stand there twice. */
export function findCosignatures(note: Note, sha256: Sha256): Cosignature[] {
  return note.signatures.flatMap(line => readLine(line, sha256) ?? [])
}

function readLine(line: NoteSignature, sha256: Sha256): Cosignature | undefined {
  if (!line.name.startsWith(WITNESS_PREFIX) || line.signature.length !== PAYLOAD_BYTES) return undefined
  const key = line.name.slice(WITNESS_PREFIX.length)
  const key32 = keys.get(key)
  if (key32 === undefined || !sameHash(line.keyId, keyId(line.name, TYPE_COSIGNATURE, key32, sha256))) return undefined
  const time = Number(timeOf(line))
  return Number.isSafeInteger(time) ? { key, time, signature: line.signature.slice(TIME_BYTES), line } : undefined
}

/** Seconds of a cosignature's line, of a foreign one whatever stands there. */
function timeOf(line: NoteSignature): bigint {
  const { buffer, byteOffset, length } = line.signature
  return length < TIME_BYTES ? 0n : new DataView(buffer, byteOffset).getBigUint64(0)
}

/**
 * The note with these witnesses' lines: other lines (the log's signature) first and as they were, then witnesses sorted by
 * name, of each the newest line only. The caller has verified all of them: a forged later line would displace a good one.
 */
export function addCosignatures(note: Note, lines: readonly NoteSignature[]): Note {
  const others: NoteSignature[] = []
  const newest = new Map<string, NoteSignature>()
  for (const line of [...note.signatures, ...lines]) {
    const { name } = line
    if (!name.startsWith(WITNESS_PREFIX)) {
      others.push(line)
      continue
    }
    const held = newest.get(name)
    if (held === undefined || timeOf(line) > timeOf(held)) newest.set(name, line)
  }
  const witnesses = [...newest.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  return { ...note, signatures: [...others, ...witnesses] }
}

/** Keys whose cosignature on this note holds, each once with its newest time in seconds, sorted by key. */
export function validCosigners(
  note: Note,
  verify: VerifySync,
  sha256: Sha256,
): { readonly key: KeyText; readonly time: number }[] {
  return cosignersAmong(note, undefined, verify, sha256)
}

/** How many of these witnesses validly cosigned the note. Nothing is verified for keys outside the set. */
export function countQuorum(note: Note, witnesses: readonly KeyText[], verify: VerifySync, sha256: Sha256): number {
  return cosignersAmong(note, new Set(witnesses), verify, sha256).length
}

function cosignersAmong(
  note: Note,
  witnesses: ReadonlySet<KeyText> | undefined,
  verify: VerifySync,
  sha256: Sha256,
): { readonly key: KeyText; readonly time: number }[] {
  const times = new Map<KeyText, number>()
  for (const { key, time, signature } of findCosignatures(note, sha256)) {
    if (witnesses?.has(key) === false || time <= (times.get(key) ?? -1)) continue
    if (verify(keys.get(key) as Uint8Array, signature, cosignatureMessage(note.text, time))) times.set(key, time)
  }
  return [...times].map(([key, time]) => ({ key, time })).sort((a, b) => (a.key < b.key ? -1 : 1))
}
