import assert from 'node:assert/strict'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import packageJson from '../../package.json' with { type: 'json' }
import { hasPlainNodes, InstalledPackage, Unreachable } from '../support/installed-package.ts'
import type { Ended } from '../support/real-command.ts'
import { loadVectors, type Vector } from '../support/vector-files.ts'

/** Twice what it has today. */
const BYTES_MAX = 1_400_000
const LAUNCHER = './node_modules/web4-node/bin/web4.js'
const DEMO = ['--societies', '3', '--members', '2', '--seconds', '2', '--rate', '10', '--json']
/** No native code from here on, in this process and in those that get it by NODE_OPTIONS. */
const NO_NATIVE = "process.dlopen = () => { throw new Error('native code') }\n"

interface BundleCase extends Vector {
  readonly bundle: string
}
const bundles = loadVectors<BundleCase>('bundles.json')

/** Prints the answer to each vector, and that there is no other way in. */
const LIBRARY = `
import { readFileSync } from 'node:fs'
import { verifyBundle } from 'web4-node/verify'
const { cases } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const answers = cases.map(({ bundle, society, accept }) => {
  const options = { ...(society === undefined ? {} : { society }), ...(accept === undefined ? {} : { accept }) }
  const result = verifyBundle(new TextEncoder().encode(bundle), options)
  return result.ok ? result.value.kind : result.error.code
})
const closed = await import('web4-node').catch(error => error.code)
const inner = await import('web4-node/dist/src/log/bundle.js').catch(error => error.code)
console.log(JSON.stringify({ answers, closed, inner }))
`

const CONSUMER = `
import { type BundleVerdict, type Rejection, type Result, verifyBundle } from 'web4-node/verify'

const result: Result<BundleVerdict> = verifyBundle(new Uint8Array(2), { society: 'a', accept: ['z6Mk'] })
export const seq: number | undefined = result.ok ? result.value.seq : undefined
const error: Rejection | undefined = result.ok ? undefined : result.error
export const isOurs: boolean = error?.code === 'BUNDLE_QUORUM'
// @ts-expect-error no code of the table
export const isOther: boolean = error?.code === 'BUNDLE_OTHER'
// @ts-expect-error bytes, not a text
verifyBundle('text')
`

/** By its path: threads are no part of what the package exports. */
const THREADS = `
import { createVerifierPool } from './node_modules/web4-node/dist/node/verify/pool.js'
import { keyPair, signSync } from './node_modules/web4-node/dist/node/crypto/sodium.js'
const jobs = Array.from({ length: 300 }, (_, i) => {
  const { publicKey, secretKey } = keyPair(new Uint8Array(32).fill(i + 1))
  const message = new Uint8Array(100).fill(i)
  return { key: publicKey, signature: signSync(secretKey, message), message: i === 7 ? new Uint8Array(100) : message }
})
const pool = createVerifierPool({ workers: 2 })
await pool.ready
const verdicts = await pool.verify(jobs)
await pool.close()
console.log(JSON.stringify(verdicts.flatMap((verdict, i) => (verdict ? [] : [i]))))
`

