import { sha256 } from '../../node/crypto/sodium.ts'
import { utf8Encode } from '../../src/canonical.ts'
import { base32Of130Bits, keyText, toBase64, toBase64url } from '../../src/encoding.ts'
import { witnessName } from '../../src/log/cosignature.ts'
import { keyId, originOf, TYPE_COSIGNATURE, TYPE_ED25519 } from '../../src/log/note.ts'
import { ENTITY_TYPES, lctIdOf, societyIdOf } from '../../src/records/names.ts'
import type { OpenedEntry } from '../../src/records/types.ts'
import { federation } from '../../test/support/federation.ts'
import { identity } from '../../test/support/identity.ts'
import { hex, type VectorCase, type VectorFiles } from './file.ts'

const counting = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 37 + 1) % 256)
const text = new TextDecoder()

function keyCases(): VectorCase[] {
  const raws: readonly [name: string, raw: Uint8Array][] = [
    ['zeros', new Uint8Array(32)],
    ['ones', new Uint8Array(32).fill(0xff)],
    ['counting', counting(32)],
    ['ada', identity('s0 ada').raw],
  ]
  return raws.map(([name, raw]) => ({
    id: `key-${name}`,
    comment: 'text: z and base58btc of ed 01 and the 32 bytes. commitment: what a charter says of a next society key',
    tags: ['valid', 'key'],
    form: 'key',
    bytes: hex(raw),
    text: keyText(raw),
    commitment: toBase64url(sha256(raw)),
    witness_name: witnessName(keyText(raw)),
    witness_key_id: hex(keyId(witnessName(keyText(raw)), TYPE_COSIGNATURE, raw, sha256)),
  }))
}

function byteCases(): VectorCase[] {
  const lengths = [0, 1, 2, 3, 16, 32, 64]
  return lengths.map(length => ({
    id: `bytes-${length}`,
    comment: `${length} bytes`,
    tags: ['valid', 'bytes'],
    form: 'bytes',
    bytes: hex(counting(length)),
    base64url: toBase64url(counting(length)),
    base64: toBase64(counting(length)),
    sha256: hex(sha256(counting(length))),
    base32: base32Of130Bits(sha256(counting(length))),
  }))
}

function idCases(): VectorCase[] {
  const [society] = federation({ recognised: false })
  if (society === undefined) throw new Error('no society')
  const charter = society.entries[0] as OpenedEntry
  const key = identity('s0 ada')
  const charterCase: VectorCase = {
    id: 'society',
    comment: 'slug, hyphen, base32 of the first 130 bits of the hash of the charter’s signed record',
    tags: ['valid', 'society'],
    form: 'society',
    slug: society.slug,
    record: text.decode(charter.recordBytes),
    text: societyIdOf(society.slug, charter.recordBytes, sha256),
    origin: originOf(society.id),
    origin_epoch_3: originOf(society.id, 3),
    society_key: society.society.key,
    log_key_id: hex(keyId(originOf(society.id), TYPE_ED25519, society.society.raw, sha256)),
  }
  const lcts = ENTITY_TYPES.map(type => ({
    id: `lct-${type}`,
    comment: 'the hash is over the canonical array of society id and birth key',
    tags: ['valid', 'lct'],
    form: 'lct',
    type,
    society: society.id,
    key: key.key,
    hashed: JSON.stringify([society.id, key.key]),
    text: lctIdOf(type, society.id, key.key, sha256),
  }))
  return [charterCase, ...lcts]
}

const KEY = keyText(counting(32))
const BASE32 = base32Of130Bits(sha256(utf8Encode('a name')))

const wrong: readonly [id: string, comment: string, form: string, text: string, length?: number][] = [
  ['key-empty', 'nothing', 'key', ''],
  ['key-no-prefix', 'without the z', 'key', KEY.slice(1)],
  ['key-short', 'one character less', 'key', KEY.slice(0, -1)],
  ['key-long', 'one character more', 'key', `${KEY}1`],
  ['key-alphabet', '0 is no base58 character', 'key', `${KEY.slice(0, -1)}0`],
  ['key-other-codec', 'a secp256k1 key', 'key', 'zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme'],
  ['key-leading-one', 'a zero byte before the codec', 'key', `z1${KEY.slice(1, -1)}`],
  ['base64url-padded', 'padding', 'base64url', 'AQ=='],
  ['base64url-standard', 'characters of the other alphabet', 'base64url', '+/+/'],
  ['base64url-impossible', 'no number of bytes has this length', 'base64url', 'A'],
  ['base64url-unused-bits', 'unused bits that are not zero (1 byte)', 'base64url', 'AR'],
  ['base64url-unused-bits-2', 'unused bits that are not zero (2 bytes)', 'base64url', 'AAB'],
  ['base64url-space', 'white space', 'base64url', 'AA AA'],
  ['base64url-31', 'a hash of 31 bytes', 'base64url', toBase64url(counting(31)), 32],
  ['base64url-33', 'a hash of 33 bytes', 'base64url', toBase64url(counting(33)), 32],
  ['base64url-65', 'a signature of 65 bytes', 'base64url', toBase64url(counting(65)), 64],
  ['base64-unpadded', 'no padding', 'base64', 'AQ'],
  ['base64-unused-bits', 'unused bits that are not zero', 'base64', 'AR=='],
  ['base64-url', 'characters of the other alphabet', 'base64', '-_-_'],
  ['slug-empty', 'nothing', 'slug', ''],
  ['slug-upper', 'upper case', 'slug', 'Harbour'],
  ['slug-hyphen-first', 'begins with a hyphen', 'slug', '-harbour'],
  ['slug-hyphen-last', 'ends with a hyphen', 'slug', 'harbour-'],
  ['slug-33', '33 characters', 'slug', 'a'.repeat(33)],
  ['slug-underscore', 'a character that is not allowed', 'slug', 'har_bour'],
  ['slug-unicode', 'not ASCII', 'slug', 'häfen'],
  ['society-short', '25 characters of hash', 'society', `harbour-${BASE32.slice(1)}`],
  ['society-long', '27 characters of hash', 'society', `harbour-${BASE32}a`],
  ['society-alphabet', '0, 1, 8 and 9 are not base32', 'society', `harbour-${'0'.repeat(26)}`],
  ['society-upper', 'upper case', 'society', `harbour-${BASE32.toUpperCase()}`],
  ['society-no-slug', 'no slug', 'society', `-${BASE32}`],
  ['lct-type', 'no such entity type', 'lct', `lct:web4:robot:harbour-${BASE32}:${BASE32}`],
  ['lct-method', 'another method', 'lct', `lct:web5:human:harbour-${BASE32}:${BASE32}`],
  ['lct-upper', 'upper case', 'lct', `lct:web4:Human:harbour-${BASE32}:${BASE32}`],
  ['lct-short', 'one part less', 'lct', `lct:web4:human:harbour-${BASE32}`],
  ['lct-newline', 'a newline at the end', 'lct', `lct:web4:human:harbour-${BASE32}:${BASE32}\n`],
]

export function nameVectors(): VectorFiles {
  const bad: VectorCase[] = wrong.map(([id, comment, form, spelling, length]) => ({
    id: `wrong-${id}`,
    comment,
    tags: ['invalid', form],
    form,
    text: spelling,
    ...(length === undefined ? {} : { length }),
  }))
  const about = 'Names and encodings: keys, byte strings, society ids, LCT ids, and spellings that are none'
  return { 'names.json': { about, cases: [...keyCases(), ...byteCases(), ...idCases(), ...bad] } }
}
