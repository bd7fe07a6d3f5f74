import assert from 'node:assert/strict'
import fc from 'fast-check'
import { fromBase64, toBase64 } from '../../src/encoding.ts'
import {
  checkpointText,
  epochOf,
  findLogSignature,
  formatNote,
  keyId,
  type Note,
  originOf,
  parseCheckpointText,
  parseNote,
  verifyLogNote,
} from '../../src/log/note.ts'
import { verifyPortable } from '../../src/noble-verify.ts'
import type { Code } from '../../src/rejection.ts'
import type { Result } from '../../src/result.ts'
import { hex, leaves, naiveRoot, sha256, signedNote, testKey } from './fixtures.ts'

const SOCIETY = 'demo-abcdefghijklmnopqrstuvwxyz'
const ORIGIN = `web4/${SOCIETY}`
const KEY = testKey(1)
const NOTE = signedNote(ORIGIN, 5, naiveRoot(leaves(5)), KEY)
const TEXT = formatNote(NOTE)
/** Frozen: entries "entry 0" to "entry 4", log key of seed 01…01. */
const GOLDEN = `web4/demo-abcdefghijklmnopqrstuvwxyz
5
fKo0Xb2JKmZFTWxlEuo8PqPw0+whvj/C4jdXBf049nI=

— web4/demo-abcdefghijklmnopqrstuvwxyz p6YRMSEq3w6GVduwfkplPZJY5gCn8D+SQyvxgAkQyjigQ2IaME3uVNgGAPnS5tTChfkR3YN33bC3qnmziL84ijZnBgc=
`

const parsed = (text: string): Note => {
  const note = parseNote(text)
  assert.ok(note.ok)
  return note.value
}
const codeOf = (result: Result<unknown>): Code | undefined => (result.ok ? undefined : result.error.code)

describe('note', () => {
  it('has its golden bytes', () => {
    assert.equal(TEXT, GOLDEN)
    assert.deepEqual(parsed(TEXT), NOTE)
  })

  it('has the key id of the C2SP example', () => {
    const vkey = fromBase64('ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW') as Uint8Array
    assert.equal(hex(keyId('PeterNeumann', 0x01, vkey.subarray(1), sha256)), 'c74f20a3')
  })

  it('is refused for any defect, with the one code NOTE_FORMAT', () => {
    const [origin = '', size = '', root = '', , line = ''] = TEXT.split('\n')
    const base64 = line.split(' ')[2] ?? ''
    const note = (text: string, ...lines: string[]): string => `${text}\n${lines.map(each => `${each}\n`).join('')}`
    const defects: Record<string, string> = {
      nothing: '',
      'no signatures': note(NOTE.text),
      'no empty line': `${NOTE.text}${line}\n`,
      'no last newline': TEXT.slice(0, -1),
      'a line after the end': `${TEXT}\n`,
      'something after the end': `${TEXT}x`,
      'carriage returns': TEXT.replaceAll('\n', '\r\n'),
      'byte order mark': `\ufeff${TEXT}`,
      'the same line twice': note(NOTE.text, line, line),
      'an extension line': note(`${NOTE.text}extra\n`, line),
      'no root': note(`${origin}\n${size}\n`, line),
      'no origin': note(`\n${size}\n${root}\n`, line),
      'a space in the origin': note(`web4 ${origin}\n${size}\n${root}\n`, line),
      'a plus sign in the origin': note(`${origin}+x\n${size}\n${root}\n`, line),
      'a control character in the origin': note(`${origin}\u0001\n${size}\n${root}\n`, line),
      'a lone surrogate': note(`${origin}\ud800\n${size}\n${root}\n`, line),
      'size with a leading zero': note(`${origin}\n0${size}\n${root}\n`, line),
      'size with a sign': note(`${origin}\n+${size}\n${root}\n`, line),
      'negative size': note(`${origin}\n-5\n${root}\n`, line),
      'size with a space': note(`${origin}\n5 \n${root}\n`, line),
      'empty size': note(`${origin}\n\n${root}\n`, line),
      'hexadecimal size': note(`${origin}\n0x5\n${root}\n`, line),
      'size 2^53': note(`${origin}\n9007199254740992\n${root}\n`, line),
      'root of 31 bytes': note(`${origin}\n${size}\n${toBase64(new Uint8Array(31))}\n`, line),
      'root of 33 bytes': note(`${origin}\n${size}\n${toBase64(new Uint8Array(33))}\n`, line),
      'root without padding': note(`${origin}\n${size}\n${root.slice(0, -1)}\n`, line),
      'root in another spelling': note(
        `${origin}\n${size}\n${root.slice(0, 42)}${root[42] === 'B' ? 'C' : 'B'}=\n`,
        line,
      ),
      'root in base64url': note(`${origin}\n${size}\n${'_'.repeat(42)}8=\n`, line),
      'a hyphen for the dash': note(NOTE.text, line.replace('—', '-')),
      'no name': note(NOTE.text, `—  ${base64}`),
      'two spaces': note(NOTE.text, line.replace('— ', '—  ')),
      'a plus sign in the name': note(NOTE.text, `— a+b ${base64}`),
      'a no-break space in the name': note(NOTE.text, `— a\u00a0b ${base64}`),
      'no base64': note(NOTE.text, `— ${origin}`),
      'base64 without padding': note(NOTE.text, line.replace(/=+$/, '')),
      'key id alone': note(NOTE.text, `— ${origin} ${toBase64(new Uint8Array(4))}`),
      'an empty line among signatures': note(NOTE.text, line, '', `— other ${base64}`),
      'too many bytes': note(NOTE.text, line, ...Array.from({ length: 200 }, (_, i) => `— other${i} ${base64}`)),
    }
    for (const [name, text] of Object.entries(defects)) assert.equal(codeOf(parseNote(text)), 'NOTE_FORMAT', name)
    assert.equal(codeOf(parseNote(TEXT, TEXT.length)), 'NOTE_FORMAT', 'limit is bytes, not characters')
    assert.equal(codeOf(parseNote(TEXT, Buffer.byteLength(TEXT))), undefined)
  })

  it('keeps lines of unknown names and types', () => {
    const text = `${TEXT}— example.com/witness AAAAAQI=\n`
    assert.equal(formatNote(parsed(text)), text)
    assert.equal(parsed(text).signatures[1]?.signature.length, 1)
  })

  it('with any character changed no longer verifies', () => {
    fc.assert(
      fc.property(fc.nat(TEXT.length - 1), fc.constantFrom('0', 'A', '=', ' ', '\n', '\u2014'), (at, character) => {
        fc.pre(TEXT[at] !== character)
        const note = parseNote(TEXT.slice(0, at) + character + TEXT.slice(at + 1))
        assert.ok(!note.ok || verifyLogNote(note.value, ORIGIN, KEY.text, verifyPortable, sha256) !== undefined)
      }),
      { numRuns: 60 },
    )
  })
})

