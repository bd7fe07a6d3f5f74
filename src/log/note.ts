import { concat } from 'uint8arrays/concat'
import { utf8Encode } from '../canonical.ts'
import { fromBase64, keyBytes, toBase64 } from '../encoding.ts'
import type { Sha256 } from '../ports.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { KeyText, SocietyId } from '../units.ts'
import { HASH_BYTES, sameHash } from './merkle.ts'

/**
 * The head of a log as a C2SP signed note whose text is a C2SP tlog-checkpoint without extension lines:
 *
 *     web4/<society id>
 *     4711
 *     CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
 *
 *     — web4/<society id> Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
 *     — web4/witness/z6Mk… <base64 of key id and cosignature, see cosignature.ts>
 */
export interface Checkpoint {
  readonly origin: string
  /** Number of entries. */
  readonly size: number
  /** 32 bytes. */
  readonly root: Uint8Array
}

export interface NoteSignature {
  readonly name: string
  /** 4 bytes. */
  readonly keyId: Uint8Array
  /** What follows the key id; at least 1 byte. */
  readonly signature: Uint8Array
}

export interface Note {
  /** The signed text: three lines, each with its newline. */
  readonly text: string
  readonly checkpoint: Checkpoint
  readonly signatures: readonly NoteSignature[]
}

/** Checks one Ed25519 signature by the one rule (docs/protocol.md, Signatures), synchronously. */
export type VerifySync = (key: Uint8Array, signature: Uint8Array, message: Uint8Array) => boolean

/** Room for the log's signature and some eighty cosignatures. */
export const NOTE_BYTES_MAX = 16_384
/** C2SP signature types: Ed25519 over the note text, and cosignature/v1. */
export const TYPE_ED25519 = 0x01
export const TYPE_COSIGNATURE = 0x04

const KEY_ID_BYTES = 4
const SIGNATURE_BYTES = 64
/** A key name: no space, plus sign or control character (C2SP signed-note); an origin is the name of its log's key. */
const NAME = /^[^\s+\p{Cc}]+$/u
const SIZE = /^(?:0|[1-9][0-9]{0,15})$/
const SIGNATURE_LINE = /^— ([^ ]+) ([A-Za-z0-9+/]+={0,2})$/

/** `web4/<society id>`, after the n-th resume `web4/<society id>/epoch-<n>`. */
export function originOf(society: SocietyId, epoch = 0): string {
  return epoch === 0 ? `web4/${society}` : `web4/${society}/epoch-${epoch}`
}

/** The epoch that an origin of this society names, or undefined when it is another log's or spelled differently. */
export function epochOf(origin: string, society: SocietyId): number | undefined {
  const prefix = `web4/${society}/epoch-`
  const epoch = origin.startsWith(prefix) ? Number(origin.slice(prefix.length)) : 0
  return Number.isSafeInteger(epoch) && epoch >= 0 && origin === originOf(society, epoch) ? epoch : undefined
}

/** "origin\nsize\nbase64(root)\n". */
export function checkpointText(checkpoint: Checkpoint): string {
  return `${checkpoint.origin}\n${checkpoint.size}\n${toBase64(checkpoint.root)}\n`
}

/** The checkpoint that this text is the one spelling of. NOTE_FORMAT otherwise, also for extension lines. */
export function parseCheckpointText(text: string): Result<Checkpoint> {
  const [origin = '', sizeText = '', rootText = '', rest, ...more] = text.split('\n')
  if (rest !== '' || more.length > 0) return refused('not three lines of text')
  if (!origin.isWellFormed() || !NAME.test(origin)) return refused('origin')
  const size = SIZE.test(sizeText) ? Number(sizeText) : Number.NaN
  if (!Number.isSafeInteger(size)) return refused('size')
  const root = fromBase64(rootText)
  if (root?.length !== HASH_BYTES) return refused('root')
  return ok({ origin, size, root })
}

/**
 * Parses a note that is the one spelling of itself: checkpoint text, empty line, at least one signature line, no two
 * lines equal. Every defect is NOTE_FORMAT; `detail` says which. Lines of unknown names and types stay, unjudged.
 */
