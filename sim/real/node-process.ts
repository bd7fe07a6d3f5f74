import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type Client, createClient } from '../../node/api/client.ts'
import { readOperatorToken } from '../../node/api/token.ts'

/** How long a node may take to answer after its start; key derivation and thread starts included, on a busy machine. */
const START_MS = 60_000
const STOP_MS = 20_000

export interface NodeProcessOptions {
  readonly name: string
  readonly dir: string
  readonly passphrase: string
  /** Path of the CLI's main file. */
  readonly main: string
  readonly args?: readonly string[]
  /** Nodes to keep a connection to. */
  readonly peers?: readonly string[]
}

/** A real node in a process of its own, driven over its HTTP API. */
export class NodeProcess {
  readonly name: string
  readonly client: Client
  readonly url: string
  readonly addresses: readonly string[]
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  readonly #errors: readonly string[]

  private constructor(
    name: string,
    child: ChildProcess,
    ended: Promise<void>,
    started: { url: string; addresses: readonly string[] },
    client: Client,
    errors: readonly string[],
  ) {
    this.name = name
    this.url = started.url
    this.addresses = started.addresses
    this.client = client
    this.#child = child
    this.#ended = ended
    this.#errors = errors
  }

  static async start(options: NodeProcessOptions): Promise<NodeProcess> {
    const { dir, main, name, passphrase } = options
    const args = [
      main,
      'start',
      '--json',
      '--dir',
      dir,
      '--api-port',
      '0',
      '--log-level',
      'warn',
      ...(options.args ?? []),
    ]
    if (options.peers !== undefined && options.peers.length > 0) args.push('--peers', options.peers.join(','))
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, WEB4_PASSPHRASE: passphrase },
    })
    const errors: string[] = []
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors.push(text)
      if (errors.length > 200) errors.shift()
    })
    const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
    const timer = setTimeout(() => child.kill('SIGKILL'), START_MS)
    try {
      const started = await firstLine(child, ended)
      // A command that fails prints one object too: its error.
      if (started?.url === undefined) throw new Error(`node ${name} did not start:\n${errors.join('').slice(-4000)}`)
      const token = await readOperatorToken(dir)
      const client = createClient({ url: started.url, ...(token === undefined ? {} : { token }) })
      return new NodeProcess(name, child, ended, started, client, errors)
    } finally {
      clearTimeout(timer)
    }
  }

  /** The newest lines of its log. */
  get log(): string {
    return this.#errors.join('')
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** As if the power failed for this process: nothing is flushed, nobody is told. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** Asks the node to end; by force when it does not. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS)
    await this.#ended
    clearTimeout(timer)
  }
}

async function firstLine(
  child: ChildProcess,
  ended: Promise<void>,
): Promise<{ url: string; addresses: readonly string[] } | undefined> {
  if (child.stdout === null) return undefined
  const lines = createInterface({ input: child.stdout })
  const line = await Promise.race([
    new Promise<string>(resolve => lines.once('line', resolve)),
    ended.then(() => undefined),
  ])
  child.stdout.resume()
  return line === undefined ? undefined : (JSON.parse(line) as { url: string; addresses: readonly string[] })
}
