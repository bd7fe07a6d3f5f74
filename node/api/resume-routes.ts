import { Type } from 'typebox'
import { EPOCHS_MAX } from '../../src/limits.ts'
import { json, type Route } from './route.ts'
import * as schemas from './schemas.ts'

const { countField, hashField, keyField, societyField, strictObject } = schemas
const epochField = Type.Integer({ minimum: 1, maximum: EPOCHS_MAX })

const droppedSchema = strictObject({
  seq: countField,
  id: hashField,
  kind: Type.String(),
  author: Type.String(),
  time: countField,
})
const givenUpSchema = strictObject({ count: countField, entries: Type.Array(droppedSchema) })
const causeField = Type.Union([Type.Literal('fork'), Type.Literal('void'), Type.Literal('claim')])
const at = { society: societyField, epoch: epochField, size: countField, root: hashField }

const planSchema = strictObject({
  ...at,
  cause: causeField,
  evidence: hashField,
  here: countField,
  final: countField,
  quorum: countField,
  witnesses: Type.Array(
    strictObject({
      key: keyField,
      cosigned: countField,
      signed: Type.Boolean(),
      convicted: Type.Boolean(),
      refused: Type.Optional(Type.String()),
    }),
  ),
  given_up: givenUpSchema,
})
const historySchema = strictObject({
  ...at,
  common: countField,
  here: countField,
  final: countField,
  given_up: givenUpSchema,
})
const proposalSchema = strictObject({
  ...at,
  cause: causeField,
  here: countField,
  final: countField,
  approved: Type.Boolean(),
  given_up: givenUpSchema,
})

/** Going on from an earlier size: what is given up is shown before anyone agrees, on both sides. */
export const resumeRoutes = {
  resumePlan: {
    method: 'GET',
    path: '/v1/operator/resume',
    auth: 'operator',
    summary: 'What a resume of the own log would keep and give up, and who has countersigned it',
    query: strictObject({ size: Type.Optional(countField) }),
    answer: json(planSchema),
  },
  resume: {
    method: 'POST',
    path: '/v1/operator/resume',
    auth: 'operator',
    summary: 'Ask the witnesses to countersign, and go on from that size once q have; size and root repeat the plan',
    body: strictObject({ size: countField, root: hashField }),
    answer: json(strictObject({ seq: countField, view: schemas.societySchema })),
  },
  resumePlanFrom: {
    method: 'GET',
    path: '/v1/operator/resume/from/:witness',
    auth: 'operator',
    summary: 'The history of the own log that a witness holds instead of the one held here',
    params: strictObject({ witness: keyField }),
    query: strictObject({ size: Type.Optional(countField) }),
    answer: json(historySchema),
  },
  resumeAdopt: {
    method: 'POST',
    path: '/v1/operator/resume/from',
    auth: 'operator',
    summary:
      'Give up the own history for that of a witness, to resume it there; size, root and epoch repeat what was shown',
    body: strictObject({ ...at, witness: keyField }),
    answer: json(historySchema),
  },
  resumeProposals: {
    method: 'GET',
    path: '/v1/operator/resumes',
    auth: 'operator',
    summary: 'Resumes that other societies asked this witness to countersign',
    answer: json(Type.Array(proposalSchema)),
  },
  resumeApprove: {
    method: 'POST',
    path: '/v1/operator/resumes',
    auth: 'operator',
    summary:
      'Let this witness countersign a resume that its society asked for; it cosigns nothing more of the epoch that ends',
    body: strictObject(at),
    answer: json(proposalSchema),
  },
  dropped: {
    method: 'GET',
    path: '/v1/logs/:society/dropped/:epoch',
    auth: 'public',
    summary: 'Entries that this node held and that were given up when the epoch ended, the first hundred',
    params: strictObject({ society: societyField, epoch: Type.Integer({ minimum: 0, maximum: EPOCHS_MAX }) }),
    answer: json(Type.Array(droppedSchema)),
  },
} as const satisfies Record<string, Route>
