import type { DecayView } from '../../../node/decay-desk.ts'
import type { NodeEvent, NodeService, RecordView, SocietyView } from '../../../node/service.ts'
import { canonicalBytes, type JsonObject } from '../../../src/canonical.ts'
import { defaultLaw } from '../../../src/records/law.ts'
import { rejection } from '../../../src/rejection.ts'
import { fail, ok } from '../../../src/result.ts'
import { DAY_MS, formatAtp } from '../../../src/units.ts'

/** A node that knows one society, one LCT and one record, for tests of what stands above it. */

export const KEY = `z6Mk${'a'.repeat(44)}`
export const HASH = 'A'.repeat(43)
export const SOCIETY = `alpha-${'a'.repeat(26)}`
export const LCT = `lct:web4:organization:${SOCIETY}:${'b'.repeat(26)}`
export const OTHER = `lct:web4:human:${SOCIETY}:${'c'.repeat(26)}`
export const NOTE = `web4/${SOCIETY}\n2\n${HASH}\n\n— note\n`
/** Members out of order and spaces: what stands in a store is never tidied up. */
export const ENTRIES = ['{"seq":0, "b":1,"a":2}', '{"seq":1}', '{"seq":2,"text":"ä"}'].map(text =>
  new TextEncoder().encode(text),
)

export const society: SocietyView = {
  society: SOCIETY,
  slug: 'alpha',
  own: true,
  policy: { follow: true, witness: true, block: false },
  size: 3,
  root: HASH,
  final: 2,
  final_for_us: 1,
  finality: { n: 4, q: 3, liars_tolerated: 1, away_tolerated: 1 },
  witnesses: [{ key: KEY, cosigned: 2, accepted: true }],
  law_number: 0,
  frozen: false,
  state: 'running',
  epoch: 0,
  resumed: [],
}

export interface FakeService extends NodeService {
  emit(event: NodeEvent): void
  readonly listeners: ReadonlySet<unknown>
  readonly submissions: Uint8Array[]
  readonly issued: JsonObject[]
}

const tolerance = { n: 4, q: 3, liars_tolerated: 1, away_tolerated: 1 }
const LAW = defaultLaw({ witness_key: KEY, finality: [KEY], birth: [KEY] }) as unknown as JsonObject
const plan = {
  before: LAW,
  handover: true,
  finality: { before: tolerance, after: tolerance },
  consents: [KEY],
  connected: { before: 4, after: 4 },
  amend: { k: 1, keys: [KEY] },
  record: { kind: 'law.update' },
}

const at = (size: number) => ({ society: SOCIETY, epoch: 1, size, root: HASH })
const facts = {
  cause: 'fork',
  here: 3,
  final: 2,
  given_up: { count: 1, entries: [{ seq: 2, id: HASH, kind: 'attest', author: LCT, time: 1 }] },
} as const

export const audited = {
  society: SOCIETY,
  size: 3,
  root: HASH,
  sound: true,
  accounts: 2,
  difference: '0',
  faulty: 0,
  faults: [],
  good: 2,
}
const replay = { differing: 0, differences: [] }

const history = { common: 2, here: 3, final: 2, given_up: facts.given_up }

const final = (id: string): RecordView => ({ id, status: 'final', society: SOCIETY, seq: 2, final_for_us: true })

const counts = { accounts: 1_204, swept: 311, entries: 1, decayed: '12.345678' }
const cycle = { number: 7, interval: 19_675, scheduled: false, minimum: '0', began: 1, duration_ms: 300, ...counts }
const decay: DecayView = {
  society: SOCIETY,
  interval_ms: 86_400_000,
  scheduled: true,
  minimum: '0.01',
  state: 'idle',
  totals: { cycles: 7, errors: 2, ...counts },
}

