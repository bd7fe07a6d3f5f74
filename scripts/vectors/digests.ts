import { sha256 } from '../../node/crypto/sodium.ts'
import { utf8Encode } from '../../src/canonical.ts'
import { toBase64url } from '../../src/encoding.ts'
import { CHUNK_PAIRS, stateDigest } from '../../src/state/digest.ts'
import { numberedPairs } from '../../test/support/pairs.ts'
import type { VectorCase, VectorFiles } from './file.ts'

const small: readonly [id: string, comment: string, pairs: readonly (readonly [key: string, value: string])[]][] = [
  ['none', 'no pair: SHA-256 of nothing', []],
  ['one', 'one pair', [['time', '1760000000000']]],
  [
    'empty-value',
    'lengths keep pairs apart: an empty value',
    [
      ['a', ''],
      ['ab', 'c'],
    ],
  ],
  [
    'shifted',
    'and not the same as this',
    [
      ['a', 'ab'],
      ['b', 'c'],
    ],
  ],
  [
    'order',
    'byte order: a digit, upper case, lower case, then what is longer',
    [
      ['k/1', '1'],
      ['k/A', '2'],
      ['k/a', '3'],
      ['k/a/', '4'],
    ],
  ],
]
const counts = [2, CHUNK_PAIRS - 1, CHUNK_PAIRS, CHUNK_PAIRS + 1, 2 * CHUNK_PAIRS, 3 * CHUNK_PAIRS + 5]

export function digestVectors(): VectorFiles {
  const explicit = small.map(([id, comment, pairs]): VectorCase => {
    const { digest, keys } = stateDigest(
      pairs.map(([key, value]) => [key, utf8Encode(value)] as const),
      sha256,
    )
    return { id, comment, tags: ['pairs'], pairs, keys, digest: toBase64url(digest) }
  })
  const numbered = counts.map((count): VectorCase => {
    const { digest, keys } = stateDigest(numberedPairs(count), sha256)
    const comment = `pairs 0 to ${count - 1}: the key is k/ and the number with eight digits, the value the number's square`
    return { id: `numbered-${count}`, comment, tags: ['numbered'], count, keys, digest: toBase64url(digest) }
  })
  const about = 'State digests over key-value pairs, in chunks of 4 096'
  return { 'digests.json': { about, cases: [...explicit, ...numbered] } }
}
