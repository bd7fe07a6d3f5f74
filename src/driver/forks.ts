import { fromBase64url } from '../encoding.ts'
import {
  decodeForkProof,
  encodeForkProof,
  type ForkProof,
  makeForkProof,
  refuseForkEpoch,
  verifyForkProof,
} from '../log/fork.ts'
import { sameHash } from '../log/merkle.ts'
import type { Note } from '../log/note.ts'
import type { Proof } from '../log/proof.ts'
import type { Store } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import type { Rejection } from '../rejection.ts'
import { storeKey } from '../store/ledger.ts'
import type { SocietyId } from '../units.ts'
import type { EntriesReply, Net, PeerId, Verdict } from './net.ts'
import type { SocietyLog } from './society-log.ts'
import { readConvicted } from './succession.ts'

const ASK_TIMEOUT_MS = 5_000

export interface ForkPorts {
  readonly store: Store
  readonly net: Net
  readonly context: DecideContext
}

export interface ForkEvents {
  rejected(error: Rejection): void
  frozen(log: SocietyLog): void
}

/** Two notes of one log that cannot both be true: found, proved, kept for ever and told to everybody. */
export class Forks {
  readonly #logs: ReadonlyMap<SocietyId, SocietyLog>
  readonly #ports: ForkPorts
  readonly #events: ForkEvents

  constructor(logs: ReadonlyMap<SocietyId, SocietyLog>, ports: ForkPorts, events: ForkEvents) {
    this.#logs = logs
    this.#ports = ports
    this.#events = events
  }

  /** A gossiped proof. Only one that holds against the key of a log held here freezes anything. */
  async onProof(frame: Uint8Array): Promise<Verdict> {
    const decoded = decodeForkProof(frame)
    if (!decoded.ok) {
      this.#events.rejected(decoded.error)
      return 'reject'
    }
    const log = this.#logs.get(decoded.value.society)
    const key = log?.keyAfterFinal
    if (log === undefined || key === undefined) return 'ignore'
    const { verifySignature, sha256 } = this.#ports.context
    const bad = this.#refuseEpoch(log, decoded.value) ?? verifyForkProof(decoded.value, key, verifySignature, sha256)
    if (bad !== undefined) {
      this.#events.rejected(bad)
      return bad.code === 'PROOF_INVALID' ? 'reject' : 'ignore'
    }
    await this.#freeze(log, frame)
    return 'accept'
  }

  #refuseEpoch({ replica }: SocietyLog, proof: ForkProof): Rejection | undefined {
    return refuseForkEpoch(proof, replica.epoch, replica.inForce?.epochs.at(-1) ?? 0)
  }

  /** A note signed by the log that is not of our history, no longer than it: together with ours it is a proof. */
  async onConflict(log: SocietyLog, note: Note): Promise<void> {
    const latest = log.notes.latest
    if (latest === undefined || note.checkpoint.size > latest.checkpoint.size || log.replica.halt?.mode === 'frozen')
      return
    const root = await log.replica.rootAt(note.checkpoint.size)
    const proof = await log.replica.consistency(note.checkpoint.size, latest.checkpoint.size)
    if (root === undefined || proof === undefined) return
    await this.#convict(log, { first: note, second: latest, root, proof })
  }

  /** A peer seems to hold another history: its proof from our newest note's size to its own note shows it. */
  async suspect(log: SocietyLog, peer: PeerId): Promise<void> {
    const latest = log.notes.latest
    if (latest === undefined) return
    const { size, root } = latest.checkpoint
    const reply = await this.#ports.net.request(
      peer,
      'entries',
      { society: log.society, from: size, limit: 0 },
      { timeoutMs: ASK_TIMEOUT_MS },
    )
    if (!reply.ok) return
    const theirs = readForkReply(log, reply.value)
    if (theirs === undefined || sameHash(theirs.root, root) || theirs.note.checkpoint.size < size) return
    await this.#convict(log, { first: latest, second: theirs.note, root: theirs.root, proof: theirs.proof })
  }

  async #convict(
    log: SocietyLog,
    evidence: { first: Note; second: Note; root: Uint8Array; proof: Proof },
  ): Promise<void> {
    const key = log.keyAfterFinal
    if (key === undefined) return
    const proof = makeForkProof({ society: log.society, key, ...evidence })
    const { verifySignature, sha256 } = this.#ports.context
    const bad = this.#refuseEpoch(log, proof) ?? verifyForkProof(proof, key, verifySignature, sha256)
    if (bad !== undefined) return
    await this.#freeze(log, encodeForkProof(proof))
  }

  /** Keeps the proof for ever, signs and applies nothing more of this log, and tells everybody. */
  async #freeze(log: SocietyLog, proof: Uint8Array): Promise<void> {
    const { halt } = log.replica
    if (halt?.mode === 'frozen' || halt?.mode === 'resuming') return
    await log.replica.stop({ mode: 'frozen' }, [{ type: 'put', key: storeKey.fork(log.society), value: proof }])
    log.convicted = await readConvicted(this.#ports.store, log.society, this.#ports.context)
    this.#events.frozen(log)
    await this.#ports.net.publishProof(proof)
  }

  /** Gossip is lost now and then, and who was away never got it. */
  async tell(log: SocietyLog): Promise<void> {
    const [proof] = await this.#ports.store.getMany([storeKey.fork(log.society)])
    if (proof !== undefined) await this.#ports.net.publishProof(proof)
  }
}

function readForkReply(
  log: SocietyLog,
  reply: EntriesReply,
): { readonly note: Note; readonly root: Uint8Array; readonly proof: Proof } | undefined {
  const note = log.notes.open(reply.note)
  const root = fromBase64url(reply.root, 32)
  const proof = reply.proof.map(node => fromBase64url(node, 32))
  if (!note.ok || root === undefined || !proof.every(node => node !== undefined)) return undefined
  return { note: note.value, root, proof }
}
