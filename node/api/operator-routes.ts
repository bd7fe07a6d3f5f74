import { Type } from 'typebox'
import { slugField } from '../../src/records/fields.ts'
import { ENTITY_TYPES } from '../../src/records/names.ts'
import { json, type Route, shortText, submitted } from './route.ts'
import * as schemas from './schemas.ts'

const { authorField, hashField, keyField, lctField, societyField, strictObject } = schemas
const keys = Type.Array(keyField, { maxItems: 64 })
const born = json(schemas.bornSchema, [200, 202])

/** What only the holder of the operator's token may ask. */
export const operatorRoutes = {
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
      predecessor: Type.Optional(societyField),
    }),
    answer: json(strictObject({ society: societyField })),
  },
  policy: {
    method: 'POST',
    path: '/v1/operator/policy',
    auth: 'operator',
    summary: 'Follow, witness or block a society; null when this node holds nothing of it yet',
    body: strictObject({ society: societyField, policy: schemas.policyChangesSchema }),
    answer: json(Type.Union([schemas.societySchema, Type.Null()])),
  },
  policies: {
    method: 'GET',
    path: '/v1/operator/policies',
    auth: 'operator',
    summary: 'What this node does for which society, and for whose societies to come',
    answer: json(schemas.policiesSchema),
  },
  consent: {
    method: 'POST',
    path: '/v1/operator/consent',
    auth: 'operator',
    summary: 'Consent, or no longer, to witness the society that the holder of a witness key founds',
    body: strictObject({ key: keyField, consent: Type.Boolean() }),
    answer: json(schemas.policiesSchema),
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
  override: {
    method: 'POST',
    path: '/v1/operator/override',
    auth: 'operator',
    summary: 'Sign without having heard enough others after a start; the size is what this node holds, said again',
    body: strictObject({ society: societyField, size: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) }),
    answer: json(schemas.societySchema),
  },
  audit: {
    method: 'POST',
    path: '/v1/operator/audit',
    auth: 'operator',
    summary:
      'Hold what is stored of a log against what it must be; replay decides all entries again, repair writes what differs',
    body: strictObject({
      society: societyField,
      replay: Type.Optional(Type.Boolean()),
      repair: Type.Optional(Type.Boolean()),
    }),
    answer: json(schemas.auditSchema),
  },
  planLaw: {
    method: 'POST',
    path: '/v1/operator/law/plan',
    auth: 'operator',
    summary:
      'What a change of the law, or of the society key, would mean; with prepare the record for amend keys to sign',
    body: strictObject({
      changes: schemas.objectField,
      rotate: Type.Optional(Type.Boolean()),
      prepare: Type.Optional(Type.Boolean()),
    }),
    answer: json(schemas.lawPlanSchema),
  },
  changeLaw: {
    method: 'POST',
    path: '/v1/operator/law',
    auth: 'operator',
    summary: 'Change the law: a merge patch over the one in force; newly named witnesses are asked for consent',
    body: strictObject({ changes: schemas.objectField }),
    answer: submitted,
  },
  completeLaw: {
    method: 'POST',
    path: '/v1/operator/law/complete',
    auth: 'operator',
    summary: 'A prepared change of the law with the signatures of amend keys',
    body: strictObject({ record: schemas.jsonField, sigs: Type.Array(schemas.sigSchema, { maxItems: 32 }) }),
    answer: submitted,
  },
  rotateKeys: {
    method: 'POST',
    path: '/v1/operator/keys/rotate',
    auth: 'operator',
    summary: 'Bring the next society key into force; its file must be in the data folder',
    body: strictObject({}),
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
  notice: {
    method: 'POST',
    path: '/v1/operator/notice',
    auth: 'operator',
    summary: "Prove a final payment to the node of the payee's society, and hear how that node sees it",
    body: strictObject({ record: hashField }),
    answer: json(schemas.noticeSchema),
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
