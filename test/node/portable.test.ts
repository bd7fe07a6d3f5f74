import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MAIN, start } from '../support/real-command.ts'
import { loadVectors, type Vector } from '../support/vector-files.ts'

describe('web4 verify --portable', () => {
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'web4-portable-'))
    await writeFile(join(dir, 'no-native.mjs'), "process.dlopen = () => { throw new Error('native code') }\n")
    const [good] = loadVectors<Vector & { readonly bundle: string }>('bundles.json')
    await writeFile(join(dir, 'good.json'), good?.bundle ?? '')
  })
  afterEach(() => rm(dir, { recursive: true }))

  const verify = (...how: readonly string[]) =>
    start(['--import', join(dir, 'no-native.mjs'), MAIN, 'verify', join(dir, 'good.json'), '--json', ...how]).ended

  // Every command is loaded to find out which one is meant: one that loads native code at once breaks this.
  it('works where no native code can be loaded, as nothing else does', async () => {
    const portable = await verify('--portable')
    assert.equal(portable.code, 0, portable.stderr)
    assert.equal((JSON.parse(portable.stdout) as { valid: boolean }).valid, true)
    const native = await verify()
    assert.equal(native.code, 1)
    assert.match(native.stderr, /sodium-native\.node/)
  })
})
