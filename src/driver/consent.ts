import { canonicalBytes, type Json } from '../canonical.ts'
import { toBase64url } from '../encoding.ts'
import { checkUnsigned } from '../ingest/open.ts'
import { leafHash } from '../log/merkle.ts'
import type { CharterBody } from '../records/charter.ts'
import type { Law } from '../records/law.ts'
import { consentsOf, type LawUpdateBody } from '../records/law-update.ts'
import { societyIdOf } from '../records/names.ts'
import { rulesOf } from '../records/registry.ts'
import type { AnyRecord, OpenedEntry, Sig } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { decide } from '../state/decide.ts'
import { type CharterState, type PeerState, stateKeys } from '../state/model.ts'
import type { KeyText, SocietyId } from '../units.ts'
import type { Federation } from './federation.ts'
import type { Tip } from './replica.ts'
import type { SocietyLog } from './society-log.ts'

/**
 * What a node signs for others with its witness key: births of societies that it witnesses, charters and laws that name it.
 * It signs only what its own replica would accept, tried with the signatures that the record would have.
 */

/** 64 zero bytes: decisions look at who signs; nobody is shown these. */
const NO_SIGNATURE = toBase64url(new Uint8Array(64))

/** `asker`: the witness key for which the asking node proved to speak. */
export async function judgeConsent(
  node: Federation,
  record: AnyRecord,
  asker: KeyText,
): Promise<Rejection | undefined> {
  const bad = checkUnsigned(record)
  if (bad !== undefined) return bad
  const bytes = canonicalBytes(record as unknown as Json)
  if (bytes.length > (rulesOf(record.kind)?.bytesMax ?? 0)) return rejection('FORMAT_TOO_LARGE')
  if (record.kind === 'charter') return judgeCharter(node, record, bytes, asker)
  if (record.kind === 'birth') return judgeBirth(node, record, bytes)
  if (record.kind === 'law.update') return judgeLaw(node, record, bytes, asker)
  return rejection('PEER_DENIED', 'nothing that this node countersigns')
}

async function judgeCharter(
  node: Federation,
  record: AnyRecord,
  bytes: Uint8Array,
  asker: KeyText,
): Promise<Rejection | undefined> {
  const body = record.body as unknown as CharterBody
  const own = node.ports.witnessSigner.key
  if (!body.law.finality.witnesses.includes(own))
    return rejection('PEER_DENIED', 'the charter does not name this witness')
  const { sha256 } = node.ports.context
  const society = societyIdOf(body.slug, bytes, sha256)
  // Who founds it asks in person: a charter that somebody else drew up in that name is nothing to consent to.
  const founder = body.law.witness_key === asker ? asker : undefined
  if (!consented(node, society, founder)) return rejection('NOT_CONSENTED')
  const signers = [...new Set([body.society_key, body.law.witness_key, ...body.law.finality.witnesses])].sort()
  const refused = decide(
    { get: () => undefined },
    society,
    asEntry(node, record, bytes, { size: 0, time: 0 }, signers),
    node.ports.context,
  )
  if (!refused.ok) return refused.error
  // Consent to a charter is consent to witness its log.
  await node.promise(body.law.witness_key, society)
  return undefined
}

/** The operator's word: for this society, for whatever its founder founds, or for all. A block is stronger than each of them. */
function consented(node: Federation, society: SocietyId, founder: KeyText | undefined): boolean {
  const { block, witness } = node.policies.get(society)
  if (block) return false
  return witness || node.options.consent === 'all' || (founder !== undefined && node.policies.consentsTo(founder))
}

async function judgeBirth(node: Federation, record: AnyRecord, bytes: Uint8Array): Promise<Rejection | undefined> {
  const log = node.logs.get(record.society)
  const policy = node.policies.get(record.society)
  const isOwn = node.ownSociety === record.society
  if (log === undefined || policy.block || !(policy.witness || isOwn)) return rejection('NOT_CONSENTED')
  const { law, keys } = log.replica.inForce ?? {}
  if (law === undefined || keys === undefined) return rejection('STARTING', 'no charter yet')
  const subject = (record.body as { key?: KeyText }).key ?? ''
  const witnesses = await supposedWitnesses(node, log, law)
  const signers = [...new Set([subject, keys.society, ...witnesses])].sort()
  return log.replica.dryRun(tip => asEntry(node, record, bytes, tip, signers))
}

