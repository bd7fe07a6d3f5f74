import { sha256 } from '../../node/crypto/sodium.ts'
import { encodeGroup, GROUP_BYTES_MAX } from '../../src/ingest/group.ts'
import { leafHash } from '../../src/log/merkle.ts'
import { checkpointText, formatNote, logSignatureMessage, makeLogNote, originOf } from '../../src/log/note.ts'
import { TreeEdge } from '../../src/log/tiles.ts'
import type { AnyRecord } from '../../src/records/types.ts'
import type { EpochMs, LctId, SocietyId } from '../../src/units.ts'
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

export interface Author {
  readonly lct: LctId
  readonly identity: Identity
}

/** A society with members whose accounts are filled, and what its log holds so far. */
export interface Settled {
  readonly society: TestSociety
  /** The other societies that it recognises and whose witness keys may witness its births. */
  readonly others: readonly [TestSociety, TestSociety]
  readonly authors: readonly Author[]
}

const CHARGE = 100 * MICRO
/** As with a sequencer that takes ten thousand records a second. */
const RECORDS_PER_MS = 10
/** Head of a group with its signed checkpoint, and then some. */
const HEAD_BYTES = 1024

/** A whole log, ready to be sent: what `settle` makes, and then transfers, each signed by its author. */
export function signLog({ authors, transfers, group, round }: LogShape): SignedLog {
  const { authors: born, society } = settle({ authors, time: GENESIS_MS + round })
  const setUp = society.entries.map(({ bytes }) => bytes)
  const paid = Array.from({ length: transfers }, (_, index) => transfer(society, born, index))
  const frames = framesOf(society, setUp, paid, group)
  return { society: society.id, setUp: setUp.length, frames, bytes: paid.reduce((sum, { length }) => sum + length, 0) }
}

/**
 * Charter, recognition of two other societies, births with the signatures of their witnesses, mint, a charge for each author.
 * `practice`: nobody witnesses the log, so that whoever has its key may go on with it without asking anybody.
 */
export function settle({
  authors,
  time,
  practice = false,
}: {
  readonly authors: number
  readonly time: EpochMs
  readonly practice?: boolean
}): Settled {
  const alone = { quorum: 0, witnesses: [] }
  const [society, ...others] = federation({
    societies: 3,
    time,
    law: (law, index) => (practice && index === 0 ? { ...law, finality: alone } : law),
    recognised: false,
  }) as [TestSociety, TestSociety, TestSociety]
  for (const other of others) society.append({ kind: 'peer.recognize', body: other.recognition() })
  const witnesses = [society, ...others].map(({ witness }) => witness)
  const born = Array.from({ length: authors }, (_, index): Author => {
    const name = `author ${index}`
    society.append(society.birth(name, 'human', witnesses))
    const subject = identity(`${society.slug} ${name}`)
    return { lct: society.lctOf(subject, 'human'), identity: subject }
  })
  society.append({ kind: 'atp.mint', body: { amount: CHARGE * Math.max(1, authors) } })
  for (const { lct } of born) {
    society.append({ kind: 'atp.charge', body: { amount: CHARGE, evidence: hashText('work'), to: lct } })
  }
  return { society, others, authors: born }
}

/** Without the charter there is no key to check the groups after it by, so it goes first and alone. */
export function framesOf(
  society: TestSociety,
  setUp: readonly Uint8Array[],
  paid: readonly Uint8Array[],
  group: number,
): Frame[] {
  const tree = TreeEdge.empty(sha256)
  return [setUp.slice(0, 1), setUp.slice(1), paid].flatMap(entries => groupsOf(society, tree, entries, group))
}

/** The authors pay in turn, each time somebody else. */
function transfer(society: TestSociety, authors: readonly Author[], index: number): Uint8Array {
  const time = society.clock + Math.floor(index / RECORDS_PER_MS)
  const { payer, record } = payment(society.id, authors, index, time)
  return entryBytes(record, signRecord(record, [payer.identity]), society.size + index, time)
}

/** The record of a transfer, not signed. */
export function payment(
  society: SocietyId,
  authors: readonly Author[],
  index: number,
  time: EpochMs,
): { readonly payer: Author; readonly record: AnyRecord } {
  const payer = authors[index % authors.length] as Author
  const payee = authors[(index + 1 + ((index * 31) % (authors.length - 1))) % authors.length] as Author
  const body = { amount: 1_000 + (index % 1_000), from: payer.lct, to: payee.lct }
  const n = Math.floor(index / authors.length) + 1
  return { payer, record: makeRecord('atp.transfer', body, { author: payer.lct, society, n, time }) }
}

function groupsOf(society: TestSociety, tree: TreeEdge, entries: readonly Uint8Array[], group: number): Frame[] {
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
