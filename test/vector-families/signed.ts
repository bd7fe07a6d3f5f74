import assert from 'node:assert/strict'
import { sha256 } from '../../node/crypto/sodium.ts'
import { utf8Decode, utf8Encode } from '../../src/canonical.ts'
import { toBase64url } from '../../src/encoding.ts'
import { encodeEntry, openSubmission } from '../../src/ingest/open.ts'
import { diagnoseSignature, signatureJobs, verifyOne } from '../../src/ingest/verify.ts'
import { type BundleVerdict, verifyBundle } from '../../src/log/bundle.ts'
import { validCosigners } from '../../src/log/cosignature.ts'
import { finalSize } from '../../src/log/finality.ts'
import { convictedWitnesses, decodeForkProof, epochOfFork, verifyForkProof } from '../../src/log/fork.ts'
import { leafHash, rootOfLeaves } from '../../src/log/merkle.ts'
import { checkpointText, formatNote, parseNote, type VerifySync, verifyLogNote } from '../../src/log/note.ts'
import type { HashText, KeyText, SocietyId } from '../../src/units.ts'
import { handoversOf } from '../support/handovers.ts'
import { type Changes, Replay } from '../support/replay.ts'
import { loadVectors, type Vector } from '../support/vector-files.ts'

/** Whatever carries signatures: run once with each implementation of the rule. */

export interface SignatureVector extends Vector {
  readonly submission: string
  readonly message?: string
  readonly diagnosis?: string
}

export function runSignature({ code, diagnosis, id, message, submission }: SignatureVector, verify: VerifySync): void {
  const opened = openSubmission(utf8Encode(submission), sha256)
  if (!opened.ok) {
    assert.equal(opened.error.code, code, id)
    return
  }
  assert.equal(verifyOne(opened.value, verify, sha256)?.code, code, id)
  assert.equal(diagnoseSignature(opened.value, verify, sha256)?.code, diagnosis ?? code, id)
  if (message === undefined) return
  assert.equal(utf8Decode(signatureJobs(opened.value, sha256)[0]?.message ?? new Uint8Array(0)), message, id)
}

export interface LogVector extends Vector {
  readonly society: SocietyId
  readonly origin: string
  readonly entries: readonly { readonly entry: string; readonly record_id: HashText; readonly leaf: HashText }[]
  readonly roots: readonly HashText[]
  readonly checkpoints: readonly {
    readonly size: number
    readonly root: HashText
    readonly text: string
    readonly note: string
    readonly log_key: KeyText
    readonly cosignatures: readonly { readonly key: KeyText; readonly time: number }[]
    readonly final: number
  }[]
  readonly state: readonly (readonly [key: string, value: string])[]
  readonly keys: number
  readonly digest: HashText
}

export function runLog(vector: LogVector, verify: VerifySync): void {
  const { digest, entries, id, keys, roots, society, state } = vector
  const replay = new Replay(verify)
  const sizes = [replay.clone()]
  assert.equal(roots.length, entries.length + 1, id)
  assert.equal(toBase64url(rootOfLeaves([], sha256)), roots[0], id)
  for (const [seq, { entry, leaf, record_id }] of entries.entries()) {
    const applied = replay.apply(utf8Encode(entry))
    assert.ok(applied.ok, `${id} ${seq}: ${applied.ok ? '' : applied.error.code}`)
    assert.equal(applied.value.entry.seq, seq, id)
    assert.equal(applied.value.entry.id, record_id, `${id} ${seq}`)
    assert.equal(toBase64url(leafHash(utf8Encode(entry), sha256)), leaf, `${id} ${seq}`)
    const leaves = replay.entries.map(done => done.leaf)
    assert.equal(toBase64url(rootOfLeaves(leaves, sha256)), roots[seq + 1], `${id} size ${seq + 1}`)
    sizes.push(replay.clone())
  }
  assert.equal(replay.society, society, id)
  const pairs = replay.pairs().map(([key, value]) => [key, utf8Decode(value)])
  assert.deepEqual(pairs, state, id)
  assert.equal(pairs.length, keys, id)
  assert.equal(toBase64url(replay.digest()), digest, id)
  runCheckpoints(vector, sizes, verify)
}