describe('checkpoint text', () => {
  it('is parsed back to what it says, up to the largest size', () => {
    for (const size of [0, 1, 10, 4711, Number.MAX_SAFE_INTEGER]) {
      const checkpoint = { origin: ORIGIN, size, root: new Uint8Array(32).fill(7) }
      const again = parseCheckpointText(checkpointText(checkpoint))
      assert.deepEqual(again, { ok: true, value: checkpoint })
    }
  })
})

describe('origin', () => {
  it('names society and epoch, in one spelling', () => {
    assert.equal(originOf(SOCIETY), ORIGIN)
    assert.equal(originOf(SOCIETY, 2), `${ORIGIN}/epoch-2`)
    const epochs: [string, number | undefined][] = [
      [ORIGIN, 0],
      [`${ORIGIN}/epoch-1`, 1],
      [`${ORIGIN}/epoch-12`, 12],
      [`${ORIGIN}/epoch-0`, undefined],
      [`${ORIGIN}/epoch-01`, undefined],
      [`${ORIGIN}/epoch-`, undefined],
      [`${ORIGIN}/epoch-1e3`, undefined],
      [`${ORIGIN}/epoch--1`, undefined],
      [`${ORIGIN}/epoch-1.5`, undefined],
      [`${ORIGIN}/`, undefined],
      [`${ORIGIN}x`, undefined],
      ['web4/other', undefined],
    ]
    for (const [origin, epoch] of epochs) assert.equal(epochOf(origin, SOCIETY), epoch, origin)
  })
})

describe('log signature', () => {
  const check = (note: Note, origin = ORIGIN, key = KEY): Code | undefined =>
    verifyLogNote(note, origin, key.text, verifyPortable, sha256)?.code

  it('holds for its log and key only', () => {
    assert.equal(check(NOTE), undefined)
    assert.equal(check(NOTE, 'web4/other'), 'NOTE_ORIGIN')
    assert.equal(check(NOTE, originOf(SOCIETY, 1)), 'NOTE_ORIGIN')
    assert.equal(check(NOTE, ORIGIN, testKey(2)), 'NOTE_SIGNATURE')
    assert.equal(verifyLogNote(NOTE, ORIGIN, 'no key', verifyPortable, sha256)?.code, 'NOTE_SIGNATURE')
  })

  it('is missed when the line has another name, type, length or text, or stands there with a rival', () => {
    const [line] = NOTE.signatures
    assert.ok(line)
    const forged = { ...line, signature: line.signature.with(3, 0) }
    const cases: Record<string, Note> = {
      'no line': { ...NOTE, signatures: [] },
      'another name': { ...NOTE, signatures: [{ ...line, name: 'web4/other' }] },
      'another type': { ...NOTE, signatures: [{ ...line, keyId: keyId(ORIGIN, 0x04, KEY.raw, sha256) }] },
      'another length': { ...NOTE, signatures: [{ ...line, signature: new Uint8Array(65) }] },
      'a forged line beside it': { ...NOTE, signatures: [line, forged] },
      'a forged line': { ...NOTE, signatures: [forged] },
      'another text': { ...NOTE, text: NOTE.text.replace('\n5\n', '\n6\n') },
    }
    for (const [name, note] of Object.entries(cases)) assert.equal(check(note), 'NOTE_SIGNATURE', name)
    assert.equal(findLogSignature(cases['a forged line beside it'] as Note, ORIGIN, KEY.raw, sha256), undefined)
    assert.equal(hex(findLogSignature(NOTE, ORIGIN, KEY.raw, sha256) ?? new Uint8Array(0)), hex(line.signature))
  })
})
