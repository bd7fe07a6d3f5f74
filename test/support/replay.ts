import { sha256, verifySync } from '../../node/crypto/sodium.ts'
import { canonicalBytes, canonicalText, type Json } from '../../src/canonical.ts'
import { logOf, openEntry } from '../../src/ingest/open.ts'
import { verifyOne } from '../../src/ingest/verify.ts'
import { rootOfLeaves } from '../../src/log/merkle.ts'
import type { VerifySync } from '../../src/log/note.ts'
import type { DecideContext, OpenedEntry } from '../../src/records/types.ts'
import { fail, ok, type Result } from '../../src/result.ts'
import { decide } from '../../src/state/decide.ts'
import { stateDigest } from '../../src/state/digest.ts'
import type { Draft, StateView } from '../../src/state/view.ts'
import type { SocietyId } from '../../src/units.ts'

/** What an entry changes, as bytes: key to canonical text, null where the key is removed. Sorted by key. */
export type Changes = Readonly<Record<string, string | null>>

/** Changes of a draft without those that leave a key as it was. */
export function netChanges(view: StateView, draft: Draft): Changes {
  const net: [key: string, text: string | null][] = []
  for (const [key, value] of draft.changes) {
    const before = view.get(key)
    const text = value === undefined ? null : canonicalText(value)
    if (text !== (before === undefined ? null : canonicalText(before))) net.push([key, text])
  }
  return Object.fromEntries(net.sort(([a], [b]) => (a < b ? -1 : 1)))
}

export interface Replayed {
  readonly entry: OpenedEntry
  readonly changes: Changes
}

/** The way of an entry, from its bytes to the state of its society, and nothing else: no clock, no store, no network. */
export class Replay implements StateView {
  readonly entries: OpenedEntry[] = []
  #state = new Map<string, Json>()
  #society: SocietyId | undefined
  readonly #verify: VerifySync

  constructor(verify: VerifySync = verifySync) {
    this.#verify = verify
  }

  get(key: string): Json | undefined {
    return this.#state.get(key)
  }

  get society(): SocietyId | undefined {
    return this.#society
  }

  get #context(): DecideContext {
    const root = () =>
      rootOfLeaves(
        this.entries.map(({ leaf }) => leaf),
        sha256,
      )
    return {
      sha256,
      verifySignature: this.#verify,
      rootBefore: size => (size === this.entries.length ? root() : undefined),
    }
  }

  /** What the entry would change here, or why not. A replay without entries takes the charter's own society. */
  judge(bytes: Uint8Array, society?: SocietyId): Result<Replayed & { readonly draft: Draft }> {
    const opened = openEntry(bytes, sha256)
    if (!opened.ok) return opened
    const forged = verifyOne(opened.value, this.#verify, sha256)
    if (forged !== undefined) return fail(forged)
    const log = society ?? this.#society ?? logOf(opened.value, sha256)
    const decided = decide(this, log, opened.value, this.#context)
    if (!decided.ok) return decided
    return ok({ entry: opened.value, changes: netChanges(this, decided.value), draft: decided.value })
  }

  /** As `judge`; what is good stays. */
  apply(bytes: Uint8Array): Result<Replayed> {
    const judged = this.judge(bytes)
    if (!judged.ok) return judged
    const { entry, draft } = judged.value
    this.#society ??= logOf(entry, sha256)
    for (const [key, value] of draft.changes) {
      if (value === undefined) this.#state.delete(key)
      else this.#state.set(key, value)
    }
    this.entries.push(entry)
    return judged
  }

  clone(): Replay {
    const copy = new Replay(this.#verify)
    copy.#state = new Map(this.#state)
    copy.#society = this.#society
    copy.entries.push(...this.entries)
    return copy
  }

  /** All pairs of the state in byte order of the keys. */
  pairs(): (readonly [key: string, value: Uint8Array])[] {
    const keys = [...this.#state.keys()].sort()
    return keys.map(key => [key, canonicalBytes(this.#state.get(key) as Json)])
  }

  digest(): Uint8Array {
    return stateDigest(this.pairs(), sha256).digest
  }
}
