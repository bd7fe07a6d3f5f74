import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { ENTRY_BYTES_MAX } from '../../src/limits.ts'
import { slugField } from '../../src/records/fields.ts'
import { ENTITY_TYPES } from '../../src/records/names.ts'
import * as schemas from './schemas.ts'

/**
 * The API as data: the server, its OpenAPI document, the client, the CLI and the tests are all made from this table.
 * Runs in a browser too.
 */
export interface Route {
  readonly method: 'GET' | 'POST'
  /** Parameters as `:name`. */
  readonly path: string
  /** `operator`: needs the bearer token of the data folder. */
  readonly auth: 'public' | 'operator'
  readonly summary: string
  readonly params?: TObject
  readonly query?: TObject
  /** JSON that fits the schema, or with `rawBody` bytes that reach the node unchanged. */
  readonly body?: TSchema
  readonly rawBody?: true
  readonly answer: Answer
}

/** `statuses` are the good ones; everything else is a problem document. */
interface Answer<Schema extends TSchema = TSchema> {
  /** bytes: JSON handed on as stored; stream: server-sent events. */
  readonly form: 'json' | 'bytes' | 'text' | 'stream'
  readonly type: string
  readonly statuses: readonly number[]
  readonly schema: Schema
}

function json<Schema extends TSchema>(schema: Schema, statuses: readonly number[] = [200]) {
  return { form: 'json', type: 'application/json', statuses, schema } as const
}
function bytes(description: string) {
  return {
    form: 'bytes',
    type: 'application/json',
    statuses: [200],
    schema: Type.Unsafe<unknown>({ description }),
  } as const
}
function text(type: string, description: string) {
  return { form: 'text', type, statuses: [200], schema: Type.String({ description }) } as const
}

/** Small entries fill an answer; of large ones the node gives fewer, by its own limit of bytes. */
const ENTRIES_LIMIT_MAX = 1_000
const ATTESTATIONS_LIMIT_MAX = 1_000
/** A signed record with the most signatures is below an entry's own limit. */
export const SUBMISSION_BYTES_MAX = ENTRY_BYTES_MAX

const { authorField, hashField, keyField, laneField, lctField, limitField, societyField, strictObject } = schemas
const keys = Type.Array(keyField, { maxItems: 64 })
const shortText = Type.String({ maxLength: 256 })
const submitted = json(schemas.recordSchema, [200, 202])
const born = json(schemas.bornSchema, [200, 202])

