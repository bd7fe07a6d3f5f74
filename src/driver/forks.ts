import { fromBase64url } from '../encoding.ts'
import {
  decodeForkProof,
  encodeForkProof,
  type ForkProof,
  makeForkProof,
  refuseForkEpoch,
  verifyForkProof,
} from '../log/fork.ts'
import type { KeyLink } from '../log/key-chain.ts'
import { sameHash } from '../log/merkle.ts'
import { type Note, parseNote } from '../log/note.ts'
import type { Proof } from '../log/proof.ts'
import type { Store } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import type { Rejection } from '../rejection.ts'
import { storeKey } from '../store/ledger.ts'
import type { Seq, SocietyId } from '../units.ts'
import { linksBetween } from './log-key.ts'
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

  /**
   * A peer seems to hold another history: its proof from our newest note's size to its own note shows it. Key changes that are
   * not final yet need not be the same on both sides, so each side shows its own.
   */
  async suspect(log: SocietyLog, peer: PeerId): Promise<void> {
    const latest = log.notes.latest
    if (latest === undefined) return
    const { size, root } = latest.checkpoint
    const theirs = await this.#ask(log, peer, size)
    if (theirs === undefined || sameHash(theirs.root, root) || theirs.note.checkpoint.size < size) return
    const settled = Math.max(1, log.notes.final)
    const sinceFinal = await this.#ask(log, peer, settled)
    // Both answers must be about one note.
    const links = sinceFinal?.note.text === theirs.note.text ? sinceFinal.keys : []
    await this.#convict(log, {
      first: latest,
      second: theirs.note,
      root: theirs.root,
      proof: theirs.proof,
      ...withLinks('firstKeys', await linksBetween(log.replica, settled, size)),
      ...withLinks('secondKeys', links),
    })
  }

  /** What a peer says of the first `size` entries, unjudged: whether it proves anything is seen when the proof is put together. */
  async #ask(log: SocietyLog, peer: PeerId, size: Seq): Promise<Shown | undefined> {
    const request = { society: log.society, from: size, limit: 0 }
    const reply = await this.#ports.net.request(peer, 'entries', request, { timeoutMs: ASK_TIMEOUT_MS })
    return reply.ok ? readShown(reply.value) : undefined
  }

  async #convict(
    log: SocietyLog,
    evidence: Omit<Parameters<typeof makeForkProof>[0], 'society' | 'key'>,
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

interface Shown {
  readonly note: Note
  readonly root: Uint8Array
  /** From the size that was asked about to the note. */
  readonly proof: Proof
  readonly keys: readonly KeyLink[]
}

function readShown({ keys = [], note: text, proof: nodes, root: rootText }: EntriesReply): Shown | undefined {
  const note = parseNote(text)
  const root = fromBase64url(rootText, 32)
  const proof = nodes.map(node => fromBase64url(node, 32))
  if (!note.ok || root === undefined || !proof.every(node => node !== undefined)) return undefined
  return { note: note.value, root, proof, keys }
}

function withLinks<Name extends string>(
  name: Name,
  links: readonly KeyLink[],
): { readonly [N in Name]?: readonly KeyLink[] } {
  return links.length === 0 ? {} : ({ [name]: links } as { readonly [N in Name]: readonly KeyLink[] })
}
