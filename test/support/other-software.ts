import assert from 'node:assert/strict'
import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const ROOMS = ['src', 'protocols', 'node', 'package.json']

/**
 * A copy of this software in a folder of its own, with one place changed: what a defence is good for shows without it.
 * Whoever renames that place gets a failure here. `main`: its command line; the caller removes `dir`.
 */
export async function changedSoftware(
  file: string,
  before: string,
  after: string,
): Promise<{ readonly dir: string; readonly main: string }> {
  const dir = await mkdtemp(join(tmpdir(), 'web4-changed-'))
  for (const room of ROOMS) await cp(join(ROOT, room), join(dir, room), { recursive: true })
  // Windows makes junctions without a privilege.
  await symlink(join(ROOT, 'node_modules'), join(dir, 'node_modules'), 'junction')
  const path = join(dir, file)
  const parts = (await readFile(path, 'utf8')).split(before)
  assert.equal(parts.length, 2, `${file} holds this once: ${before}`)
  await writeFile(path, parts.join(after))
  return { dir, main: join(dir, 'node', 'cli', 'main.ts') }
}
