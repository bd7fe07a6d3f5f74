import { type Command, InvalidArgumentError, Option } from 'commander'
import { keyBytes } from '../../src/encoding.ts'
import { CodedError, codes } from '../../src/rejection.ts'
import { formatAtp, type MicroAtp, parseAtp } from '../../src/units.ts'
import { adviceFor } from '../api/advice.ts'
import type { Client } from '../api/client.ts'
import type { CliContext } from './context.ts'
import { findNode, type NodeOptions } from './find-node.ts'

/** What a command found out: an object for `--json`, text for people. `bytes` instead of both: written as they are. */
export interface Outcome {
  readonly facts: object
  readonly text: string
  readonly bytes?: Uint8Array
  /** Default 0. */
  readonly exitCode?: number
}

/** One answer for a command that does the same to several things. */
export function together(outcomes: readonly Outcome[]): Outcome {
  const [first] = outcomes
  const facts = outcomes.length === 1 && first !== undefined ? first.facts : { all: outcomes.map(one => one.facts) }
  return { facts, text: outcomes.map(({ text }) => text).join('\n') }
}

/** What the body of a command gets beside its own arguments and options. */
export interface Call<Options> {
  readonly options: Options & { readonly json?: boolean }
  readonly args: readonly string[]
  readonly context: CliContext
  /** The node that --url or --dir points to. */
  client(): Promise<Client>
  print(outcome: Outcome): void
  /** Waits, and says so on stderr when it takes longer than a second. */
  progress<T>(what: string, work: Promise<T>): Promise<T>
}

/** One whole command line. `exitCode` is what the process ends with. */
export interface Cli {
  readonly context: CliContext
  exitCode: number
}

const PROGRESS_FIRST_MS = 1_000
const PROGRESS_AGAIN_MS = 5_000

/** A command with `--json`, and, if it talks to a node, `--url` and `--dir`. */
export function addCommand(parent: Command, name: string, description: string, talksToNode = true): Command {
  const command = parent.command(name).description(description)
  command.addOption(new Option('--json', 'one JSON object on stdout'))
  if (talksToNode) {
    command.addOption(new Option('--url <url>', 'API of the node (environment: WEB4_URL)'))
    command.addOption(new Option('--dir <folder>', 'data folder of the node (environment: WEB4_DIR)'))
  }
  return command
}

/** Gives a command its body: errors and answers of all commands look alike. */
export function run<Options extends object>(
  cli: Cli,
  command: Command,
  body: (call: Call<Options>) => Promise<Outcome | undefined>,
): void {
  command.action(async () => {
    const options = command.opts<Options & NodeOptions & { json?: boolean }>()
    const json = options.json === true
    const call: Call<Options> = {
      options,
      args: command.processedArgs.flat() as string[],
      context: cli.context,
      client: () => findNode(options, cli.context.env),
      print: outcome => print(cli, outcome, json),
      progress: (what, work) => withProgress(cli.context, what, work),
    }
    try {
      const outcome = await body(call)
      if (outcome === undefined) return
      call.print(outcome)
      cli.exitCode = outcome.exitCode ?? 0
    } catch (error) {
      if (!(error instanceof CodedError)) throw error
      cli.exitCode = reportError(cli.context, error, json)
    }
  })
}

function print({ context }: Cli, outcome: Outcome, json: boolean): void {
  if (outcome.bytes !== undefined) context.stdout(outcome.bytes)
  else context.stdout(`${json ? JSON.stringify(outcome.facts) : outcome.text}\n`)
}

/** The code, what happened and what to do. Returns the exit code. */
export function reportError(context: CliContext, error: CodedError, json: boolean): number {
  const { code, message } = error
  const advice = adviceFor(code)
  context.stderr(`web4: ${code}: ${message}\n${advice === undefined ? '' : `  ${advice}\n`}`)
  if (json) context.stdout(`${JSON.stringify({ error: { code, w4: codes[code].w4, detail: message, advice } })}\n`)
  return code === 'BAD_REQUEST' ? 2 : 1
}

async function withProgress<T>(context: CliContext, what: string, work: Promise<T>): Promise<T> {
  const began = context.now()
  let timer: NodeJS.Timeout
  const say = () => {
    context.stderr(`${what} … ${Math.round((context.now() - began) / 1_000)} s\n`)
    timer = setTimeout(say, PROGRESS_AGAIN_MS)
  }
  timer = setTimeout(say, PROGRESS_FIRST_MS)
  try {
    return await work
  } finally {
    clearTimeout(timer)
  }
}

/** Argument parsers for commander: what they refuse is a mistake on the command line. */
export function atpAmount(text: string): MicroAtp {
  const micro = parseAtp(text)
  if (micro === undefined || micro === 0) {
    throw new InvalidArgumentError('Give ATP with at most six decimal places, from 0.000001 to 9007199254.740991.')
  }
  return micro
}

export function count(minimum: number, maximum: number): (text: string) => number {
  return text => {
    const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
    if (!(number >= minimum && number <= maximum)) {
      throw new InvalidArgumentError(`Give a whole number from ${minimum} to ${maximum}.`)
    }
    return number
  }
}

/** Collects a repeated option of keys. */
export function keyList(text: string, before: readonly string[] = []): readonly string[] {
  if (keyBytes(text) === undefined) throw new InvalidArgumentError('Give public keys as z6Mk….')
  return [...before, text]
}

export function atpText(micro: MicroAtp): string {
  return `${formatAtp(micro)} ATP`
}
