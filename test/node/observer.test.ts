import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createNode } from '../../node/compose.ts'
import { type Config, options } from '../../node/config/options.ts'
import { openNodeKeys } from '../../node/data-folder.ts'
import { nullLogger } from '../../node/observe/logger.ts'

describe('observer', function () {
  this.timeout(30_000)
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'web4-observer-'))
  })
  afterEach(() => rm(dir, { recursive: true }))

  it('has no key of a society and makes none; NOT_SEQUENCER when it is asked to found one', async () => {
    const defaults = Object.fromEntries(Object.entries(options).map(([name, option]) => [name, option.default]))
    const config = { ...defaults, dir, store: 'memory', api_port: 0, passphrase: 'correct horse' } as unknown as Config
    const node = await createNode(config, { logger: nullLogger, observer: true })
    try {
      await node.start()
      const founded = await node.service.operator.genesis({ slug: 'alpha', witnesses: [], birth_witnesses: [] })
      assert.equal(founded.ok ? 'ok' : founded.error.code, 'NOT_SEQUENCER')
      assert.equal(node.service.status().society, '')
      assert.deepEqual((await readdir(join(dir, 'keys'))).sort(), ['transport.seed', 'witness.key'])
    } finally {
      await node.stop()
    }
  })

  it('KEY_FILE: refuses the folder of a society', async () => {
    const passphrase = async () => 'correct horse'
    await openNodeKeys(dir, passphrase)
    await assert.rejects(openNodeKeys(dir, passphrase, { observer: true }), { code: 'KEY_FILE' })
  })
})
