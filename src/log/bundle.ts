import { type Static, Type } from 'typebox'
import { canonicalBytes, decodeCanonical, type Json, type JsonObject } from '../canonical.ts'
import { fromBase64url, keyBytes, toBase64url } from '../encoding.ts'
import { logOf, openEntry } from '../ingest/open.ts'
import { checker } from '../ingest/schema-check.ts'
import { verifyOne } from '../ingest/verify.ts'
import type { Sha256 } from '../ports.ts'
import { proofField, societyField, strictObject } from '../records/fields.ts'
import type { Law } from '../records/law.ts'
import type { OpenedEntry } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { HashText, KeyText, RecordId, Seq, SocietyId } from '../units.ts'
import { addCosignatures, findCosignatures, validCosigners } from './cosignature.ts'
import type { WitnessSet } from './finality.ts'
import { formatNote, NOTE_BYTES_MAX, type Note, parseNote, type VerifySync, verifySocietyNote } from './note.ts'
import { verifyConsistency, verifyInclusion } from './proof.ts'

/**
 * An entry with everything that shows that it is final, for people who have nothing but this file and the charter's id.
 * Canonical JSON; entries stand in it as they are in the log, so their canonical bytes are their leaves. Nothing in it is
 * superfluous: each note has exactly the log's line and a quorum of cosignatures, and everything is checked.
 */
const entryField = Type.Record(Type.String(), Type.Unknown())
const noteField = Type.String({ minLength: 1, maxLength: NOTE_BYTES_MAX })
const bundleSchema = strictObject({
  charter: strictObject({ entry: entryField, proof: proofField }),
  /** Absent when the charter itself is what is proved. */
  entry: Type.Optional(entryField),
  /** Each law.update that changed witnesses, quorum or society key below the note's size, with the old set's word for it. */
  handovers: Type.Array(
    strictObject({ consistency: proofField, entry: entryField, note: noteField, proof: proofField }),
    { maxItems: 256 },
  ),
  note: noteField,
  proof: Type.Optional(proofField),
  society: societyField,
  v: Type.Literal(1),
})
export type Bundle = Static<typeof bundleSchema>
const checkBundle = checker(bundleSchema)

/** Charters, handovers and an entry of 64 KiB each. */
export const BUNDLE_BYTES_MAX = 4 * 1024 * 1024

export interface BundleVerdict {
  readonly society: SocietyId
  readonly kind: string
  readonly id: RecordId
  readonly seq: Seq
  /** Size of the note that makes it final. */
  readonly size: Seq
  readonly quorum: number
  /** Witnesses that the society named for this stretch of its log. */
  readonly witnesses: readonly KeyText[]
  /** Those of them whose cosignature is in the bundle: exactly `quorum`. */
  readonly signed: readonly KeyText[]
  /** Those of `signed` whom the reader said to know. */
  readonly known: readonly KeyText[]
  readonly record: JsonObject
}

interface Check {
  readonly verify: VerifySync
  readonly sha256: Sha256
}

/** What is in force at one point of the chain. */
interface Force {
  readonly key: KeyText
  readonly next: HashText
  readonly law: Law
}

/** A handover of the bundle at its place in the chain. */
interface Step {
  readonly handover: Bundle['handovers'][number]
  readonly seq: Seq
  readonly before: Force
  readonly after: Force
}

/**
 * Checks a bundle offline. `society`: the id that the reader expects. `accept`: only these cosigners count, and a quorum of
 * them is demanded. Codes: FORMAT_*, BUNDLE_FORMAT, BUNDLE_CHAIN, BUNDLE_QUORUM, BUNDLE_SUPERFLUOUS, PROOF_INVALID,
 * and those of entries, notes and signatures.
 */
