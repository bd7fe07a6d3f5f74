import { utf8Encode } from '../../canonical.ts'
import { fromBase64 } from '../../encoding.ts'
import { rejection } from '../../rejection.ts'
import { fail, ok, type Result } from '../../result.ts'
import { HASH_BYTES } from '../merkle.ts'
import type { Checkpoint, Note, NoteSignature, VerifySync } from '../note.ts'
import { isOf, signedAt, type VerifierKey } from './verifier-key.ts'

/**
 * Other people's checkpoints: any origin, extension lines, signature lines of any name and type. Our own logs' notes have
 * one spelling and go through `parseNote`, which is much stricter.
 */

/** Sixteen signatures of the largest type in use, 5 kB each, are 107 KiB in base64 (signed-note: at least 16 must do). */
export const CHECKPOINT_BYTES_MAX = 128 * 1024

/** As many as others take. */
const LINES_MAX = 100

const SIZE = /^(?:0|[1-9][0-9]{0,15})$/
const LINE = /^— ([^\s+\p{Cc}]+) ([A-Za-z0-9+/]+)(={0,2})$/u
// biome-ignore lint/suspicious/noControlCharactersInRegex: signed-note forbids exactly these.
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const KEY_ID_BYTES = 4

/** Text and signature lines of any signed note. NOTE_FORMAT for every defect; `detail` says which. */
export function parseSignedNote(
  text: string,
  bytesMax: number = CHECKPOINT_BYTES_MAX,
): Result<Pick<Note, 'text' | 'signatures'>> {
  if (text.length > bytesMax || utf8Encode(text).length > bytesMax) return bad(`more than ${bytesMax} bytes`)
  if (!text.isWellFormed() || CONTROL.test(text)) return bad('a control character')
  const end = text.lastIndexOf('\n\n')
  if (end === -1) return bad('no empty line')
  const noteText = text.slice(0, end + 1)
  const lines = text.slice(end + 2).split('\n')
  if (lines.pop() !== '' || lines.length === 0 || lines.length > LINES_MAX) return bad('no whole signature line')
  const signatures = lines.map(parseLine)
  if (!signatures.every(line => line !== undefined)) return bad('signature line')
  return ok({ text: noteText, signatures })
}

/** A signed note that is a checkpoint. Sizes above 2^53−1 are none that we can count. */
export function parseSignedCheckpoint(text: string): Result<Note> {
  const note = parseSignedNote(text)
  if (!note.ok) return note
  const checkpoint = parseText(note.value.text)
  return checkpoint.ok ? ok({ ...note.value, checkpoint: checkpoint.value }) : checkpoint
}

function parseText(text: string): Result<Checkpoint> {
  const lines = text.split('\n').slice(0, -1)
  const [origin = '', sizeText = '', rootText = ''] = lines
  if (lines.length < 3 || lines.includes('')) return bad('not three lines or more, none of them empty')
  const size = SIZE.test(sizeText) ? Number(sizeText) : Number.NaN
  if (!Number.isSafeInteger(size)) return bad('size')
  const root = fromBase64(rootText)
  return root?.length === HASH_BYTES ? ok({ origin, size, root }) : bad('root')
}

/**
 * The bits of the last character that make no byte may be anything: nothing of a signature line is signed or kept, and
 * other implementations let them pass too.
 */
function parseLine(line: string): NoteSignature | undefined {
  const [, name = '', digits = '', padding = ''] = LINE.exec(line) ?? []
  const unused = padding.length * 2
  const last = ALPHABET.indexOf(digits.slice(-1)) >> unused
  const bytes = fromBase64(`${digits.slice(0, -1)}${ALPHABET[last << unused] ?? ''}${padding}`)
  if (bytes === undefined || bytes.length <= KEY_ID_BYTES) return undefined
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) }
}

/**
 * Whether one of these keys signed, and no line of one of them fails (signed-note: such a note is refused as a whole).
 * Lines of other keys are ignored.
 */
export function isSignedBy(
  note: Pick<Note, 'text' | 'signatures'>,
  keys: readonly VerifierKey[],
  verify: VerifySync,
): boolean {
  let signed = false
  for (const line of note.signatures) {
    const key = keys.find(candidate => isOf(line, candidate))
    if (key === undefined) continue
    if (signedAt(line, key, note.text, verify) === undefined) return false
    signed = true
  }
  return signed
}

function bad(detail: string): { readonly ok: false; readonly error: ReturnType<typeof rejection> } {
  return fail(rejection('NOTE_FORMAT', detail))
}
