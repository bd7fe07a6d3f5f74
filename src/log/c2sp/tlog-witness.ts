import { fromBase64, toBase64 } from '../../encoding.ts'
import { type Rejection, rejection } from '../../rejection.ts'
import { fail, ok, type Result } from '../../result.ts'
import { HASH_BYTES } from '../merkle.ts'
import { formatNote, type Note, type NoteSignature, type VerifySync } from '../note.ts'
import type { Proof } from '../proof.ts'
import { CHECKPOINT_BYTES_MAX, parseSignedCheckpoint } from './signed-checkpoint.ts'
import { isOf, signedAt, type VerifierKey } from './verifier-key.ts'

/**
 * C2SP tlog-witness, `POST <prefix>/add-checkpoint`. A request is
 *
 *     old <size of the newest checkpoint that the witness cosigned>
 *     <base64 hash>              consistency proof from there, one hash a line
 *
 *     <checkpoint with the log's signature>
 *
 * and a good answer is the witness's cosignature lines.
 */
export interface AddCheckpoint {
  readonly oldSize: number
  readonly proof: Proof
  readonly note: Note
}

/** The specification's own bound. */
const PROOF_MAX = 63
const OLD = /^old (0|[1-9][0-9]{0,15})$/
const SIZE_BODY = /^(0|[1-9][0-9]{0,15})\n$/
/** Old size, 63 hashes and the longest checkpoint. */
export const ADD_CHECKPOINT_BYTES_MAX = 4 * 1024 + CHECKPOINT_BYTES_MAX
/** What a 409 answers with. */
export const TLOG_SIZE_TYPE = 'text/x.tlog.size'

export function formatAddCheckpoint({ note, oldSize, proof }: AddCheckpoint): string {
  return `${[`old ${oldSize}`, ...proof.map(toBase64)].join('\n')}\n\n${formatNote(note)}`
}

/** Codes: TLOG_FORMAT, NOTE_FORMAT. */
export function parseAddCheckpoint(text: string): Result<AddCheckpoint> {
  if (text.length > ADD_CHECKPOINT_BYTES_MAX) return bad('too long')
  const end = text.indexOf('\n\n')
  if (end === -1) return bad('no empty line')
  const [old = '', ...lines] = text.slice(0, end).split('\n')
  const [, oldText] = OLD.exec(old) ?? []
  const oldSize = Number(oldText)
  if (!Number.isSafeInteger(oldSize)) return bad('old size')
  if (lines.length > PROOF_MAX) return bad(`more than ${PROOF_MAX} hashes`)
  const proof = lines.map(line => fromBase64(line))
  if (!proof.every(hash => hash?.length === HASH_BYTES)) return bad('consistency proof')
  const note = parseSignedCheckpoint(text.slice(end + 2))
  return note.ok ? ok({ oldSize, proof: proof as Uint8Array[], note: note.value }) : note
}

/** The size in the body of a 409, undefined when it holds none. */
export function parseSizeBody(body: string): number | undefined {
  const size = Number(SIZE_BODY.exec(body)?.[1])
  return Number.isSafeInteger(size) ? size : undefined
}

/**
 * This witness's cosignature of this very note text in the body of a 200, with its time in seconds. Lines of other keys are
 * ignored, one of this key that fails spoils the answer. Undefined when there is none.
 */
export function readCosignature(
  body: string,
  note: Note,
  witness: VerifierKey,
  verify: VerifySync,
): { readonly line: NoteSignature; readonly time: number } | undefined {
  const parsed = parseSignedCheckpoint(`${note.text}\n${body}`)
  if (!parsed.ok || parsed.value.text !== note.text) return undefined
  const lines = parsed.value.signatures.filter(line => isOf(line, witness))
  const times = lines.map(line => signedAt(line, witness, note.text, verify))
  const [line] = lines
  const [time] = times
  return line === undefined || time === undefined || times.includes(undefined) ? undefined : { line, time }
}

function bad(detail: string): { readonly ok: false; readonly error: Rejection } {
  return fail(rejection('TLOG_FORMAT', detail))
}