export const routes = {
  status: {
    method: 'GET',
    path: '/v1/status',
    auth: 'public',
    summary: 'Who this node is, its peers and how far it holds each log',
    answer: json(schemas.statusSchema),
  },
  societies: {
    method: 'GET',
    path: '/v1/societies',
    auth: 'public',
    summary: 'The societies whose logs this node follows',
    answer: json(Type.Array(schemas.societySchema)),
  },
  society: {
    method: 'GET',
    path: '/v1/societies/:id',
    auth: 'public',
    summary: 'One society: size, finality, witnesses',
    params: strictObject({ id: societyField }),
    answer: json(schemas.societySchema),
  },
  entries: {
    method: 'GET',
    path: '/v1/logs/:society/entries',
    auth: 'public',
    summary: 'Entries of a log, byte for byte as they were signed and hashed',
    params: strictObject({ society: societyField }),
    query: strictObject({
      from: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0 })),
      limit: Type.Optional(limitField(ENTRIES_LIMIT_MAX, 100)),
    }),
    answer: bytes('array of entries; fewer than limit when an answer would grow too large or the log ends'),
  },
  checkpoint: {
    method: 'GET',
    path: '/v1/logs/:society/checkpoint',
    auth: 'public',
    summary: 'The newest signed note with the most cosignatures',
    params: strictObject({ society: societyField }),
    answer: text('text/plain; charset=utf-8', 'C2SP signed note'),
  },
  state: {
    method: 'GET',
    path: '/v1/logs/:society/state',
    auth: 'public',
    summary: 'Digest of the state at the size of the log, computed on demand',
    params: strictObject({ society: societyField }),
    answer: json(schemas.stateSchema),
  },
  lane: {
    method: 'GET',
    path: '/v1/logs/:society/lanes/:author',
    auth: 'public',
    summary: "The next n of an author's lane, to make a record with",
    params: strictObject({ society: societyField, author: authorField }),
    query: strictObject({ lane: Type.Optional(laneField) }),
    answer: json(strictObject({ lane: laneField, n: Type.Integer({ minimum: 0 }) })),
  },
  record: {
    method: 'GET',
    path: '/v1/records/:id',
    auth: 'public',
    summary: 'How far a record is on its way, and who still has to sign',
    params: strictObject({ id: hashField }),
    answer: json(schemas.recordSchema),
  },
  proof: {
    method: 'GET',
    path: '/v1/records/:id/proof',
    auth: 'public',
    summary: 'Bundle that proves a final record offline',
    params: strictObject({ id: hashField }),
    answer: bytes('canonical JSON of the bundle'),
  },
  lct: {
    method: 'GET',
    path: '/v1/lcts/:id',
    auth: 'public',
    summary: 'An LCT: type, key, status, rights',
    params: strictObject({ id: lctField }),
    answer: json(schemas.objectField),
  },
  certificate: {
    method: 'GET',
    path: '/v1/lcts/:id/certificate',
    auth: 'public',
    summary: "Bundle that proves an LCT's birth offline",
    params: strictObject({ id: lctField }),
    answer: bytes('canonical JSON of the bundle'),
  },
  accounts: {
    method: 'GET',
    path: '/v1/accounts/:lct',
    auth: 'public',
    summary: "An LCT's accounts, in its home society and where it was introduced",
    params: strictObject({ lct: lctField }),
    query: strictObject({ society: Type.Optional(societyField) }),
    answer: json(Type.Array(schemas.accountSchema)),
  },
  attestations: {
    method: 'GET',
    path: '/v1/attestations',
    auth: 'public',
    summary: 'Attestations by witness, subject or type, newest first',
    query: strictObject({
      subject: Type.Optional(authorField),
      witness: Type.Optional(lctField),
      type: Type.Optional(Type.String({ maxLength: 32 })),
      limit: Type.Optional(limitField(ATTESTATIONS_LIMIT_MAX, 100)),
    }),
    answer: json(Type.Array(schemas.attestationSchema)),
  },
  submit: {
    method: 'POST',
    path: '/v1/records',
    auth: 'public',
    summary: 'A signed record: sequenced here (200) or on its way to its society (202)',
    body: strictObject({ record: schemas.objectField, sigs: Type.Array(schemas.sigSchema) }),
    rawBody: true,
    answer: submitted,
  },
  events: {
    method: 'GET',
    path: '/v1/events',
    auth: 'public',
    summary: 'What happens, as it happens: entry, final, frozen, peer, refused',
    answer: {
      form: 'stream',
      type: 'text/event-stream',
      statuses: [200],
      schema: Type.String({ description: 'server-sent events; data is one line of JSON' }),
    },
  },
  healthz: {
    method: 'GET',
    path: '/healthz',
    auth: 'public',
    summary: 'The process answers',
    answer: json(strictObject({ ok: Type.Literal(true) })),
  },
  readyz: {
    method: 'GET',
    path: '/readyz',
    auth: 'public',
    summary: 'The node can serve (200), or why not yet (503)',
    answer: json(strictObject({ ready: Type.Boolean(), reasons: Type.Array(Type.String()) }), [200, 503]),
  },
  metrics: {
    method: 'GET',
    path: '/metrics',
    auth: 'public',
    summary: 'Prometheus text',
    answer: text('text/plain; version=0.0.4; charset=utf-8', 'Prometheus exposition format'),
  },
  genesis: {
    method: 'POST',
    path: '/v1/operator/genesis',
    auth: 'operator',
    summary: 'Found the society of this node: asks the named witnesses for consent and starts the log',
    body: strictObject({
      slug: slugField,
      witnesses: keys,
      birth_witnesses: keys,
      birth_quorum: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
      quorum: Type.Optional(Type.Integer({ minimum: 0, maximum: 64 })),
      interval_ms: Type.Optional(Type.Integer({ minimum: 1 })),
      law: Type.Optional(schemas.objectField),
    }),
    answer: json(strictObject({ society: societyField })),
  },
  policy: {
    method: 'POST',
    path: '/v1/operator/policy',
    auth: 'operator',
    summary: 'Follow, witness or block a society; null when this node holds nothing of it yet',
    body: strictObject({ society: societyField, policy: schemas.policySchema }),
    answer: json(Type.Union([schemas.societySchema, Type.Null()])),
  },
  connect: {
    method: 'POST',
    path: '/v1/operator/connect',
    auth: 'operator',
    summary: 'Connect to a node',
    body: strictObject({ address: shortText }),
    answer: json(strictObject({ peer: Type.String() })),
  },
  recognize: {
    method: 'POST',
    path: '/v1/operator/recognize',
    auth: 'operator',
    summary: 'Recognise the charter and handovers of a followed society',
    body: strictObject({ society: societyField }),
    answer: submitted,
  },
  block: {
    method: 'POST',
    path: '/v1/operator/block',
    auth: 'operator',
    summary: 'End relations with a society',
    body: strictObject({ society: societyField, evidence: Type.Optional(hashField) }),
    answer: submitted,
  },
  introduce: {
    method: 'POST',
    path: '/v1/operator/introduce',
    auth: 'operator',
    summary: 'Register or refresh a foreign LCT, so that it can be paid here',
    body: strictObject({ lct: lctField }),
    answer: submitted,
  },
  prepareBirth: {
    method: 'POST',
    path: '/v1/operator/prepare-birth',
    auth: 'operator',
    summary: "Everything of a birth but the subject's signature",
    body: strictObject({
      key: keyField,
      entity_type: Type.Enum([...ENTITY_TYPES]),
      entity: Type.String({ minLength: 1, maxLength: 256 }),
      rights: Type.Optional(Type.Array(shortText, { maxItems: 64 })),
      responsibilities: Type.Optional(Type.Array(shortText, { maxItems: 64 })),
    }),
    answer: json(strictObject({ record: schemas.jsonField, lct: lctField })),
  },
  birth: {
    method: 'POST',
    path: '/v1/operator/birth',
    auth: 'operator',
    summary: 'The prepared birth with the signature of its subject: collects the others and sequences it',
    body: strictObject({ record: schemas.jsonField, sigs: Type.Array(schemas.sigSchema, { maxItems: 32 }) }),
    answer: born,
  },
  issue: {
    method: 'POST',
    path: '/v1/operator/issue',
    auth: 'operator',
    summary: 'A record of the society itself: signed and sequenced here',
    body: strictObject({
      kind: Type.String({ maxLength: 32 }),
      body: schemas.jsonField,
      author: Type.Optional(authorField),
      sigs: Type.Optional(Type.Array(schemas.sigSchema, { maxItems: 32 })),
      record: Type.Optional(schemas.jsonField),
    }),
    answer: submitted,
  },
} as const satisfies Record<string, Route>

