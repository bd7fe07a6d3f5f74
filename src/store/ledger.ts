import type { StoreRange } from '../ports.ts'
import type { EpochMs, HashText, KeyText, LctId, RecordId, Seq, SocietyId } from '../units.ts'

/**
 * Every key prefix of the store, once. Nothing else in the program writes a key by hand. A retired prefix stays here as a comment
 * and is never used again, because folders of older nodes may still hold it.
 * Segments are society ids, LCT ids, keys, hashes and padded numbers: ASCII without "/", proved by the record schemas.
 */
export const storePrefixes = {
  entry: { prefix: 'entry/', doc: '<society>/<seq>: the bytes of an entry, as received' },
  state: { prefix: 'state/', doc: '<society>/<state key>: canonical JSON; the keys are those of src/state/model.ts' },
  tile: { prefix: 'tile/', doc: '<society>/<level>/<index>: a full or growing tile of the Merkle tree' },
  tip: {
    prefix: 'tip/',
    doc: '<society>: canonical JSON of size, root and time up to which everything here is applied; moved by compare-and-set',
  },
  record: { prefix: 'record/', doc: '<society>/<record id>: seq of the entry that holds the record' },
  attestSubject: {
    prefix: 'attest/subject/',
    doc: '<subject>/<society>/<seq>: attestations about a subject, in every log held here',
  },
  attestWitness: { prefix: 'attest/witness/', doc: '<witness>/<society>/<seq>: attestations by a witness' },
  paymentTo: {
    prefix: 'payment/to/',
    doc: '<LCT>/<entry time>/<society>/<seq>: payments, in logs held here, to an LCT that is at home elsewhere',
  },
  paymentInto: {
    prefix: 'payment/into/',
    doc: '<home of the payee>/<society>/<seq>: the same payments, by the log that they stand in',
  },
  received: {
    prefix: 'received/',
    doc: '<LCT>/<entry time>/<society>/<seq>: a payment to a member of the own society that was proved to be final for this node, with the proof: of logs that are not, or not yet, held here so far',
  },
  told: {
    prefix: 'told/',
    doc: '<society>: below this seq the payments of a log to members of the own society were told as received',
  },
  note: {
    prefix: 'note/',
    doc: "<society>/latest: the newest signed note; <society>/final: the newest one that its witnesses made final; <society>/handover/<seq>: the replaced set's word for a handover",
  },
  cosigned: {
    prefix: 'cosigned/',
    doc: '<society>/<witness key>, after a resume with /<epoch>: size, root and note that a witness key of this node last signed; moved before signing. closed: it countersigned a resume and signs nothing more of this epoch',
  },
  cosigner: {
    prefix: 'cosigner/',
    doc: '<society>/<witness key>: newest verified cosignature of each witness of the log',
  },
  publicCosigner: {
    prefix: 'public/',
    doc: "<society>/<key>: newest cosignature of a public witness of the own log, with the note's text: shown, never counted",
  },
  watched: {
    prefix: 'watched/',
    doc: "<hash of an origin>: size and root of another log that this node's public witness last cosigned; moved before signing",
  },
  fork: { prefix: 'fork/', doc: '<society>: proof that the log has forked' },
  spent: {
    prefix: 'spent/',
    doc: '<society>/<epoch>: the fork proof that ended an epoch; the log was resumed since',
  },
  resume: {
    prefix: 'resume/',
    doc: '<society>: a resume in work: the size to go back to, the size and root that are kept, the new epoch, and how far it is',
  },
  dropped: { prefix: 'dropped/', doc: '<society>/<epoch>/<seq>: an entry that was given up when its epoch ended' },
  approval: { prefix: 'approval/', doc: '<society>/<epoch>: the resume that the operator of this witness approved' },
  void: { prefix: 'void/', doc: '<society>: the first void entry and its code' },
  digest: {
    prefix: 'digest/',
    doc: '<society>/<size>: digest of the state at one of the sizes of snapshots, as computed here, with the root it belongs to; can be made again',
  },
  audit: {
    prefix: 'audit/',
    doc: '<society>: what the newest audits of the state found; while it says that something is wrong, the log stands still',
  },
  sweep: {
    prefix: 'sweep/',
    doc: '<society>: how far the sweep of the own accounts is, its cursor, and what all sweeps so far came to',
  },
  policy: { prefix: 'policy/', doc: '<society>: what the operator of this node consented to' },
  founder: {
    prefix: 'founder/',
    doc: '<witness key>: the operator consented to witness the society that the holder of this key founds',
  },
  refused: { prefix: 'refused/', doc: '<record id>: a record that this node never enters any more' },
  pending: {
    prefix: 'pending/',
    doc: '<society>/<record id>: a record that waits for its signatures or for the sequencer',
  },
  meta: { prefix: 'meta/', doc: '<name>: facts about this folder, such as the version of its form' },
} as const satisfies Record<string, { prefix: string; doc: string }>

