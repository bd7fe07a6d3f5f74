import { canonicalBytes, decodeCanonical, type Json, type JsonObject, utf8Encode } from '../canonical.ts'
import { toBase64url } from '../encoding.ts'
import { type Bundle, exactNote } from '../log/bundle.ts'
import { findCosignatures } from '../log/cosignature.ts'
import type { WitnessSet } from '../log/finality.ts'
import { formatNote, type Note } from '../log/note.ts'
import type { Sha256 } from '../ports.ts'
import { rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { KeyText, Seq } from '../units.ts'
import type { SocietyLog } from './society-log.ts'

/** Proofs that a node makes from what it holds: for people offline, and for records that carry foreign entries. */

/** The newest final note with exactly q cosignatures, if it covers `seq`. `among`: only of these witnesses. */
function finalNoteFor(
  log: SocietyLog,
  seq: Seq,
  sha256: Sha256,
  among: (note: Note, set: WitnessSet) => readonly KeyText[],
): Result<Note> {
  const held = log.notes.finalNote
  const { current } = log.replica.finalitySets()
  const note = held === undefined ? undefined : exactNote(held, { ...current, witnesses: among(held, current) }, sha256)
  if (note === undefined || note.checkpoint.size <= seq || log.notes.final <= seq) return fail(rejection('NOT_FINAL'))
  return ok(note)
}

async function entryAt(log: SocietyLog, seq: Seq): Promise<Uint8Array | undefined> {
  return (await log.replica.entries(seq, 1))[0]
}

async function provenEntry(
  log: SocietyLog,
  seq: Seq,
  size: Seq,
): Promise<Result<{ readonly bytes: Uint8Array; readonly entry: JsonObject; readonly proof: string[] }>> {
  const bytes = await entryAt(log, seq)
  const proof = await log.replica.inclusion(seq, size)
  const decoded = bytes === undefined ? undefined : decodeCanonical(bytes)
  if (bytes === undefined || proof === undefined || decoded?.ok !== true) return fail(rejection('NOT_FOUND'))
  return ok({ bytes, entry: decoded.value as JsonObject, proof: proof.map(toBase64url) })
}

/**
 * Canonical bytes of an offline-verifiable bundle for one entry. NOT_FINAL until a quorum has signed beyond it. `accepts`:
 * the witnesses that count for its reader; with them NOT_FINAL, too, while fewer than a quorum of these have signed.
 */
export async function makeBundle(
  log: SocietyLog,
  seq: Seq,
  sha256: Sha256,
  accepts?: readonly KeyText[],
): Promise<Result<Uint8Array>> {
  const note = finalNoteFor(log, seq, sha256, (_note, { witnesses }) =>
    witnesses.filter(key => accepts?.includes(key) ?? true),
  )
  if (!note.ok) return note
  const { size } = note.value.checkpoint
  const charter = await provenEntry(log, 0, size)
  if (!charter.ok) return charter
  const handovers: Bundle['handovers'] = []
  for (const { seq: at } of log.replica.finalitySets().handovers) {
    if (at >= size) continue
    const link = await handoverLink(log, at, size)
    if (!link.ok) return link
    handovers.push(link.value)
  }
  const target = seq === 0 ? undefined : await provenEntry(log, seq, size)
  if (target?.ok === false) return target
  const bundle = {
    charter: { entry: charter.value.entry, proof: charter.value.proof },
    ...(target === undefined ? {} : { entry: target.value.entry, proof: target.value.proof }),
    handovers,
    note: formatNote(note.value),
    society: log.society,
    v: 1,
  }
  return ok(canonicalBytes(bundle as unknown as Json))
}

async function handoverLink(log: SocietyLog, seq: Seq, size: Seq): Promise<Result<Bundle['handovers'][number]>> {
  const entry = await provenEntry(log, seq, size)
  if (!entry.ok) return entry
  const note = await log.notes.handoverNote(seq)
  if (note === undefined) return fail(rejection('NOT_FINAL', `handover at ${seq}`))
  const { size: other } = note.checkpoint
  const consistency = await log.replica.consistency(Math.min(other, size), Math.max(other, size))
  if (consistency === undefined) return fail(rejection('NOT_FOUND'))
  return ok({
    consistency: consistency.map(toBase64url),
    entry: entry.value.entry,
    note: formatNote(note),
    proof: entry.value.proof,
  })
}

/** A foreign entry as records carry it: entry, note and inclusion proof. */
export interface ForeignEvidence {
  readonly entry: string
  readonly note: string
  readonly proof: readonly string[]
}

/**
 * An entry under the newest note that exactly q of the set in force cosigned: the q that signed it last, since records take
 * fresh cosignatures only, and a witness that is away leaves an old one on the note.
 */
export async function foreignEvidence(log: SocietyLog, seq: Seq, sha256: Sha256): Promise<Result<ForeignEvidence>> {
  const note = finalNoteFor(log, seq, sha256, (held, { quorum, witnesses }) => {
    const lines = findCosignatures(held, sha256).filter(({ key }) => witnesses.includes(key))
    const newest = lines.sort((a, b) => b.time - a.time)
    return newest.slice(0, quorum).map(({ key }) => key)
  })
  return note.ok ? evidenceUnder(log, seq, note.value) : note
}

/**
 * A charter or law.update for those who recognise the society step by step: under a note of the log key that it left in
 * force, cosigned by exactly q of the set that was in force before it. NOT_FINAL while nothing of the kind is held.
 */
export async function stepEvidence(log: SocietyLog, seq: Seq, sha256: Sha256): Promise<Result<ForeignEvidence>> {
  const { handovers } = log.replica.finalitySets()
  const isHandover = seq === 0 || handovers.some(handover => handover.seq === seq)
  const next = handovers.find(handover => handover.seq > seq)
  if (isHandover || next !== undefined) {
    // A law.update that hands nothing over is shown by the next handover's note: the same set vouches for it.
    const note = await log.notes.handoverNote(isHandover ? seq : (next?.seq ?? seq))
    const fits = isHandover ? log.notes.shows(seq) : log.replica.logKeyAt(seq + 1) === keyOf(log, note)
    return note !== undefined && fits ? evidenceUnder(log, seq, note) : fail(rejection('NOT_FINAL', `entry ${seq}`))
  }
  return foreignEvidence(log, seq, sha256)
}

function keyOf(log: SocietyLog, note: Note | undefined): string | undefined {
  return note === undefined ? undefined : log.replica.logKeyAt(note.checkpoint.size)
}

async function evidenceUnder(log: SocietyLog, seq: Seq, note: Note): Promise<Result<ForeignEvidence>> {
  const proven = await provenEntry(log, seq, note.checkpoint.size)
  if (!proven.ok) return proven
  return ok({
    entry: toBase64url(proven.value.bytes),
    note: toBase64url(utf8Encode(formatNote(note))),
    proof: proven.value.proof,
  })
}
