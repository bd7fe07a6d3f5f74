import type { AttestationType } from '../../src/records/attest.ts'
import type { Code } from '../../src/rejection.ts'
import type { EpochMs } from '../../src/units.ts'
import { hashText, identity } from '../../test/support/identity.ts'
import { GENESIS_MS } from '../../test/support/society.ts'
import type { RecordCases } from './record-file.ts'
import { attest, rich, rotate, status } from './world.ts'

/** Good claims of every type; an event where the type is about one. */
function goodClaims(time: EpochMs): Readonly<Record<AttestationType, object>> {
  return {
    time: { nonce: 'AAAAAAAAAAAAAAAAAAAAAA', ts: time },
    audit: { evidence: hashText('papers'), policy_id: 'policy 7', policy_met: true },
    'audit-minimal': { digest_valid: true, rate_ok: false, window_checked: true },
    oracle: { data: '21.5 °C', source: 'station 4', ts: time },
    existence: { method: 'seen', observed_at: time },
    action: { action_type: 'deliver', result: 'done' },
    state: { measurement: -4, state: 'frozen' },
    quality: { metric: 'weight', unit: 'g', value: 1_000 },
  }
}
const EVENTS: readonly string[] = ['audit', 'audit-minimal', 'action', 'quality']

/** One claim that does not fit, of each type. */
const misfits: readonly [type: AttestationType, id: string, comment: string, changes: object][] = [
  ['time', 'nonce', 'a nonce of 15 bytes', { nonce: 'AAAAAAAAAAAAAAAAAAAA' }],
  ['time', 'nonce-spelling', 'a nonce with unused bits', { nonce: 'AAAAAAAAAAAAAAAAAAAAAB' }],
  ['time', 'other-time', 'a time that is not that of the record', { ts: GENESIS_MS - 300_000 }],
  ['audit', 'evidence', 'evidence that is no hash', { evidence: 'papers' }],
  ['audit-minimal', 'more', 'a claim more', { note: 'x' }],
  ['oracle', 'empty', 'no data', { data: '' }],
  ['existence', 'control', 'a control character', { method: 'a\nb' }],
  ['action', 'number', 'a number for a text', { result: 1 }],
  ['state', 'measurement', 'a measurement that is neither text nor number', { measurement: true }],
  ['quality', 'less', 'a claim less', { unit: undefined }],
]

export function attestCases(cases: RecordCases): void {
  const { s0: log, s1, ada, bob, dora } = rich()
  const entryTime = log.clock + 1_000
  const claims = goodClaims(entryTime)
  const add = (id: string, comment: string, input: object, code?: Code) =>
    cases.add(log, id, comment, { ...attest(ada, bob.lct, 'existence', claims.existence), entryTime, ...input }, code)
  const of = (type: AttestationType, changes: object = {}, subject = bob.lct) =>
    attest(ada, subject, type, { ...claims[type], ...changes }, EVENTS.includes(type) ? hashText('event') : undefined)

  for (const type of Object.keys(claims) as AttestationType[]) add(type, `a witness of the type ${type}`, of(type))
  add('measurement-text', 'a measurement in words', of('state', { measurement: 'cold' }))
  add('about-a-society', 'the subject is a society', of('quality', {}, s1.id))
  add(
    'about-a-stranger',
    'the subject is not of this log',
    of('quality', {}, `lct:web4:human:${s1.id}:${'a'.repeat(26)}`),
  )
  cases.addShared(log, of('existence'), 'claims')
  for (const [type, id, comment, changes] of misfits) {
    const input = of(type)
    const body = input.body as { claims: object }
    const changed = Object.fromEntries(
      Object.entries({ ...body.claims, ...changes }).filter(([, value]) => value !== undefined),
    )
    add(`${type}-${id}`, comment, { ...input, body: { ...body, claims: changed } }, 'CLAIMS_INVALID')
  }
  for (const type of EVENTS as AttestationType[])
    add(`${type}-no-event`, 'the event is missing', attest(ada, bob.lct, type, claims[type]), 'CLAIMS_INVALID')
  add('other-claims', 'claims of another type', attest(ada, bob.lct, 'existence', claims.state), 'CLAIMS_INVALID')
  add('type', 'no such type', attest(ada, bob.lct, 'rumour', claims.state), 'FORMAT_SCHEMA')
  add('self', 'nobody is a witness of itself', of('existence', {}, ada.lct), 'ATTEST_SELF')
  add(
    'abroad',
    'an introduced LCT attests at home',
    attest(dora, bob.lct, 'existence', claims.existence),
    'AUTHOR_FORBIDDEN',
  )
  add('society', 'a society is no entity', { author: log.id, signers: [log.society] }, 'AUTHOR_FORBIDDEN')
  add('signer', 'another key', { signers: [bob.key] }, 'SIGNER_WRONG')
  add('two-signers', 'the subject signs as well', { signers: [ada.key, bob.key] }, 'SIGNATURE_COUNT')
  log.append(status('suspend', bob))
  cases.add(
    log,
    'suspended',
    'a suspended witness',
    attest(bob, ada.lct, 'existence', claims.existence),
    'AUTHOR_INACTIVE',
  )
  overlap(cases)
}

/** For how long an old key speaks. */
function overlap(cases: RecordCases): void {
  const { s0: log, ada, bob } = rich()
  const { time } = log.append(rotate(ada, identity('s0 ada fresh'), 60_000))
  const input = attest(ada, bob.lct, 'existence', { method: 'seen', observed_at: time })
  cases.add(log, 'overlap', 'the old key in the last millisecond of its overlap', {
    ...input,
    entryTime: time + 59_999,
  })
  cases.add(log, 'overlap-over', 'a millisecond later', { ...input, entryTime: time + 60_000 }, 'SIGNER_WRONG')
}