export function verifyBundle(
  bytes: Uint8Array,
  options: { readonly society?: SocietyId; readonly accept?: readonly KeyText[] } & Check,
): Result<BundleVerdict> {
  if (bytes.length > BUNDLE_BYTES_MAX) return fail(rejection('FORMAT_TOO_LARGE'))
  const decoded = decodeCanonical(bytes)
  if (!decoded.ok) return decoded
  const bad = checkBundle(decoded.value)
  if (bad !== undefined) return fail(rejection('BUNDLE_FORMAT', bad.detail))
  const bundle = decoded.value as unknown as Bundle
  if ((bundle.entry === undefined) !== (bundle.proof === undefined))
    return fail(rejection('BUNDLE_FORMAT', 'entry and proof go together'))
  if (options.society !== undefined && options.society !== bundle.society)
    return fail(rejection('BUNDLE_CHAIN', 'of another society'))
  const main = parseNote(bundle.note)
  if (!main.ok) return main
  const chain = followChain(bundle, main.value, options)
  if (!chain.ok) return chain
  const { force, charter } = chain.value
  const signed = exactQuorum(main.value, bundle.society, force.key, force.law.finality, options)
  if (!signed.ok) return signed
  const target =
    bundle.entry === undefined
      ? ok(charter)
      : included(bundle.entry, bundle.proof ?? [], bundle.society, main.value, options)
  if (!target.ok) return target
  if (bundle.entry !== undefined && target.value.seq === 0)
    return fail(rejection('BUNDLE_SUPERFLUOUS', 'the charter stands there twice'))
  const known = signed.value.filter(key => options.accept?.includes(key) ?? false)
  if (options.accept !== undefined && known.length < force.law.finality.quorum)
    return fail(
      rejection('BUNDLE_QUORUM', `${known.length} of the accepted keys signed, ${force.law.finality.quorum} needed`),
    )
  return ok({
    society: bundle.society,
    kind: target.value.record.kind,
    id: target.value.id,
    seq: target.value.seq,
    size: main.value.checkpoint.size,
    quorum: force.law.finality.quorum,
    witnesses: force.law.finality.witnesses,
    signed: signed.value,
    known,
    record: target.value.record as unknown as JsonObject,
  })
}

/** From the charter over all handovers to what is in force at the note. */
function followChain(
  bundle: Bundle,
  main: Note,
  check: Check,
): Result<{ readonly force: Force; readonly charter: OpenedEntry }> {
  const charter = included(bundle.charter.entry, bundle.charter.proof, bundle.society, main, check)
  if (!charter.ok) return charter
  if (charter.value.record.kind !== 'charter' || charter.value.seq !== 0)
    return fail(rejection('BUNDLE_CHAIN', 'does not begin with a charter'))
  const body = charter.value.record.body as unknown as { society_key: KeyText; next: HashText; law: Law }
  let force: Force = { key: body.society_key, next: body.next, law: body.law }
  const steps: Step[] = []
  for (const handover of bundle.handovers) {
    const entry = included(handover.entry, handover.proof, bundle.society, main, check)
    if (!entry.ok) return entry
    const next = afterUpdate(force, entry.value, check)
    if (!next.ok) return next
    const { seq } = entry.value
    if (seq <= (steps.at(-1)?.seq ?? 0)) return fail(rejection('BUNDLE_CHAIN', 'handovers out of order'))
    steps.push({ handover, seq, before: force, after: next.value })
    force = next.value
  }
  for (const step of steps) {
    const bad = witnessedHandover(step, steps, bundle.society, main, check)
    if (bad !== undefined) return fail(bad)
  }
  return ok({ force, charter: charter.value })
}

/** Opens an entry of the bundle, checks its signatures and that it is in the tree of the note. */
function included(
  entry: Bundle['charter']['entry'],
  proof: readonly HashText[],
  society: SocietyId,
  note: Note,
  check: Check,
): Result<OpenedEntry> {
  const opened = openEntry(canonicalBytes(entry as Json), check.sha256)
  if (!opened.ok) return opened
  if (logOf(opened.value, check.sha256) !== society) return fail(rejection('BUNDLE_CHAIN', 'an entry of another log'))
  const forged = verifyOne(opened.value, check.verify, check.sha256)
  if (forged !== undefined) return fail(forged)
  const { leaf, seq } = opened.value
  const path = decodeProof(proof)
  const { root, size } = note.checkpoint
  if (path === undefined || !verifyInclusion(leaf, seq, size, path, root, check.sha256))
    return fail(rejection('PROOF_INVALID', `entry ${seq}`))
  return opened
}

