import { fileURLToPath } from 'node:url'
import { lists } from './tidy/lists.ts'
import { tidy } from './tidy/tidy.ts'

/** Says what biome, tsc and knip do not: `file:line sentence` for each finding, and exit code 1 if there is any. */
const findings = tidy(fileURLToPath(new URL('..', import.meta.url)), lists)
for (const { file, line, text } of findings) process.stdout.write(`${file}:${line} ${text}\n`)
if (findings.length > 0) process.exitCode = 1
