import { type Static, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { JsonObject } from '../canonical.ts'
import { FRESHNESS_MS } from '../limits.ts'
import { type Rejection, rejection } from '../rejection.ts'
import { readState } from '../state/model.ts'
import { onlyAuthorSigned } from '../state/signers.ts'
import { hashField, lctPattern, societyPattern, strictObject, textField, timeField } from './fields.ts'
import { homeOf } from './names.ts'
import type { RecordRules } from './types.ts'

export const ATTESTATION_TYPES = [
  'time',
  'audit',
  'audit-minimal',
  'oracle',
  'existence',
  'action',
  'state',
  'quality',
] as const
export type AttestationType = (typeof ATTESTATION_TYPES)[number]

/** 16 bytes: 22 characters, the last of which carries 2 bits and four zero bits. */
const nonceField = Type.String({ pattern: '^[A-Za-z0-9_-]{21}[AQgw]$' })
const measureField = Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })

/** What a witness of each type must claim, and all that it may. Data about people is a salted hash. */
export const claimSchemas = {
  /** `nonce` is the challenge of whoever asked for the time. */
  time: strictObject({ nonce: nonceField, ts: timeField }),
  audit: strictObject({ evidence: hashField, policy_id: textField(128), policy_met: Type.Boolean() }),
  'audit-minimal': strictObject({
    digest_valid: Type.Boolean(),
    rate_ok: Type.Boolean(),
    window_checked: Type.Boolean(),
  }),
  /** `data`: a hash as text, or the short text itself. */
  oracle: strictObject({ data: textField(512), source: textField(256), ts: timeField }),
  existence: strictObject({ method: textField(128), observed_at: timeField }),
  action: strictObject({ action_type: textField(128), result: textField(256) }),
  state: strictObject({ measurement: Type.Union([textField(256), measureField]), state: textField(128) }),
  quality: strictObject({ metric: textField(128), unit: textField(32), value: measureField }),
} as const satisfies Record<AttestationType, TSchema>

const fits = Object.fromEntries(ATTESTATION_TYPES.map(type => [type, Compile(claimSchemas[type])]))

/** Types that speak about one event and are worth nothing without its hash. */
export const EVENT_TYPES: ReadonlySet<AttestationType> = new Set(['audit', 'audit-minimal', 'action', 'quality'])

export const attestBody = strictObject({
  claims: Type.Unsafe<JsonObject>(Type.Object({})),
  event: Type.Optional(hashField),
  subject: Type.String({ pattern: `^(?:${lctPattern}|${societyPattern})$` }),
  type: Type.Enum([...ATTESTATION_TYPES]),
})
export type AttestBody = Static<typeof attestBody>

/** An entity witnesses something about another one, in its home log. Changes nothing but its lane. */
export const attestRules: RecordRules<'attest', AttestBody> = {
  kind: 'attest',
  body: attestBody,
  /** The longest claims are three texts of 800 characters together, up to six bytes each when escaped. */
  bytesMax: 8_192,
  freshnessMs: FRESHNESS_MS,
  signatures: [1, 1],
  check({ author, body, time }) {
    return checkClaims(body, time) ?? (body.subject === author ? rejection('ATTEST_SELF') : undefined)
  },
  touches: () => [],
  decide(draft, entry) {
    const { author, society } = entry.record
    const isHome = homeOf(author) === society && readState.lct(draft, author) !== undefined
    if (!isHome) return rejection('AUTHOR_FORBIDDEN', 'attests in its home log')
    return onlyAuthorSigned(draft, entry) ? undefined : rejection('SIGNER_WRONG')
  },
}

function checkClaims({ claims, event, type }: AttestBody, time: number): Rejection | undefined {
  if (fits[type]?.Check(claims) !== true) return rejection('CLAIMS_INVALID', type)
  if (event === undefined && EVENT_TYPES.has(type)) return rejection('CLAIMS_INVALID', 'event is missing')
  // A witness of time vouches for the moment at which it signs.
  if (type === 'time' && Math.abs((claims.ts as number) - time) > FRESHNESS_MS) {
    return rejection('CLAIMS_INVALID', 'ts is not the time of the record')
  }
  return undefined
}
