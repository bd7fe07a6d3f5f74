import { Type } from 'typebox'
import { countField, societyField, strictObject } from '../../src/records/fields.ts'
import { json, type Route } from './route.ts'

const atpField = Type.String({ pattern: '^\\d+(\\.\\d+)?$', description: 'decimal ATP' })
const codeField = Type.String({ description: 'code of a refusal' })

const counts = { accounts: countField, swept: countField, entries: countField, decayed: atpField }
const cycleMembers = {
  number: countField,
  interval: countField,
  scheduled: Type.Boolean(),
  minimum: atpField,
  began: countField,
  duration_ms: countField,
  ...counts,
}
const cycleSchema = strictObject(cycleMembers)

const decaySchema = strictObject({
  society: societyField,
  interval_ms: countField,
  scheduled: Type.Boolean(),
  minimum: atpField,
  state: Type.Enum(['idle', 'sweeping', 'waiting']),
  why: Type.Optional(codeField),
  next: Type.Optional(countField),
  cycle: Type.Optional(cycleSchema),
  last: Type.Optional(strictObject({ ...cycleMembers, ended: countField })),
  done: Type.Optional(strictObject({ interval: countField, time: countField })),
  totals: strictObject({ cycles: countField, ...counts, errors: countField }),
  error: Type.Optional(strictObject({ code: codeField, time: countField })),
})

/** The decay service of a node: what it has done, and a cycle at once. */
export const decayRoutes = {
  decay: {
    method: 'GET',
    path: '/v1/decay',
    auth: 'public',
    summary: 'Sweeps of the log that this node writes: when the last one was, what they brought back to the pool',
    answer: json(decaySchema),
  },
  sweep: {
    method: 'POST',
    path: '/v1/operator/sweep',
    auth: 'operator',
    summary: 'Bring the decay of all accounts into the books now; joins the cycle in work',
    body: strictObject({
      minimum: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: Number.MAX_SAFE_INTEGER,
          description: 'least unbooked loss of an account that is swept, in micro-ATP; default: any',
        }),
      ),
    }),
    answer: json(strictObject({ cycle: cycleSchema, joined: Type.Boolean() })),
  },
} as const satisfies Record<string, Route>
