import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { generateSeed } from '../../node/crypto/sodium.ts'
import { resolvePassphrase, type Terminal } from '../../node/keys/passphrase.ts'
import { exportPkcs8, importPkcs8 } from '../../node/keys/pkcs8.ts'

describe('PKCS#8', () => {
  const seed = generateSeed()

  it('comes back, plain and encrypted', () => {
    assert.match(exportPkcs8(seed), /^-----BEGIN PRIVATE KEY-----\n/)
    assert.deepEqual(importPkcs8(exportPkcs8(seed)), seed)
    assert.match(exportPkcs8(seed, 'x'), /^-----BEGIN ENCRYPTED PRIVATE KEY-----\n/)
    assert.deepEqual(importPkcs8(exportPkcs8(seed, 'x'), 'x'), seed)
  })

  it('refuses with a code', () => {
    const encrypted = exportPkcs8(seed, 'x')
    assert.throws(() => importPkcs8(encrypted), { code: 'PASSPHRASE' })
    assert.throws(() => importPkcs8(encrypted, 'y'), { code: 'PASSPHRASE' })
    assert.throws(() => importPkcs8('no PEM'), { code: 'KEY_FILE' })
    const x25519 = generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' })
    assert.throws(() => importPkcs8(String(x25519)), { code: 'KEY_FILE' })
  })
})

describe('passphrase', () => {
  const question = 'Passphrase: '
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'passphrase-'))
  })
  after(() => rm(folder, { recursive: true }))

  async function file(text: string): Promise<string> {
    const path = join(folder, 'passphrase')
    await writeFile(path, text)
    return path
  }

  function terminal(typed: string, isTTY = true): Terminal & { readonly stderr: PassThrough } {
    const stdin = Object.assign(new PassThrough(), { isTTY })
    stdin.write(typed)
    return { stdin, stderr: new PassThrough() }
  }

  const none = () => terminal('', false)

  it('comes from the option, then the environment', async () => {
    const path = await file(' with spaces \n')
    const env = { WEB4_PASSPHRASE: 'direct', WEB4_PASSPHRASE_FILE: path }
    assert.equal(await resolvePassphrase({ file: path, env, terminal: none(), question }), ' with spaces ')
    assert.equal(await resolvePassphrase({ env, terminal: none(), question }), 'direct')
    const fileOnly = { WEB4_PASSPHRASE_FILE: path }
    assert.equal(await resolvePassphrase({ env: fileOnly, terminal: none(), question }), ' with spaces ')
  })

  it('strips one line end only', async () => {
    const path = await file('x\n\r\n')
    assert.equal(await resolvePassphrase({ file: path, env: {}, terminal: none(), question }), 'x\n')
  })

  it('is refused when empty, unreadable or nowhere', async () => {
    const refused = { name: 'CodedError', code: 'PASSPHRASE' }
    const empty = await file('\n')
    await assert.rejects(resolvePassphrase({ file: empty, env: {}, terminal: none(), question }), refused)
    await assert.rejects(resolvePassphrase({ file: join(folder, 'no'), env: {}, terminal: none(), question }), refused)
    await assert.rejects(resolvePassphrase({ env: { WEB4_PASSPHRASE: '' }, terminal: none(), question }), refused)
    const nowhere = terminal('typed\n', false)
    const asked = resolvePassphrase({ env: {}, terminal: nowhere, question })
    await assert.rejects(asked, { code: 'PASSPHRASE', message: /WEB4_PASSPHRASE_FILE/ })
    assert.equal(nowhere.stderr.read(), null)
  })

  it('is typed without being shown', async () => {
    const tty = terminal('secret\r')
    assert.equal(await resolvePassphrase({ env: {}, terminal: tty, question }), 'secret')
    assert.equal(String(tty.stderr.read()), `${question}\n`)
  })

  it('asks twice for a new key', async () => {
    const typing = (second: string) => {
      const tty = terminal('secret\r')
      tty.stderr.on('data', data => {
        if (String(data).includes('Again')) (tty.stdin as unknown as PassThrough).write(second)
      })
      return resolvePassphrase({ env: {}, terminal: tty, question, confirm: true })
    }
    assert.equal(await typing('secret\r'), 'secret')
    await assert.rejects(typing('sacret\r'), { code: 'PASSPHRASE', message: /differ/ })
  })

  it('can be cancelled by Ctrl-C and Ctrl-D', async () => {
    for (const key of ['\x03', '\x04']) {
      await assert.rejects(resolvePassphrase({ env: {}, terminal: terminal(key), question }), { code: 'PASSPHRASE' })
    }
  })
})
