import type { Json } from '../canonical.ts'
import type { Law } from '../records/law.ts'
import type { EntityType } from '../records/names.ts'
import type { EpochMs, HashText, KeyText, LctId, MicroAtp, Seq, SocietyId } from '../units.ts'
import type { StateView } from './view.ts'

/** Entities whose keys are kept, some 300 bytes each. */
const REMEMBERED_MAX = 16_384

/**
 * A function of an id that gives the same object for the same id as long as it is remembered. For keys that each entry uses
 * several times: a new text is put together and hashed at every look into a map, a known one only once.
 */
function remembered<T>(make: (id: string) => T): (id: string) => T {
  const known = new Map<string, T>()
  return id => {
    const held = known.get(id)
    if (held !== undefined) return held
    const made = make(id)
    // As in KeyCache: dropping everything now and then is as good as an LRU.
    if (known.size >= REMEMBERED_MAX) known.clear()
    known.set(id, made)
    return made
  }
}

const lanesOf = remembered((_author): string[] => [])

/**
 * The state of one society: every key and the form of its value. Keys are ASCII, ordered by byte; values are canonical JSON.
 * Both are agreed between nodes (the state digest covers them) and frozen by test vectors; nothing local is kept here.
 * Retired keys stay listed as comments and are never used again.
 */
export const stateKeys = {
  /** Charter constants. */
  charter: 'charter',
  /** The law in force. */
  law: 'law',
  /** Society key in force and the hash of the next one. */
  keys: 'keys',
  /** Ceilings in force within the last 30 days. */
  ceilings: 'ceilings',
  /** entry.time of the last entry. */
  time: 'time',
  /** Decay table. */
  decay: 'decay',
  /** Supply and pool. */
  pool: 'pool',
  /** Velocity of the whole society. */
  flow: 'flow',
  /** Minted in the newest window. */
  minted: 'minted',
  charged: (producer: string) => `charged/${producer}`,
  account: remembered((lct: LctId) => `account/${lct}`),
  lane: (author: string, lane: number) => {
    const keys = lanesOf(author)
    keys[lane] ??= `lane/${author}/${String(lane).padStart(3, '0')}`
    return keys[lane]
  },
  lct: remembered((lct: LctId) => `lct/${lct}`),
  /** Which LCT a key is or ever was in. */
  key: (key: KeyText) => `key/${key}`,
  /** All LCTs ever born under an entity_ref, oldest first. */
  ref: (entityRef: HashText) => `ref/${entityRef}`,
  peer: (society: SocietyId) => `peer/${society}`,
  /** Which recognised society's current law names this witness key. */
  witnessKey: (key: KeyText) => `witness_key/${key}`,
  /** Size kept by each resume, in order: the n-th began epoch n. Absent before the first. */
  epochs: 'epochs',
  /** How many keys the state has, and the newest size of which a snapshot is taken. */
  snapshots: 'snapshots',
  /** A size of which a snapshot is taken, and what the society claimed about it. */
  snapshot: (size: Seq) => `snapshot/${String(size).padStart(16, '0')}`,
  /** The finality set that the law.update at `seq` replaced. */
  handover: (seq: Seq) => `handover/${String(seq).padStart(16, '0')}`,
} as const

/** Decay parameters of a law. */
export interface DecayRates {
  readonly base_ppm: number
  readonly grace_ms: number
  readonly max_age_ms: number
}

export interface CharterState {
  readonly amend?: { readonly k: number; readonly keys: readonly KeyText[] }
  readonly interval_ms: number
  readonly slug: string
}
export interface KeysState {
  readonly next: HashText
  readonly society: KeyText
}
/** Oldest first; each holds from `since` until the next one's. */
export type CeilingsState = readonly { readonly charge: number; readonly mint: number; readonly since: EpochMs }[]
export interface DecayState {
  /** The interval of the last entry. */
  readonly k: number
  /** D(o, k) for o = origin, origin + 1, …, k; all above 0 (each at most 10^15). */
  readonly factors: readonly number[]
  readonly origin: number
  /** Rates of the law in force before the first entry of interval k: they decide the step to k + 1. */
  readonly rates: DecayRates
}
/** minted and slashed: cumulative micro-ATP; pool: units of 10^-15 micro-ATP. Decimal text without leading zeros. */
export interface PoolState {
  readonly minted: string
  readonly pool: string
  readonly slashed: string
}
export interface WindowState {
  readonly used: MicroAtp
  /** floor(entry.time / 30 d) */
  readonly window: number
}
/** Decimal texts without leading zeros. held: integral of holdings over time in micro-ATP · ms; out: what left, in micro-ATP. */
export interface FlowWindow {
  readonly held: string
  readonly out: string
}
/** Of the window of `since`, up to there; `last`: the whole window before it, absent when there was nothing yet. */
export interface FlowState extends FlowWindow {
  readonly last?: FlowWindow
  readonly since: EpochMs
  /** floor(time / 30 d) */
  readonly window: number
}
/**
 * book: Σ P·D in units of 10^-15 micro-ATP at the last touch, decimal text; lots: [origin, principal], oldest first, principals
 * above 0. Absent when there are no lots and nothing left it lately.
 */
