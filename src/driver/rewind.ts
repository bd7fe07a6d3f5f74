import { canonicalBytes, type Json, utf8Decode } from '../canonical.ts'
import { fromBase64url, toBase64url } from '../encoding.ts'
import { openEntry } from '../ingest/open.ts'
import { parseNote } from '../log/note.ts'
import { TreeEdge } from '../log/tiles.ts'
import type { Store, StoreOp, StoreRange, StoreReader } from '../ports.ts'
import type { ResumeBody } from '../records/resume.ts'
import type { DecideContext, OpenedEntry } from '../records/types.ts'
import { type Code, type Rejection, rejection } from '../rejection.ts'
import { keyPart, rangeOf, storeKey } from '../store/ledger.ts'
import type { EpochMs, HashText, Seq, SocietyId } from '../units.ts'
import { indexKeys, stateOps, tileOps } from './log-ops.ts'
import { DecideSession, decodeState } from './session.ts'
import { StateCache } from './state-cache.ts'

/** Going back to an earlier size of a log: its state and tree are made again from the entries that are kept. */

/** Entries, or keys to delete, in one batch. */
const STEP = 1_000

/** A resume that this node carries out. */
export interface ResumeInWork {
  /** The epoch that begins. */
  readonly epoch: number
  /** `back`: state and tree are being made again and hold nothing yet; `on`: the log waits for entries up to the resume itself. */
  readonly phase: 'back' | 'on'
  /** Root of the `size` entries that are kept. */
  readonly root: HashText
  readonly size: Seq
  /** How far this node goes back: `size`, or less if it holds another history below it. */
  readonly to: Seq
}

/** A stored entry that cannot be decided again, though it was found valid when it came. Above `seq` nothing was looked at. */
export class DamagedEntry extends Error {
  override readonly name = 'DamagedEntry'
  readonly seq: Seq
  readonly code: Code
  constructor(society: SocietyId, seq: Seq, { code, detail }: Rejection) {
    super(`stored entry ${seq} of ${society} is damaged: ${code}${detail === undefined ? '' : `, ${detail}`}`)
    this.seq = seq
    this.code = code
  }
}

export async function readResume(store: StoreReader, society: SocietyId): Promise<ResumeInWork | undefined> {
  const [bytes] = await store.getMany([storeKey.resume(society)])
  return bytes === undefined ? undefined : (decodeState(bytes) as unknown as ResumeInWork)
}

/**
 * Carries out phase `back`. May be cut off anywhere and called again: the marker is there from the first write to the last,
 * and the entries that are kept are never touched.
 */
export async function rewind(
  store: Store,
  society: SocietyId,
  work: ResumeInWork,
  context: DecideContext,
): Promise<void> {
  await store.batch([marker(society, { ...work, phase: 'back' })], { sync: true })
  await dropEntries(store, society, work, context)
  const gone = [rangeOf.state(society), rangeOf.tree(society), rangeOf.digests(society, work.to + 1)]
  for (const range of gone) await deleteRange(store, range)
  const { edge, time } = await replay(store, society, work.to, store, context)
  const tip = canonicalBytes({ root: toBase64url(edge.root()), size: work.to, time })
  await store.batch(
    [
      { type: 'put', key: storeKey.tip(society), value: tip },
      // What was wrong with the state went with it.
      { type: 'del', key: storeKey.audit(society) },
      ...(await noteOps(store, society, work.to)),
      marker(society, { ...work, phase: 'on' }),
    ],
    { sync: true },
  )
}

/** The epoch that a resume among these begins. */
export function newEpoch(entries: readonly OpenedEntry[]): number | undefined {
  const resume = entries.find(({ record }) => record.kind === 'resume')
  return resume === undefined ? undefined : (resume.record.body as unknown as ResumeBody).epoch
}

/** What ends a resume, in the batch of the entry that begins the new epoch. */
export async function resumedOps(store: StoreReader, society: SocietyId, epoch: number): Promise<readonly StoreOp[]> {
  const [fork, bad] = await store.getMany([storeKey.fork(society), storeKey.void(society)])
  const ops: StoreOp[] = [storeKey.resume(society), storeKey.void(society), storeKey.fork(society)].map(key => ({
    type: 'del',
    key,
  }))
  if (fork !== undefined) ops.push({ type: 'put', key: storeKey.spent(society, epoch - 1), value: fork })
  const stopped = readVoid(bad)
  if (stopped !== undefined)
    ops.push({ type: 'put', key: storeKey.dropped(society, epoch - 1, stopped.seq), value: stopped.entry })
  return ops
}

/** The void entry at which a log stopped here: its place, why it is void, and its bytes, which are evidence. */
export function readVoid(
  stored: Uint8Array | undefined,
): { readonly code: string; readonly seq: Seq; readonly entry: Uint8Array } | undefined {
  const { code, entry, seq } = (decodeState(stored) ?? {}) as { code?: string; entry?: string; seq?: Seq }
  const bytes = entry === undefined ? undefined : fromBase64url(entry)
  return seq === undefined || code === undefined || bytes === undefined ? undefined : { code, seq, entry: bytes }
}