type Routes = typeof routes
export type RouteId = keyof Routes

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: DeepReadonly<T[Name]> }
    : T

type Part<R, Name extends string> = R extends { readonly [N in Name]: infer Schema extends TSchema }
  ? DeepReadonly<Static<Schema>>
  : unknown

/** Members of path and query together, as a caller gives them. */
export type InputOf<Id extends RouteId> = Part<Routes[Id], 'params'> &
  Part<Routes[Id], 'query'> &
  (Routes[Id] extends { readonly rawBody: true }
    ? { readonly body: Uint8Array }
    : Routes[Id] extends { readonly body: infer Schema extends TSchema }
      ? { readonly body: DeepReadonly<Static<Schema>> }
      : unknown)

/** What a good answer holds. */
export type OutputOf<Id extends RouteId> = Routes[Id]['answer'] extends { readonly form: 'bytes' }
  ? Uint8Array
  : Routes[Id]['answer'] extends { readonly form: 'stream' }
    ? never
    : DeepReadonly<Static<Routes[Id]['answer']['schema']>>

export const routeIds = Object.keys(routes) as RouteId[]

export function routeOf(id: RouteId): Route {
  return routes[id]
}

/** Path and query of a call. Query members that are undefined are left out. */
export function urlOf(route: Route, input: Readonly<Record<string, unknown>>): string {
  const path = route.path.replace(/:([a-z]+)/g, (_, name: string) => encodeURIComponent(String(input[name])))
  const query = new URLSearchParams()
  for (const name of Object.keys(route.query?.properties ?? {})) {
    if (input[name] !== undefined) query.set(name, String(input[name]))
  }
  return query.size === 0 ? path : `${path}?${query}`
}
