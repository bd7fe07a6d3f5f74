import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { bundleVectors } from './vectors/bundles.ts'
import { c2spVectors } from './vectors/c2sp.ts'
import { canonicalVectors } from './vectors/canonical.ts'
import { decayVectors } from './vectors/decay.ts'
import { digestVectors } from './vectors/digests.ts'
import { type VectorFiles, vectorText } from './vectors/file.ts'
import { forkVectors } from './vectors/forks.ts'
import { groupVectors } from './vectors/groups.ts'
import { logVectors } from './vectors/logs.ts'
import { nameVectors } from './vectors/names.ts'
import { recordVectors } from './vectors/records.ts'
import { signatureVectors } from './vectors/signatures.ts'
import { snapshotVectors } from './vectors/snapshots.ts'

/**
 * `npm run vectors`: makes all test vectors anew and says where the frozen ones differ; with --write they are replaced. A
 * difference means that what nodes must agree on has changed: that is a new protocol number, or a bug.
 */
const folder = new URL('../test/vectors/', import.meta.url)
const write = process.argv.includes('--write')

function makeAll(): VectorFiles {
  return {
    ...canonicalVectors(),
    ...nameVectors(),
    ...signatureVectors(),
    ...decayVectors(),
    ...digestVectors(),
    ...snapshotVectors(),
    ...logVectors(),
    ...recordVectors(),
    ...bundleVectors(),
    ...forkVectors(),
    ...groupVectors(),
    ...c2spVectors(),
  }
}

const stale: string[] = []
const files = Object.entries(makeAll())
for (const [path, file] of files) {
  const url = new URL(path, folder)
  const text = vectorText(file)
  const frozen = await readFile(url, 'utf8').catch(() => undefined)
  if (frozen === text) continue
  stale.push(path)
  if (!write) continue
  await mkdir(new URL('.', url), { recursive: true })
  await writeFile(url, text)
}

const cases = files.reduce((sum, [, file]) => sum + file.cases.length, 0)
process.stdout.write(`${cases} cases in ${files.length} files\n`)
for (const path of stale) process.stdout.write(`${write ? 'written' : 'differs from the frozen bytes'}: ${path}\n`)
if (!write && stale.length > 0) process.exitCode = 1
