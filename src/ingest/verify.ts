import { PURPOSES, type Purpose, signedMessage, signedMessageOf } from '../crypto.ts'
import { fromBase64url, toBase64url } from '../encoding.ts'
import { leafHash } from '../log/merkle.ts'
import { rootFromInclusion } from '../log/proof.ts'
import type { Sha256, SignatureJob, Verifier } from '../ports.ts'
import type { OpenedRecord, Sig, Verified, VerifiedEntry } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { EpochMs, Seq } from '../units.ts'
import { encodeEntry, openedKey } from './open.ts'

/** All signatures of one record as raw jobs. A batch signature becomes a job over {root, size}. */
export function signatureJobs(opened: OpenedRecord, sha256: Sha256): SignatureJob[] {
  const message = signedMessage('record', opened.recordBytes)
  return opened.sigs.map(sig => ({
    key: openedKey(sig.by),
    // `open` proved length and spelling.
    signature: fromBase64url(sig.sig, 64) as Uint8Array,
    message: 'path' in sig ? batchMessage(message, sig, 'batch', sha256) : message,
  }))
}

type BatchSig = Extract<Sig, { readonly path: unknown }>

/** What a batch signature signs: the root to which the whole signed message and its path lead, and the size. */
function batchMessage(message: Uint8Array, sig: BatchSig, purpose: Purpose, sha256: Sha256): Uint8Array {
  const path = sig.path.map(node => fromBase64url(node, 32) as Uint8Array)
  const root = rootFromInclusion(leafHash(message, sha256), sig.index, sig.size, path, sha256) as Uint8Array
  return signedMessageOf(purpose, { root: toBase64url(root), size: sig.size })
}

/** The only maker of verified records and entries. Answers stand in the order of the input. */
export async function verifyAll<T extends OpenedRecord>(
  opened: readonly T[],
  verifier: Verifier,
  sha256: Sha256,
): Promise<readonly Result<Verified<T>>[]> {
  const jobs: SignatureJob[] = []
  const unique = new Map<string, number>()
  const owners = opened.map(item => {
    const own = signatureJobs(item, sha256)
    return own.map((job, index) => {
      const sig = item.sigs[index]
      // One batch signature covers many records: by, signature, root and size together are checked once.
      if (sig === undefined || !('path' in sig)) return jobs.push(job) - 1
      const name = `${sig.by} ${sig.sig} ${toBase64url(sha256(job.message))}`
      const known = unique.get(name) ?? jobs.push(job) - 1
      unique.set(name, known)
      return known
    })
  })
  const verdicts = await verifier.verify(jobs)
  return opened.map((item, index) => {
    const bad = owners[index]?.findIndex(job => verdicts[job] !== true) ?? -1
    return bad === -1 ? ok(item as Verified<T>) : fail(rejection('SIGNATURE_INVALID', item.sigs[bad]?.by))
  })
}

/** A verified record at its place in a log. */
export function entryOf(record: Verified<OpenedRecord>, seq: Seq, time: EpochMs, sha256: Sha256): VerifiedEntry {
  const bytes = encodeEntry(record, seq, time)
  return { ...record, seq, time, bytes, leaf: leafHash(bytes, sha256) }
}

/** The same for one record with a synchronous check: for evidence from other logs and offline bundles. */
export function verifyOne(
  opened: OpenedRecord,
  verify: (key: Uint8Array, signature: Uint8Array, message: Uint8Array) => boolean,
  sha256: Sha256,
): Rejection | undefined {
  const bad = signatureJobs(opened, sha256).findIndex(job => !verify(job.key, job.signature, job.message))
  return bad === -1 ? undefined : rejection('SIGNATURE_INVALID', opened.sigs[bad]?.by)
}

/**
 * Why the signatures of one record do not hold; nothing when they do. Slow path for a record that somebody submits here, whose
 * tool may sign the wrong thing: tells a signature made for another purpose, at the price of a dozen more checks at most. On
 * gossip every failure is SIGNATURE_INVALID.
 */
export function diagnoseSignature(
  opened: OpenedRecord,
  verify: (key: Uint8Array, signature: Uint8Array, message: Uint8Array) => boolean,
  sha256: Sha256,
): Rejection | undefined {
  const jobs = signatureJobs(opened, sha256)
  const bad = jobs.findIndex(job => !verify(job.key, job.signature, job.message))
  const [job, sig] = [jobs[bad], opened.sigs[bad]]
  if (job === undefined || sig === undefined) return undefined
  const purpose = PURPOSES.find(other =>
    messagesFor(opened, sig, other, sha256).some(message => verify(job.key, job.signature, message)),
  )
  if (purpose === undefined) return rejection('SIGNATURE_INVALID', sig.by)
  return rejection('SIGNATURE_PURPOSE', `${sig.by} signed as ${purpose}`)
}

/** What this signature would have signed if its maker had the purpose wrong: of the record, or of the batch. */
function messagesFor(opened: OpenedRecord, sig: Sig, purpose: Purpose, sha256: Sha256): Uint8Array[] {
  const message = signedMessage(purpose, opened.recordBytes)
  if (!('path' in sig)) return [message]
  const record = signedMessage('record', opened.recordBytes)
  return [batchMessage(message, sig, 'batch', sha256), batchMessage(record, sig, purpose, sha256)]
}
