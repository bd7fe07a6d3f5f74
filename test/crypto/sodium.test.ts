import assert from 'node:assert/strict'
import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js'
import {
  generateSeed,
  sha256,
  softwareSigner,
  systemClock,
  systemRandom,
  verifySync,
} from '../../node/crypto/sodium.ts'
import { keyBytes } from '../../src/encoding.ts'

describe('libsodium and system parts', () => {
  it('hashes like noble, to a plain Uint8Array', () => {
    for (const length of [0, 1, 55, 56, 64, 300, 65_535]) {
      const bytes = systemRandom.bytes(length)
      assert.deepEqual(sha256(bytes), nobleSha256(bytes))
    }
    assert.equal(Object.getPrototypeOf(sha256(new Uint8Array())), Uint8Array.prototype)
  })

  it('a software signer signs under the key that it names, also when the seed is erased', async () => {
    const seed = generateSeed()
    const signer = softwareSigner(seed)
    seed.fill(0)
    const message = Uint8Array.of(1, 2, 3)
    const key = keyBytes(signer.key)
    assert.ok(key !== undefined)
    assert.equal(verifySync(key, await signer.sign(message), message), true)
    assert.notDeepEqual(generateSeed(), generateSeed())
  })

  it('the clock runs a task once, or not at all when cancelled', async () => {
    assert.ok(Math.abs(systemClock.now() - Date.now()) < 1000)
    const ran: string[] = []
    systemClock.after(5, () => ran.push('short'))
    const cancel = systemClock.after(5, () => ran.push('cancelled'))
    const cancelFar = systemClock.after(2 ** 40, () => ran.push('far'))
    cancel()
    await new Promise<void>(resolve => {
      systemClock.after(40, resolve)
    })
    cancelFar()
    assert.deepEqual(ran, ['short'])
  })
})
