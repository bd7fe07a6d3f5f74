import type { Command } from 'commander'
import { addCommand, type Cli, count, run } from '../command.ts'

interface DemoOptions {
  readonly societies: number
  readonly members: number
  readonly seconds: number
  readonly rate: number
  /** Chosen by the demo if absent. */
  readonly seed?: number
  readonly keep: boolean
  readonly json: boolean
  /** Asked to end: stop every process that it started, then return. */
  readonly signal: AbortSignal
}

type Options = Omit<DemoOptions, 'json' | 'keep' | 'signal'> & { readonly keep?: boolean }

export function demo(cli: Cli, program: Command): void {
  const command = addCommand(
    program,
    'demo',
    'a federation of real nodes on this machine: births, payments, attestations, checks',
    false,
  )
    .option('--societies <n>', 'nodes, at least three', count(1, 100), 5)
    .option('--members <n>', 'members of each society at the start', count(1, 10_000), 8)
    .option('--seconds <n>', 'length of the load', count(1, 86_400), 20)
    .option('--rate <n>', 'records per second, all societies together', count(1, 100_000), 50)
    .option('--seed <n>', 'of the load; the same seed makes the same load', count(0, 2 ** 32 - 1))
    .option('--keep', 'keep the data folders')
  run<Options>(cli, command, async ({ context, options }) => {
    const { runDemo } = await import('../../../sim/real/demo.ts')
    const { json, keep, ...numbers } = options
    const stop = new AbortController()
    void context.ended().then(() => stop.abort())
    const demoOptions: DemoOptions = { ...numbers, keep: keep === true, json: json === true, signal: stop.signal }
    cli.exitCode = await runDemo(demoOptions)
    return undefined
  })
}
