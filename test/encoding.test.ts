import assert from 'node:assert/strict'
import fc from 'fast-check'
import { fromBase64url, toBase64url } from '../src/encoding.ts'

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

describe('base64url', () => {
  it('writes what Node writes and reads it again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), bytes => {
        const text = toBase64url(bytes)
        assert.equal(text, Buffer.from(bytes).toString('base64url'))
        assert.deepEqual(fromBase64url(text), bytes)
        assert.deepEqual(fromBase64url(text, bytes.length), bytes)
        assert.equal(fromBase64url(text, bytes.length + 3), undefined)
      }),
    )
  })

  it('reads only the one spelling of some bytes', () => {
    const last = fc.constantFrom(...DIGITS, '=', '+', '/', ' ', '\u0000', 'é', '😀')
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...DIGITS), { maxLength: 8 }),
        fc.array(last, { maxLength: 1 }),
        (most, end) => {
          const text = [...most, ...end].join('')
          const bytes = fromBase64url(text)
          const spelling = Buffer.from(text, 'base64url')
          if (spelling.toString('base64url') === text) assert.deepEqual(bytes, new Uint8Array(spelling))
          else assert.equal(bytes, undefined)
        },
      ),
      { numRuns: 2_000 },
    )
  })
})
