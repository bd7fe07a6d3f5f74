import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('../../bin/web4.js', import.meta.url))

describe('launcher', () => {
  let root: string
  let launcher: string
  let children: ChildProcess[]

  beforeEach(async () => {
    children = []
    root = await mkdtemp(join(tmpdir(), 'web4-launcher-'))
    for (const folder of ['bin', 'node/cli', 'dist/node/cli', 'node_modules/.bin']) {
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

  it('prefers what was built', async () => {
    await source('process.exitCode = 7')
    await writeFile(join(root, 'dist/node/cli/main.js'), 'process.exitCode = 3')
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

  it('takes the pinned Node before the running one, and another when it does not start', async () => {
    await source('process.exitCode = 7')
    const pinned = join(root, 'node_modules/.bin/node')
    await writeFile(pinned, '#!/bin/sh\nexit 42\n')
    await chmod(pinned, 0o755)
    assert.equal((await launch([])).code, 42)
    await writeFile(pinned, 'no program')
    await chmod(pinned, 0o644)
    assert.equal((await launch([])).code, 7)
  })

  it('says what is missing when no Node is new enough', async () => {
    await source('process.exitCode = 7')
    const old = join(root, 'old.mjs')
    await writeFile(old, `Object.defineProperty(process.versions, 'node', { value: '20.20.2' })`)
    const end = await launch([], undefined, ['--import', old])
    assert.equal(end.code, 1)
    assert.match(end.stderr, /^web4 needs Node 22\.18 or later; this is 20\.20\.2.*npm ci.*\n$/)
  })
})
