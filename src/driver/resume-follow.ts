import { fromBase64url } from '../encoding.ts'
import { logOf, openEntry } from '../ingest/open.ts'
import { verifyAll } from '../ingest/verify.ts'
import { sameHash } from '../log/merkle.ts'
import { parseNote } from '../log/note.ts'
import { verifyConsistency } from '../log/proof.ts'
import type { Verifier } from '../ports.ts'
import type { ResumeBody } from '../records/resume.ts'
import type { DecideContext, OpenedEntry } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import type { Seq } from '../units.ts'
import type { Net, PeerId } from './net.ts'
import { refuseSigners } from './resume-signers.ts'
import type { SocietyLog } from './society-log.ts'

/** A log whose society resumed it from an earlier size: how a node that holds what was given up goes over. */

const ASK_TIMEOUT_MS = 5_000

export interface ResumePorts {
  readonly net: Net
  readonly verifier: Verifier
  readonly context: DecideContext
}

export interface ResumeEvents {
  /** What is here leads to the resume by itself: the entries up to it are all that is missing. */
  ahead(log: SocietyLog): void
  /** The log went back and waits for the entries up to the resume. */
  rewound(log: SocietyLog, size: Seq): void
  rejected(error: Rejection): void
}

/** One head of a peer's tree with the proof that leads to its newest note. */
interface Prefix {
  readonly root: Uint8Array
  readonly note: { readonly size: Seq; readonly root: Uint8Array }
}

export class ResumeFollower {
  readonly #ports: ResumePorts
  readonly #events: ResumeEvents
  readonly #busy = new Set<SocietyLog>()

  constructor(ports: ResumePorts, events: ResumeEvents) {
    this.#ports = ports
    this.#events = events
  }

  /** A peer's copy of the log is in a later epoch; `kept`: the sizes that its resumes kept. */
  async onEpochs(log: SocietyLog, peer: PeerId, kept: readonly Seq[]): Promise<void> {
    const size = kept[log.replica.epoch]
    if (size === undefined || this.#busy.has(log)) return
    const { halt, inForce } = log.replica
    if (inForce === undefined || halt?.mode === 'resuming') return this.#events.ahead(log)
    this.#busy.add(log)
    try {
      const refused = await this.#goOver(log, peer, size)
      if (refused !== undefined) this.#events.rejected(refused)
    } finally {
      this.#busy.delete(log)
    }
  }

  async #goOver(log: SocietyLog, peer: PeerId, size: Seq): Promise<Rejection | undefined> {
    const resume = await this.#fetch(log, peer, size)
    if (!resume.ok) return resume.error
    const body = resume.value.record.body as unknown as ResumeBody
    const root = fromBase64url(body.root, 32) as Uint8Array
    const kept = await peerPrefix(this.#ports, log, peer, size)
    if (!kept.ok) return kept.error
    if (!sameHash(kept.value.root, root)) return rejection('RESUME_ROOT')
    const { final } = log.notes
    if (final > size) return rejection('RESUME_FINAL', `${final} entries are final`)
    const keepsFinal = await this.#holds(log, peer, final, kept.value)
    if (!keepsFinal.ok) return keepsFinal.error
    if (!keepsFinal.value) return rejection('RESUME_FINAL', `of another history than ${final} final entries`)
    const { tip, halt } = log.replica
    const shared = Math.min(tip.size, size)
    const isShared = await this.#holds(log, peer, shared, kept.value)
    if (!isShared.ok) return isShared.error
    if (halt === undefined && isShared.value && tip.size <= size) {
      this.#events.ahead(log)
      return undefined
    }
    const to = isShared.value ? shared : Math.max(1, final)
    const bad = await refuseSigners(this.#ports, log, peer, resume.value, to)
    if (bad !== undefined) return bad
    if (log.notes.final !== final || log.replica.tip.size !== tip.size)
      return rejection('ENTRY_OUT_OF_ORDER', 'the log grew')
    await log.rewind({ epoch: body.epoch, root: body.root, size, to })
    this.#events.rewound(log, to)
    return undefined
  }

  /** The entry at `size`, with all its signatures, if it is the resume that begins the next epoch. */
  async #fetch(log: SocietyLog, peer: PeerId, size: Seq): Promise<Result<OpenedEntry>> {
    const { sha256 } = this.#ports.context
    const reply = await this.#ports.net.request(
      peer,
      'entries',
      { society: log.society, from: size, limit: 1 },
      { timeoutMs: ASK_TIMEOUT_MS },
    )
    if (!reply.ok) return reply
    const [bytes] = reply.value.entries
    const opened = bytes === undefined ? fail(rejection('PEER_GARBAGE', 'no entry')) : openEntry(bytes, sha256)
    if (!opened.ok) return opened
    const { record, seq } = opened.value
    const body = record.body as unknown as ResumeBody
    const fits = record.kind === 'resume' && seq === size && body.size === size && body.epoch === log.replica.epoch + 1
    if (!fits || record.author !== log.society || logOf(opened.value, sha256) !== log.society)
      return fail(rejection('RESUME_EPOCH', 'not the resume of the next epoch'))
    const [verified] = await verifyAll([opened.value], this.#ports.verifier, sha256)
    return verified ?? fail(rejection('INTERNAL'))
  }

  /** Whether the peer's tree, of which `kept` is a head, begins with what is held here below `size`. */
  async #holds(log: SocietyLog, peer: PeerId, size: Seq, kept: Prefix): Promise<Result<boolean>> {
    if (size === 0) return ok(true)
    const own = await log.replica.rootAt(size)
    const theirs = await peerPrefix(this.#ports, log, peer, size)
    if (!theirs.ok) return theirs
    // Only when both lead to one note is the smaller one a prefix of the larger.
    if (!sameHash(theirs.value.note.root, kept.note.root)) return fail(rejection('ENTRY_OUT_OF_ORDER', 'the log grew'))
    return ok(own !== undefined && sameHash(theirs.value.root, own))
  }
}

/** The root of a peer's tree at `size`, proved against the newest note that it sends; the log's signature of that note does not matter here. */
export async function peerPrefix(
  { context, net }: Pick<ResumePorts, 'context' | 'net'>,
  log: SocietyLog,
  peer: PeerId,
  size: Seq,
): Promise<Result<Prefix>> {
  const request = { society: log.society, from: size, limit: 0 }
  const reply = await net.request(peer, 'entries', request, { timeoutMs: ASK_TIMEOUT_MS })
  if (!reply.ok) return reply
  const note = parseNote(reply.value.note)
  const root = fromBase64url(reply.value.root, 32)
  const proof = reply.value.proof.map(node => fromBase64url(node, 32))
  if (!note.ok) return note
  const { checkpoint } = note.value
  const holds =
    root !== undefined &&
    proof.every(node => node !== undefined) &&
    verifyConsistency(size, root, checkpoint.size, checkpoint.root, proof, context.sha256)
  return holds ? ok({ root, note: checkpoint }) : fail(rejection('PROOF_INVALID'))
}