export function fakeService(changes: Partial<NodeService> = {}): FakeService {
  const listeners = new Set<(event: NodeEvent) => void>()
  const submissions: Uint8Array[] = []
  const issued: JsonObject[] = []
  const known = (id: string) => id === SOCIETY
  const service: NodeService = {
    status: () => ({
      version: '0.1.0',
      society: SOCIETY,
      witness_key: KEY,
      peer_id: '12D3',
      addresses: ['/ip4/127.0.0.1/tcp/1'],
      clock: 1_700_000_000_000,
      peers: [{ peer: '12D4', society: '', witness_key: KEY, found_by: 'inbound' }],
      logs: [society],
      rejected: { STALE: 2 },
    }),
    ready: () => ({ ready: true, reasons: [] }),
    societies: () => [society],
    society: id => (known(id) ? society : undefined),
    law: id =>
      known(id)
        ? ok({
            society: SOCIETY,
            law: LAW,
            keys: { society: KEY, next: HASH },
            interval_ms: 1,
            finality: tolerance,
          })
        : fail(rejection('NOT_FOUND')),
    entries: async (id, from, limit) =>
      known(id) ? ok(ENTRIES.slice(from, from + limit)) : fail(rejection('NOT_FOUND')),
    checkpoint: id => (known(id) ? ok(NOTE) : fail(rejection('NOT_FOUND'))),
    state: async id => ok({ society: id, size: 3, root: HASH, digest: HASH, keys: 7 }),
    snapshots: id =>
      known(id)
        ? ok([
            { size: 0, own: { digest: HASH, keys: 0, root: HASH }, verdict: 'unclaimed' },
            { size: 10_000, claim: { digest: HASH, seq: 10_007 }, verdict: 'computing' },
          ])
        : fail(rejection('NOT_FOUND')),
    nextN: async (_society, _author, lane) => ok(lane + 5),
    record: async id => (id === HASH ? final(id) : { id, status: 'unknown' }),
    proof: async () => ok(ENTRIES[0] as Uint8Array),
    tlogProof: async () => ok(`c2sp.org/tlog-proof@v1\nindex 0\n\n${NOTE}`),
    lct: async (lct, society = SOCIETY) => ok({ lct, society, status: 'active' }),
    certificate: async () => ok(ENTRIES[1] as Uint8Array),
    accounts: async (lct, id) => [
      {
        society: id ?? SOCIETY,
        lct,
        spendable: 12_500_000,
        atp: '12.5',
        size: 3,
        final: 2,
        final_for_us: 1,
        lots: [
          {
            origin: 20_000,
            born: 20_000 * DAY_MS,
            principal: 13_000_000,
            value: 12_500_000,
            atp: '12.5',
            dies: 20_365 * DAY_MS,
          },
        ],
        next: [
          { time: 20_031 * DAY_MS, spendable: 12_479_166, atp: '12.479166' },
          { time: 20_032 * DAY_MS, spendable: 12_458_367, atp: '12.458367' },
        ],
        oldest_dies: 20_365 * DAY_MS,
      },
    ],
    economy: async id =>
      known(id)
        ? ok({
            society: id,
            time: 20_030 * DAY_MS,
            size: 3,
            final: 3,
            final_for_us: 2,
            minted: '1000',
            slashed: '1',
            supply: '999',
            pool: '899.5',
            accounts: '99.5',
            law: { base_ppm: 50_000, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS, interval_ms: DAY_MS },
            velocity: {
              now: { start: 20_010 * DAY_MS, elapsed: 0.6667, outflow: '20', holdings: '60', velocity: 0.5 },
              last: { start: 19_980 * DAY_MS, elapsed: 1, outflow: '0', holdings: '0' },
            },
          })
        : fail(rejection('NOT_FOUND', id)),
    holdings: async (id, { after }) =>
      known(id)
        ? ok({
            society: id,
            size: 3,
            time: 20_030 * DAY_MS,
            interval_ms: DAY_MS,
            decay: { k: 20_030, origin: 20_029, factors: [999_833_333_333_333, 1_000_000_000_000_000] },
            accounts:
              after === undefined
                ? [{ lct: LCT, lots: [{ origin: 20_029, principal: 13_000_000 }] }]
                : [{ lct: OTHER, lots: [{ origin: 20_030, principal: 7_000_000 }], velocity: 0.75 }],
            ...(after === undefined ? { next: LCT } : {}),
          })
        : fail(rejection('NOT_FOUND', id)),
    projections: async (lct, days, id) => [
      {
        society: id ?? SOCIETY,
        lct,
        time: 20_030 * DAY_MS,
        law: { base_ppm: 50_000, grace_ms: 7 * DAY_MS, max_age_ms: 365 * DAY_MS, interval_ms: DAY_MS },
        points: Array.from({ length: days + 1 }, (_, day) => ({ day, atp: `${1_000 - day}` })),
      },
    ],
    payments: async ({ from = LCT, society: id = SOCIETY, to }) => {
      const amount = { amount: 12_500_000, atp: '12.5' }
      return [{ society: id, seq: 2, record: HASH, from, to, ...amount, time: 1, final: true, final_for_us: false }]
    },
    attestations: async filter => [
      {
        society: SOCIETY,
        seq: 1,
        id: HASH,
        witness: LCT,
        subject: filter.subject ?? OTHER,
        type: filter.type ?? 'existence',
        claims: { method: 'seen', observed_at: filter.limit },
        time: 1,
        final: true,
      },
    ],
    submit: async bytes => {
      submissions.push(bytes)
      return ok({ id: HASH, status: 'pending', society: SOCIETY })
    },
    subscribe: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    metrics: async () => '# HELP web4_peers\nweb4_peers 1\n',
    resumes: {
      plan: async (size = 3) => ok({ ...at(size), ...facts, evidence: HASH, quorum: 3, witnesses: [] }),
      planFrom: async (_witness, size = 3) => ok({ ...at(size), ...history }),
      adopt: async (_witness, what) => ok({ ...what, ...history }),
      resume: async size => ok({ seq: size, view: { ...society, epoch: 1, resumed: [size] } }),
      proposals: async () => [{ ...at(2), ...facts, approved: false }],
      approve: async what => ok({ ...what, ...facts, approved: true }),
      dropped: async (_society, epoch) => (epoch === 0 ? ok(facts.given_up.entries) : fail(rejection('NOT_FOUND'))),
    },
    decay: {
      view: async () => ok({ ...decay, last: { ...cycle, ended: 2 }, done: { interval: 19_675, time: 2 } }),
      sweep: async ({ minimum = 0 }) => ok({ cycle: { ...cycle, minimum: formatAtp(minimum) }, joined: false }),
    },
    operator: {
      genesis: async () => ok({ society: SOCIETY }),
      policies: () => ({
        societies: [{ society: SOCIETY, follow: true, witness: true, block: false }],
        founders: [KEY],
      }),
      consent: async (founder, consent) => ({ societies: [], founders: consent ? [founder] : [] }),
      policy: async id => ok(known(id) ? society : undefined),
      connect: async address => ok({ peer: address }),
      laws: {
        plan: async ({ changes }) => ok({ ...plan, law: { ...LAW, ...changes } }),
        change: async () => ok(final(HASH)),
        complete: async () => ok(final(HASH)),
        rotate: async () => ok(final(HASH)),
      },
      recognize: async () => ok(final(HASH)),
      audit: async (id, work) => ok({ ...audited, society: id, ...(work.replay === true ? { replay } : {}) }),
      override: async (_society, size) => ok({ ...society, size }),
      block: async () => ok(final(HASH)),
      introduce: async () => ok(final(HASH)),
      notice: async record => ok({ record, lct: OTHER, status: 'final', accepts: [KEY] }),
      prepareBirth: async ({ key }) => ok({ record: { kind: 'birth', body: { key } }, lct: LCT }),
      birth: async () => ok({ ...final(HASH), lct: LCT }),
      issue: async request => {
        issued.push(request as JsonObject)
        return ok(final(HASH))
      },
    },
    ...changes,
  }
  return {
    ...service,
    emit: event => {
      for (const listener of listeners) listener(event)
    },
    listeners,
    submissions,
    issued,
  }
}

export const SUBMISSION = canonicalBytes({ record: { v: 1 }, sigs: [] })