/**
 * Decides entries 0 to `size` again and writes the state and tree that they give under the society's keys of `sink`, which
 * holds none. The entries were found valid when they came; if they are not now, the disk is damaged: throws DamagedEntry.
 */
export async function replay(
  source: StoreReader,
  society: SocietyId,
  size: Seq,
  sink: Store,
  context: DecideContext,
): Promise<{ readonly edge: TreeEdge; readonly time: EpochMs }> {
  const cache = new StateCache()
  const edge = TreeEdge.empty(context.sha256)
  let time = 0
  while (edge.size < size) {
    cache.trim()
    const session = new DecideSession(society, sink, cache, context, () => edge)
    const entries = await openFrom(source, society, edge.size, Math.min(size, edge.size + STEP), context)
    await session.prefetch(entries)
    for (const entry of entries) {
      const bad = await session.decide(entry)
      if (bad !== undefined) throw new DamagedEntry(society, entry.seq, bad)
      time = entry.time
    }
    for (const [key, value] of session.changes) cache.set(key, value)
    const tiles = edge.append(entries.map(entry => entry.leaf))
    const ops = [...stateOps(society, session.changes), ...tileOps(society, tiles)]
    await sink.batch(ops, { sync: false })
  }
  return { edge, time }
}

async function openFrom(
  source: StoreReader,
  society: SocietyId,
  from: Seq,
  to: Seq,
  context: DecideContext,
): Promise<OpenedEntry[]> {
  const entries: OpenedEntry[] = []
  for await (const [, bytes] of source.range(rangeOf.entries(society, from, to))) {
    const opened = openEntry(bytes, context.sha256)
    const seq = from + entries.length
    if (!opened.ok) throw new DamagedEntry(society, seq, opened.error)
    if (opened.value.seq !== seq) throw new DamagedEntry(society, seq, rejection('ENTRY_OUT_OF_ORDER'))
    entries.push(opened.value)
  }
  const end = from + entries.length
  if (end !== to) throw new DamagedEntry(society, end, rejection('NOT_FOUND', 'the stored entries end before it'))
  return entries
}

/** What is given up is kept aside: its authors may want to say it again, and it is evidence. */
async function dropEntries(
  store: Store,
  society: SocietyId,
  { epoch, to }: ResumeInWork,
  context: DecideContext,
): Promise<void> {
  for (;;) {
    const ops: StoreOp[] = []
    for await (const [key, bytes] of store.range({ ...rangeOf.entries(society, to), limit: STEP })) {
      ops.push({ type: 'put', key: storeKey.dropped(society, epoch - 1, keyPart.number(key)), value: bytes })
      ops.push({ type: 'del', key })
      const opened = openEntry(bytes, context.sha256)
      if (opened.ok) for (const index of indexKeys(society, opened.value)) ops.push({ type: 'del', key: index })
    }
    if (ops.length === 0) return
    await store.batch(ops, { sync: false })
  }
}

export async function deleteRange(store: Store, range: StoreRange): Promise<void> {
  for (;;) {
    const ops: StoreOp[] = []
    for await (const [key] of store.range({ ...range, limit: STEP })) ops.push({ type: 'del', key })
    if (ops.length === 0) return
    await store.batch(ops, { sync: false })
  }
}

/** Notes above the kept size are of a history that was given up; what a witness cosigned still covers what is kept. */
async function noteOps(store: StoreReader, society: SocietyId, to: Seq): Promise<readonly StoreOp[]> {
  const [final] = await store.getMany([storeKey.noteFinal(society)])
  const ops: StoreOp[] = [
    final === undefined || sizeOf(final) > to
      ? { type: 'del', key: storeKey.noteLatest(society) }
      : { type: 'put', key: storeKey.noteLatest(society), value: final },
  ]
  if (final !== undefined && sizeOf(final) > to) ops.push({ type: 'del', key: storeKey.noteFinal(society) })
  for await (const [key, bytes] of store.range(rangeOf.handoverNotes(society)))
    if (sizeOf(bytes) > to) ops.push({ type: 'del', key })
  for await (const [key, bytes] of store.range(rangeOf.cosigners(society)))
    if (Number(decodeState(bytes)) > to) ops.push({ type: 'put', key, value: canonicalBytes(to) })
  return ops
}

function sizeOf(note: Uint8Array): Seq {
  const text = utf8Decode(note)
  const parsed = text === undefined ? undefined : parseNote(text)
  return parsed?.ok === true ? parsed.value.checkpoint.size : Number.POSITIVE_INFINITY
}

function marker(society: SocietyId, work: ResumeInWork): StoreOp {
  return { type: 'put', key: storeKey.resume(society), value: canonicalBytes(work as unknown as Json) }
}
