import { canonicalText, type Json } from '../../src/canonical.ts'
import { toBase64url } from '../../src/encoding.ts'
import type { Sig } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { testHash, testLct } from '../../test/support/entries.ts'
import { identity, makeRecord, override, signRecord } from '../../test/support/identity.ts'
import { GENESIS_MS } from '../../test/support/society.ts'
import type { VectorCase, VectorFiles } from './file.ts'

const [FROM, TO] = [testLct(1), testLct(2)]
const society = `commons-${'a'.repeat(26)}`
const RECORD = makeRecord(
  'atp.transfer',
  { amount: 7, from: FROM, memo: testHash('memo'), to: TO },
  { society, author: FROM, n: 3, time: GENESIS_MS },
)
const signer = identity('s0 ada')
const SIGS = signRecord(RECORD, [signer])
const [sig] = SIGS as [Sig]
const text = canonicalText({ record: RECORD, sigs: SIGS } as unknown as Json)

/** As good as the one above but for these members. */
function changed(changes: Record<string, unknown>, sigs: unknown = SIGS): string {
  return canonicalText({ record: override(RECORD, changes), sigs } as unknown as Json)
}
const swapped = (find: string, replace: string): string => {
  if (!text.includes(find)) throw new Error(`no ${find}`)
  return text.replace(find, replace)
}

const other = signRecord(RECORD, [identity('s0 bob')])[0] as Sig
const unsorted = [sig, other].sort((a, b) => (a.by < b.by ? 1 : -1))
const rotation = { key: identity('new').key, old: signer.key, overlap_ms: 0 }
const two = { body: rotation, kind: 'lct.rotate' }
const long = (length: number) => ({ by: sig.by, sig: toBase64url(new Uint8Array(length).fill(7)) })

