import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSeed, keyPair, softwareSigner, verifySync } from '../../node/crypto/sodium.ts'
import { createKeyFile, openKeyFile, readSeed } from '../../node/keys/keystore.ts'
import { KDF_DEFAULT } from '../../node/keys/sealed-key.ts'
import { keyBytes, keyText, toBase64url } from '../../src/encoding.ts'

const kdf = { opslimit: 1, memlimit: 8192 }

interface KeyFile {
  [member: string]: unknown
  kdf: Record<string, unknown>
}

describe('key files', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keystore-'))
    path = join(folder, 'witness.key')
  })
  afterEach(() => rm(folder, { recursive: true }))

  async function change(edit: (file: KeyFile) => void): Promise<void> {
    const file = JSON.parse(await readFile(path, 'utf8')) as KeyFile
    edit(file)
    await writeFile(path, JSON.stringify(file))
  }

  it('opens what it created', async () => {
    const seed = generateSeed()
    const key = await createKeyFile(path, 'witness', 'correct horse', { kdf, seed })
    const signer = await openKeyFile(path, 'correct horse')
    assert.equal(signer.purpose, 'witness')
    assert.equal(signer.key, key)
    assert.equal(key, softwareSigner(seed).key)
    const message = Uint8Array.of(5)
    assert.equal(verifySync(keyBytes(key) ?? seed, await signer.sign(message), message), true)
    assert.deepEqual((await readSeed(path, 'correct horse')).seed, seed)
  })

  it('leaves the seed of the caller alone and makes a new one without it', async () => {
    const seed = generateSeed()
    await createKeyFile(path, 'society', 'x', { kdf, seed })
    assert.notDeepEqual(seed, new Uint8Array(32))
    const other = await createKeyFile(join(folder, 'other.key'), 'society', 'x', { kdf })
    assert.notEqual(other, keyText(keyPair(seed).publicKey))
  })

  it('stores the parameters, mode 0600 and no trace of the private key', async () => {
    const seed = generateSeed()
    const key = await createKeyFile(path, 'society', 'x', { seed })
    const text = await readFile(path, 'utf8')
    const file = JSON.parse(text) as KeyFile
    assert.deepEqual(Object.keys(file), ['v', 'purpose', 'key', 'kdf', 'cipher', 'nonce', 'ciphertext'])
    assert.deepEqual(file.kdf, { name: 'argon2id', ...KDF_DEFAULT, salt: file.kdf.salt })
    assert.equal(file.key, key)
    assert.equal(file.cipher, 'xchacha20-poly1305-ietf')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal(text.includes(toBase64url(seed)), false)
    assert.deepEqual(await readdir(folder), ['witness.key'])
    await openKeyFile(path, 'x')
  })

  it('salts: the same key and passphrase give another file', async () => {
    const seed = generateSeed()
    const texts = new Set<unknown>()
    for (const name of ['a', 'b']) {
      await createKeyFile(join(folder, name), 'society', 'x', { kdf, seed })
      const file = JSON.parse(await readFile(join(folder, name), 'utf8')) as KeyFile
      for (const value of [file.kdf.salt, file.nonce, file.ciphertext]) texts.add(value)
    }
    assert.equal(texts.size, 6)
  })

  it('takes a passphrase however the keyboard composed it', async () => {
    await createKeyFile(path, 'society', 'caf\u00e9', { kdf })
    await openKeyFile(path, 'cafe\u0301')
  })

  it('refuses the wrong passphrase and an empty one', async () => {
    await assert.rejects(createKeyFile(path, 'society', '', { kdf }), { code: 'PASSPHRASE' })
    await createKeyFile(path, 'society', 'right', { kdf })
    for (const wrong of ['', 'Right', 'right ']) {
      await assert.rejects(openKeyFile(path, wrong), {
        name: 'CodedError',
        code: 'PASSPHRASE',
        message: /wrong passphrase/,
      })
    }
  })

  const foreign = () => keyText(keyPair(generateSeed()).publicKey)
  const tampered: Record<string, readonly [code: string, edit: (file: KeyFile) => void]> = {
    v: ['KEY_FILE', file => Object.assign(file, { v: 2 })],
    purpose: ['PASSPHRASE', file => Object.assign(file, { purpose: 'society' })],
    'purpose, malformed': ['KEY_FILE', file => Object.assign(file, { purpose: 'So\nciety' })],
    key: ['PASSPHRASE', file => Object.assign(file, { key: foreign() })],
    'key, malformed': ['KEY_FILE', file => Object.assign(file, { key: 'z6Mk' })],
    kdf: ['KEY_FILE', file => Object.assign(file, { kdf: null })],
    'kdf.name': ['KEY_FILE', file => Object.assign(file.kdf, { name: 'scrypt' })],
    'kdf.opslimit': ['PASSPHRASE', file => Object.assign(file.kdf, { opslimit: 2 })],
    'kdf.opslimit, 17': ['KEY_FILE', file => Object.assign(file.kdf, { opslimit: 17 })],
    'kdf.memlimit': ['PASSPHRASE', file => Object.assign(file.kdf, { memlimit: 16_384 })],
    'kdf.memlimit, 1 GiB + 1': ['KEY_FILE', file => Object.assign(file.kdf, { memlimit: 2 ** 30 + 1 })],
    'kdf.memlimit, a text': ['KEY_FILE', file => Object.assign(file.kdf, { memlimit: '8192' })],
    'kdf.salt': ['PASSPHRASE', file => Object.assign(file.kdf, { salt: toBase64url(new Uint8Array(16)) })],
    'kdf.salt, short': ['KEY_FILE', file => Object.assign(file.kdf, { salt: 'AAAA' })],
    cipher: ['KEY_FILE', file => Object.assign(file, { cipher: 'none' })],
    nonce: ['PASSPHRASE', file => Object.assign(file, { nonce: toBase64url(new Uint8Array(24)) })],
    ciphertext: ['PASSPHRASE', file => Object.assign(file, { ciphertext: toBase64url(new Uint8Array(48)) })],
    'ciphertext, short': ['KEY_FILE', file => Object.assign(file, { ciphertext: toBase64url(new Uint8Array(47)) })],
    'a member more': ['KEY_FILE', file => Object.assign(file, { note: '' })],
    'a member less': [
      'KEY_FILE',
      file => {
        delete file.nonce
      },
    ],
  }
  for (const [what, [code, edit]] of Object.entries(tampered)) {
    it(`refuses a changed field: ${what}`, async () => {
      await createKeyFile(path, 'witness', 'x', { kdf })
      await change(edit)
      await assert.rejects(openKeyFile(path, 'x'), { name: 'CodedError', code })
    })
  }

  it('refuses what is no key file', async () => {
    await assert.rejects(openKeyFile(path, 'x'), { code: 'KEY_FILE', message: /cannot open/ })
    for (const text of ['', '{', 'null', '[]', '7', `"${'x'.repeat(20_000)}"`]) {
      await writeFile(path, text, { mode: 0o600 })
      await assert.rejects(openKeyFile(path, 'x'), { code: 'KEY_FILE' })
    }
  })

  it('refuses a file that others can access, before it looks at the passphrase', async () => {
    await createKeyFile(path, 'witness', 'x', { kdf })
    for (const mode of [0o644, 0o640, 0o604, 0o620]) {
      await chmod(path, mode)
      await assert.rejects(openKeyFile(path, 'wrong'), { code: 'KEY_FILE_MODE', message: /chmod 600/ })
    }
    await chmod(path, 0o400)
    await openKeyFile(path, 'x')
  })

  it('never overwrites, and two creators cannot both win', async () => {
    const key = await createKeyFile(path, 'witness', 'x', { kdf })
    await assert.rejects(createKeyFile(path, 'witness', 'x', { kdf }), {
      code: 'KEY_FILE',
      message: /never overwritten/,
    })
    assert.equal((await openKeyFile(path, 'x')).key, key)
    const contested = join(folder, 'contested.key')
    const race = await Promise.allSettled([1, 2, 3].map(() => createKeyFile(contested, 'witness', 'x', { kdf })))
    assert.equal(race.filter(result => result.status === 'fulfilled').length, 1)
    await openKeyFile(contested, 'x')
    await assert.rejects(createKeyFile(join(folder, 'no', 'such'), 'witness', 'x', { kdf }), { code: 'KEY_FILE' })
  })

  it('does not write what it would not read', async () => {
    const bad: [string, typeof kdf][] = [
      ['Not a purpose', kdf],
      ['witness', { opslimit: 100, memlimit: 8192 }],
      ['witness', { opslimit: 1, memlimit: 1 }],
    ]
    for (const [purpose, cost] of bad) {
      await assert.rejects(createKeyFile(path, purpose, 'x', { kdf: cost }), { code: 'KEY_FILE' })
    }
    assert.deepEqual(await readdir(folder), [])
  })
})
