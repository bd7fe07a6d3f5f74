import { Type } from 'typebox'
import { ENTRY_BYTES_MAX } from '../../src/limits.ts'
import {
  accountSchema,
  economySchema,
  HOLDINGS_LIMIT,
  HOLDINGS_LIMIT_MAX,
  holdingsSchema,
  PROJECTION_DAYS,
  PROJECTION_DAYS_MAX,
  projectionSchema,
} from './economy-schemas.ts'
import { bytes, json, type Route, submitted, text } from './route.ts'
import * as schemas from './schemas.ts'

/** Small entries fill an answer; of large ones the node gives fewer, by its own limit of bytes. */
const ENTRIES_LIMIT_MAX = 1_000
const ATTESTATIONS_LIMIT_MAX = 1_000
const PAYMENTS_LIMIT_MAX = 1_000
/** A signed record with the most signatures is below an entry's own limit. */
export const SUBMISSION_BYTES_MAX = ENTRY_BYTES_MAX

const { authorField, hashField, laneField, lctField, limitField, societyField, strictObject } = schemas

/** What anybody may ask. */
export const publicRoutes = {
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
  law: {
    method: 'GET',
    path: '/v1/societies/:id/law',
    auth: 'public',
    summary: 'The law in force of a society, its key and the commitment to the next one',
    params: strictObject({ id: societyField }),
    answer: json(schemas.lawSchema),
  },
  economy: {
    method: 'GET',
    path: '/v1/societies/:id/economy',
    auth: 'public',
    summary: 'What a society has minted, in its pool and on accounts, and how fast it moves',
    params: strictObject({ id: societyField }),
    answer: json(economySchema),
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
  snapshots: {
    method: 'GET',
    path: '/v1/logs/:society/snapshots',
    auth: 'public',
    summary:
      'Sizes at which everyone takes a snapshot of the state: the digest computed here, and what the society claims',
    params: strictObject({ society: societyField }),
    answer: json(Type.Array(schemas.snapshotSchema)),
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
  tlogProof: {
    method: 'GET',
    path: '/v1/records/:id/tlog-proof',
    auth: 'public',
    summary: 'C2SP tlog-proof of a final record; its extra data is the entry',
    params: strictObject({ id: hashField }),
    answer: text('text/plain; charset=utf-8', 'C2SP tlog-proof'),
  },
  lct: {
    method: 'GET',
    path: '/v1/lcts/:id',
    auth: 'public',
    summary: 'An LCT: type, key, status, rights, as its home log has it, or as another one was told',
    params: strictObject({ id: lctField }),
    query: strictObject({ society: Type.Optional(societyField) }),
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
    answer: json(Type.Array(accountSchema)),
  },
  projection: {
    method: 'GET',
    path: '/v1/accounts/:lct/projection',
    auth: 'public',
    summary: 'What will be left on these accounts each day, if nothing moves and the law stays',
    params: strictObject({ lct: lctField }),
    query: strictObject({
      days: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: PROJECTION_DAYS_MAX,
          default: PROJECTION_DAYS,
          description: `default ${PROJECTION_DAYS}`,
        }),
      ),
      society: Type.Optional(societyField),
    }),
    answer: json(Type.Array(projectionSchema)),
  },
  payments: {
    method: 'GET',
    path: '/v1/payments',
    auth: 'public',
    summary: 'Payments to an LCT from logs of other societies, newest first; never cut between those of one moment',
    query: strictObject({
      to: lctField,
      from: Type.Optional(lctField),
      society: Type.Optional(societyField),
      before: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'entry time' })),
      limit: Type.Optional(limitField(PAYMENTS_LIMIT_MAX, 100)),
    }),
    answer: json(Type.Array(schemas.paymentSchema)),
  },
  holdings: {
    method: 'GET',
    path: '/v1/holdings',
    auth: 'public',
    summary: "A society's accounts with their lots, by LCT; `next` of an answer is `after` of the next one",
    query: strictObject({
      society: societyField,
      after: Type.Optional(lctField),
      limit: Type.Optional(limitField(HOLDINGS_LIMIT_MAX, HOLDINGS_LIMIT)),
    }),
    answer: json(holdingsSchema),
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
    summary: 'What happens, as it happens: entry, final, frozen, barred, payment.received, peer, refused',
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
} as const satisfies Record<string, Route>