/** 2^53 − 1 has 16 digits. */
const NUMBER_DIGITS = 16
const LEVEL_DIGITS = 2
/** A log has at most 256 resumes. */
const EPOCH_DIGITS = 3

/** The only makers of store keys. */
export const storeKey = {
  entry: (society: SocietyId, seq: Seq) => join('entry', society, number(seq)),
  /** `key`: one of `stateKeys`; it may contain "/". */
  state: (society: SocietyId, key: string) => join('state', society, key),
  tile: (society: SocietyId, level: number, index: number) =>
    join('tile', society, number(level, LEVEL_DIGITS), number(index)),
  tip: (society: SocietyId) => join('tip', society),
  record: (society: SocietyId, id: RecordId) => join('record', society, id),
  attestSubject: (subject: LctId, society: SocietyId, seq: Seq) => join('attestSubject', subject, society, number(seq)),
  attestWitness: (witness: LctId, society: SocietyId, seq: Seq) => join('attestWitness', witness, society, number(seq)),
  paymentTo: (payee: LctId, time: EpochMs, society: SocietyId, seq: Seq) =>
    join('paymentTo', payee, number(time), society, number(seq)),
  paymentInto: (home: SocietyId, society: SocietyId, seq: Seq) => join('paymentInto', home, society, number(seq)),
  received: (payee: LctId, time: EpochMs, society: SocietyId, seq: Seq) =>
    join('received', payee, number(time), society, number(seq)),
  told: (society: SocietyId) => join('told', society),
  noteLatest: (society: SocietyId) => join('note', society, 'latest'),
  noteFinal: (society: SocietyId) => join('note', society, 'final'),
  noteHandover: (society: SocietyId, seq: Seq) => join('note', society, 'handover', number(seq)),
  /** Epoch 0 has the form of folders that know of no epochs: what a witness signed must not be forgotten. */
  cosigned: (society: SocietyId, witnessKey: KeyText, epoch: number) =>
    epoch === 0
      ? join('cosigned', society, witnessKey)
      : join('cosigned', society, witnessKey, number(epoch, EPOCH_DIGITS)),
  cosigner: (society: SocietyId, witnessKey: KeyText) => join('cosigner', society, witnessKey),
  publicCosigner: (society: SocietyId, key: KeyText) => join('publicCosigner', society, key),
  watched: (origin: HashText) => join('watched', origin),
  fork: (society: SocietyId) => join('fork', society),
  spent: (society: SocietyId, epoch: number) => join('spent', society, number(epoch, EPOCH_DIGITS)),
  resume: (society: SocietyId) => join('resume', society),
  dropped: (society: SocietyId, epoch: number, seq: Seq) =>
    join('dropped', society, number(epoch, EPOCH_DIGITS), number(seq)),
  approval: (society: SocietyId, epoch: number) => join('approval', society, number(epoch, EPOCH_DIGITS)),
  void: (society: SocietyId) => join('void', society),
  digest: (society: SocietyId, size: Seq) => join('digest', society, number(size)),
  audit: (society: SocietyId) => join('audit', society),
  sweep: (society: SocietyId) => join('sweep', society),
  policy: (society: SocietyId) => join('policy', society),
  founder: (witnessKey: KeyText) => join('founder', witnessKey),
  refused: (id: HashText) => join('refused', id),
  pending: (society: SocietyId, id: RecordId) => join('pending', society, id),
  meta: (name: string) => join('meta', name),
} as const

