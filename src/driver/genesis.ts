import { canonicalBytes, type Json, type JsonObject } from '../canonical.ts'
import { keyBytes } from '../encoding.ts'
import { encodeSubmission } from '../ingest/open.ts'
import { entryOf } from '../ingest/verify.ts'
import { checkpointText, logSignatureMessage, makeLogNote, type Note, originOf } from '../log/note.ts'
import type { Signer } from '../ports.ts'
import { type CharterBody, charterSigners, refuseCharter } from '../records/charter.ts'
import { defaultLaw, type Law } from '../records/law.ts'
import { societyIdOf } from '../records/names.ts'
import type { AnyRecord, Sig } from '../records/types.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { fail, ok, type Result } from '../result.ts'
import { storeKey } from '../store/ledger.ts'
import { DAY_MS, type HashText, type KeyText, type SocietyId } from '../units.ts'
import type { Federation } from './federation.ts'
import { signRecord } from './issue.ts'
import { openVerified } from './serve.ts'
import type { Predecessor } from './succession.ts'

const CONSENT_TIMEOUT_MS = 10_000

export interface GenesisRequest {
  readonly slug: string
  readonly witnesses: readonly KeyText[]
  readonly birth_witnesses: readonly KeyText[]
  readonly quorum?: number
  readonly birth_quorum?: number
  readonly interval_ms?: number
  /** k of these keys sign every change of the law. */
  readonly amend?: { readonly k: number; readonly keys: readonly KeyText[] }
  /** Members of the law that differ from the defaults. */
  readonly law?: JsonObject
  readonly next: HashText
  /** The log that ended, where this one goes on. */
  readonly predecessor?: Predecessor
}

/** The charter without its signatures, with the defaults filled in. */
export function draftCharter(
  request: GenesisRequest,
  societyKey: KeyText,
  witnessKey: KeyText,
  now: number,
): AnyRecord {
  const base = defaultLaw({ witness_key: witnessKey, finality: request.witnesses, birth: request.birth_witnesses })
  const law = {
    ...base,
    birth: { ...base.birth, quorum: request.birth_quorum ?? base.birth.quorum },
    finality: { ...base.finality, quorum: request.quorum ?? base.finality.quorum },
    ...(request.law ?? {}),
  } as Law
  const body = {
    ...(request.amend === undefined ? {} : { amend: { k: request.amend.k, keys: [...request.amend.keys].sort() } }),
    interval_ms: request.interval_ms ?? DAY_MS,
    law,
    next: request.next,
    ...(request.predecessor === undefined ? {} : { predecessor: request.predecessor }),
    slug: request.slug,
    society_key: societyKey,
  }
  return {
    author: '',
    body: body as unknown as AnyRecord['body'],
    kind: 'charter',
    lane: 0,
    n: 1,
    society: '',
    time: now,
    v: 1,
  }
}

/** Collects the consents of all witnesses, writes entry 0 and begins to sequence. Nothing is kept if one of them refuses. */
export async function foundSociety(
  node: Federation,
  request: GenesisRequest,
  signer: Signer,
): Promise<Result<SocietyId>> {
  if (node.own !== undefined) return fail(rejection('CHARTER_TWICE', 'this node has a society'))
  const { clock, context, witnessSigner } = node.ports
  const record = draftCharter(request, signer.key, witnessSigner.key, clock.now())
  // Before anybody is asked to sign for what no log would take.
  const bad = refuseCharter(record.body as unknown as CharterBody)
  if (bad !== undefined) return fail(bad)
  const own = await Promise.all([signer, witnessSigner].map(key => signRecord(record, key)))
  const consents = await collectConsents(node, record, charterSigners(record.body as unknown as CharterBody), own)
  if (!consents.ok) return consents
  const opened = await openVerified(node, encodeSubmission(record, consents.value))
  if (!opened.ok) return opened
  const society = societyIdOf(request.slug, opened.value.recordBytes, context.sha256)
  const log = await node.follow(society)
  let first: Note | undefined
  const { answer: refused } = await log.replica.change(
    async session => {
      const entry = entryOf(opened.value, 0, clock.now(), context.sha256)
      await session.prefetch([entry])
      const bad = await session.decide(entry)
      return { keep: bad === undefined ? [entry] : [], answer: bad }
    },
    {
      sync: true,
      note: async (size, root) => {
        const checkpoint = { origin: originOf(society), size, root }
        const signature = await signer.sign(logSignatureMessage(checkpointText(checkpoint)))
        const note = makeLogNote(checkpoint, keyBytes(signer.key) as Uint8Array, signature, context.sha256)
        first = note
        return [
          ...log.notes.latestOps(note),
          { type: 'put', key: storeKey.meta('society'), value: canonicalBytes(society as Json) },
        ]
      },
    },
  )
  if (refused !== undefined || first === undefined)
    return fail(refused ?? rejection('CHARTER_TWICE', 'this log has its charter'))
  log.notes.setLatest(first)
  await node.policies.set(society, { follow: true, witness: false, block: false })
  await node.adopt(society)
  return ok(society)
}

/** Every signer that is not yet there is asked over the network. */
async function collectConsents(
  node: Federation,
  record: AnyRecord,
  signers: readonly KeyText[],
  own: readonly Sig[],
): Promise<Result<readonly Sig[]>> {
  const sigs = new Map(own.map(sig => [sig.by, sig]))
  const asked = signers.filter(key => !sigs.has(key))
  const answers = await Promise.all(asked.map(key => askCountersign(node, key, record)))
  const refusals: Rejection[] = []
  for (const [index, answer] of answers.entries()) {
    if (answer.ok) sigs.set(answer.value.by, answer.value)
    else refusals.push(rejection(answer.error.code, `${asked[index]}: ${answer.error.code}`))
  }
  const [first] = refusals
  // All that stand in the way at once, each with its reason.
  return first === undefined
    ? ok([...sigs.values()])
    : fail(rejection(first.code, refusals.map(({ detail }) => detail).join(', ')))
}

/** One signature of one witness, or its refusal. */
export async function askCountersign(node: Federation, witness: KeyText, record: AnyRecord): Promise<Result<Sig>> {
  if (witness === node.ports.witnessSigner.key) return ok(await signRecord(record, node.ports.witnessSigner))
  const peer = node.ports.net.peers().find(candidate => candidate.witnessKey === witness)
  if (peer === undefined) return fail(rejection('PEER_UNREACHABLE', witness))
  const reply = await node.ports.net.request(
    peer.peer,
    'countersign',
    { record: record as unknown as JsonObject },
    { timeoutMs: CONSENT_TIMEOUT_MS },
  )
  if (!reply.ok) return reply
  return reply.value.by === witness ? reply : fail(rejection('PEER_GARBAGE', 'signed with another key'))
}
