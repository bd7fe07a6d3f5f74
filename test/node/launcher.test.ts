import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import packageJson from '../../package.json' with { type: 'json' }

const LAUNCHER = fileURLToPath(new URL('../../bin/web4.js', import.meta.url))

describe('launcher', () => {
  let root: string
  let launcher: string
  let children: ChildProcess[]

  beforeEach(async () => {
    children = []
    root = await mkdtemp(join(tmpdir(), 'web4-launcher-'))
    for (const folder of ['bin', 'node/cli', 'dist/node/cli']) {
      await mkdir(join(root, folder), { recursive: true })
    }
    await writeFile(join(root, 'package.json'), '{"type":"module"}')
    launcher = join(root, 'bin', 'web4.js')
    await copyFile(LAUNCHER, launcher)
  })
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL')
    await rm(root, { recursive: true })
  })

  const source = (text: string) => writeFile(join(root, 'node/cli/main.ts'), text)
  const built = (text: string) => writeFile(join(root, 'dist/node/cli/main.js'), text)

  interface End {
    readonly code: number | null
    readonly signal: NodeJS.Signals | null
    readonly stdout: string
    readonly stderr: string
  }

  /** Runs the launcher under the Node of this test; `meanwhile` gets the process and a wait for its first output. */
  async function launch(
    args: readonly string[],
    meanwhile: (child: ChildProcess) => void = () => {},
    nodeArgs: readonly string[] = [],
  ): Promise<End> {
    const child = spawn(process.execPath, [...nodeArgs, launcher, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    children.push(child)
    const text = { stdout: '', stderr: '' }
    child.stdout.once('data', () => meanwhile(child))
    child.stdout.on('data', (piece: Buffer) => {
      text.stdout += piece.toString()
    })
    child.stderr.on('data', (piece: Buffer) => {
      text.stderr += piece.toString()
    })
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    return { code, signal, ...text }
  }

  it('passes arguments and exit code on', async () => {
    await source('const code: number = 7\nconsole.log(process.argv.slice(2).join("|"))\nprocess.exitCode = code')
    const end = await launch(['atp', 'mint', '--json', 'two words'])
    assert.deepEqual(end, { code: 7, signal: null, stdout: 'atp|mint|--json|two words\n', stderr: '' })
  })

  it('never runs what was built in a clone: it may be of yesterday', async () => {
    await source('process.exitCode = 7')
    await built('process.exitCode = 3')
    assert.equal((await launch([])).code, 7)
  })

  it('runs what was built where there is no source, as in the package', async () => {
    await built('process.exitCode = 3')
    assert.equal((await launch([])).code, 3)
  })

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    it(`passes ${signal} on, and lets the command end by itself`, async () => {
      await source(
        `process.on('${signal}', () => { console.log('got it'); process.exit(5) }); setInterval(() => {}, 1000); console.log('up')`,
      )
      const end = await launch([], child => child.kill(signal))
      assert.deepEqual(end, { code: 5, signal: null, stdout: 'up\ngot it\n', stderr: '' })
    })

    it(`dies of ${signal} when the command does`, async () => {
      await source(`setInterval(() => {}, 1000); console.log('up')`)
      const end = await launch([], child => child.kill(signal))
      assert.deepEqual([end.code, end.signal], [null, signal])
    })
  }

  it('dies of SIGKILL when the command does', async () => {
    await source(
      `setInterval(() => {}, 1000); process.stdout.write(String(process.pid))\nsetTimeout(() => process.kill(process.pid, 'SIGKILL'), 20)`,
    )
    const end = await launch([])
    assert.deepEqual([end.code, end.signal], [null, 'SIGKILL'])
  })

  /** What npm installs beside us for this machine. */
  async function pin(text: string, mode: number): Promise<void> {
    const name = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
    const platform = process.platform === 'win32' ? 'win' : process.platform
    const folder = join(root, 'node_modules', `${name}-${platform}-${process.arch}`)
    await mkdir(join(folder, 'bin'), { recursive: true })
    await writeFile(join(folder, 'package.json'), '{}')
    await writeFile(join(folder, 'bin', 'node'), text)
    await chmod(join(folder, 'bin', 'node'), mode)
  }

  /** Options for a Node that says to be of another version. */
  async function pretend(version: string): Promise<string[]> {
    const path = join(root, 'pretend.mjs')
    await writeFile(path, `Object.defineProperty(process.versions, 'node', { value: '${version}' })`)
    return ['--import', path]
  }

  it('takes the running Node where it is new enough, the pinned one where it is too old', async () => {
    await source('process.exitCode = 7')
    await pin('#!/bin/sh\nexit 42\n', 0o755)
    assert.equal((await launch([])).code, 7)
    assert.equal((await launch([], undefined, await pretend('20.20.2'))).code, 42)
  })

  // Which Node each of the two forms needs: package.test.ts runs the oldest one for real.
  const bounds = [
    {
      form: 'source',
      versions: {
        '20.20.2': false,
        '22.17.1': false,
        '22.18.0': true,
        '23.5.0': false,
        '23.6.0': true,
        '24.0.0': true,
      },
    },
    {
      form: 'built',
      versions: { '20.20.2': false, '22.11.0': false, '22.12.0': true, '23.0.0': true, '24.0.0': true },
    },
  ]
  for (const { form, versions } of bounds) {
    it(`knows from which Node on it can run what is ${form}`, async () => {
      await (form === 'source' ? source : built)('process.exitCode = 7')
      await pin('#!/bin/sh\nexit 42\n', 0o755)
      for (const [version, enough] of Object.entries(versions))
        assert.equal((await launch([], undefined, await pretend(version))).code, enough ? 7 : 42, version)
    })
  }

  it('says in package.json from which Node on the package runs', () => {
    assert.equal(packageJson.engines.node, '>=22.12')
  })

  for (const [form, advice] of [
    ['source', /^web4 needs Node 22\.18 or later; this is 20\.20\.2,.* Run `npm ci` without.*\n$/],
    ['built', /^web4 needs Node 22\.12 or later; this is 20\.20\.2,.* Install web4-node again without.*\n$/],
  ] as const) {
    it(`says what is missing when no Node is new enough for what is ${form}`, async () => {
      await (form === 'source' ? source : built)('process.exitCode = 7')
      const old = await pretend('20.20.2')
      const none = await launch([], undefined, old)
      assert.deepEqual([none.code, none.stdout], [1, ''])
      assert.match(none.stderr, advice)
      // As with a build for another C library.
      await pin('no program', 0o644)
      const broken = await launch([], undefined, old)
      assert.deepEqual([broken.code, broken.stdout, broken.stderr], [1, '', none.stderr])
    })
  }
})