export interface AccountState {
  readonly book: string
  readonly flow: FlowState
  readonly lots: readonly (readonly [origin: number, principal: number])[]
}
export type LctStatus = 'active' | 'suspended' | 'revoked'
export interface LctState {
  /** seq of the birth in this log (home LCTs only). */
  readonly birth?: Seq
  /** Size that the newest accepted `standing` named (foreign LCTs only). */
  readonly foreign?: Seq
  readonly entity_ref?: HashText
  /** The key in force. */
  readonly key: KeyText
  readonly law?: number
  readonly lineage?: readonly LctId[]
  /** The key before, which still signs for this LCT while entry.time < until. */
  readonly overlap?: { readonly key: KeyText; readonly until: EpochMs }
  readonly responsibilities?: readonly string[]
  readonly rights?: readonly string[]
  readonly status: LctStatus
  readonly type: EntityType
}
export interface PeerState {
  /** The society key in force, as recognised. */
  readonly key: KeyText
  /** Hash of the next society key. */
  readonly next: HashText
  /** Law number. */
  readonly number: number
  readonly quorum: number
  /** seq + 1 of the newest recognised charter or law.update. */
  readonly size: Seq
  readonly status: 'recognised' | 'blocked'
  readonly witness_key: KeyText
  readonly witnesses: readonly KeyText[]
}
export interface SnapshotsState {
  /** Keys of the state, this one included. */
  readonly keys: number
  readonly last: Seq
}
export interface SnapshotClaim {
  readonly digest: HashText
  /** Where the claim stands. */
  readonly seq: Seq
}
/** Empty until a `state` record claims a digest. */
export type SnapshotState = SnapshotClaim | { readonly digest?: undefined }
export interface HandoverState {
  /** The society key that this law.update replaced or kept. */
  readonly key: KeyText
  readonly quorum: number
  readonly witnesses: readonly KeyText[]
}

/** Typed reads. The casts are safe because only `decide` writes these values. */
function read<T>(view: StateView, key: string): T | undefined {
  return view.get(key) as T | undefined
}
/** State values are plain JSON; interfaces lack the index signature that `Json` wants. */
export function stateValue(value: object | number | string): Json {
  return value as Json
}

export const readState = {
  charter: (view: StateView) => read<CharterState>(view, stateKeys.charter),
  law: (view: StateView) => read<Law>(view, stateKeys.law),
  keys: (view: StateView) => read<KeysState>(view, stateKeys.keys),
  ceilings: (view: StateView) => read<CeilingsState>(view, stateKeys.ceilings),
  time: (view: StateView) => read<EpochMs>(view, stateKeys.time),
  decay: (view: StateView) => read<DecayState>(view, stateKeys.decay),
  pool: (view: StateView) => read<PoolState>(view, stateKeys.pool),
  flow: (view: StateView) => read<FlowState>(view, stateKeys.flow),
  minted: (view: StateView) => read<WindowState>(view, stateKeys.minted),
  charged: (view: StateView, producer: string) => read<WindowState>(view, stateKeys.charged(producer)),
  account: (view: StateView, lct: LctId) => read<AccountState>(view, stateKeys.account(lct)),
  lane: (view: StateView, author: string, lane: number) => read<number>(view, stateKeys.lane(author, lane)),
  lct: (view: StateView, lct: LctId) => read<LctState>(view, stateKeys.lct(lct)),
  key: (view: StateView, key: KeyText) => read<LctId>(view, stateKeys.key(key)),
  ref: (view: StateView, ref: HashText) => read<readonly LctId[]>(view, stateKeys.ref(ref)),
  peer: (view: StateView, society: SocietyId) => read<PeerState>(view, stateKeys.peer(society)),
  witnessKey: (view: StateView, key: KeyText) => read<SocietyId>(view, stateKeys.witnessKey(key)),
  epochs: (view: StateView) => read<readonly Seq[]>(view, stateKeys.epochs),
  snapshots: (view: StateView) => read<SnapshotsState>(view, stateKeys.snapshots),
  snapshot: (view: StateView, size: Seq) => read<SnapshotState>(view, stateKeys.snapshot(size)),
  handover: (view: StateView, seq: Seq) => read<HandoverState>(view, stateKeys.handover(seq)),
}
