import { canonicalText, utf8Encode } from '../../src/canonical.ts'
import type { Code } from '../../src/rejection.ts'
import { hex, type VectorCase, type VectorFiles } from './file.ts'

const nested = (depth: number, inner = '') => `${'['.repeat(depth)}${inner}${']'.repeat(depth)}`

/** [id, comment, any JSON text of the value] */
const valid: readonly [id: string, comment: string, text: string][] = [
  ['null', 'no space around a value', ' null '],
  ['true', 'a boolean', 'true'],
  ['zero', 'zero has one spelling', '0'],
  ['negative', 'a negative integer', '-17'],
  ['largest', '2^53 − 1', '9007199254740991'],
  ['smallest', '−(2^53 − 1)', '-9007199254740991'],
  ['empty-string', 'the empty string', '""'],
  ['empty-array', 'the empty array', '[ ]'],
  ['empty-object', 'the empty object', '{ }'],
  ['order', 'members are sorted', '{"b": 2, "a": 1, "a_b": 4, "a1": 3}'],
  ['order-nested', 'at every level', '[{"z": {"d": [], "c": {}}, "y": null}]'],
  ['array-order', 'the order of an array stays', '[3, 1, 2]'],
  [
    'short-escapes',
    'the five short escapes, quote and backslash',
    String.raw`"\u0008\u0009\u000a\u000c\u000d\u0022\u005c"`,
  ],
  ['long-escapes', 'other control characters as lower-case \\u00xx', String.raw`"\u0000\u001F\u000B"`],
  [
    'no-needless-escape',
    'slash, DEL and everything above U+007F stand as themselves',
    String.raw`"\/\u007f\u00e9\u20ac"`,
  ],
  ['astral', 'a surrogate pair is one character of four bytes', String.raw`"\ud83d\ude00"`],
  ['line-separators', 'U+2028 and U+2029 are not escaped', String.raw`"\u2028\u2029"`],
  ['not-normalised', 'no Unicode normalisation: e and a combining accent stay two', String.raw`"e\u0301"`],
  ['depth-16', 'sixteen levels are the most', nested(16)],
]

const text = (value: string) => utf8Encode(value)
const bytes = (...values: number[]) => Uint8Array.from(values)

