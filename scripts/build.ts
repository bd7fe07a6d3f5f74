import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `npm run build`, and before each `npm pack`: dist/ for the package, from nothing, so that no file of yesterday is left in it. */

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
const require = createRequire(import.meta.url)
const typescript = require.resolve('typescript/package.json')
const { bin } = require(typescript) as { bin: { tsc: string } }

rmSync(dist, { recursive: true, force: true })
const { status } = spawnSync(process.execPath, [join(dirname(typescript), bin.tsc), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
})
if (status === 0) {
  // tsc copies what node/version.ts imports. A second whole manifest would have entries that lead nowhere.
  const path = join(dist, 'package.json')
  const { type, version } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>
  writeFileSync(path, `${JSON.stringify({ type, version }, null, 2)}\n`)
}
process.exitCode = status ?? 1