/** A law that names this witness: to consent is to witness its log from there on. */
async function judgeLaw(
  node: Federation,
  record: AnyRecord,
  bytes: Uint8Array,
  asker: KeyText,
): Promise<Rejection | undefined> {
  const log = node.logs.get(record.society)
  const { charter, keys, law: before } = log?.replica.inForce ?? {}
  const named = (record.body as unknown as LawUpdateBody).law
  if (![named.witness_key, ...named.finality.witnesses].includes(node.ports.witnessSigner.key))
    return rejection('PEER_DENIED', 'the law does not name this witness')
  // Until the log is here, who asks may be who founded it: that much is enough to fetch the log, and for nothing else.
  if (!consented(node, record.society, before?.witness_key ?? asker)) return rejection('NOT_CONSENTED')
  if (log === undefined || charter === undefined || keys === undefined || before === undefined) {
    // The operator agreed to witness it; to judge its law the log is needed.
    await node.setPolicy(record.society, { follow: true })
    return rejection('STARTING', 'no charter yet')
  }
  const { law, society_key } = record.body as unknown as LawUpdateBody
  const consents = consentsOf(law, { witness_key: before.witness_key, witnesses: before.finality.witnesses })
  if (!consents.includes(node.ports.witnessSigner.key))
    return rejection('PEER_DENIED', 'the law does not name this witness newly')
  const required = [...new Set([society_key ?? keys.society, ...consents])]
  const signers = [...required, ...amendSigners(charter, required)].sort()
  const refused = await log.replica.dryRun(tip => asEntry(node, record, bytes, tip, signers))
  if (refused !== undefined) return refused
  await node.setPolicy(record.society, { follow: true, witness: true })
  return undefined
}

/** As many amend keys as the charter asks for beside those that sign anyway. */
export function amendSigners({ amend }: CharterState, required: readonly KeyText[]): readonly KeyText[] {
  if (amend === undefined) return []
  const others = amend.keys.filter(key => !required.includes(key))
  return others.slice(0, Math.max(0, amend.k - (amend.keys.length - others.length)))
}

/** The society's own look at a birth before it asks anybody: would its log take it, fully signed? */
export async function judgeOwnBirth(node: Federation, record: AnyRecord): Promise<Rejection | undefined> {
  if (record.kind !== 'birth' || record.society !== node.ownSociety) return rejection('NOT_SEQUENCER')
  return checkUnsigned(record) ?? judgeBirth(node, record, canonicalBytes(record as unknown as Json))
}

/** A full set of birth witnesses with this node among them, from as many other societies as possible. */
async function supposedWitnesses(node: Federation, log: SocietyLog, law: Law): Promise<readonly KeyText[]> {
  const own = node.ports.witnessSigner.key
  const isWitness = law.birth.witnesses.includes(own)
  const others = law.birth.witnesses.filter(key => key !== own)
  const societies = await log.replica.states(others.map(stateKeys.witnessKey))
  const peers = await log.replica.states(societies.map(society => stateKeys.peer(String(society ?? ''))))
  const qualified = others.filter(
    (key, index) => key === law.witness_key || (peers[index] as PeerState | undefined)?.status === 'recognised',
  )
  // The society's own witness last: two other societies are needed.
  qualified.sort((a, b) => Number(a === law.witness_key) - Number(b === law.witness_key))
  return (
    isWitness && own !== law.witness_key ? [own, ...qualified] : isWitness ? [...qualified, own] : qualified
  ).slice(0, law.birth.quorum)
}

/** A record as it would stand at the end of the log, with the given signers. */
export function asEntry(
  node: Federation,
  record: AnyRecord,
  recordBytes: Uint8Array,
  tip: Pick<Tip, 'size' | 'time'>,
  signers: readonly KeyText[],
): OpenedEntry {
  const { context, clock } = node.ports
  const sigs: Sig[] = signers.map(by => ({ by, sig: NO_SIGNATURE }))
  const time = Math.max(tip.time, clock.now())
  const leaf = leafHash(recordBytes, context.sha256)
  return {
    record,
    recordBytes,
    sigs,
    id: toBase64url(context.sha256(recordBytes)),
    seq: tip.size,
    time,
    bytes: recordBytes,
    leaf,
  }
}
