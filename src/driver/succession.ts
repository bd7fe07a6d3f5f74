import { toBase64url } from '../encoding.ts'
import { openEntry } from '../ingest/open.ts'
import { convictedWitnesses, decodeForkProof } from '../log/fork.ts'
import type { Sha256, StoreReader } from '../ports.ts'
import type { CharterBody } from '../records/charter.ts'
import { keyHash } from '../records/law-update.ts'
import type { DecideContext } from '../records/types.ts'
import { storeKey } from '../store/ledger.ts'
import type { HashText, KeyText, Seq, SocietyId } from '../units.ts'
import type { Replica } from './replica.ts'
import type { SocietyLog } from './society-log.ts'

/** Logs that ended, and those that continue them under a new charter. Whom to follow is for people to decide. */

/** The log that a charter says to continue. */
export type Predecessor = NonNullable<CharterBody['predecessor']>

export interface Successor {
  readonly society: SocietyId
  /** What it says to continue. */
  readonly size: Seq
  readonly root: HashText
  /** Its charter is signed by the old log's key in force, or by the next one: not by a retired key, which anybody may have found. */
  readonly proven: boolean
}

/** Those of the logs held here whose charters name this one. */
export function successorsOf(log: SocietyLog, held: Iterable<SocietyLog>, sha256: Sha256): readonly Successor[] {
  const { next, society: key } = log.replica.inForce?.keys ?? {}
  return [...held].flatMap(({ charter, society }) => {
    if (charter?.predecessor?.id !== log.society) return []
    const { root, size } = charter.predecessor
    const proven = charter.society_key === key || keyHash(charter.society_key, sha256) === next
    return [{ society, size, root, proven }]
  })
}

/** Where a log stands, for the charter of the one that continues it. */
export function asPredecessor({ replica, society }: SocietyLog): Predecessor {
  const { root, size } = replica.tip
  return { id: society, root: toBase64url(root), size }
}

/** Whether so few witnesses are left that did not cosign two histories that no resume can be countersigned any more. */
export function hasEnded({ convicted, replica }: SocietyLog): boolean {
  if (replica.halt?.mode !== 'frozen') return false
  const { quorum, witnesses } = replica.finalitySets().current
  return witnesses.filter(key => !convicted.includes(key)).length < quorum
}

export async function readCharter(replica: Replica, { sha256 }: DecideContext): Promise<CharterBody | undefined> {
  const [bytes] = await replica.entries(0, 1)
  const opened = bytes === undefined ? undefined : openEntry(bytes, sha256)
  return opened?.ok === true ? (opened.value.record.body as unknown as CharterBody) : undefined
}

/** Witnesses that cosigned both histories of a log that forked: none of them can say that it did not. */
export async function readConvicted(
  store: StoreReader,
  society: SocietyId,
  { sha256, verifySignature }: DecideContext,
): Promise<readonly KeyText[]> {
  const [bytes] = await store.getMany([storeKey.fork(society)])
  const proof = bytes === undefined ? undefined : decodeForkProof(bytes)
  return proof?.ok === true ? convictedWitnesses(proof.value, verifySignature, sha256) : []
}
