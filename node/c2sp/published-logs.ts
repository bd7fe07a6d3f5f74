import type { Federation } from '../../src/driver/federation.ts'
import type { PublicWitnesses } from '../../src/driver/public-witnesses.ts'
import { publishedNote, publishedTile } from '../../src/driver/published.ts'
import { keyBytes } from '../../src/encoding.ts'
import { parseTilePath } from '../../src/log/c2sp/tile-path.ts'
import { formatVerifierKey, verifierKey } from '../../src/log/c2sp/verifier-key.ts'
import { formatNote, type Note, TYPE_ED25519 } from '../../src/log/note.ts'
import type { SocietyId } from '../../src/units.ts'

/** Logs held here as C2SP tlog-tiles, for monitors that need nothing of ours. Undefined: 404. */
export class PublishedLogs {
  readonly #node: () => Federation
  readonly #witnesses: PublicWitnesses

  constructor(node: () => Federation, witnesses: PublicWitnesses) {
    this.#node = node
    this.#witnesses = witnesses
  }

  /** The published note with the lines of public witnesses on it. */
  checkpoint(society: SocietyId): string | undefined {
    const note = this.#note(society)
    return note === undefined ? undefined : formatNote(this.withPublicLines(note))
  }

  /** The same note with what public witnesses signed of it, behind all lines that count. */
  withPublicLines(note: Note): Note {
    return { ...note, signatures: [...note.signatures, ...this.#witnesses.linesOf(note)] }
  }

  /** Verifier key for the published note: whoever relies on it compares it with the society's charter and handovers. */
  vkey(society: SocietyId): string | undefined {
    const note = this.#note(society)
    const key = note && this.#node().logs.get(society)?.replica.logKeyAt(note.checkpoint.size)
    const key32 = key === undefined ? undefined : keyBytes(key)
    if (note === undefined || key32 === undefined) return undefined
    const { sha256 } = this.#node().ports.context
    return `${formatVerifierKey(verifierKey(note.checkpoint.origin, TYPE_ED25519, key32, sha256))}\n`
  }

  /** `path` below the log's prefix: `tile/…`. */
  async tile(society: SocietyId, path: string): Promise<Uint8Array | undefined> {
    const log = this.#node().logs.get(society)
    const tile = parseTilePath(path)
    if (log === undefined || tile === undefined) return undefined
    return publishedTile(log, this.#node().ports.store, tile)
  }

  #note(society: SocietyId): Note | undefined {
    const log = this.#node().logs.get(society)
    return log === undefined ? undefined : publishedNote(log)
  }
}