const invalid: readonly [id: string, comment: string, bytes: Uint8Array, code: Code][] = [
  ['empty', 'no bytes at all', bytes(), 'FORMAT_JSON'],
  ['cut-off', 'the end is missing', text('{"a":1'), 'FORMAT_JSON'],
  ['cut-off-string', 'the end of a string is missing', text('["abc'), 'FORMAT_JSON'],
  ['two-values', 'something after the value', text('{}{}'), 'FORMAT_JSON'],
  ['trailing-comma', 'no JSON', text('[1,]'), 'FORMAT_JSON'],
  ['single-quotes', 'no JSON', text("{'a':1}"), 'FORMAT_JSON'],
  ['leading-zero', 'no JSON', text('01'), 'FORMAT_JSON'],
  ['plus-sign', 'no JSON', text('+1'), 'FORMAT_JSON'],
  ['nan', 'no JSON', text('NaN'), 'FORMAT_JSON'],
  ['raw-newline', 'a control character that is not escaped', text('"a\nb"'), 'FORMAT_JSON'],
  ['byte-order-mark', 'a byte order mark is no part of JSON', bytes(0xef, 0xbb, 0xbf, 0x7b, 0x7d), 'FORMAT_JSON'],
  ['utf-8-cut', 'half a character', bytes(0x22, 0xc3, 0x22), 'FORMAT_UTF8'],
  ['utf-8-overlong', 'an overlong slash', bytes(0x22, 0xc0, 0xaf, 0x22), 'FORMAT_UTF8'],
  ['utf-8-surrogate', 'a surrogate as three bytes', bytes(0x22, 0xed, 0xa0, 0x80, 0x22), 'FORMAT_UTF8'],
  ['utf-8-above', 'above U+10FFFF', bytes(0x22, 0xf4, 0x90, 0x80, 0x80, 0x22), 'FORMAT_UTF8'],
  ['lone-surrogate', 'an escaped half of a pair', text(String.raw`"\ud83d"`), 'FORMAT_STRING'],
  ['lone-low-surrogate', 'the other half', text(String.raw`["\udc00"]`), 'FORMAT_STRING'],
  ['depth-17', 'one level more than sixteen', text(nested(17)), 'FORMAT_DEPTH'],
  ['depth-objects', 'objects count as well', text(`${'{"a":'.repeat(17)}1${'}'.repeat(17)}`), 'FORMAT_DEPTH'],
  ['duplicate', 'a member twice with equal values', text('{"a":1,"a":1}'), 'FORMAT_DUPLICATE_KEY'],
  [
    'duplicate-inside',
    'a member twice with different values, further in',
    text('[{"b":{"a":1,"a":2}}]'),
    'FORMAT_DUPLICATE_KEY',
  ],
  ['float', 'a fraction', text('{"a":1.5}'), 'FORMAT_FLOAT'],
  ['float-whole', 'a whole number written as a fraction', text('{"a":1.0}'), 'FORMAT_FLOAT'],
  ['exponent', 'a whole number written with an exponent', text('{"a":1e3}'), 'FORMAT_FLOAT'],
  ['huge', 'beyond every float', text('1e999'), 'FORMAT_FLOAT'],
  ['2-53', '2^53 is above the largest integer', text('9007199254740992'), 'FORMAT_INTEGER_RANGE'],
  ['minus-2-53', 'and below the smallest', text('-9007199254740992'), 'FORMAT_INTEGER_RANGE'],
  ['2-53-and-1', 'and no float has this value', text('9007199254740993'), 'FORMAT_INTEGER_RANGE'],
  ['proto', 'a name that only objects in JavaScript know', text('{"__proto__":{}}'), 'FORMAT_KEY'],
  ['upper-case', 'names are lower case', text('{"aB":1}'), 'FORMAT_KEY'],
  ['number-first', 'names begin with a letter', text('{"1a":1}'), 'FORMAT_KEY'],
  ['empty-name', 'names are not empty', text('{"":1}'), 'FORMAT_KEY'],
  ['name-escaped', 'a name in another spelling', text(String.raw`{"\u0061":1}`), 'FORMAT_NOT_CANONICAL'],
  ['unsorted', 'members out of order', text('{"b":1,"a":2}'), 'FORMAT_NOT_CANONICAL'],
  ['space', 'a space between tokens', text('{"a": 1}'), 'FORMAT_NOT_CANONICAL'],
  ['space-before', 'a space before the value', text(' {}'), 'FORMAT_NOT_CANONICAL'],
  ['newline-after', 'a newline after the value', text('{}\n'), 'FORMAT_NOT_CANONICAL'],
  ['minus-zero', 'zero has no sign', text('-0'), 'FORMAT_NOT_CANONICAL'],
  ['needless-escape', 'an escape that nothing needs', text(String.raw`"\u0041"`), 'FORMAT_NOT_CANONICAL'],
  ['escaped-slash', 'a slash is not escaped', text(String.raw`"\/"`), 'FORMAT_NOT_CANONICAL'],
  ['upper-case-hex', 'escapes are lower case', text(String.raw`"\u001F"`), 'FORMAT_NOT_CANONICAL'],
  ['long-for-short', 'a long escape where a short one exists', text(String.raw`"\u000a"`), 'FORMAT_NOT_CANONICAL'],
  ['escaped-pair', 'a surrogate pair as escapes', text(String.raw`"\ud83d\ude00"`), 'FORMAT_NOT_CANONICAL'],
]

export function canonicalVectors(): VectorFiles {
  const good: VectorCase[] = valid.map(([id, comment, json]) => {
    const canonical = canonicalText(JSON.parse(json))
    return { id, comment, tags: ['valid'], text: json, canonical, bytes: hex(text(canonical)) }
  })
  const bad: VectorCase[] = invalid.map(([id, comment, input, code]) => {
    return { id, comment, tags: ['invalid'], bytes: hex(input), code }
  })
  const about = 'Canonical JSON: texts and the one form of their bytes, and bytes that are not canonical'
  return { 'canonical.json': { about, cases: [...good, ...bad] } }
}
