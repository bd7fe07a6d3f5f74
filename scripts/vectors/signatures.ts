import { sha256 } from '../../node/crypto/sodium.ts'
import { canonicalBytes, type Json } from '../../src/canonical.ts'
import { type Purpose, signedMessage, signedMessageOf } from '../../src/crypto.ts'
import { fromBase64url, keyText, toBase64url } from '../../src/encoding.ts'
import { encodeSubmission } from '../../src/ingest/open.ts'
import { leafHash } from '../../src/log/merkle.ts'
import { pathLength, rootFromInclusion } from '../../src/log/proof.ts'
import type { Sig } from '../../src/records/types.ts'
import type { Code } from '../../src/rejection.ts'
import { testHash, testLct } from '../../test/support/entries.ts'
import { type Identity, identity, makeRecord } from '../../test/support/identity.ts'
import { hex, type VectorCase, type VectorFiles } from './file.ts'

const ada = identity('s0 ada')
const bob = identity('s0 bob')
const text = new TextDecoder()

const [FROM, TO] = [testLct(1), testLct(2)]
const transfer = (amount: number) =>
  makeRecord(
    'atp.transfer',
    { amount, from: FROM, to: TO },
    { society: `commons-${'a'.repeat(26)}`, author: FROM, n: amount },
  )
const RECORD = transfer(7)
const RECORD_BYTES = canonicalBytes(RECORD as unknown as Json)

type Batch = Extract<Sig, { readonly path: unknown }>

function single(signer: Identity, message: Uint8Array, by = signer.key): Sig {
  return { by, sig: toBase64url(signer.signNow(message)) }
}

/** A batch signature for any place in a tree of any size: whoever knows the siblings needs no other leaf. */
function batch(
  signer: Identity,
  index: number,
  size: number,
  leafPurpose: Purpose = 'record',
  purpose: Purpose = 'batch',
): Batch {
  const path = Array.from({ length: pathLength(index, size) ?? 0 }, (_, step) =>
    testHash(`sibling ${step} of ${index} in ${size}`),
  )
  const nodes = path.map(node => fromBase64url(node, 32) as Uint8Array)
  const root = rootFromInclusion(leafHash(signedMessage(leafPurpose, RECORD_BYTES), sha256), index, size, nodes, sha256)
  if (root === undefined) throw new RangeError(`${index} in ${size}`)
  const message = signedMessageOf(purpose, { root: toBase64url(root), size })
  return { by: signer.key, sig: toBase64url(signer.signNow(message)), index, size, path }
}

const places: readonly [index: number, size: number][] = [
  [0, 2],
  [1, 2],
  [0, 3],
  [2, 3],
  [0, 5],
  [3, 5],
  [4, 5],
  [0, 65_536],
  [40_000, 65_536],
  [65_535, 65_536],
  [65_534, 65_535],
]

function validCases(): VectorCase[] {
  const message = signedMessage('record', RECORD_BYTES)
  const one: VectorCase = {
    id: 'single',
    comment: 'the signed message is web4/record/1, a newline and the canonical bytes of the record',
    tags: ['valid', 'single'],
    submission: text.decode(encodeSubmission(RECORD, [single(ada, message)])),
    message: text.decode(message),
  }
  const many = places.map(([index, size]): VectorCase => {
    const sig = batch(ada, index, size)
    const nodes = sig.path.map(node => fromBase64url(node, 32) as Uint8Array)
    const leaf = leafHash(message, sha256)
    const root = rootFromInclusion(leaf, index, size, nodes, sha256) as Uint8Array
    return {
      id: `batch-${index}-of-${size}`,
      comment: `leaf ${index} of ${size}: a path of ${sig.path.length}`,
      tags: ['valid', 'batch'],
      submission: text.decode(encodeSubmission(RECORD, [sig])),
      leaf: hex(leaf),
      root: toBase64url(root),
      message: text.decode(signedMessageOf('batch', { root: toBase64url(root), size })),
    }
  })
  return [one, ...many]
}

/** Text of the key whose bytes are 1 and 31 zeros: the neutral element. */
const SMALL_ORDER = keyText(Uint8Array.of(1, ...new Uint8Array(31)))

type Wrong = readonly [id: string, comment: string, sigs: readonly object[], code: Code]

