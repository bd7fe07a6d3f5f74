import assert from 'node:assert/strict'
import { ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { concat } from 'uint8arrays/concat'
import { equals } from 'uint8arrays/equals'
import { generateSeed, keyPair, signSync } from '../../node/crypto/sodium.ts'
import { admissible } from '../../src/ed25519-rule.ts'
import { selfTest } from '../../src/self-test.ts'
import { verifiers } from './verifiers.ts'

const { Point } = ed25519
const P = Point.Fp.ORDER
const L = Point.Fn.ORDER

function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn))
}

function fromLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

/** The eight points of the torsion subgroup: L times a point that is not of prime order has order 1, 2, 4 or 8. */
function torsionPoints(): (typeof Point.BASE)[] {
  for (let y = 2n; ; y++) {
    try {
      const point = Point.fromBytes(littleEndian(y), true)
      // multiplyUnsafe takes scalars below L only.
      const generator = point.multiplyUnsafe(L - 1n).add(point)
      if (!generator.double().double().is0()) {
        return Array.from({ length: 8 }, (_, i) => (i === 0 ? Point.ZERO : generator.multiplyUnsafe(BigInt(i))))
      }
    } catch {
      // no point with this y
    }
  }
}

/** All 255-bit y with either sign that decode to a low-order point, canonical or not. */
function lowOrderEncodings(): Uint8Array[] {
  const encodings = new Map<string, Uint8Array>()
  for (const point of torsionPoints()) {
    const y = point.toAffine().y
    for (const spelling of [y, y + P]) {
      if (spelling >> 255n !== 0n) continue
      for (const sign of [0n, 1n]) {
        const bytes = littleEndian(spelling | (sign << 255n))
        encodings.set(bytes.join(), bytes)
      }
    }
  }
  return [...encodings.values()]
}

const seed = new Uint8Array(32).fill(7)
const { publicKey, secretKey } = keyPair(seed)
const message = Uint8Array.of(1, 2, 3)
const good = signSync(secretKey, message)

function refusedByAll(key: Uint8Array, signature: Uint8Array, what: string): void {
  assert.equal(admissible(key, signature), false, what)
  for (const [backend, verify] of Object.entries(verifiers)) {
    assert.equal(verify(key, signature, message), false, `${backend}: ${what}`)
  }
}