describe('the package', function () {
  this.timeout(300_000)
  let made: InstalledPackage
  let tarball: string
  let listing: string[]

  before(async () => {
    made = await InstalledPackage.create()
    tarball = await made.pack()
    const { stdout } = await made.run(made.root, 'tar', ['-tzf', tarball])
    listing = stdout.trimEnd().split('\n')
  })
  after(() => made.remove())

  it('holds what was built now, with types and maps, and nothing else', async () => {
    const top = [...new Set(listing.map(path => path.split('/').slice(1, 3).join('/')))]
    assert.deepEqual(top.filter(path => !path.startsWith('docs/')).sort(), [
      'LICENSE',
      'README.md',
      'bin/web4.js',
      'dist/node',
      'dist/package.json',
      'dist/protocols',
      'dist/sim',
      'dist/src',
      'package.json',
    ])
    const dist = listing.filter(path => path.startsWith('package/dist/') && path !== 'package/dist/package.json')
    const modules = dist.flatMap(path => /^(.*)\.js$/.exec(path)?.[1] ?? [])
    assert.ok(modules.length > 200)
    assert.deepEqual(dist.sort(), modules.flatMap(name => [`${name}.d.ts`, `${name}.js`, `${name}.js.map`]).sort())
    for (const path of listing) assert.doesNotMatch(path, /(?:^|\/)(?:test|support)\/|tsbuildinfo|\.test\./)
    const { size } = await stat(tarball)
    assert.ok(size < BYTES_MAX, `${size} bytes`)
  })

  it('has one module for each source, and the whole source in its map', async () => {
    await made.run(made.root, 'tar', ['-xzf', tarball])
    const sources = await Promise.all(
      ['node', 'protocols', 'sim', 'src'].map(async room =>
        (await readdir(new URL(`../../${room}`, import.meta.url), { recursive: true }))
          .filter(path => path.endsWith('.ts') && !path.endsWith('.d.ts'))
          .map(path => `package/dist/${room}/${path.replace(/ts$/, 'js')}`),
      ),
    )
    assert.deepEqual(
      listing.filter(path => path.startsWith('package/dist/') && path.endsWith('.js')).sort(),
      sources.flat().sort(),
    )
    const map = JSON.parse(await readFile(join(made.root, 'package/dist/src/log/offline.js.map'), 'utf8')) as {
      sourcesContent: string[]
    }
    assert.deepEqual(map.sourcesContent, [await readFile(new URL('../../src/log/offline.ts', import.meta.url), 'utf8')])
  })

  describe('installed in an empty folder', () => {
    const usable = { 'Node 22.12.0': 'oldest', 'Node 22.23.3': 'plain', 'this Node': undefined } as const
    const nodeOf = (name: keyof typeof usable) => {
      const plain = usable[name]
      return plain === undefined ? process.execPath : made.binary(plain)
    }
    const file = (name: string) => join(made.folder, name)

    /** Why nothing can be installed here, if so. */
    async function missing(): Promise<string | undefined> {
      if (!hasPlainNodes) return `no other Node for ${process.platform} ${process.arch}`
      try {
        await made.fetchNodes()
        // As on a machine that has its Node: the pinned one would stand before it in the path of npx.
        await made.install('--omit=optional', tarball)
        return undefined
      } catch (error) {
        if (error instanceof Unreachable) return `no package registry: ${error.message}`
        throw error
      }
    }

    before(async function () {
      const why = await missing()
      if (why !== undefined) process.stderr.write(`the installed package is not tried: ${why}\n`)
      if (why !== undefined) return this.skip()
      const valid = bundles.find(({ id }) => id === 'two-handovers')
      const invalid = bundles.find(({ id }) => id === 'quorum-less')
      await writeFile(file('bundles.json'), JSON.stringify({ cases: bundles }))
      await writeFile(file('good.json'), valid?.bundle ?? '')
      await writeFile(file('bad.json'), invalid?.bundle ?? '')
      await writeFile(file('no-native.mjs'), NO_NATIVE)
      await writeFile(file('library.js'), LIBRARY)
      await writeFile(file('threads.js'), THREADS)
      await writeFile(file('consumer.ts'), CONSUMER)
    })

    /** The last line of stdout as JSON. */
    function told<T>(end: Ended): T {
      assert.equal(end.code, 0, end.stderr)
      return JSON.parse(end.stdout.trimEnd().split('\n').at(-1) ?? '') as T
    }

    for (const name of Object.keys(usable) as (keyof typeof usable)[]) {
      it(`starts by both names on ${name}`, async () => {
        for (const command of ['web4', 'web4-node']) {
          const end = await made.on(nodeOf(name), 'npx', '--no', '--', command, '--version')
          assert.deepEqual([end.code, end.stdout], [0, `${packageJson.version}\n`], end.stderr)
        }
      })

      it(`verifies in threads on ${name}`, async () => {
        assert.deepEqual(told(await made.on(nodeOf(name), 'node', 'threads.js')), [7])
      })

      it(`answers all bundle vectors as a library on ${name}, without native code`, async () => {
        const end = await made.on(nodeOf(name), 'node', '--import', './no-native.mjs', 'library.js', 'bundles.json')
        const { answers, closed, inner } = told<{ answers: string[]; closed: string; inner: string }>(end)
        assert.deepEqual([closed, inner], ['ERR_PACKAGE_PATH_NOT_EXPORTED', 'ERR_PACKAGE_PATH_NOT_EXPORTED'])
        assert.equal(answers.length, bundles.length)
        for (const [i, { id, code, bundle }] of bundles.entries()) {
          if (code !== undefined) assert.equal(answers[i], code, id)
          else assert.ok(bundle.includes(`"kind":"${answers[i]}"`), `${id}: ${answers[i]}`)
        }
      })

      it(`verifies a bundle by command on ${name}`, async () => {
        for (const how of [[], ['--portable']]) {
          const good = await made.on(nodeOf(name), 'node', LAUNCHER, 'verify', 'good.json', '--json', ...how)
          assert.equal(told<{ valid: boolean }>(good).valid, true)
          const bad = await made.on(nodeOf(name), 'node', LAUNCHER, 'verify', 'bad.json', '--json', ...how)
          assert.equal(bad.code, 1)
          assert.match(bad.stdout, /"code":"BUNDLE_QUORUM"/)
        }
      })
    }

    for (const name of ['Node 22.23.3', 'this Node'] as const) {
      it(`runs the demo by npx on ${name}`, async () => {
        const end = await made.on(nodeOf(name), 'npx', '--no', '--', 'web4-node', 'demo', ...DEMO)
        const result = told<{ converged: boolean; conserved: boolean; entries: number; final: number }>(end)
        assert.deepEqual([result.converged, result.conserved, result.final], [true, true, result.entries], end.stderr)
      })
    }

    it('needs no native code for web4 verify --portable, and would for web4 verify', async () => {
      const main = './node_modules/web4-node/dist/node/cli/main.js'
      const check = (...how: string[]) =>
        made.on(process.execPath, 'node', '--import', './no-native.mjs', main, 'verify', 'good.json', '--json', ...how)
      assert.equal(told<{ valid: boolean }>(await check('--portable')).valid, true)
      const native = await check()
      assert.equal(native.code, 1)
      assert.match(native.stderr, /sodium-native\.node/)
    })

    it('has types that a strict program compiles against, the library checked too', async () => {
      const require = createRequire(import.meta.url)
      const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc')
      const options = ['--ignoreConfig', '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024']
      const end = await made.on(process.execPath, 'node', tsc, ...options, '--types', '', 'consumer.ts')
      assert.deepEqual([end.code, end.stdout], [0, ''])
    })

    it('says on Node 20 what is missing, and runs there once the pinned Node is installed', async () => {
      const old = made.binary('old')
      const end = await made.on(old, 'node', LAUNCHER, '--version')
      assert.deepEqual([end.code, end.stdout], [1, ''])
      assert.equal(
        end.stderr,
        'web4 needs Node 22.12 or later; this is 20.20.2, and the pinned one is missing or does not start. ' +
          'Install web4-node again without --omit=optional, or install a newer Node.\n',
      )
      await made.install(tarball)
      const { stdout, code } = await made.on(old, 'node', LAUNCHER, '--version')
      assert.deepEqual([code, stdout], [0, `${packageJson.version}\n`])
    })
  })
})