const wrong: readonly [id: string, comment: string, text: string, code: Code][] = [
  ['kind', 'a kind that nobody knows yet', changed({ kind: 'atp.dream' }), 'UNKNOWN_KIND'],
  ['kind-inherited', 'a name that objects inherit is no kind', changed({ kind: 'constructor' }), 'UNKNOWN_KIND'],
  ['kind-reserved', 'reserved for later', changed({ kind: 'swap.offer' }), 'UNKNOWN_KIND'],
  ['version', 'a version that nobody knows yet', changed({ v: 2 }), 'UNKNOWN_KIND'],
  ['version-members', 'which may have other members', changed({ surplus: null, v: 2 }), 'UNKNOWN_KIND'],
  ['version-0', 'there is no version 0', changed({ v: 0 }), 'UNKNOWN_KIND'],
  ['version-text', 'a version is a number', changed({ v: '1' }), 'FORMAT_SCHEMA'],
  ['record-more', 'a member more', changed({ surplus: null }), 'FORMAT_UNKNOWN_FIELD'],
  ['body-more', 'a member more in the body', changed({ 'body.surplus': null }), 'FORMAT_UNKNOWN_FIELD'],
  ['sig-more', 'a member more in a signature', changed({}, [{ ...sig, at: 1 }]), 'FORMAT_UNKNOWN_FIELD'],
  [
    'submission-more',
    'a member more beside record and sigs',
    swapped('"sigs":', '"seq":1,"sigs":'),
    'FORMAT_UNKNOWN_FIELD',
  ],
  ['record-less', 'no lane', changed({ lane: undefined }), 'FORMAT_SCHEMA'],
  ['no-sigs', 'no list of signatures', `{"record":${canonicalText(RECORD as unknown as Json)}}`, 'FORMAT_SCHEMA'],
  ['empty-sigs', 'an empty list of signatures', changed({}, []), 'FORMAT_SCHEMA'],
  ['sigs-33', 'thirty-three signatures', changed({}, Array(33).fill(sig)), 'FORMAT_SCHEMA'],
  ['lane-256', 'a lane that does not exist', changed({ lane: 256 }), 'FORMAT_SCHEMA'],
  ['lane-minus-1', 'a lane below 0', changed({ lane: -1 }), 'FORMAT_SCHEMA'],
  ['n-0', 'n begins with 1', changed({ n: 0 }), 'FORMAT_SCHEMA'],
  ['n-2-53', 'n above 2^53 − 1', swapped('"n":3', '"n":9007199254740992'), 'FORMAT_INTEGER_RANGE'],
  ['time-negative', 'before 1970', changed({ time: -1 }), 'FORMAT_SCHEMA'],
  [
    'time-float',
    'a fraction of a millisecond',
    swapped(`"time":${GENESIS_MS}`, `"time":${GENESIS_MS}.5`),
    'FORMAT_FLOAT',
  ],
  ['n-whole-float', 'a whole number as a fraction', swapped('"n":3', '"n":3.0'), 'FORMAT_FLOAT'],
  ['amount-exponent', 'an exponent', swapped('"amount":7', '"amount":7e0'), 'FORMAT_FLOAT'],
  ['amount-text', 'an amount as text', changed({ 'body.amount': '7' }), 'FORMAT_SCHEMA'],
  ['body-array', 'a body is an object', changed({ body: [] }), 'FORMAT_SCHEMA'],
  ['nobody', 'only a charter has no author', changed({ author: '' }), 'FORMAT_SCHEMA'],
  ['nowhere', 'only a charter has no society', changed({ society: '' }), 'FORMAT_SCHEMA'],
  ['author-form', 'an author that is neither LCT nor society', changed({ author: 'ada' }), 'FORMAT_SCHEMA'],
  [
    'hash-spelling',
    'a hash with unused bits',
    changed({ 'body.memo': `${testHash('memo').slice(0, -1)}B` }),
    'FORMAT_SCHEMA',
  ],
  ['duplicate', 'a member twice', swapped('"lane":0', '"lane":0,"lane":0'), 'FORMAT_DUPLICATE_KEY'],
  ['order', 'members out of order', swapped('"lane":0,"n":3', '"n":3,"lane":0'), 'FORMAT_NOT_CANONICAL'],
  ['space', 'a space', swapped('"lane":0', '"lane": 0'), 'FORMAT_NOT_CANONICAL'],
  ['newline', 'a newline at the end', `${text}\n`, 'FORMAT_NOT_CANONICAL'],
  [
    'escape',
    'an escape that nothing needs',
    swapped('"atp.transfer"', String.raw`"\u0061tp.transfer"`),
    'FORMAT_NOT_CANONICAL',
  ],
  ['minus-zero', 'zero has no sign', swapped('"lane":0', '"lane":-0'), 'FORMAT_NOT_CANONICAL'],
  ['cut-off', 'the last byte is missing', text.slice(0, -1), 'FORMAT_JSON'],
  ['proto', '__proto__', swapped('"lane":0', '"__proto__":{},"lane":0'), 'FORMAT_KEY'],
  ['surrogate', 'half of a surrogate pair', swapped('"atp.transfer"', String.raw`"\ud800"`), 'FORMAT_STRING'],
  ['two-sigs', 'a signature too many', changed({}, unsorted.toReversed()), 'SIGNATURE_COUNT'],
  ['sigs-unsorted', 'signatures out of order', changed(two, unsorted), 'SIGNATURE_ORDER'],
  ['signer-twice', 'one key signs twice', changed(two, [sig, sig]), 'SIGNATURE_DUPLICATE'],
  ['sig-63', 'a signature of 63 bytes', changed({}, [long(63)]), 'SIGNATURE_LENGTH'],
  ['sig-65', 'a signature of 65 bytes', changed({}, [long(65)]), 'SIGNATURE_LENGTH'],
  ['sig-padded', 'a padded signature', changed({}, [{ ...sig, sig: `${sig.sig}==` }]), 'SIGNATURE_LENGTH'],
  ['key-form', 'a key that is none', changed({}, [{ ...sig, by: sig.by.slice(1) }]), 'FORMAT_SCHEMA'],
]

export function envelopeVectors(): VectorFiles {
  const good: VectorCase = {
    id: 'good',
    comment: 'the record that all others begin with',
    tags: ['valid'],
    submission: text,
  }
  const bad = wrong.map(([id, comment, submission, code]): VectorCase => {
    return { id, comment, tags: ['invalid', 'bytes'], submission, code }
  })
  const about = 'What surrounds the body of a record of any kind: members, numbers, signatures'
  return { 'records/envelope.json': { about, cases: [good, ...bad] } }
}
