import { canonicalBytes, utf8Encode } from '../canonical.ts'
import { fromBase64url, keyBytes, toBase64url } from '../encoding.ts'
import { isSignedBy } from '../log/c2sp/signed-checkpoint.ts'
import { type AddCheckpoint, parseAddCheckpoint } from '../log/c2sp/tlog-witness.ts'
import { formatVerifierKey, type VerifierKey, verifierKey } from '../log/c2sp/verifier-key.ts'
import { cosignatureLine, cosignatureMessage } from '../log/cosignature.ts'
import { sameHash } from '../log/merkle.ts'
import { type Checkpoint, formatNote, TYPE_COSIGNATURE } from '../log/note.ts'
import { verifyConsistency } from '../log/proof.ts'
import type { Clock, Signer, Store } from '../ports.ts'
import type { DecideContext } from '../records/types.ts'
import { rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { storeKey } from '../store/ledger.ts'
import { decodeState } from './session.ts'

/** Requests under way at once. Each is a few signature checks and one write; public logs send one every few seconds. */
const PENDING_MAX = 32

/** A log that the operator lists, by origin, with every key that may sign for it. */
export interface WatchedLog {
  readonly origin: string
  readonly keys: readonly VerifierKey[]
}

/** `conflict`: the size that this witness last cosigned, from which the asker should prove. */
export type CheckpointAnswer =
  | { readonly type: 'cosigned'; readonly lines: string }
  | { readonly type: 'conflict'; readonly size: number }

interface Known {
  readonly size: number
  readonly root: Uint8Array
  /** As stored; undefined before the first. */
  readonly bytes: Uint8Array | undefined
}

/**
 * A C2SP tlog-witness for other people's logs. Its key is a key of its own: a cosignature says "consistent with what I saw"
 * and nothing of what stands in the log, which is less than a society's witness key says.
 */
export class CheckpointWitness {
  readonly key: VerifierKey
  readonly #logs: ReadonlyMap<string, WatchedLog>
  readonly #store: Store
  readonly #signer: Signer
  readonly #clock: Clock
  readonly #context: DecideContext
  #pending = 0

  /** RangeError when the name is no key name: the operator's mistake, found at the start. */
  constructor(
    { logs, name }: { readonly logs: readonly WatchedLog[]; readonly name: string },
    ports: {
      readonly store: Store
      readonly signer: Signer
      readonly clock: Clock
      readonly context: DecideContext
    },
  ) {
    const { sha256 } = ports.context
    const key32 = keyBytes(ports.signer.key)
    if (key32 === undefined) throw new RangeError('not a key')
    this.key = verifierKey(name, TYPE_COSIGNATURE, key32, sha256)
    this.#logs = new Map(logs.map(log => [log.origin, log]))
    this.#store = ports.store
    this.#signer = ports.signer
    this.#clock = ports.clock
    this.#context = ports.context
  }

  /** What log operators are given. */
  get vkey(): string {
    return formatVerifierKey(this.key)
  }

  /**
   * Answers one `add-checkpoint`. Refusals in their order: OVERLOADED, TLOG_FORMAT or NOTE_FORMAT, NOT_FOUND (unknown
   * origin), NOTE_SIGNATURE, TLOG_FORMAT (old size above the checkpoint's), then a conflict, PROOF_INVALID.
   */
  async addCheckpoint(body: string): Promise<Result<CheckpointAnswer>> {
    if (this.#pending >= PENDING_MAX) return fail(rejection('OVERLOADED'))
    this.#pending += 1
    try {
      const request = parseAddCheckpoint(body)
      return request.ok ? await this.#judge(request.value) : request
    } finally {
      this.#pending -= 1
    }
  }

  async #judge(request: AddCheckpoint): Promise<Result<CheckpointAnswer>> {
    const { note, oldSize } = request
    const { checkpoint } = note
    const log = this.#logs.get(checkpoint.origin)
    if (log === undefined) return fail(rejection('NOT_FOUND', 'unknown log'))
    if (!isSignedBy(note, log.keys, this.#context.verifySignature)) return fail(rejection('NOTE_SIGNATURE'))
    if (oldSize > checkpoint.size) return fail(rejection('TLOG_FORMAT', 'old size above the size of the checkpoint'))
    const known = await this.#known(log)
    if (known.size !== oldSize) return ok({ type: 'conflict', size: known.size })
    const judged = this.#consistent(request, known)
    if (judged !== undefined) return judged
    if (!(await this.#keep(checkpoint, known))) return ok({ type: 'conflict', size: (await this.#known(log)).size })
    return ok({ type: 'cosigned', lines: await this.#sign(note.text) })
  }

  /** Undefined when the checkpoint may be signed. */
  #consistent({ note, proof }: AddCheckpoint, known: Known): Result<CheckpointAnswer> | undefined {
    const { root, size } = note.checkpoint
    const { sha256 } = this.#context
    // The empty tree has one root: another one is no other history, it is nonsense.
    if (known.size === size && size > 0 && proof.length === 0)
      return sameHash(known.root, root) ? undefined : ok({ type: 'conflict', size: known.size })
    return verifyConsistency(known.size, known.root, size, root, proof, sha256)
      ? undefined
      : fail(rejection('PROOF_INVALID', 'consistency proof'))
  }

  async #known({ origin }: WatchedLog): Promise<Known> {
    const [bytes] = await this.#store.getMany([this.#key(origin)])
    if (bytes === undefined) return { size: 0, root: this.#context.sha256(new Uint8Array(0)), bytes }
    const { root, size } = decodeState(bytes) as { root: string; size: number }
    return { size, root: fromBase64url(root, 32) as Uint8Array, bytes }
  }

  /**
   * Durable before the signature exists, and only if nobody else moved it meanwhile: of two requests from one old size, the
   * later one must not roll the earlier one back.
   */
  #keep({ origin, root, size }: Checkpoint, known: Known): Promise<boolean> {
    const key = this.#key(origin)
    const value = canonicalBytes({ origin, root: toBase64url(root), size })
    return this.#store.batch([{ type: 'put', key, value }], { sync: true, expect: [[key, known.bytes]] })
  }

  async #sign(text: string): Promise<string> {
    const seconds = Math.floor(this.#clock.now() / 1000)
    const signature = await this.#signer.sign(cosignatureMessage(text, seconds))
    const line = cosignatureLine(this.key, seconds, signature)
    return formatNote({ text: '', signatures: [line] }).slice(1)
  }

  #key(origin: string): string {
    return storeKey.watched(toBase64url(this.#context.sha256(utf8Encode(origin))))
  }
}
