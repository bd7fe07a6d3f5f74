import { readFile, writeFile } from 'node:fs/promises'
import { configurationPage } from '../node/config/describe.ts'

/** Writes the pages of docs/ that are made from code; with --check only says which are out of date. */
const pages: Record<string, () => string> = { 'docs/configuration.md': configurationPage }

const stale: string[] = []
for (const [path, page] of Object.entries(pages)) {
  const url = new URL(`../${path}`, import.meta.url)
  const written = await readFile(url, 'utf8').catch(() => '')
  if (written === page()) continue
  stale.push(path)
  if (!process.argv.includes('--check')) await writeFile(url, page())
}
if (stale.length > 0)
  process.stdout.write(`${process.argv.includes('--check') ? 'out of date' : 'written'}: ${stale.join(', ')}\n`)
if (process.argv.includes('--check') && stale.length > 0) process.exitCode = 1
