import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createVerifierPool, type VerifierPool } from '../../node/verify/pool.ts'
import type { SignatureJob } from '../../src/ports.ts'
import { hex, verifiers } from './verifiers.ts'

interface Vector extends SignatureJob {
  readonly name: string
  readonly valid: boolean
}

interface Speccheck {
  readonly message: string
  readonly pub_key: string
  readonly signature: string
}

interface Wycheproof {
  readonly numberOfTests: number
  readonly testGroups: readonly {
    readonly publicKey: { readonly pk: string }
    readonly tests: readonly {
      readonly tcId: number
      readonly msg: string
      readonly sig: string
      readonly result: string
    }[]
  }[]
}

function load<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../vectors/ed25519/${file}`, import.meta.url), 'utf8')) as T
}

function speccheck(): Vector[] {
  return load<Speccheck[]>('speccheck.json').map((vector, i) => ({
    name: `speccheck ${i}`,
    valid: i === 3,
    key: hex(vector.pub_key),
    signature: hex(vector.signature),
    message: hex(vector.message),
  }))
}

function wycheproof(): Vector[] {
  const file = load<Wycheproof>('wycheproof-ed25519.json')
  const vectors = file.testGroups.flatMap(group =>
    group.tests.map(test => ({
      name: `wycheproof ${test.tcId}`,
      valid: test.result === 'valid',
      key: hex(group.publicKey.pk),
      signature: hex(test.sig),
      message: hex(test.msg),
    })),
  )
  assert.equal(vectors.length, file.numberOfTests)
  return vectors
}

describe('Ed25519 vectors', () => {
  const vectors = [...speccheck(), ...wycheproof()]
  let pool: VerifierPool
  before(() => {
    pool = createVerifierPool({ workers: 2 })
  })
  after(() => pool.close())

  it('has all of them', () => {
    assert.equal(vectors.length, 12 + 151)
    assert.equal(vectors.filter(vector => vector.valid).length, 1 + 88)
  })

  for (const [backend, verify] of Object.entries(verifiers)) {
    it(`${backend} agrees with every one`, () => {
      for (const { name, valid, key, signature, message } of vectors) {
        assert.equal(verify(key, signature, message), valid, name)
      }
    })
  }

  it('the worker pool agrees with every one', async () => {
    const verdicts = await pool.verify(vectors)
    for (const [i, { name, valid }] of vectors.entries()) assert.equal(verdicts[i], valid, name)
  })
})
