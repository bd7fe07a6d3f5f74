import { sha256 } from '../../node/crypto/sodium.ts'
import { encodeGroup, GROUP_BYTES_MAX } from '../../src/ingest/group.ts'
import { leafHash } from '../../src/log/merkle.ts'
import { checkpointText, formatNote, logSignatureMessage, makeLogNote, originOf } from '../../src/log/note.ts'
import { TreeEdge } from '../../src/log/tiles.ts'
import type { LctId, SocietyId } from '../../src/units.ts'
import { MICRO } from '../../src/units.ts'
import { federation } from '../../test/support/federation.ts'
import { entryBytes, hashText, type Identity, identity, makeRecord, signRecord } from '../../test/support/identity.ts'
import { GENESIS_MS, type TestSociety } from '../../test/support/society.ts'

export interface LogShape {
  readonly authors: number
  readonly transfers: number
  /** Entries in one group. */
  readonly group: number
  /** Another number, another log: nothing of it was ever seen before. */
  readonly round: number
}

/** One gossip message; the log has `size` entries with it. */
export interface Frame {
  readonly size: number
  readonly bytes: Uint8Array
}

export interface SignedLog {
  readonly society: SocietyId
  /** Entries before the first transfer. */
  readonly setUp: number
  readonly frames: readonly Frame[]
  /** Of the transfers alone. */
  readonly bytes: number
}

interface Author {
  readonly lct: LctId
  readonly identity: Identity
}

const CHARGE = 100 * MICRO
/** As with a sequencer that takes ten thousand records a second. */
const RECORDS_PER_MS = 10
/** Head of a group with its signed checkpoint, and then some. */
const HEAD_BYTES = 1024

/**
 * A whole log, ready to be sent: charter, recognition of two other societies, births with the signatures of their
 * witnesses, mint, a charge for each author, and then transfers, each signed by its author.
 */
export function signLog({ authors, transfers, group, round }: LogShape): SignedLog {
  const [society, ...others] = federation({ societies: 3, time: GENESIS_MS + round }) as [TestSociety, ...TestSociety[]]
  const born = Array.from({ length: authors }, (_, index): Author => {
    const name = `author ${index}`
    society.append(
      society.birth(
        name,
        'human',
        [society, ...others].map(({ witness }) => witness),
      ),
    )
    const subject = identity(`${society.slug} ${name}`)
    return { lct: society.lctOf(subject, 'human'), identity: subject }
  })
  society.append({ kind: 'atp.mint', body: { amount: CHARGE * authors } })
  for (const { lct } of born) {
    society.append({ kind: 'atp.charge', body: { amount: CHARGE, evidence: hashText('work'), to: lct } })
  }
  const setUp = society.entries.map(({ bytes }) => bytes)
  const paid = Array.from({ length: transfers }, (_, index) => transfer(society, born, index))
  const tree = TreeEdge.empty(sha256)
  // Without the charter there is no key to check the groups after it by, so it goes first and alone.
  const frames = [setUp.slice(0, 1), setUp.slice(1), paid].flatMap(entries => framesOf(society, tree, entries, group))
  return { society: society.id, setUp: setUp.length, frames, bytes: paid.reduce((sum, { length }) => sum + length, 0) }
}

/** The authors pay in turn, each time somebody else. */
function transfer(society: TestSociety, authors: readonly Author[], index: number): Uint8Array {
  const payer = authors[index % authors.length] as Author
  const payee = authors[(index + 1 + ((index * 31) % (authors.length - 1))) % authors.length] as Author
  const time = society.clock + Math.floor(index / RECORDS_PER_MS)
  const body = { amount: 1_000 + (index % 1_000), from: payer.lct, to: payee.lct }
  const n = Math.floor(index / authors.length) + 1
  const record = makeRecord('atp.transfer', body, { author: payer.lct, society: society.id, n, time })
  return entryBytes(record, signRecord(record, [payer.identity]), society.size + index, time)
}

function framesOf(society: TestSociety, tree: TreeEdge, entries: readonly Uint8Array[], group: number): Frame[] {
  const frames: Frame[] = []
  for (let from = 0; from < entries.length; ) {
    let bytes = HEAD_BYTES
    let to = from
    for (let next = entries[to]; next !== undefined && to < from + group; next = entries[to]) {
      bytes += 4 + next.length
      if (bytes > GROUP_BYTES_MAX) break
      to++
    }
    frames.push(frameOf(society, tree, entries.slice(from, to)))
    from = to
  }
  return frames
}

function frameOf({ id, society }: TestSociety, tree: TreeEdge, entries: readonly Uint8Array[]): Frame {
  const first = tree.size
  tree.append(entries.map(bytes => leafHash(bytes, sha256)))
  const checkpoint = { origin: originOf(id), root: tree.root(), size: tree.size }
  const signature = society.signNow(logSignatureMessage(checkpointText(checkpoint)))
  const note = formatNote(makeLogNote(checkpoint, society.raw, signature, sha256))
  return { size: tree.size, bytes: encodeGroup({ first, entries, checkpoint: note, notes: [] }) }
}
