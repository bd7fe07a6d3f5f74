import { type TSchema, Type } from 'typebox'
import type { Json, JsonObject } from '../../src/canonical.ts'
import { LANE_MAX } from '../../src/limits.ts'
import {
  countField,
  hashField,
  keyField,
  lctField,
  lctPattern,
  signatureField,
  slugField,
  societyField,
  societyPattern,
  strictObject,
} from '../../src/records/fields.ts'

/** Forms of what the API takes and gives. What a node answers to (node/service.ts) must fit these, or nothing compiles. */

export { countField, hashField, keyField, lctField, societyField, strictObject }

export const jsonField = Type.Unsafe<Json>({})
export const objectField = Type.Unsafe<JsonObject>({ type: 'object' })
/** An LCT, or a society. */
export const authorField = Type.String({ pattern: `^(?:${lctPattern}|${societyPattern})$` })
export const laneField = Type.Integer({ minimum: 0, maximum: LANE_MAX })
/** Some answers leave it empty before there is a charter. */
const maybeSociety = Type.String({ pattern: `^(?:${societyPattern})?$` })

export function limitField(maximum: number, initial: number) {
  return Type.Integer({ minimum: 1, maximum, default: initial, description: `default ${initial}` })
}

/** Members that may be missing, never null. */
function optional<T extends TSchema>(schema: T) {
  return Type.Optional(schema)
}

const policyMembers = { follow: Type.Boolean(), witness: Type.Boolean(), block: Type.Boolean() }
export const policySchema = strictObject(policyMembers)
/** Switches that are left out stay as they are. */
export const policyChangesSchema = strictObject({
  follow: optional(policyMembers.follow),
  witness: optional(policyMembers.witness),
  block: optional(policyMembers.block),
})
/** What the operator decided, of every society; and the keys whose holders found societies that this node will witness. */
export const policiesSchema = strictObject({
  societies: Type.Array(strictObject({ society: societyField, ...policyMembers })),
  founders: Type.Array(keyField),
})

export const societySchema = strictObject({
  society: societyField,
  slug: slugField,
  own: Type.Boolean(),
  policy: policySchema,
  size: countField,
  root: hashField,
  final: countField,
  final_for_us: countField,
  finality: strictObject({
    n: countField,
    q: countField,
    liars_tolerated: Type.Integer(),
    away_tolerated: Type.Integer(),
  }),
  witnesses: Type.Array(strictObject({ key: keyField, cosigned: countField, accepted: Type.Boolean() })),
  public_witnesses: optional(
    Type.Array(
      strictObject({
        name: Type.String(),
        url: Type.String(),
        size: countField,
        time: countField,
        problem: optional(Type.String()),
      }),
    ),
  ),
  law_number: countField,
  frozen: Type.Boolean(),
  void_at: optional(countField),
  void_code: optional(Type.String()),
  void_detail: optional(Type.String()),
  state: Type.Union([
    Type.Literal('running'),
    Type.Literal('starting'),
    Type.Literal('key-in-use'),
    Type.Literal('resuming'),
    Type.Literal('frozen'),
    Type.Literal('update-needed'),
    Type.Literal('unsound'),
    Type.Literal('void'),
    Type.Literal('resuming'),
    Type.Literal('ended'),
    Type.Literal('succeeded'),
  ]),
  epoch: countField,
  resumed: Type.Array(countField),
  disputed: optional(strictObject({ from: countField, to: countField })),
  convicted: optional(Type.Array(keyField)),
  predecessor: optional(strictObject({ id: societyField, root: hashField, size: countField })),
  successors: optional(
    Type.Array(strictObject({ society: societyField, size: countField, root: hashField, proven: Type.Boolean() })),
  ),
  start_up: optional(
    strictObject({
      newest: countField,
      here: countField,
      needed: countField,
      peers: Type.Array(strictObject({ key: keyField, told: optional(countField), shown: optional(countField) })),
    }),
  ),
})

export const statusSchema = strictObject({
  version: Type.String(),
  society: maybeSociety,
  witness_key: keyField,
  peer_id: Type.String(),
  addresses: Type.Array(Type.String()),
  clock: countField,
  peers: Type.Array(
    strictObject({
      peer: Type.String(),
      society: maybeSociety,
      witness_key: keyField,
      found_by: Type.Enum(['configured', 'dht', 'endpoint', 'inbound', 'mdns', 'operator']),
      proven: optional(Type.Boolean()),
      verdict_on_us: optional(Type.String()),
    }),
  ),
  logs: Type.Array(societySchema),
  rejected: Type.Record(Type.String(), countField),
})