function afterUpdate(force: Force, entry: OpenedEntry, check: Check): Result<Force> {
  if (entry.record.kind !== 'law.update') return fail(rejection('BUNDLE_CHAIN', 'a handover that is no law.update'))
  const body = entry.record.body as unknown as { law: Law; society_key?: KeyText; next?: HashText }
  const key = body.society_key ?? force.key
  if (!entry.sigs.some(sig => sig.by === key) || body.law.number <= force.law.number)
    return fail(rejection('BUNDLE_CHAIN', 'law.update of somebody else'))
  // A handover left out before this one shows as a consent that is missing.
  const { witnesses } = force.law.finality
  const consents = body.law.finality.witnesses.filter(witness => !witnesses.includes(witness))
  if (!consents.every(witness => entry.sigs.some(sig => sig.by === witness)))
    return fail(rejection('BUNDLE_CHAIN', 'a new witness that did not consent'))
  if (body.society_key !== undefined && toBase64url(check.sha256(keyBytes(key) as Uint8Array)) !== force.next)
    return fail(rejection('BUNDLE_CHAIN', 'a society key that was not committed'))
  const changed = key !== force.key || !sameSet(body.law.finality, force.law.finality)
  return changed
    ? ok({ key, next: body.next ?? force.next, law: body.law })
    : fail(rejection('BUNDLE_SUPERFLUOUS', 'a law.update that hands nothing over'))
}

/** The replaced set's quorum on a note above the handover, of the same history as the main note. Later handovers may lie below that note. */
function witnessedHandover(
  { handover, seq, before, after }: Step,
  steps: readonly Step[],
  society: SocietyId,
  main: Note,
  check: Check,
): Rejection | undefined {
  const parsed = parseNote(handover.note)
  if (!parsed.ok) return parsed.error
  const note = parsed.value
  const { size } = note.checkpoint
  if (size <= seq) return rejection('BUNDLE_CHAIN', 'the note does not cover the handover')
  const { key } = steps.findLast(step => step.seq < size)?.after ?? after
  const signed = exactQuorum(note, society, key, before.law.finality, check)
  if (!signed.ok) return signed.error
  const path = decodeProof(handover.consistency)
  const [small, large] =
    note.checkpoint.size <= main.checkpoint.size
      ? [note.checkpoint, main.checkpoint]
      : [main.checkpoint, note.checkpoint]
  if (path !== undefined && verifyConsistency(small.size, small.root, large.size, large.root, path, check.sha256))
    return undefined
  return rejection('PROOF_INVALID', 'notes of two histories')
}

/** Exactly the log's line and q cosignatures of the set, in the one order that `addCosignatures` gives. */
function exactQuorum(
  note: Note,
  society: SocietyId,
  key: KeyText,
  set: WitnessSet,
  check: Check,
): Result<readonly KeyText[]> {
  const refused = verifySocietyNote(note, society, key, check.verify, check.sha256)
  if (refused !== undefined) return fail(refused)
  const signed = validCosigners(note, check.verify, check.sha256).map(cosigner => cosigner.key)
  const fromSet = signed.filter(cosigner => set.witnesses.includes(cosigner))
  if (set.quorum === 0 || fromSet.length !== set.quorum)
    return fail(rejection('BUNDLE_QUORUM', `${fromSet.length} of ${set.quorum}`))
  if (note.signatures.length !== set.quorum + 1)
    return fail(rejection('BUNDLE_SUPERFLUOUS', 'signatures that nothing needs'))
  if (formatNote(addCosignatures(note, [])) !== formatNote(note))
    return fail(rejection('BUNDLE_FORMAT', 'cosignatures not in order'))
  return ok(fromSet)
}

/** The note with exactly q cosignatures of `set`, or undefined when it has fewer. The lines were verified when they came. */
export function exactNote(note: Note, set: WitnessSet, sha256: Sha256): Note | undefined {
  const lines = findCosignatures(note, sha256).filter(cosignature => set.witnesses.includes(cosignature.key))
  const chosen = lines.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, set.quorum)
  if (set.quorum === 0 || chosen.length < set.quorum) return undefined
  const own = note.signatures.filter(line => line.name === note.checkpoint.origin)
  return addCosignatures(
    { ...note, signatures: own },
    chosen.map(cosignature => cosignature.line),
  )
}

function decodeProof(proof: readonly HashText[]): readonly Uint8Array[] | undefined {
  const nodes = proof.map(node => fromBase64url(node, 32))
  return nodes.every(node => node !== undefined) ? nodes : undefined
}

export function sameSet(a: WitnessSet, b: WitnessSet): boolean {
  return (
    a.quorum === b.quorum &&
    a.witnesses.length === b.witnesses.length &&
    a.witnesses.every((key, index) => key === b.witnesses[index])
  )
}