describe('signature rule', () => {
  it('admits an honest signature', () => {
    assert.equal(admissible(publicKey, good), true)
    for (const verify of Object.values(verifiers)) assert.equal(verify(publicKey, good, message), true)
  })

  it('refuses all 14 low-order encodings as key and as R', () => {
    const encodings = lowOrderEncodings()
    assert.equal(encodings.length, 14)
    for (const encoding of encodings) {
      refusedByAll(encoding, good, `A = ${encoding}`)
      refusedByAll(encoding, concat([encoding, new Uint8Array(32)]), `A = R = ${encoding}, S = 0`)
      refusedByAll(publicKey, concat([encoding, good.subarray(32)]), `R = ${encoding}`)
    }
  })

  it('refuses S = L and above, and admits S = L − 1', () => {
    const withS = (s: bigint) => concat([good.subarray(0, 32), littleEndian(s)])
    for (const s of [L, L + 1n, 2n * L, 2n ** 253n, 2n ** 256n - 1n]) refusedByAll(publicKey, withS(s), `S = ${s}`)
    const s = fromLittleEndian(good.subarray(32))
    refusedByAll(publicKey, withS(s + L), 'the same S mod L')
    assert.equal(admissible(publicKey, withS(L - 1n)), true)
    assert.equal(admissible(publicKey, withS(0n)), true)
  })

  it('refuses every y ≥ p as key and as R, with both signs', () => {
    for (let y = P; y < 2n ** 255n; y++) {
      for (const sign of [0n, 1n]) {
        const encoding = littleEndian(y | (sign << 255n))
        refusedByAll(encoding, good, `A: y = p + ${y - P}`)
        refusedByAll(publicKey, concat([encoding, good.subarray(32)]), `R: y = p + ${y - P}`)
      }
    }
    assert.equal(admissible(littleEndian(P - 2n), good), true)
    assert.equal(admissible(littleEndian((P - 2n) | (1n << 255n)), good), true)
    assert.equal(admissible(littleEndian(2n), good), true)
  })

  it('refuses signatures and keys of any other length', () => {
    for (const length of [0, 1, 32, 63, 65, 96, 128]) {
      const signature = new Uint8Array(length)
      signature.set(good.subarray(0, length))
      refusedByAll(publicKey, signature, `${length}-byte signature`)
    }
    for (const length of [0, 31, 33, 64]) {
      const key = new Uint8Array(length)
      key.set(publicKey.subarray(0, length))
      refusedByAll(key, good, `${length}-byte key`)
    }
  })

  it('gives one verdict on keys and R with a low-order component', () => {
    const [, ...torsion] = torsionPoints()
    const a = 123_456_789n
    const r = 987_654_321n
    const verdicts = { true: 0, false: 0 }
    for (const inKey of [Point.ZERO, ...torsion]) {
      for (const inR of [Point.ZERO, ...torsion]) {
        const key = Point.BASE.multiply(a).add(inKey).toBytes()
        const encodedR = Point.BASE.multiply(r).add(inR).toBytes()
        const k = Point.Fn.create(fromLittleEndian(sha512(concat([encodedR, key, message]))))
        const signature = concat([encodedR, littleEndian(Point.Fn.create(r + k * a))])
        // Cofactorless: the low-order parts must cancel by themselves.
        const expected = inR.add(inKey.multiplyUnsafe(k)).is0()
        for (const [backend, verify] of Object.entries(verifiers)) {
          assert.equal(verify(key, signature, message), expected, backend)
        }
        verdicts[`${expected}`]++
      }
    }
    assert.ok(verdicts.true > 1 && verdicts.false > 8, JSON.stringify(verdicts))
  })

  it('holds for any message, and for no flipped bit', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    const messages = fc.uint8Array({ minLength: 1, maxLength: 200 })
    const property = fc.property(bytes(32), messages, fc.nat(), (anySeed, text, position) => {
      const pair = keyPair(anySeed)
      const signature = signSync(pair.secretKey, text)
      const bit = position % (8 * (32 + 64 + text.length))
      const flipped = concat([pair.publicKey, signature, text])
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      for (const verify of Object.values(verifiers)) {
        assert.equal(verify(pair.publicKey, signature, text), true)
        assert.equal(verify(flipped.subarray(0, 32), flipped.subarray(32, 96), flipped.subarray(96)), false)
      }
    })
    fc.assert(property, { numRuns: 60 })
  })

  it('signs the same by libsodium and noble', () => {
    const random = generateSeed()
    assert.ok(equals(signSync(keyPair(random).secretKey, message), ed25519.sign(message, random)))
    assert.ok(equals(keyPair(random).publicKey, ed25519.getPublicKey(random)))
  })
})

describe('self-test', () => {
  for (const [backend, verify] of Object.entries(verifiers)) {
    it(`passes on ${backend} behind the rule`, () => assert.equal(selfTest(verify), undefined))
  }

  it('finds backends that follow another rule', () => {
    assert.match(String(selfTest(() => true)), /speccheck 0 gave true, expected false/)
    assert.match(String(selfTest(() => false)), /speccheck 3 gave false/)
    const zip215 = selfTest((key, signature, text) => ed25519.verify(signature, text, key))
    assert.match(String(zip215), /speccheck 0 /)
    const strict = selfTest((key, signature, text) => ed25519.verify(signature, text, key, { zip215: false }))
    assert.match(String(strict), /speccheck 2 /)
  })

  it('reports a backend that throws', () => {
    const throwing = () => {
      throw new Error('no such curve')
    }
    assert.match(String(selfTest(throwing)), /speccheck 0 gave an exception/)
  })
})
