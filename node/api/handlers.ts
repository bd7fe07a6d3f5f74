import { concat } from 'uint8arrays/concat'
import { utf8Encode } from '../../src/canonical.ts'
import { type Rejection, rejection } from '../../src/rejection.ts'
import { fail, ok, type Result } from '../../src/result.ts'
import type { NodeService, RecordView } from '../service.ts'
import { HOLDINGS_LIMIT } from './economy-schemas.ts'
import type { InputOf, OutputOf, RouteId } from './routes.ts'

/** A good answer, with its status where a route has several; or a refusal, with the resource that it is about. */
export type Reply<T> =
  | { readonly ok: true; readonly value: T; readonly status?: number }
  | { readonly ok: false; readonly error: Rejection; readonly instance?: string }

/** Routes whose answer is written by the server itself. */
type StreamId = 'events'
export type HandlerId = Exclude<RouteId, StreamId>
export type Handlers = { readonly [Id in HandlerId]: (input: InputOf<Id>) => Promise<Reply<OutputOf<Id>>> }

/** The routes over a node: no rule of their own, only which method answers which route. */
export function createHandlers(service: NodeService): Handlers {
  const { operator, resumes } = service
  return {
    status: async () => ok(service.status()),
    societies: async () => ok(service.societies()),
    society: async ({ id }) => found(service.society(id)),
    law: async ({ id }) => service.law(id),
    economy: ({ id }) => service.economy(id),
    entries: async ({ society, from = 0, limit = 100 }) =>
      mapped(await service.entries(society, from, limit), entries => jsonArray(entries)),
    checkpoint: async ({ society }) => service.checkpoint(society),
    state: async ({ society }) => service.state(society),
    snapshots: async ({ society }) => service.snapshots(society),
    lane: async ({ society, author, lane = 0 }) =>
      mapped(await service.nextN(society, author, lane), n => ({ lane, n })),
    record: async ({ id }) => ok(await service.record(id)),
    proof: async ({ id }) => service.proof(id),
    tlogProof: async ({ id }) => service.tlogProof(id),
    lct: async ({ id, society }) => service.lct(id, society),
    certificate: async ({ id }) => service.certificate(id),
    accounts: async ({ lct, society }) => ok(await service.accounts(lct, society)),
    holdings: ({ society, limit = HOLDINGS_LIMIT, ...from }) => service.holdings(society, { ...from, limit }),
    projection: async ({ lct, days = 90, society }) => ok(await service.projections(lct, days, society)),
    payments: async ({ limit = 100, ...filter }) => ok(await service.payments({ ...filter, limit })),
    attestations: async ({ limit = 100, ...filter }) => ok(await service.attestations({ ...filter, limit })),
    submit: async ({ body }) => submitted(await service.submit(body)),
    healthz: async () => ok({ ok: true }),
    readyz: async () => {
      const value = service.ready()
      return { ok: true, value, status: value.ready ? 200 : 503 }
    },
    metrics: async () => ok(await service.metrics()),
    genesis: ({ body }) => operator.genesis(body),
    policy: async ({ body }) => mapped(await operator.policy(body.society, body.policy), view => view ?? null),
    policies: async () => ok(operator.policies()),
    consent: async ({ body }) => ok(await operator.consent(body.key, body.consent)),
    connect: ({ body }) => operator.connect(body.address),
    recognize: async ({ body }) => submitted(await operator.recognize(body.society)),
    block: async ({ body }) => submitted(await operator.block(body.society, body.evidence)),
    override: ({ body }) => operator.override(body.society, body.size),
    audit: ({ body: { society, ...work } }) => operator.audit(society, work),
    planLaw: ({ body }) => operator.laws.plan(body),
    changeLaw: async ({ body }) => submitted(await operator.laws.change(body.changes)),
    completeLaw: async ({ body }) => submitted(await operator.laws.complete(body.record, body.sigs)),
    rotateKeys: async () => submitted(await operator.laws.rotate()),
    introduce: async ({ body }) => submitted(await operator.introduce(body.lct)),
    notice: ({ body }) => operator.notice(body.record),
    prepareBirth: ({ body }) => operator.prepareBirth(body),
    birth: async ({ body }) => submitted(await operator.birth(body)),
    resumePlan: ({ size }) => resumes.plan(size),
    resume: ({ body }) => resumes.resume(body.size, body.root),
    resumePlanFrom: ({ witness, size }) => resumes.planFrom(witness, size),
    resumeAdopt: ({ body: { witness, ...what } }) => resumes.adopt(witness, what),
    resumeProposals: async () => ok(await resumes.proposals()),
    resumeApprove: ({ body }) => resumes.approve(body),
    dropped: ({ society, epoch }) => resumes.dropped(society, epoch),
    decay: () => service.decay.view(),
    sweep: ({ body }) => service.decay.sweep(body),
    issue: async ({ body }) => submitted(await operator.issue(body)),
  }
}

function found<T>(value: T | undefined): Reply<T> {
  return value === undefined ? fail(rejection('NOT_FOUND')) : ok(value)
}

function mapped<From, To>(result: Result<From>, map: (value: From) => To): Reply<To> {
  return result.ok ? ok(map(result.value)) : result
}

/** 200 once it has a place in its log, 202 while it is on its way, and a refusal is a problem, whoever refused. */
function submitted<View extends RecordView>(result: Result<View>): Reply<View> {
  if (!result.ok) return result
  const { value } = result
  const instance = `/v1/records/${value.id}`
  if (value.status === 'refused') return { ok: false, error: rejection(value.code ?? 'INTERNAL'), instance }
  if (value.status === 'dead') return { ok: false, error: rejection('RECORD_DEAD'), instance }
  return { ok: true, value, status: value.status === 'sequenced' || value.status === 'final' ? 200 : 202 }
}

const OPEN = utf8Encode('[')
const COMMA = utf8Encode(',')
const CLOSE = utf8Encode(']')

/** A JSON array around values that are JSON already; none of them is encoded again. */
export function jsonArray(items: readonly Uint8Array[]): Uint8Array {
  return concat([OPEN, ...items.flatMap((item, i) => (i === 0 ? [item] : [COMMA, item])), CLOSE])
}
