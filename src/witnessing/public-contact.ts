import type { NoteSignature } from '../log/note.ts'
import type { Code } from '../rejection.ts'
import type { EpochMs, Seq } from '../units.ts'

/** Between two requests to one witness: it serves many logs, and of ours only the newest checkpoint matters. */
const GAP_MS = 5_000
/** After a failure, doubling. */
const BACK_OFF_MS = 10_000
const BACK_OFF_MS_MAX = 600_000
/** A witness that does not know this log, or sees a fork, will not think otherwise in a minute. */
const REFUSED_MS_MAX = 3_600_000
/** A size named in a 409 may be outdated once; more than this in a row is a game. */
const CONFLICTS_MAX = 2

/** Answers of `add-checkpoint` other than 200 and 409. */
const REFUSALS: Readonly<Record<number, Code>> = {
  400: 'TLOG_FORMAT',
  403: 'NOTE_SIGNATURE',
  404: 'NOT_CONSENTED',
  422: 'PROOF_INVALID',
  429: 'OVERLOADED',
}
/** Saying it again soon changes nothing. */
const LASTING: ReadonlySet<Code> = new Set([
  'NOTE_SIGNATURE',
  'NOT_CONSENTED',
  'PROOF_INVALID',
  'CHECKPOINT_AHEAD',
  'CHECKPOINT_FORK',
])

/** A cosignature that holds. */
export interface PublicCosignature {
  /** The note's text. */
  readonly text: string
  readonly size: Seq
  /** When it was made, by the witness's own clock. */
  readonly time: EpochMs
  readonly line: NoteSignature
}

/** How it stands with one public witness: what it signed, from where to prove, when to ask again. Told the time, never asking for it. */
export class PublicContact {
  #held: PublicCosignature | undefined
  /** What the witness holds of the log of this origin, as far as is known. */
  #known: { readonly origin: string; readonly size: Seq } | undefined
  #problem: Code | undefined
  #failures = 0
  #conflicts = 0
  #notBefore: EpochMs = 0

  get held(): PublicCosignature | undefined {
    return this.#held
  }
  /** Why the newest attempt failed. */
  get problem(): Code | undefined {
    return this.#problem
  }
  /** No request before this. */
  get notBefore(): EpochMs {
    return this.#notBefore
  }

  /** Size from which to prove for the log of this origin. */
  oldSize(origin: string): Seq {
    return this.#known?.origin === origin ? this.#known.size : 0
  }

  /** What was signed before a restart. */
  restore(held: PublicCosignature): void {
    this.#held = held
    this.#known = { origin: originOfText(held.text), size: held.size }
  }

  onSigned(cosignature: PublicCosignature, now: EpochMs): void {
    this.restore(cosignature)
    this.#problem = undefined
    this.#failures = 0
    this.#conflicts = 0
    this.#notBefore = now + GAP_MS
  }

  /**
   * A 409 that names the size which the witness holds (undefined: nothing that can be read). Returns what went wrong, or
   * nothing when it is worth to prove from there.
   */
  onConflict(
    asked: { readonly origin: string; readonly oldSize: Seq; readonly size: Seq },
    holds: Seq | undefined,
    now: EpochMs,
  ): Code | undefined {
    const { oldSize, origin, size } = asked
    this.#conflicts += 1
    const code = this.#judge(holds, oldSize, size)
    if (code !== undefined) return this.onFailure(code, now)
    this.#known = { origin, size: holds ?? 0 }
    this.#notBefore = now + GAP_MS
    return undefined
  }

  #judge(holds: Seq | undefined, oldSize: Seq, size: Seq): Code | undefined {
    if (holds === undefined || this.#conflicts > CONFLICTS_MAX) return 'PEER_GARBAGE'
    // The size was right, so it is the root that is not.
    if (holds === oldSize) return oldSize === size ? 'CHECKPOINT_FORK' : 'PEER_GARBAGE'
    return holds > size ? 'CHECKPOINT_AHEAD' : undefined
  }

  onStatus(status: number, now: EpochMs): Code {
    return this.onFailure(REFUSALS[status] ?? (status >= 500 ? 'PEER_UNREACHABLE' : 'PEER_GARBAGE'), now)
  }

  /** Asks from 0 the next time: a 409 then tells anew what the witness holds. */
  onFailure(code: Code, now: EpochMs): Code {
    this.#problem = code
    this.#known = undefined
    this.#conflicts = 0
    const wait = BACK_OFF_MS * 2 ** Math.min(this.#failures, 20)
    this.#failures += 1
    this.#notBefore = now + Math.min(wait, LASTING.has(code) ? REFUSED_MS_MAX : BACK_OFF_MS_MAX)
    return code
  }
}

function originOfText(text: string): string {
  return text.slice(0, text.indexOf('\n'))
}
