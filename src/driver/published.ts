import { entryBundle, leavesNeeded, type TilePath } from '../log/c2sp/tile-path.ts'
import { HASH_BYTES } from '../log/merkle.ts'
import type { Note } from '../log/note.ts'
import type { StoreReader } from '../ports.ts'
import { storeKey } from '../store/ledger.ts'
import type { SocietyLog } from './society-log.ts'

/**
 * What people outside of the federation are shown of a log. Only what is final: it can never be taken back, so tiles may be
 * cached for ever, and no public witness is tied to a tail that a resume drops. A practice log, in which nothing ever
 * becomes final, shows its newest note.
 */
export function publishedNote(log: SocietyLog): Note | undefined {
  const { current, handovers } = log.replica.finalitySets()
  const isPractice = current.quorum === 0 && handovers.every(({ replaced }) => replaced.quorum === 0)
  return isPractice ? log.notes.latest : log.notes.finalNote
}

/** Bytes of a tile or bundle below the published checkpoint; undefined where there is none, or it is not here any more. */
export async function publishedTile(
  log: SocietyLog,
  store: StoreReader,
  path: TilePath,
): Promise<Uint8Array | undefined> {
  const leaves = leavesNeeded(path)
  const size = publishedNote(log)?.checkpoint.size ?? 0
  if (leaves === undefined || leaves > size) return undefined
  const { index, level, width } = path
  if (level === 'entries') {
    const entries = await log.replica.entries(leaves - width, width, Number.MAX_SAFE_INTEGER)
    return entries.length === width ? entryBundle(entries) : undefined
  }
  const [tile] = await store.getMany([storeKey.tile(log.society, level, index)])
  const bytes = tile?.subarray(0, width * HASH_BYTES)
  return bytes?.length === width * HASH_BYTES ? bytes : undefined
}