function wrongSingles(): Wrong[] {
  const message = signedMessage('record', RECORD_BYTES)
  const good = single(ada, message)
  const raw = fromBase64url(good.sig, 64) as Uint8Array
  const long = toBase64url(Uint8Array.of(...raw, 0))
  const high = Uint8Array.from(raw, (byte, index) => (index === 63 ? byte | 0x80 : byte))
  const purposes: Purpose[] = ['batch', 'node', 'receipt', 'standing', 'request', 'proof']
  return [
    [
      'bit',
      'one bit of the signature is different',
      [{ ...good, sig: toBase64url(raw.with(5, (raw[5] ?? 0) ^ 1)) }],
      'SIGNATURE_INVALID',
    ],
    ['other-key', 'made with another key', [{ ...good, by: bob.key }], 'SIGNATURE_INVALID'],
    [
      'other-record',
      'made for another record',
      [single(ada, signedMessageOf('record', transfer(8) as unknown as Json))],
      'SIGNATURE_INVALID',
    ],
    ['bare', 'made over the record without its domain line', [single(ada, RECORD_BYTES)], 'SIGNATURE_INVALID'],
    ['scalar', 'S is not below L', [{ ...good, sig: toBase64url(high) }], 'SIGNATURE_INVALID'],
    ['zeros', '64 zero bytes', [{ ...good, sig: toBase64url(new Uint8Array(64)) }], 'SIGNATURE_INVALID'],
    ['65-bytes', 'a byte more', [{ ...good, sig: long }], 'SIGNATURE_LENGTH'],
    ['63-bytes', 'a byte less', [{ ...good, sig: toBase64url(raw.subarray(1)) }], 'SIGNATURE_LENGTH'],
    ['empty', 'no bytes', [{ ...good, sig: '' }], 'SIGNATURE_LENGTH'],
    [
      'spelling',
      'unused bits of the last character are not zero',
      [{ ...good, sig: `${good.sig.slice(0, -1)}B` }],
      'FORMAT_ENCODING',
    ],
    ['key-order', 'a key of small order', [{ ...good, by: SMALL_ORDER }], 'SIGNATURE_KEY'],
    ...purposes.map(
      (purpose): Wrong => [
        `purpose-${purpose}`,
        `made for the purpose ${purpose}; who submits it is told so`,
        [single(ada, signedMessage(purpose, RECORD_BYTES))],
        'SIGNATURE_INVALID',
      ],
    ),
  ]
}

function wrongBatches(): Wrong[] {
  const good = batch(ada, 3, 5)
  const [first = '', ...rest] = good.path
  return [
    ['batch-short', 'a step of the path is missing', [{ ...good, path: rest }], 'SIGNATURE_BATCH'],
    ['batch-long', 'a step too many', [{ ...good, path: [...good.path, first] }], 'SIGNATURE_BATCH'],
    ['batch-no-path', 'no step at all', [{ ...good, path: [] }], 'SIGNATURE_BATCH'],
    [
      'batch-last-long',
      'the last of five has a path of one',
      [{ ...batch(ada, 4, 5), path: good.path }],
      'SIGNATURE_BATCH',
    ],
    ['batch-index-is-size', 'index = size', [{ ...good, index: 5 }], 'SIGNATURE_BATCH'],
    ['batch-index-above', 'index > size', [{ ...good, index: 6 }], 'SIGNATURE_BATCH'],
    ['batch-index-65536', 'an index that no size has', [{ ...good, index: 65_536 }], 'FORMAT_SCHEMA'],
    ['batch-index-negative', 'an index below 0', [{ ...good, index: -1 }], 'FORMAT_SCHEMA'],
    ['batch-size-1', 'a batch of one', [{ ...good, index: 0, size: 1, path: [] }], 'FORMAT_SCHEMA'],
    ['batch-size-65537', 'a batch above the limit', [{ ...good, size: 65_537 }], 'FORMAT_SCHEMA'],
    ['batch-path-17', 'seventeen steps', [{ ...good, path: Array(17).fill(first) }], 'FORMAT_SCHEMA'],
    ['batch-half', 'index without size and path', [{ by: good.by, sig: good.sig, index: 3 }], 'FORMAT_SCHEMA'],
    ['batch-other-index', 'another place of the same tree', [{ ...good, index: 2 }], 'SIGNATURE_INVALID'],
    ['batch-other-size', 'another size with a path of the same length', [{ ...good, size: 6 }], 'SIGNATURE_INVALID'],
    ['batch-step', 'a step is another one', [{ ...good, path: [testHash('other'), ...rest] }], 'SIGNATURE_INVALID'],
    ['batch-swapped', 'two steps change places', [{ ...good, path: good.path.toReversed() }], 'SIGNATURE_INVALID'],
    ['batch-65-bytes', 'a byte more', [{ ...good, sig: `${good.sig}A` }], 'SIGNATURE_LENGTH'],
    ['batch-other-key', 'made with another key', [{ ...good, by: bob.key }], 'SIGNATURE_INVALID'],
    [
      'batch-leaf-purpose',
      'leaves are messages of another purpose',
      [batch(ada, 3, 5, 'standing')],
      'SIGNATURE_INVALID',
    ],
    [
      'batch-purpose',
      'root and size are signed for another purpose',
      [batch(ada, 3, 5, 'record', 'request')],
      'SIGNATURE_INVALID',
    ],
    ['batch-as-single', 'without index, size and path', [{ by: good.by, sig: good.sig }], 'SIGNATURE_INVALID'],
  ]
}

/** What a submitter is told beyond the code of gossip. */
const diagnosed = (id: string) => (/purpose/.test(id) ? { diagnosis: 'SIGNATURE_PURPOSE' } : {})

export function signatureVectors(): VectorFiles {
  const bad = [...wrongSingles(), ...wrongBatches()].map(
    ([id, comment, sigs, code]): VectorCase => ({
      id,
      comment,
      tags: ['invalid', id.startsWith('batch') ? 'batch' : 'single'],
      submission: text.decode(encodeSubmission(RECORD, sigs as readonly Sig[])),
      code,
      ...diagnosed(id),
    }),
  )
  const about = 'Signatures of one record, single and in batches'
  return { 'signatures.json': { about, cases: [...validCases(), ...bad] } }
}
