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
import type { KeyText, Seq } from '../units.ts'
import type { Net, PeerId } from './net.ts'
import type { SocietyLog } from './society-log.ts'

/** A log whose society resumed it from an earlier size: how a node that holds what was given up goes over. */

const ASK_TIMEOUT_MS = 5_000

export interface ResumePorts {
  readonly net: Net
  readonly verifier: Verifier
  readonly context: DecideContext
}

export interface ResumeEvents {
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
    if (size === undefined || this.#busy.has(log) || log.replica.inForce === undefined) return
    if (log.replica.halt?.mode === 'resuming') return
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
    const bad = refuseSigners(log, resume.value)
    if (bad !== undefined) return bad
    const kept = await this.#prefix(log, peer, size)
    if (!kept.ok) return kept.error
    if (!sameHash(kept.value.root, root)) return rejection('RESUME_ROOT')
    const { final } = log.notes
    if (final > size || !(await this.#holds(log, peer, final, kept.value))) return rejection('RESUME_FINAL')
    const { tip, halt } = log.replica
    const shared = Math.min(tip.size, size)
    const isShared = await this.#holds(log, peer, shared, kept.value)
    // What is here leads to the resume by itself.
    if (halt === undefined && isShared && tip.size <= size) return undefined
    const to = isShared ? shared : Math.max(1, final)
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

  /** Whether the peer's tree begins with what is held here below `size`. */
  async #holds(log: SocietyLog, peer: PeerId, size: Seq, kept: Prefix): Promise<boolean> {
    if (size === 0) return true
    const own = await log.replica.rootAt(size)
    const theirs = await this.#prefix(log, peer, size)
    // Both lead to one note, so the smaller one is a prefix of the larger.
    return (
      own !== undefined &&
      theirs.ok &&
      sameHash(theirs.value.root, own) &&
      sameHash(theirs.value.note.root, kept.note.root)
    )
  }

  async #prefix(log: SocietyLog, peer: PeerId, size: Seq): Promise<Result<Prefix>> {
    return peerPrefix(this.#ports, log, peer, size)
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

/**
 * A first look, before anything is given up for it: a key of the log and as many of its witnesses as the quorum asks for.
 * Exactly who must have signed is decided when the entries below it are here.
 */
function refuseSigners({ replica }: SocietyLog, { sigs }: OpenedEntry): Rejection | undefined {
  const { current, handovers } = replica.finalitySets()
  const known = new Set<KeyText>([current, ...handovers.map(({ replaced }) => replaced)].flatMap(set => set.witnesses))
  const keys = new Set(replica.logKeys())
  const signed = sigs.filter(({ by }) => known.has(by)).length
  const isSigned = sigs.some(({ by }) => keys.has(by))
  return isSigned && signed >= current.quorum ? undefined : rejection('SIGNER_WRONG', `${signed} of ${current.quorum}`)
}
