import type { JsonObject } from '../src/canonical.ts'
import type { Federation } from '../src/driver/federation.ts'
import { startUpOf } from '../src/driver/own-start.ts'
import { finalForUs } from '../src/driver/relations.ts'
import type { Halt } from '../src/driver/replica.ts'
import type { Snapshot } from '../src/driver/snapshots.ts'
import type { SocietyLog } from '../src/driver/society-log.ts'
import { hasEnded, type Successor, successorsOf } from '../src/driver/succession.ts'
import { toBase64url } from '../src/encoding.ts'
import { openEntry } from '../src/ingest/open.ts'
import { faultTolerance } from '../src/log/finality.ts'
import type { OpenedEntry } from '../src/records/types.ts'
import { keyPart, rangeOf } from '../src/store/ledger.ts'
import type { SocietyId } from '../src/units.ts'
import type { AttestationView, FinalityFacts, SnapshotView, SocietyView } from './service.ts'

/** What the API shows, read from the driver. No rule is applied here. */

export function finalityFacts(log: SocietyLog): FinalityFacts {
  const { witnesses, quorum } = log.replica.finalitySets().current
  const { liars, away } = faultTolerance({ n: witnesses.length, q: quorum })
  return { n: witnesses.length, q: quorum, liars_tolerated: liars, away_tolerated: away }
}

export function societyView(node: Federation, log: SocietyLog): SocietyView {
  const { replica, notes } = log
  const { halt, tip, inForce } = replica
  const accepted = node.acceptedKeys()
  const own = node.own?.log === log ? node.own : undefined
  const startUp = startUpOf(node, log)
  return {
    society: log.society,
    slug: inForce?.charter.slug ?? '',
    own: own !== undefined,
    policy: node.policies.get(log.society),
    size: tip.size,
    root: toBase64url(tip.root),
    final: notes.final,
    final_for_us: finalForUs(node, log.society),
    finality: finalityFacts(log),
    witnesses: replica
      .finalitySets()
      .current.witnesses.map(key => ({ key, cosigned: notes.cosigned.get(key) ?? 0, accepted: accepted.has(key) })),
    law_number: inForce?.law.number ?? 0,
    frozen: halt?.mode === 'frozen',
    ...voidFacts(log),
    state:
      modeOf(node, log) ?? (own === undefined || startUp === undefined ? 'running' : startingState(own.foreign.inUse)),
    epoch: replica.epoch,
    resumed: inForce?.epochs ?? [],
    ...(halt?.mode === 'frozen' ? { disputed: { from: notes.final, to: tip.size } } : {}),
    ...(log.convicted.length === 0 ? {} : { convicted: log.convicted }),
    ...successionFacts(node, log),
    ...(startUp === undefined ? {} : { start_up: startUp }),
  }
}

/** A wrong claim about the state stops signing as a void entry does, although nothing that follows is hindered from being applied. */
function voidFacts({
  replica: { halt },
  snapshots: { wrong },
}: SocietyLog): Pick<SocietyView, 'void_at' | 'void_code' | 'void_detail'> {
  if (halt !== undefined && 'seq' in halt) {
    const detail = halt.mode === 'unsound' ? { void_detail: halt.detail } : {}
    return { void_at: halt.seq, void_code: halt.code, ...detail }
  }
  return wrong === undefined ? {} : { void_at: wrong.seq, void_code: 'STATE_CLAIM' }
}

/** Why the log stands still, if it does. */
function modeOf(node: Federation, log: SocietyLog): Halt['mode'] | 'ended' | 'succeeded' | undefined {
  const { halt } = log.replica
  const mode = halt?.mode ?? (log.snapshots.wrong === undefined ? undefined : 'void')
  if (mode !== 'frozen' && mode !== 'void') return mode
  if (successors(node, log).some(({ proven }) => proven)) return 'succeeded'
  return hasEnded(log) ? 'ended' : mode
}

function successors(node: Federation, log: SocietyLog): readonly Successor[] {
  return successorsOf(log, node.logs.values(), node.ports.context.sha256)
}

function successionFacts(node: Federation, log: SocietyLog): Pick<SocietyView, 'predecessor' | 'successors'> {
  const found = successors(node, log)
  const predecessor = log.charter?.predecessor
  return { ...(predecessor === undefined ? {} : { predecessor }), ...(found.length === 0 ? {} : { successors: found }) }
}

function startingState(inUse: boolean): 'key-in-use' | 'starting' {
  return inUse ? 'key-in-use' : 'starting'
}

export function snapshotView({ claim, own, size }: Snapshot): SnapshotView {
  const judged = claim?.digest === own?.digest ? 'right' : 'wrong'
  const verdict = own === undefined ? 'computing' : claim === undefined ? 'unclaimed' : judged
  return { size, ...(own === undefined ? {} : { own }), ...(claim === undefined ? {} : { claim }), verdict }
}

export async function attestationsFor(
  node: Federation,
  filter: { readonly subject?: string; readonly witness?: string; readonly type?: string; readonly limit: number },
): Promise<readonly AttestationView[]> {
  const range =
    filter.subject !== undefined
      ? rangeOf.attestationsAbout(filter.subject)
      : filter.witness !== undefined
        ? rangeOf.attestationsBy(filter.witness)
        : rangeOf.attestations()
  const found: AttestationView[] = []
  const seen = new Set<string>()
  for await (const [key] of node.ports.store.range({ ...range, reverse: true })) {
    if (found.length >= filter.limit) break
    const { society, seq } = keyPart.attestation(key)
    if (seen.has(`${society} ${seq}`)) continue
    seen.add(`${society} ${seq}`)
    const log = node.logs.get(society)
    const entry = log === undefined ? undefined : await storedEntry(node, log, seq)
    if (log === undefined || entry === undefined) continue
    const view = attestationView(entry, society, log)
    const fits =
      (filter.witness === undefined || view.witness === filter.witness) &&
      (filter.type === undefined || view.type === filter.type)
    if (fits) found.push(view)
  }
  return found
}

function attestationView(entry: OpenedEntry, society: SocietyId, log: SocietyLog): AttestationView {
  const { claims, event, subject, type } = entry.record.body as JsonObject & {
    claims: JsonObject
    event?: string
    subject: string
    type: string
  }
  return {
    society,
    seq: entry.seq,
    id: entry.id,
    witness: entry.record.author,
    subject,
    type,
    claims,
    ...(event === undefined ? {} : { event }),
    time: entry.record.time,
    final: entry.seq < log.notes.final,
  }
}

export async function storedEntry(node: Federation, log: SocietyLog, seq: number): Promise<OpenedEntry | undefined> {
  const [bytes] = await log.replica.entries(seq, 1)
  const opened = bytes === undefined ? undefined : openEntry(bytes, node.ports.context.sha256)
  return opened?.ok === true ? opened.value : undefined
}