export function parseNote(text: string, bytesMax: number = NOTE_BYTES_MAX): Result<Note> {
  if (text.length > bytesMax || utf8Encode(text).length > bytesMax) return refused(`more than ${bytesMax} bytes`)
  const end = text.indexOf('\n\n')
  if (end === -1) return refused('no empty line after the text')
  const noteText = text.slice(0, end + 1)
  const checkpoint = parseCheckpointText(noteText)
  if (!checkpoint.ok) return checkpoint
  const lines = text.slice(end + 2).split('\n')
  if (lines.pop() !== '') return refused('last line is cut off')
  if (lines.length === 0) return refused('no signature line')
  if (new Set(lines).size !== lines.length) return refused('a signature line twice')
  const signatures: NoteSignature[] = []
  for (const line of lines) {
    const signature = parseSignatureLine(line)
    if (signature === undefined) return refused('signature line')
    signatures.push(signature)
  }
  const note = { text: noteText, checkpoint: checkpoint.value, signatures }
  return formatNote(note) === text ? ok(note) : refused('not the one spelling')
}

function parseSignatureLine(line: string): NoteSignature | undefined {
  const [, name = '', base64 = ''] = SIGNATURE_LINE.exec(line) ?? []
  const bytes = fromBase64(base64)
  if (!name.isWellFormed() || !NAME.test(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES) return undefined
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) }
}

/** The note's text, an empty line, and "— name base64(key id ‖ signature)\n" for each signature. */
export function formatNote(note: Pick<Note, 'text' | 'signatures'>): string {
  const lines = note.signatures.map(line => `— ${line.name} ${toBase64(concat([line.keyId, line.signature]))}\n`)
  return `${note.text}\n${lines.join('')}`
}

/** SHA-256(name ‖ 0x0A ‖ type ‖ key)[:4] (C2SP signed-note). */
export function keyId(
  name: string,
  type: typeof TYPE_ED25519 | typeof TYPE_COSIGNATURE,
  key32: Uint8Array,
  sha256: Sha256,
): Uint8Array {
  return sha256(concat([utf8Encode(name), Uint8Array.of(0x0a, type), key32])).slice(0, KEY_ID_BYTES)
}

/** What the log key signs: the note text as it is, without a domain line (C2SP's own format). */
export function logSignatureMessage(text: string): Uint8Array {
  return utf8Encode(text)
}

/** The note of a checkpoint with the log's signature (64 bytes over `logSignatureMessage`) as its only line. */
export function makeLogNote(checkpoint: Checkpoint, key: Uint8Array, signature: Uint8Array, sha256: Sha256): Note {
  const line = { name: checkpoint.origin, keyId: keyId(checkpoint.origin, TYPE_ED25519, key, sha256), signature }
  return { text: checkpointText(checkpoint), checkpoint, signatures: [line] }
}

/** The 64 bytes that `key32` left on this note as the log `origin`; undefined when there is no such line, or more than one. */
export function findLogSignature(
  note: Note,
  origin: string,
  key32: Uint8Array,
  sha256: Sha256,
): Uint8Array | undefined {
  const id = keyId(origin, TYPE_ED25519, key32, sha256)
  const found = note.signatures.filter(line => line.name === origin && sameHash(line.keyId, id))
  const [line] = found
  return found.length === 1 && line?.signature.length === SIGNATURE_BYTES ? line.signature : undefined
}

/** Nothing when this is a note of `origin` that `key` signed; else NOTE_ORIGIN, then NOTE_SIGNATURE. */
export function verifyLogNote(
  note: Note,
  origin: string,
  key: KeyText,
  verify: VerifySync,
  sha256: Sha256,
): Rejection | undefined {
  if (note.checkpoint.origin !== origin) return rejection('NOTE_ORIGIN')
  const key32 = keyBytes(key)
  const signature = key32 === undefined ? undefined : findLogSignature(note, origin, key32, sha256)
  if (key32 === undefined || signature === undefined) return rejection('NOTE_SIGNATURE', 'no such signature')
  return verify(key32, signature, logSignatureMessage(note.text)) ? undefined : rejection('NOTE_SIGNATURE')
}

/** As `verifyLogNote`, for a note of whatever epoch of the society's log. */
export function verifySocietyNote(
  note: Note,
  society: SocietyId,
  key: KeyText,
  verify: VerifySync,
  sha256: Sha256,
): Rejection | undefined {
  const { origin } = note.checkpoint
  if (epochOf(origin, society) === undefined) return rejection('NOTE_ORIGIN')
  return verifyLogNote(note, origin, key, verify, sha256)
}

function refused(detail: string): { readonly ok: false; readonly error: Rejection } {
  return fail(rejection('NOTE_FORMAT', detail))
}