const finalityFacts = strictObject({
  n: countField,
  q: countField,
  liars_tolerated: Type.Integer(),
  away_tolerated: Type.Integer(),
})
const amendSchema = strictObject({ k: countField, keys: Type.Array(keyField) })

export const lawSchema = strictObject({
  society: societyField,
  law: objectField,
  keys: strictObject({ society: keyField, next: hashField }),
  interval_ms: countField,
  amend: optional(amendSchema),
  finality: finalityFacts,
})

export const lawPlanSchema = strictObject({
  before: objectField,
  law: objectField,
  handover: Type.Boolean({ description: 'witnesses, quorum or society key change' }),
  finality: strictObject({ before: finalityFacts, after: finalityFacts }),
  consents: Type.Array(keyField, { description: 'keys that sign because the law names them first' }),
  connected: strictObject({ before: countField, after: countField }),
  amend: optional(amendSchema),
  record: jsonField,
})

export const stateSchema = strictObject({
  society: societyField,
  size: countField,
  root: hashField,
  digest: hashField,
  keys: countField,
})

export const snapshotSchema = strictObject({
  size: countField,
  own: optional(strictObject({ digest: hashField, keys: countField, root: hashField })),
  claim: optional(strictObject({ digest: hashField, seq: countField })),
  verdict: Type.Union([
    Type.Literal('right'),
    Type.Literal('wrong'),
    Type.Literal('unclaimed'),
    Type.Literal('computing'),
  ]),
})

/** Lists hold the first findings; how many there are stands beside them. */
export const auditSchema = strictObject({
  society: societyField,
  size: countField,
  root: hashField,
  sound: Type.Boolean(),
  accounts: countField,
  difference: Type.String({ pattern: '^(?:0|-?[1-9]\\d*)$' }),
  faulty: countField,
  faults: Type.Array(strictObject({ key: Type.String(), why: Type.String() })),
  good: optional(countField),
  replay: optional(
    strictObject({
      entry: optional(strictObject({ seq: countField, code: Type.String() })),
      differing: countField,
      differences: Type.Array(strictObject({ key: Type.String(), is: Type.Enum(['missing', 'surplus', 'other']) })),
    }),
  ),
  repaired: optional(countField),
})

const receiptSchema = strictObject({
  by: keyField,
  code: optional(Type.String()),
  id: hashField,
  sig: signatureField,
  size: optional(countField),
  society: societyField,
  time: countField,
})

const recordMembers = {
  id: hashField,
  status: Type.Union([
    Type.Literal('unknown'),
    Type.Literal('pending'),
    Type.Literal('refused'),
    Type.Literal('dead'),
    Type.Literal('sequenced'),
    Type.Literal('final'),
  ]),
  society: optional(societyField),
  code: optional(Type.String()),
  seq: optional(countField),
  receipt: optional(receiptSchema),
  final_for_us: optional(Type.Boolean()),
  signed: optional(Type.Array(keyField)),
  missing: optional(Type.Array(keyField)),
}
export const recordSchema = strictObject(recordMembers)
export const bornSchema = strictObject({ ...recordMembers, lct: lctField })

export const paymentSchema = strictObject({
  society: societyField,
  seq: countField,
  record: hashField,
  from: lctField,
  to: lctField,
  amount: countField,
  atp: Type.String({ pattern: '^\\d+(\\.\\d+)?$' }),
  memo: optional(hashField),
  time: countField,
  final: Type.Boolean(),
  final_for_us: Type.Boolean(),
})

export const noticeSchema = strictObject({
  record: hashField,
  lct: lctField,
  status: Type.Enum(['final', 'not-final-for-us'], { description: "as the node of the payee's society sees it" }),
  accepts: Type.Array(keyField, { description: 'witnesses of the log that count there' }),
})

export const attestationSchema = strictObject({
  society: societyField,
  seq: countField,
  id: hashField,
  witness: lctField,
  subject: Type.String(),
  type: Type.String(),
  claims: objectField,
  event: optional(hashField),
  time: countField,
  final: Type.Boolean(),
})

export const sigSchema = Type.Union([
  strictObject({ by: keyField, sig: signatureField }),
  strictObject({
    by: keyField,
    sig: signatureField,
    index: countField,
    size: countField,
    path: Type.Array(hashField, { maxItems: 64 }),
  }),
])

export const problemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'exact and stable' }),
    w4: Type.String({ description: "code of the standard's taxonomy" }),
    detail: optional(Type.String()),
    advice: optional(Type.String()),
    instance: optional(Type.String()),
  },
  { description: 'RFC 9457 problem document' },
)