function runCheckpoints(
  { checkpoints, id, origin, roots }: LogVector,
  sizes: readonly Replay[],
  verify: VerifySync,
): void {
  assert.ok(checkpoints.length > 0, id)
  const cosigned = new Map<KeyText, number>()
  for (const { cosignatures, final, log_key, note: text, root, size, text: signed } of checkpoints) {
    const at = `${id} size ${size}`
    const parsed = parseNote(text)
    assert.ok(parsed.ok, at)
    const note = parsed.value
    assert.deepEqual([note.text, formatNote(note), note.checkpoint.size], [signed, text, size], at)
    assert.equal(checkpointText(note.checkpoint), signed, at)
    assert.deepEqual([toBase64url(note.checkpoint.root), roots[size]], [root, root], at)
    assert.equal(verifyLogNote(note, origin, log_key, verify, sha256), undefined, at)
    const cosigners = validCosigners(note, verify, sha256)
    assert.deepEqual(
      cosigners,
      [...cosignatures].sort((a, b) => (a.key < b.key ? -1 : 1)),
      at,
    )
    for (const { key } of cosigners) cosigned.set(key, Math.max(cosigned.get(key) ?? 0, size))
    const { current, handovers } = handoversOf(sizes[size] as Replay)
    assert.equal(finalSize(current, handovers, cosigned), final, at)
  }
}

export interface RecordVector extends Vector {
  readonly society: SocietyId
  readonly before: { readonly log?: string; readonly size?: number; readonly more?: readonly string[] }
  readonly submission?: string
  readonly seq: number
  readonly time: number
  readonly entry: string
  readonly record_id?: HashText
  readonly leaf?: HashText
  readonly changes?: Changes
}

/** States before the cases of one backend, each made once. */
export class Before {
  readonly #made = new Map<string, Replay>()
  readonly #verify: VerifySync

  constructor(verify: VerifySync) {
    this.#verify = verify
  }

  at(before: RecordVector['before']): Replay {
    const name = JSON.stringify(before)
    const known = this.#made.get(name)
    if (known !== undefined) return known
    const replay = new Replay(this.#verify)
    const [log] = before.log === undefined ? [] : loadVectors<LogVector>(`logs/${before.log}.json`)
    const entries = [...(log?.entries.slice(0, before.size).map(({ entry }) => entry) ?? []), ...(before.more ?? [])]
    for (const entry of entries) assert.ok(replay.apply(utf8Encode(entry)).ok, entry)
    this.#made.set(name, replay)
    return replay
  }
}

export function runRecord(vector: RecordVector, before: Before): void {
  const { changes, code, entry, id, leaf, record_id, seq, society, submission, time } = vector
  const bytes = utf8Encode(entry)
  const state = before.at(vector.before)
  const judged = state.judge(bytes, society)
  assert.equal(judged.ok ? undefined : judged.error.code, code, id)
  if (judged.ok) assert.deepEqual(judged.value.changes, changes, id)
  if (leaf !== undefined) assert.equal(toBase64url(leafHash(bytes, sha256)), leaf, id)
  if (submission === undefined) return
  const opened = openSubmission(utf8Encode(submission), sha256)
  if (!opened.ok) {
    assert.equal(opened.error.code, code, `${id}: submission`)
    return
  }
  assert.equal(opened.value.id, record_id, id)
  assert.deepEqual(encodeEntry(opened.value, seq, time), bytes, id)
}

export function runEnvelope({ code, id, submission }: SignatureVector): void {
  const opened = openSubmission(utf8Encode(submission), sha256)
  assert.equal(opened.ok ? undefined : opened.error.code, code, id)
}

export interface BundleVector extends Vector {
  readonly society?: SocietyId
  readonly accept?: readonly KeyText[]
  readonly bundle: string
  readonly verdict?: Omit<BundleVerdict, 'record'>
}

export function runBundle({ accept, bundle, code, id, society, verdict }: BundleVector, verify: VerifySync): void {
  const options = { ...(society === undefined ? {} : { society }), ...(accept === undefined ? {} : { accept }) }
  const judged = verifyBundle(utf8Encode(bundle), { ...options, verify, sha256 })
  if (!judged.ok) {
    assert.equal(judged.error.code, code, id)
    return
  }
  assert.equal(code, undefined, id)
  const { record, ...rest } = judged.value
  assert.deepEqual(rest, verdict, id)
  const { charter, entry } = JSON.parse(bundle) as {
    charter: { entry: { record: object } }
    entry?: { record: object }
  }
  assert.deepEqual(record, (entry ?? charter.entry).record, id)
}

export interface ForkVector extends Vector {
  readonly log_key: KeyText
  readonly proof: string
  readonly epoch?: number
  readonly convicted?: readonly KeyText[]
}

export function runFork({ code, convicted, epoch, id, log_key, proof: text }: ForkVector, verify: VerifySync): void {
  const decoded = decodeForkProof(utf8Encode(text))
  if (!decoded.ok) {
    assert.equal(decoded.error.code, code, id)
    return
  }
  assert.equal(verifyForkProof(decoded.value, log_key, verify, sha256)?.code, code, id)
  if (code !== undefined) return
  assert.equal(epochOfFork(decoded.value), epoch, id)
  assert.deepEqual(convictedWitnesses(decoded.value, verify, sha256), convicted, id)
}