/** Ranges for `StoreReader.range`; add `reverse` and `limit` by spreading. Upper bounds are exclusive and may be left out. */
export const rangeOf = {
  entries: (society: SocietyId, from: Seq = 0, to?: Seq) => numbered(join('entry', society, ''), from, to),
  state: (society: SocietyId) => under(join('state', society, '')),
  /** Accounts in the state, by LCT; those behind `after`. */
  accounts: (society: SocietyId, after?: LctId): StoreRange => {
    const all = under(join('state', society, 'account/'))
    return after === undefined ? all : { ...all, gte: `${all.gte}${after}\u0000` }
  },
  digests: (society: SocietyId, from: Seq = 0) => numbered(join('digest', society, ''), from),
  /** State keys of the sizes of which snapshots are taken, by size. */
  snapshots: (society: SocietyId) => under(join('state', society, 'snapshot/')),
  tiles: (society: SocietyId, level: number, from = 0, to?: number) =>
    numbered(join('tile', society, number(level, LEVEL_DIGITS), ''), from, to),
  /** Every log held here, by society id. */
  tips: () => under(storePrefixes.tip.prefix),
  records: (society: SocietyId) => under(join('record', society, '')),
  attestationsAbout: (subject: LctId) => under(join('attestSubject', subject, '')),
  attestationsBy: (witness: LctId) => under(join('attestWitness', witness, '')),
  /** All, by subject. */
  attestations: () => under(storePrefixes.attestSubject.prefix),
  /** In order of time; `before`: exclusive. */
  paymentsTo: (payee: LctId, before?: EpochMs) => numbered(join('paymentTo', payee, ''), 0, before),
  /** In one log, to members of `home`. */
  paymentsInto: (home: SocietyId, society: SocietyId, from: Seq, to: Seq) =>
    numbered(join('paymentInto', home, society, ''), from, to),
  receivedBy: (payee: LctId, before?: EpochMs) => numbered(join('received', payee, ''), 0, before),
  /** All, by payee. */
  received: () => under(storePrefixes.received.prefix),
  cosigned: (society: SocietyId) => under(join('cosigned', society, '')),
  cosigners: (society: SocietyId) => under(join('cosigner', society, '')),
  forks: () => under(storePrefixes.fork.prefix),
  /** What was given up at the end of an epoch. */
  dropped: (society: SocietyId, epoch: number) => under(join('dropped', society, number(epoch, EPOCH_DIGITS), '')),
  tree: (society: SocietyId) => under(join('tile', society, '')),
  handoverNotes: (society: SocietyId) => under(join('note', society, 'handover', '')),
  voids: () => under(storePrefixes.void.prefix),
  policies: () => under(storePrefixes.policy.prefix),
  founders: () => under(storePrefixes.founder.prefix),
  pending: (society: SocietyId) => under(join('pending', society, '')),
} as const

/** What a key of a range says beyond its prefix. */
export const keyPart = {
  /** The number that ends an entry, tile or attestation key. */
  number: (key: string): number => Number(key.slice(-NUMBER_DIGITS)),
  /** The last segment: the society of a tip, the LCT of an account, the witness key of a cosigner, the record id of a pending record. */
  last: (key: string): string => key.slice(key.lastIndexOf('/') + 1),
  /** The state key inside a store key. */
  state: (society: SocietyId, key: string): string => key.slice(join('state', society, '').length),
  /** Where an attestation stands. */
  attestation: (key: string): { readonly society: SocietyId; readonly seq: Seq } => ({
    society: key.split('/').at(-2) ?? '',
    seq: keyPart.number(key),
  }),
  /** Where a payment stands. `place` orders payments of one payee as their keys do. */
  payment: (key: string): { readonly place: string; readonly society: SocietyId; readonly seq: Seq } => ({
    place: key.split('/').slice(-3).join('/'),
    society: key.split('/').at(-2) ?? '',
    seq: keyPart.number(key),
  }),
} as const

/** The first text above every key that begins with `prefix`; above all ASCII when it is empty. */
export function prefixEnd(prefix: string): string {
  const last = prefix.length - 1
  return last < 0 ? '\u0080' : prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1)
}

function join(name: keyof typeof storePrefixes, ...segments: string[]): string {
  return storePrefixes[name].prefix + segments.join('/')
}

function under(prefix: string): StoreRange {
  return { gte: prefix, lt: prefixEnd(prefix) }
}

function numbered(prefix: string, from: number, to?: number): StoreRange {
  return { gte: prefix + number(from), lt: to === undefined ? prefixEnd(prefix) : prefix + number(to) }
}

/** Fixed width, so that the order of the texts is the order of the numbers. */
function number(value: number, digits = NUMBER_DIGITS): string {
  const text = String(value).padStart(digits, '0')
  if (!Number.isSafeInteger(value) || value < 0 || text.length > digits)
    throw new RangeError(`${value} cannot be part of a store key`)
  return text
}
