import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openLevelStore } from '../../node/store/level.ts'
import { levelError } from '../../node/store/level-error.ts'
import { storeConformance } from '../conformance/store.ts'
import { pairsOf, put, valuesOf } from '../conformance/store-values.ts'

const newFolder = () => mkdtemp(join(tmpdir(), 'web4-level-'))
const remove = (path: string) => rm(path, { recursive: true, force: true })
const durable = { sync: true }

storeConformance('level', async () => {
  const path = await newFolder()
  return { store: await openLevelStore(path), reopen: () => openLevelStore(path), destroy: () => remove(path) }
})

describe('level store', () => {
  let path: string
  beforeEach(async () => {
    path = await newFolder()
  })
  afterEach(() => remove(path))

  it('makes the folder, also below one that is not there', async () => {
    const store = await openLevelStore(join(path, 'a', 'b'))
    await store.batch([put('a')], durable)
    await store.close()
    assert.ok(existsSync(join(path, 'a', 'b', 'CURRENT')))
  })

  it('refuses to open a folder that is open: STORE_LOCKED', async () => {
    const first = await openLevelStore(path)
    await assert.rejects(openLevelStore(path), { name: 'CodedError', code: 'STORE_LOCKED' })
    assert.equal(await first.batch([put('a')], durable), true)
    await first.close()
    const second = await openLevelStore(path)
    assert.deepEqual(await valuesOf(second, 'a'), ['a'])
    await second.close()
  })

  describe('when the folder is damaged', () => {
    beforeEach(async () => {
      const store = await openLevelStore(path)
      await store.batch([put('a')], durable)
      await store.close()
    })
    const refused = () => assert.rejects(openLevelStore(path), { name: 'CodedError', code: 'STORE_CORRUPT' })

    it('says STORE_CORRUPT if CURRENT is cut off', async () => {
      await truncate(join(path, 'CURRENT'), 4)
      await refused()
    })

    it('says STORE_CORRUPT if the manifest is nonsense', async () => {
      const manifest = (await readdir(path)).find(name => name.startsWith('MANIFEST-'))
      await writeFile(join(path, manifest ?? ''), 'nonsense'.repeat(100))
      await refused()
    })

    it('says STORE_CORRUPT if CURRENT is gone, and touches nothing', async () => {
      await unlink(join(path, 'CURRENT'))
      const before = await readdir(path)
      await refused()
      assert.deepEqual(await readdir(path), before)
    })
  })

  it('says STORE_FULL when the disk is full, and writes nothing more until it is opened again', async function () {
    if (!existsSync('/dev/full')) return this.skip()
    const store = await openLevelStore(path, { writeBufferSize: 64 * 1024 })
    await store.batch([put('before')], durable)
    // LevelDB's next write-ahead logs will be files that never take a byte.
    for (let number = 4; number < 40; number++) {
      const log = join(path, `${String(number).padStart(6, '0')}.log`)
      if (!existsSync(log)) await symlink('/dev/full', log)
    }
    const fill = async () => {
      for (let index = 0; index < 40; index++)
        await store.batch([put(`k${index}`, 'x'.repeat(16 * 1024))], { sync: false })
    }
    await assert.rejects(fill(), { code: 'STORE_FULL' })
    await assert.rejects(store.batch([put('after')], { sync: false }), { code: 'STORE_FULL' })
    assert.deepEqual(await valuesOf(store, 'before', 'after'), ['before', undefined])
    await store.close()
  })

  it('refuses what waits behind a failed write', async function () {
    if (!existsSync('/dev/full')) return this.skip()
    const store = await openLevelStore(path, { writeBufferSize: 64 * 1024 })
    await unlink(join(path, (await readdir(path)).find(name => name.endsWith('.log')) ?? ''))
    for (let number = 4; number < 40; number++)
      await symlink('/dev/full', join(path, `${String(number).padStart(6, '0')}.log`))
    const calls = Array.from({ length: 40 }, (_, index) =>
      store.batch([put(`k${index}`, 'x'.repeat(64 * 1024))], { sync: false }),
    )
    const outcomes = (await Promise.allSettled(calls)).map(({ status }) => status)
    const firstFailed = outcomes.indexOf('rejected')
    assert.ok(firstFailed > 0)
    assert.ok(outcomes.slice(firstFailed).every(status => status === 'rejected'))
    await store.close()
  })

  it('merges neighbours up to a limit and loses none', async () => {
    const store = await openLevelStore(path)
    const large = 'x'.repeat(300 * 1024)
    const calls = Array.from({ length: 30 }, (_, index) =>
      store.batch([put(`k${String(index).padStart(2, '0')}`, large)], { sync: index > 20 }),
    )
    assert.ok((await Promise.all(calls)).every(held => held))
    await store.close()
    const again = await openLevelStore(path)
    assert.equal((await pairsOf(again)).length, 30)
    await again.close()
  })

  it('syncs the older logs before a synced write that follows unsynced ones, and only then', async () => {
    const store = await openLevelStore(path)
    // A log that cannot be synced makes the attempt visible.
    await mkdir(join(path, '999999.log'))
    assert.equal(await store.batch([put('a')], durable), true)
    assert.equal(await store.batch([put('b')], durable), true)
    assert.equal(await store.batch([put('c')], { sync: false }), true)
    await assert.rejects(store.batch([put('d')], durable), { code: 'STORE_FAILED' })
    await rm(join(path, '999999.log'), { recursive: true })
    await assert.rejects(
      store.batch([put('e')], durable),
      { code: 'STORE_FAILED' },
      'a failed store writes nothing more',
    )
    assert.deepEqual(await valuesOf(store, 'c', 'd', 'e'), ['c', undefined, undefined])
    await store.close()
  })

  it('keeps every synced batch whole when the process is killed', async function () {
    this.timeout(20_000)
    const child = spawn(process.execPath, ['--input-type=module', '--eval', childProgram(path)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let promised = -1
    for await (const line of createInterface({ input: child.stdout })) {
      promised = Number(line)
      if (promised === 60) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    const store = await openLevelStore(path)
    const tip = Number((await valuesOf(store, 'tip'))[0])
    const entries = await pairsOf(store, { gte: 'entry/', lt: 'entry0' })
    assert.ok(tip >= promised && promised >= 60, `promised ${promised}, found ${tip}`)
    assert.deepEqual(
      entries.map(([key]) => key),
      Array.from({ length: tip + 1 }, (_, index) => `entry/${String(index).padStart(6, '0')}`),
    )
    await store.close()
  })
})

describe('level errors', () => {
  const coded = (code: string, message = '', cause?: Error) => Object.assign(new Error(message, { cause }), { code })

  it('gives each failure its code and keeps the cause', () => {
    const cases: [Error, string][] = [
      [coded('LEVEL_DATABASE_NOT_OPEN', 'x', coded('LEVEL_LOCKED')), 'STORE_LOCKED'],
      [coded('LEVEL_DATABASE_NOT_OPEN', 'x', coded('LEVEL_CORRUPTION')), 'STORE_CORRUPT'],
      [coded('LEVEL_IO_ERROR', 'IO error: /x/000003.log: No space left on device'), 'STORE_FULL'],
      [coded('LEVEL_IO_ERROR', 'IO error: /x/000003.log: Disk quota exceeded'), 'STORE_FULL'],
      [coded('ENOSPC', 'mkdir'), 'STORE_FULL'],
      [coded('LEVEL_IO_ERROR', 'IO error: /x/000003.log: Input/output error'), 'STORE_FAILED'],
      [coded('LEVEL_DATABASE_NOT_OPEN', 'x', coded('EACCES')), 'STORE_FAILED'],
      [coded('LEVEL_DATABASE_NOT_OPEN'), 'STORE_CLOSED'],
      [coded('LEVEL_ITERATOR_NOT_OPEN'), 'STORE_CLOSED'],
      [coded('LEVEL_SNAPSHOT_NOT_OPEN'), 'STORE_CLOSED'],
    ]
    for (const [error, code] of cases) {
      assert.equal(levelError(error).code, code, error.message)
      assert.equal(levelError(error).cause, error)
    }
  })
})

/** Writes until it is killed: after each synced batch its number on a line, and unsynced batches in between. */
function childProgram(path: string): string {
  const module = new URL('../../node/store/level.ts', import.meta.url).href
  return `
    import { openLevelStore } from ${JSON.stringify(module)}
    const store = await openLevelStore(${JSON.stringify(path)}, { writeBufferSize: 64 * 1024 })
    const bytes = text => new TextEncoder().encode(text)
    for (let n = 0; ; n++) {
      const key = 'entry/' + String(n).padStart(6, '0')
      const ops = [{ type: 'put', key, value: new Uint8Array(8000) }, { type: 'put', key: 'tip', value: bytes(String(n)) }]
      await store.batch(ops, { sync: n % 3 === 0 })
      if (n % 3 === 0) console.log(n)
    }`
}
