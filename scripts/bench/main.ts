import { parseArgs } from 'node:util'
import { benchAtp } from './atp.ts'
import { benchCrypto } from './crypto.ts'
import { benchEconomy } from './economy.ts'
import { benchIngest } from './ingest.ts'
import { benchMint } from './mint.ts'
import { benchPropagation } from './propagation.ts'
import { benchReplicate } from './replicate.ts'
import type { BenchResult } from './result.ts'

const benches: Readonly<Record<string, () => Promise<BenchResult>>> = {
  crypto: benchCrypto,
  ingest: benchIngest,
  mint: benchMint,
  atp: benchAtp,
  economy: benchEconomy,
  replicate: benchReplicate,
  propagation: benchPropagation,
}

/** `npm run bench -- NAME [--json]`: the table for people; with --json it goes to stderr and the result is the last line. */
async function main(): Promise<void> {
  const { values, positionals } = readArguments()
  const [name] = positionals
  const bench = name !== undefined && Object.hasOwn(benches, name) ? benches[name] : undefined
  if (bench === undefined || positionals.length !== 1) {
    process.stderr.write(`usage: npm run bench -- NAME [--json], NAME one of: ${Object.keys(benches).join(', ')}\n`)
    process.exitCode = 2
    return
  }
  const result = await bench()
  const people = values.json ? process.stderr : process.stdout
  people.write(table(result))
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`)
}

function readArguments(): { readonly values: { readonly json: boolean }; readonly positionals: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } })
    return { values: { json: values.json ?? false }, positionals }
  } catch {
    // An option that does not exist: as no name at all, that is answered with the usage.
    return { values: { json: false }, positionals: [] }
  }
}

function table(result: BenchResult): string {
  const rows = Object.entries(result).flatMap(([name, value]) => {
    if (Array.isArray(value)) return value.map((item, index) => [`${name} ${index + 1}`, item] as const)
    return typeof value === 'object' && value !== null ? Object.entries(value) : [[name, value] as const]
  })
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${format(value)}\n`).join('')
}

function format(value: unknown): string {
  if (typeof value === 'number') return value.toLocaleString('en', { maximumFractionDigits: 3 })
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([name, member]) => `${name} ${format(member)}`)
    .join(', ')
}

await main()
